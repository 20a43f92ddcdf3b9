/*
 * /proc's root: fixed names from tables, "self", "thread-self", and one directory for each process.
 * Entries are made per look-up, so that a process that ended leaves nothing behind.
 */
#include "fs/procfs.h"

#include "fs/procfs_internal.h"
#include "fs/vfs.h"
#include "kernel/assert.h"
#include "kernel/printk.h"
#include "kernel/string.h"

#define FIRST_PID_POS  1024u /* readdir position of process 0 */
#define NUMBER_MAX     12u
#define TYPE_DIRECTORY 4u
#define PROC_INO_PID   0x100000000ull

const struct procfs_provider *procfs_provider;

void procfs_set_provider(const struct procfs_provider *provider)
{
    procfs_provider = provider;
}

pid_nr_t procfs_parse_number(const char *name, size_t len)
{
    pid_nr_t number = 0;

    if (len == 0 || len > 9 || name[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return 0;
        }
        number = number * 10 + (name[i] - '0');
    }
    return number;
}

void procfs_own_inode(struct inode *inode, pid_nr_t tid, uint64_t code)
{
    struct procfs_owner owner;

    inode->ino = PROC_INO_PID + ((uint64_t)tid << 12) + code;
    if (procfs_provider->owner(tid, &owner) == 0) {
        inode->uid = owner.uid;
        inode->gid = owner.gid;
        inode->procfs_generation = owner.generation;
    }
}

bool procfs_is_same(const struct inode *inode)
{
    struct procfs_owner owner;

    return procfs_provider->owner(procfs_packed_tid(inode->private), &owner) == 0 &&
           owner.generation == inode->procfs_generation;
}

int procfs_inspect(const struct inode *inode)
{
    bool may = procfs_provider->may_inspect(procfs_packed_tid(inode->private));

    if (!procfs_is_same(inode)) {
        return -ENOENT;
    }
    return may ? 0 : -EACCES;
}

struct dentry *procfs_own_root(void)
{
    struct dentry *root;

    if (procfs_provider->link(procfs_provider->self_tid(), PROCFS_ROOT, &root) != 0) {
        return NULL;
    }
    return root;
}

static ssize64_t self_readlink(struct inode *inode, char *buf, size_t size)
{
    (void)inode;
    return ksnprintf(buf, size, "%d", procfs_provider->self_pid());
}

static ssize64_t thread_self_readlink(struct inode *inode, char *buf, size_t size)
{
    (void)inode;
    return ksnprintf(buf, size, "%d/task/%d", procfs_provider->self_pid(),
                     procfs_provider->self_tid());
}

static const struct inode_ops self_ops = {.readlink = self_readlink};
static const struct inode_ops thread_self_ops = {.readlink = thread_self_readlink};

static bool name_is(const char *name, size_t len, const char *want)
{
    return strlen(want) == len && memcmp(name, want, len) == 0;
}

static int root_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    const struct pseudo_entry *entry = pseudo_table_find(procfs_root_table, name, len);
    pid_nr_t pid = procfs_parse_number(name, len);
    struct procfs_owner owner;

    if (entry != NULL) {
        *out = pseudo_table_inode(dir->super, entry);
    } else if (name_is(name, len, "self")) {
        *out = pseudo_magic_inode(dir->super, &self_ops, NULL);
    } else if (name_is(name, len, "thread-self")) {
        *out = pseudo_magic_inode(dir->super, &thread_self_ops, NULL);
    } else if (pid != 0 && procfs_provider->owner(pid, &owner) == 0) {
        *out = procfs_pid_inode(dir->super, pid, true);
    } else {
        return -ENOENT;
    }
    return *out != NULL ? 0 : -ENOMEM;
}

static bool emit_pids(uint64_t *pos, struct dir_emitter *emitter)
{
    char name[NUMBER_MAX];
    pid_nr_t pid = (pid_nr_t)(*pos - FIRST_PID_POS);

    while ((pid = procfs_provider->next_pid(pid)) != 0) {
        size_t len = (size_t)ksnprintf(name, sizeof(name), "%d", pid);
        uint64_t next = FIRST_PID_POS + (uint64_t)pid + 1;

        if (!dir_emit(emitter, name, len, PROC_INO_PID + ((uint64_t)pid << 12), TYPE_DIRECTORY,
                      next)) {
            return false;
        }
        *pos = next;
        pid++;
    }
    return true;
}

/* The two links stand before the processes. */
static bool emit_selves(uint64_t *pos, struct dir_emitter *emitter)
{
    static const char *const names[] = {"self", "thread-self"};
    const uint64_t first = FIRST_PID_POS - ARRAY_SIZE(names);

    *pos = MAX(*pos, first);
    while (*pos < FIRST_PID_POS) {
        const char *name = names[*pos - first];

        if (!dir_emit(emitter, name, strlen(name), 2 + *pos - first, 10, *pos + 1)) {
            return false;
        }
        ++*pos;
    }
    return true;
}

static int root_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    (void)dir;
    if (*pos < FIRST_PID_POS) {
        if (!pseudo_table_emit(procfs_root_table, pos, emitter) || !emit_selves(pos, emitter)) {
            return 0;
        }
    }
    emit_pids(pos, emitter);
    return 0;
}

static const struct pseudo_dir root_dir = {root_lookup, root_iterate};

static void procfs_stats(struct super *super, struct fs_stats *out)
{
    (void)super;
    *out = (struct fs_stats){.magic = PROCFS_MAGIC};
}

static const struct super_ops procfs_super_ops = {.stats = procfs_stats};

static int procfs_mount(struct super *super, const char *data)
{
    struct inode *inode;

    (void)data;
    kassert(procfs_provider != NULL);
    inode = pseudo_dir_inode(super, 0555, &root_dir, NULL);
    if (inode == NULL) {
        return -ENOMEM;
    }
    inode->ino = 1;
    super->ops = &procfs_super_ops;
    super->magic = PROCFS_MAGIC;
    super->flags |= SUPER_FIXED_ATTR | SUPER_NO_CREATE;
    super->root = dentry_create_root(inode);
    inode_put(inode);
    return super->root != NULL ? 0 : -ENOMEM;
}

void procfs_init(void)
{
    static struct fs_type type = {.name = "proc", .nodev = true, .mount = procfs_mount};

    vfs_register(&type);
}
