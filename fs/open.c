/*
 * Opening files by name, open(2): look-up or creation, the checks of the access mode, and the file.
 * What an opened device or FIFO does is its own operations' business.
 */
#include <linux/capability.h>
#include <linux/mount.h>

#include "fs/device.h"
#include "fs/name.h"
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "kernel/string.h"

#define OPEN_PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OPEN_TMPFILE    (__O_TMPFILE)

/* What only open looks at; the rest is kept for F_GETFL. O_NOCTTY is for the terminal's open. */
#define OPEN_ONCE (O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)

static uint32_t open_may(uint32_t flags)
{
    static const uint8_t may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};

    return may[flags & O_ACCMODE] | ((flags & O_TRUNC) ? MAY_WRITE : 0);
}

static int open_check_type(const struct inode *inode, uint32_t flags)
{
    switch (inode_mode(inode) & S_IFMT) {
    case S_IFLNK:
        return -ELOOP;
    case S_IFDIR:
        return (open_may(flags) & MAY_WRITE) || (flags & O_CREAT) ? -EISDIR : 0;
    case S_IFCHR:
    case S_IFBLK:
        return (inode->super->mount_flags & MS_NODEV) ? -EACCES : 0;
    case S_IFSOCK:
        return -ENXIO;
    default:
        return 0;
    }
}

static int open_check(struct inode *inode, const struct cred *cred, uint32_t flags, bool created)
{
    int error;

    if ((flags & O_DIRECTORY) && !inode_is(inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    error = open_check_type(inode, flags);
    if (error == 0 && !created) {
        error = inode_permission(inode, cred, open_may(flags));
    }
    if (error == 0 && (flags & O_NOATIME) && !inode_is_owner(inode, cred)) {
        error = -EPERM;
    }
    return error;
}

static const struct file_ops *open_find_ops(const struct inode *inode)
{
    struct char_device *device;

    switch (inode_mode(inode) & S_IFMT) {
    case S_IFCHR:
        device = char_device_of(inode);
        return device == NULL ? NULL : device->ops;
    case S_IFBLK:
        return NULL;
    case S_IFIFO:
        return &fifo_file_ops;
    default:
        return inode->file_ops;
    }
}

static int open_deny_write(struct inode *inode)
{
    int32_t nr = atomic_load(&inode->nr_writers);

    do {
        if (nr > 0) {
            return -ETXTBSY;
        }
    } while (!atomic_compare_exchange_weak(&inode->nr_writers, &nr, nr - 1));
    return 0;
}

/* The last steps, on a file that nobody else has. On failure the file is the caller's to put. */
static int open_finish(struct file *file, uint32_t flags)
{
    struct inode *inode = file->inode;
    int error = 0;

    if ((file_mode(file) & FILE_WRITE) && inode_is(inode, S_IFREG)) {
        error = inode_get_write(inode);
        if (error != 0) {
            return error;
        }
        atomic_fetch_or(&file->mode, FILE_COUNTED);
    }
    if (file->ops->open != NULL) {
        error = file->ops->open(inode, file);
        if (error != 0) {
            return error;
        }
    }
    atomic_fetch_and(&file->flags, ~(uint32_t)O_NOCTTY);
    atomic_fetch_or(&file->mode, FILE_OPENED);
    if ((flags & O_TRUNC) && inode_is(inode, S_IFREG)) {
        error = inode_truncate(inode, 0, file->cred);
    }
    return error;
}

static int open_dentry(struct dentry *dentry, const struct cred *cred, uint32_t flags, bool created,
                       struct file **out)
{
    struct inode *inode = dentry->inode;
    const struct file_ops *ops;
    struct file *file;
    int error;

    if (flags & O_PATH) {
        if ((flags & O_DIRECTORY) && !inode_is(inode, S_IFDIR)) {
            return -ENOTDIR;
        }
        file = file_create(dentry, &path_file_ops, flags & OPEN_PATH_FLAGS & ~(uint32_t)O_CLOEXEC);
        *out = file;
        return file == NULL ? -ENOMEM : 0;
    }
    error = open_check(inode, cred, flags, created);
    if (error != 0) {
        return error;
    }
    ops = open_find_ops(inode);
    if (ops == NULL) {
        return -ENXIO;
    }
    file = file_create(dentry, ops, flags & ~(uint32_t)OPEN_ONCE);
    if (file == NULL) {
        return -ENOMEM;
    }
    file->cred = (struct cred *)(uintptr_t)cred;
    cred_get(file->cred);
    error = open_finish(file, flags);
    if (error != 0) {
        file_put(file);
        return error;
    }
    *out = file;
    return 0;
}

/* O_CREAT. Retries when another made or removed the name meanwhile. */
static int open_create(const struct path_at *where, uint32_t flags, uint32_t mode,
                       struct file **out)
{
    struct path_last last;
    struct dentry *made = NULL;
    int error =
        path_resolve_last(where, (flags & (O_EXCL | O_NOFOLLOW)) ? PATH_NOFOLLOW : 0, &last);

    if (error != 0) {
        return error;
    }
    if (last.found != NULL && (flags & O_EXCL)) {
        error = -EEXIST;
    } else if (last.slash) {
        error = -EISDIR;
    } else if (last.found != NULL) {
        error = open_dentry(last.found, where->cred, flags, false, out);
    } else {
        mode = (mode & 07777 & ~atomic_load(&where->ctx->umask)) | S_IFREG;
        error = name_make(&last, where->cred, mode, 0, NULL, &made);
        if (error == 0) {
            error = open_dentry(made, where->cred, flags & ~(uint32_t)O_TRUNC, true, out);
            dentry_put(made);
        } else if (error == -EEXIST && !(flags & O_EXCL)) {
            error = -EAGAIN;
        }
    }
    path_last_put(&last);
    return error;
}

static int open_tmpfile(const struct path_at *where, uint32_t flags, uint32_t mode,
                        struct file **out)
{
    struct dentry *dir;
    struct dentry *dentry;
    int error;

    if (!(open_may(flags) & MAY_WRITE)) {
        return -EINVAL;
    }
    error = path_resolve(where, PATH_DIRECTORY, &dir);
    if (error != 0) {
        return error;
    }
    mode = (mode & 07777 & ~atomic_load(&where->ctx->umask)) | S_IFREG;
    error = name_make_unlinked(dir, where->cred, mode, (flags & O_EXCL) ? 0 : INODE_LINKABLE,
                               &dentry);
    if (error == 0) {
        error = open_dentry(dentry, where->cred, flags & ~(uint32_t)(O_DIRECTORY | OPEN_TMPFILE),
                            true, out);
        dentry_put(dentry);
    }
    dentry_put(dir);
    return error;
}

int vfs_open(const struct path_at *where, uint32_t flags, uint32_t mode, struct file **out)
{
    struct dentry *dentry;
    uint32_t walk = 0;
    int error;

    if (flags & O_PATH) {
        flags &= OPEN_PATH_FLAGS;
    } else if (flags & OPEN_TMPFILE) {
        if (!(flags & O_DIRECTORY) || (flags & O_CREAT)) {
            return -EINVAL;
        }
        return open_tmpfile(where, flags, mode, out);
    } else if (flags & O_CREAT) {
        if (flags & O_DIRECTORY) {
            return -EINVAL;
        }
        do {
            error = open_create(where, flags, mode, out);
        } while (error == -EAGAIN && sched_point() == 0);
        return error;
    }
    walk |= (flags & O_NOFOLLOW) ? PATH_NOFOLLOW : 0;
    walk |= (flags & O_DIRECTORY) ? PATH_DIRECTORY : 0;
    error = path_resolve(where, walk, &dentry);
    if (error != 0) {
        return error;
    }
    error = open_dentry(dentry, where->cred, flags, false, out);
    dentry_put(dentry);
    return error;
}

int vfs_open_exec(const struct path_at *where, uint32_t at_flags, struct file **out)
{
    struct dentry *dentry;
    struct file *file;
    uint32_t walk = 0;
    int error;

    if (at_flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    walk |= (at_flags & AT_SYMLINK_NOFOLLOW) ? PATH_NOFOLLOW : 0;
    walk |= (at_flags & AT_EMPTY_PATH) ? PATH_EMPTY : 0;
    error = path_resolve(where, walk, &dentry);
    if (error != 0) {
        return error;
    }
    struct inode *inode = dentry->inode;

    if (inode_is(inode, S_IFLNK)) {
        error = -ELOOP;
    } else if (!inode_is(inode, S_IFREG) || (inode->super->mount_flags & MS_NOEXEC)) {
        error = -EACCES;
    } else {
        error = inode_permission(inode, where->cred, MAY_EXEC);
    }
    if (error == 0) {
        error = open_deny_write(inode);
    }
    if (error != 0) {
        goto put_dentry;
    }
    file = file_create(dentry, inode->file_ops, O_RDONLY);
    if (file == NULL) {
        atomic_fetch_add(&inode->nr_writers, 1);
        error = -ENOMEM;
        goto put_dentry;
    }
    atomic_fetch_or(&file->mode, FILE_EXEC | FILE_OPENED);
    *out = file;
put_dentry:
    dentry_put(dentry);
    return error;
}
