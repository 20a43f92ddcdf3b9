/*
 * /proc/PID/ and /proc/PID/task/TID/: one table of names, contents by the provider. Whether the
 * process still exists is found out at each use.
 */
#include "fs/procfs_internal.h"
#include "kernel/printk.h"
#include "kernel/string.h"

#define TYPE_DIRECTORY 4u
#define TYPE_FILE      8u
#define TYPE_LINK      10u
#define NUMBER_MAX     12u
#define WHOLE          0x80000000u /* bit of a packed code: the process, not the thread */
#define MOUNTS         1000u       /* items beside enum procfs_item */
#define MOUNTINFO      1001u

enum entry_kind { KIND_FILE, KIND_LINK, KIND_FD, KIND_FDINFO, KIND_TASK };

struct process_entry {
    const char *name;
    enum entry_kind kind;
    uint32_t permissions;
    uint32_t item;  /* enum procfs_item or enum procfs_link */
    bool inspected; /* only for who may look into the process */
};

static const struct process_entry process_entries[] = {
    {"task", KIND_TASK, 0555, 0, false},
    {"fd", KIND_FD, 0500, 0, false},
    {"fdinfo", KIND_FDINFO, 0555, 0, false},
    {"environ", KIND_FILE, 0400, PROCFS_ENVIRON, true},
    {"auxv", KIND_FILE, 0400, PROCFS_AUXV, true},
    {"status", KIND_FILE, 0444, PROCFS_STATUS, false},
    {"personality", KIND_FILE, 0400, PROCFS_PERSONALITY, true},
    {"limits", KIND_FILE, 0444, PROCFS_LIMITS, false},
    {"comm", KIND_FILE, 0644, PROCFS_COMM, false},
    {"syscall", KIND_FILE, 0400, PROCFS_SYSCALL, true},
    {"cmdline", KIND_FILE, 0444, PROCFS_CMDLINE, false},
    {"stat", KIND_FILE, 0444, PROCFS_STAT, false},
    {"statm", KIND_FILE, 0444, PROCFS_STATM, false},
    {"maps", KIND_FILE, 0444, PROCFS_MAPS, true},
    {"cwd", KIND_LINK, 0777, PROCFS_CWD, true},
    {"root", KIND_LINK, 0777, PROCFS_ROOT, true},
    {"exe", KIND_LINK, 0777, PROCFS_EXE, true},
    {"mounts", KIND_FILE, 0444, MOUNTS, false},
    {"mountinfo", KIND_FILE, 0444, MOUNTINFO, false},
    {"smaps", KIND_FILE, 0444, PROCFS_SMAPS, true},
    {"wchan", KIND_FILE, 0444, PROCFS_WCHAN, false},
    {"stack", KIND_FILE, 0400, PROCFS_STACK, true},
    {"oom_score", KIND_FILE, 0444, PROCFS_OOM_SCORE, false},
    {"oom_score_adj", KIND_FILE, 0644, PROCFS_OOM_SCORE_ADJ, false},
    {"coredump_filter", KIND_FILE, 0644, PROCFS_COREDUMP_FILTER, false},
    {"io", KIND_FILE, 0400, PROCFS_IO, true},
};

static const struct process_entry *entry_of_item(uint32_t item)
{
    for (size_t i = 0; i < ARRAY_SIZE(process_entries); i++) {
        if (process_entries[i].kind == KIND_FILE && process_entries[i].item == item) {
            return &process_entries[i];
        }
    }
    return NULL;
}

static int item_show(struct inode *inode, struct text *text)
{
    pid_nr_t tid = procfs_packed_tid(inode->private);
    uint32_t code = procfs_packed_code(inode->private);
    uint32_t item = code & ~WHOLE;
    const struct process_entry *entry = entry_of_item(item);
    int error = 0;

    if (!procfs_is_same(inode)) {
        return -ESRCH;
    }
    if (entry->inspected) {
        error = procfs_inspect(inode);
    }
    if (error != 0) {
        return error == -ENOENT ? -ESRCH : error;
    }
    if (item == MOUNTS) {
        return procfs_show_mounts(tid, text);
    }
    if (item == MOUNTINFO) {
        return procfs_show_mountinfo(tid, text);
    }
    error = procfs_provider->show(tid, (code & WHOLE) != 0, (enum procfs_item)item, text);
    if (error == 0 && entry->inspected) {
        error = procfs_inspect(inode);
    }
    return error == -ENOENT ? -ESRCH : error;
}

static ssize64_t item_store(struct inode *inode, const char *data, size_t len)
{
    pid_nr_t tid = procfs_packed_tid(inode->private);
    uint32_t item = procfs_packed_code(inode->private) & ~WHOLE;
    int error = procfs_provider->store(tid, inode->procfs_generation, (enum procfs_item)item, data,
                                       len);

    return error != 0 ? error : (ssize64_t)len;
}

static const struct pseudo_file read_only_file = {item_show, NULL};
static const struct pseudo_file writable_file = {item_show, item_store};

static int link_get(struct inode *inode, struct dentry **out)
{
    pid_nr_t tid = procfs_packed_tid(inode->private);
    int error = procfs_inspect(inode);

    if (error == 0) {
        error = procfs_provider->link(tid, (enum procfs_link)procfs_packed_code(inode->private), out);
    }
    if (error != 0) {
        return error;
    }
    error = procfs_inspect(inode);
    if (error != 0) {
        dentry_put(*out);
    }
    return error;
}

static ssize64_t link_readlink(struct inode *inode, char *buf, size_t size)
{
    struct dentry *dentry, *root;
    const char *path;
    int error = link_get(inode, &dentry);
    size_t len;

    if (error != 0) {
        return error;
    }
    root = procfs_own_root();
    path = dentry_path(dentry, root, buf, size, NULL);
    if (root != NULL) {
        dentry_put(root);
    }
    dentry_put(dentry);
    if (path == NULL) {
        return -ENAMETOOLONG;
    }
    len = strlen(path);
    memmove(buf, path, len + 1);
    return (ssize64_t)len;
}

static const struct inode_ops link_ops = {.readlink = link_readlink, .follow = link_get};

static bool thread_belongs(pid_nr_t pid, pid_nr_t tid)
{
    return tid != 0 && procfs_provider->next_tid(pid, tid) == tid;
}

static int task_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    pid_nr_t pid = procfs_packed_tid(dir->private);
    pid_nr_t tid = procfs_parse_number(name, len);

    if (!procfs_is_same(dir) || !thread_belongs(pid, tid)) {
        return -ENOENT;
    }
    *out = procfs_pid_inode(dir->super, tid, false);
    return *out != NULL ? 0 : -ENOMEM;
}

static int task_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    pid_nr_t pid = procfs_packed_tid(dir->private);
    pid_nr_t tid = (pid_nr_t)(*pos - 2);
    char name[NUMBER_MAX];

    if (!procfs_is_same(dir)) {
        return -ENOENT;
    }
    while ((tid = procfs_provider->next_tid(pid, tid)) != 0) {
        size_t len = (size_t)ksnprintf(name, sizeof(name), "%d", tid);

        if (!dir_emit(emitter, name, len, (uint64_t)tid + 1, TYPE_DIRECTORY, (uint64_t)tid + 3)) {
            break;
        }
        *pos = (uint64_t)tid + 3;
        tid++;
    }
    return 0;
}

static const struct pseudo_dir task_dir = {task_lookup, task_iterate};

static struct inode *entry_inode(struct inode *dir, const struct process_entry *entry)
{
    pid_nr_t tid = procfs_packed_tid(dir->private);
    uint32_t whole = procfs_packed_code(dir->private);
    const struct pseudo_file *file =
        (entry->permissions & 0200) != 0 ? &writable_file : &read_only_file;

    switch (entry->kind) {
    case KIND_LINK:
        return pseudo_magic_inode(dir->super, &link_ops, procfs_pack(tid, entry->item));
    case KIND_FD:
        return pseudo_dir_inode(dir->super, entry->permissions, &procfs_fd_dir,
                                procfs_pack(tid, 0));
    case KIND_FDINFO:
        return pseudo_dir_inode(dir->super, entry->permissions, &procfs_fdinfo_dir,
                                procfs_pack(tid, 0));
    case KIND_TASK:
        return pseudo_dir_inode(dir->super, entry->permissions, &task_dir, procfs_pack(tid, 0));
    default:
        return pseudo_file_inode(dir->super, entry->permissions, file,
                                 procfs_pack(tid, entry->item | whole));
    }
}

static bool entry_is_here(const struct process_entry *entry, uint32_t whole)
{
    return entry->kind != KIND_TASK || whole != 0;
}

static int pid_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    pid_nr_t tid = procfs_packed_tid(dir->private);
    uint32_t whole = procfs_packed_code(dir->private);

    if (!procfs_is_same(dir)) {
        return -ENOENT;
    }
    for (size_t i = 0; i < ARRAY_SIZE(process_entries); i++) {
        const struct process_entry *entry = &process_entries[i];

        if (strlen(entry->name) != len || memcmp(entry->name, name, len) != 0 ||
            !entry_is_here(entry, whole)) {
            continue;
        }
        *out = entry_inode(dir, entry);
        if (*out == NULL) {
            return -ENOMEM;
        }
        procfs_own_inode(*out, tid, i + 2 + (whole != 0 ? 0x800 : 0));
        return 0;
    }
    return -ENOENT;
}

static unsigned entry_type(const struct process_entry *entry)
{
    if (entry->kind == KIND_FILE) {
        return TYPE_FILE;
    }
    return entry->kind == KIND_LINK ? TYPE_LINK : TYPE_DIRECTORY;
}

static int pid_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    uint32_t whole = procfs_packed_code(dir->private);

    for (; *pos - 2 < ARRAY_SIZE(process_entries); ++*pos) {
        const struct process_entry *entry = &process_entries[*pos - 2];

        if (entry_is_here(entry, whole) &&
            !dir_emit(emitter, entry->name, strlen(entry->name), dir->ino + *pos, entry_type(entry),
                      *pos + 1)) {
            break;
        }
    }
    return 0;
}

static const struct pseudo_dir pid_dir = {pid_lookup, pid_iterate};

struct inode *procfs_pid_inode(struct super *super, pid_nr_t tid, bool whole)
{
    struct inode *inode =
        pseudo_dir_inode(super, 0555, &pid_dir, procfs_pack(tid, whole ? WHOLE : 0));

    if (inode != NULL) {
        procfs_own_inode(inode, tid, whole ? 0 : 1);
    }
    return inode;
}
