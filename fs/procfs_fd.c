/* /proc/PID/fd/ and fdinfo/: the open files of a process, as links that open the same object again.
 */
#include "fs/procfs_internal.h"
#include "kernel/printk.h"
#include "kernel/string.h"

#define TYPE_FILE  8u
#define TYPE_LINK  10u
#define NUMBER_MAX 12u

static int fd_file(const struct inode *inode, struct file **out, int *flags)
{
    pid_nr_t tid = procfs_packed_tid(inode->private);
    int error = procfs_inspect(inode);

    if (error == 0) {
        error = procfs_provider->fd_file(tid, (int)procfs_packed_code(inode->private), out, flags);
    }
    if (error != 0) {
        return error;
    }
    error = procfs_inspect(inode);
    if (error != 0) {
        file_put(*out);
    }
    return error;
}

static ssize64_t fd_readlink(struct inode *inode, char *buf, size_t size)
{
    struct dentry *root;
    struct file *file;
    const char *path;
    int flags;
    int error = fd_file(inode, &file, &flags);
    size_t len;

    if (error != 0) {
        return error;
    }
    root = procfs_own_root();
    path = file_path(file, root, buf, size);
    if (root != NULL) {
        dentry_put(root);
    }
    file_put(file);
    if (path == NULL) {
        return -ENAMETOOLONG;
    }
    len = strlen(path);
    memmove(buf, path, len + 1);
    return (ssize64_t)len;
}

static int fd_follow(struct inode *inode, struct dentry **out)
{
    struct file *file;
    int flags;
    int error = fd_file(inode, &file, &flags);

    if (error != 0) {
        return error;
    }
    *out = file->dentry;
    dentry_get(*out);
    file_put(file);
    return 0;
}

static const struct inode_ops fd_ops = {.readlink = fd_readlink, .follow = fd_follow};

static int fdinfo_show(struct inode *inode, struct text *text)
{
    struct file *file;
    int flags;
    int error = fd_file(inode, &file, &flags);

    if (error != 0) {
        return error;
    }
    text_print(text, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n",
               (unsigned long long)file->pos,
               file_flags(file) | (flags != 0 ? (uint32_t)O_CLOEXEC : 0),
               dev_minor(file->inode->super->dev), (unsigned long long)file->inode->ino);
    file_put(file);
    return 0;
}

static const struct pseudo_file fdinfo_file = {fdinfo_show, NULL};

/* Returns the descriptor that the name means, or a negative number. */
static int parse_fd(const char *name, size_t len)
{
    if (len == 1 && name[0] == '0') {
        return 0;
    }
    return procfs_parse_number(name, len) != 0 ? procfs_parse_number(name, len) : -1;
}

/* Returns the rights that the link shows: how the file is open. */
static int fd_link_mode(pid_nr_t tid, int fd, uint32_t *out)
{
    struct file *file;
    int flags;
    int error = procfs_provider->fd_file(tid, fd, &file, &flags);

    if (error != 0) {
        return -ENOENT;
    }
    *out = 0100 | ((file_mode(file) & FILE_READ) != 0 ? 0400u : 0) |
           ((file_mode(file) & FILE_WRITE) != 0 ? 0200u : 0);
    file_put(file);
    return 0;
}

static int fd_lookup_common(struct inode *dir, const char *name, size_t len, bool info,
                            struct inode **out)
{
    pid_nr_t tid = procfs_packed_tid(dir->private);
    int fd = parse_fd(name, len);
    uint32_t mode = 0;

    if (!procfs_is_same(dir)) {
        return -ENOENT;
    }
    /* The folder fd is closed to others by its rights. */
    if (info && !procfs_provider->may_inspect(tid)) {
        return -EACCES;
    }
    if (fd < 0 || fd_link_mode(tid, fd, &mode) != 0) {
        return -ENOENT;
    }
    if (info) {
        *out = pseudo_file_inode(dir->super, 0444, &fdinfo_file, procfs_pack(tid, (uint32_t)fd));
    } else {
        *out = pseudo_magic_inode(dir->super, &fd_ops, procfs_pack(tid, (uint32_t)fd));
    }
    if (*out == NULL) {
        return -ENOMEM;
    }
    if (!info) {
        atomic_store(&(*out)->mode, S_IFLNK | mode);
    }
    procfs_own_inode(*out, tid, 0x400u + ((uint64_t)fd << 44));
    return 0;
}

static int fd_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    return fd_lookup_common(dir, name, len, false, out);
}

static int fdinfo_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    return fd_lookup_common(dir, name, len, true, out);
}

static int fd_iterate_common(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter,
                             unsigned type)
{
    pid_nr_t tid = procfs_packed_tid(dir->private);
    int fd = (int)(*pos - 2);
    char name[NUMBER_MAX];

    if (!procfs_is_same(dir)) {
        return -ENOENT;
    }
    if (!procfs_provider->may_inspect(tid)) {
        return -EACCES;
    }
    while ((fd = procfs_provider->next_fd(tid, fd)) >= 0) {
        size_t len = (size_t)ksnprintf(name, sizeof(name), "%d", fd);

        if (!dir_emit(emitter, name, len, dir->ino + (uint64_t)fd + 1, type, (uint64_t)fd + 3)) {
            break;
        }
        fd++;
        *pos = (uint64_t)fd + 2;
    }
    return 0;
}

static int fd_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    return fd_iterate_common(dir, pos, emitter, TYPE_LINK);
}

static int fdinfo_iterate(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter)
{
    return fd_iterate_common(dir, pos, emitter, TYPE_FILE);
}

const struct pseudo_dir procfs_fd_dir = {fd_lookup, fd_iterate};
const struct pseudo_dir procfs_fdinfo_dir = {fdinfo_lookup, fdinfo_iterate};
