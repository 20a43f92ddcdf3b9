/* What an inode says about itself: stat, access, chmod, chown, utimens, truncate, statfs, readlink.
 */
#include <linux/capability.h>
#include <linux/mount.h>

#include <arch/consts.h>

#include "fs/name.h"
#include "fs/vfs.h"
#include "kernel/string.h"
#include "kernel/time.h"

#define ACCESS_MODES 7u
#define SIZE_LIMIT   INT64_MAX

static int attr_resolve(const struct path_at *where, uint32_t at_flags, struct dentry **out)
{
    uint32_t walk = 0;

    walk |= (at_flags & AT_SYMLINK_NOFOLLOW) ? PATH_NOFOLLOW : 0;
    walk |= (at_flags & AT_EMPTY_PATH) ? PATH_EMPTY : 0;
    return path_resolve(where, walk, out);
}

static void attr_stat(struct dentry *dentry, struct vfs_stat *out)
{
    struct inode *inode = dentry->inode;

    if (inode->ops != NULL && inode->ops->refresh != NULL) {
        inode->ops->refresh(inode);
    }
    spin_lock(&inode->lock);
    *out = (struct vfs_stat){
        .dev = inode->super->dev,
        .rdev = inode->rdev,
        .ino = inode->ino,
        .size = inode_size(inode),
        .nr_blocks = inode->nr_blocks,
        .mode = inode_mode(inode),
        .nlink = inode->nlink,
        .uid = inode->uid,
        .gid = inode->gid,
        .block_size = PAGE_SIZE,
        .atime = inode->atime,
        .mtime = inode->mtime,
        .ctime = inode->ctime,
        .btime = inode->btime,
        .is_mount_root = inode->super->root == dentry,
    };
    spin_unlock(&inode->lock);
}

int vfs_stat(const struct path_at *where, uint32_t at_flags, struct vfs_stat *out)
{
    struct dentry *dentry;
    int error;

    if (at_flags &
        ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)) {
        return -EINVAL;
    }
    error = attr_resolve(where, at_flags, &dentry);
    if (error == 0) {
        attr_stat(dentry, out);
        dentry_put(dentry);
    }
    return error;
}

void vfs_file_stat(struct file *file, struct vfs_stat *out)
{
    attr_stat(file->dentry, out);
}

/* access(2) asks for the real ids; a process without root's real id has no capabilities there. */
static struct cred *attr_real_cred(const struct cred *cred)
{
    struct cred *real = cred_copy(cred);

    if (real != NULL) {
        real->fsuid = real->uid;
        real->fsgid = real->gid;
        real->cap_effective = real->uid == 0 ? real->cap_permitted : 0;
    }
    return real;
}

static int attr_access(const struct path_at *where, uint32_t mode, uint32_t at_flags)
{
    struct dentry *dentry;
    int error = attr_resolve(where, at_flags, &dentry);

    if (error != 0) {
        return error;
    }
    if ((mode & MAY_EXEC) && inode_is(dentry->inode, S_IFREG) &&
        (dentry->inode->super->mount_flags & MS_NOEXEC)) {
        error = -EACCES;
    } else {
        error = inode_permission(dentry->inode, where->cred, mode);
    }
    dentry_put(dentry);
    return error;
}

int vfs_access(const struct path_at *where, uint32_t mode, uint32_t at_flags)
{
    const struct cred *cred = where->cred;
    struct path_at as_real = *where;
    struct cred *real;
    int error;

    if ((mode & ~ACCESS_MODES) ||
        (at_flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))) {
        return -EINVAL;
    }
    if ((at_flags & AT_EACCESS) ||
        (cred->uid == cred->fsuid && cred->gid == cred->fsgid &&
         cred->cap_effective == (cred->uid == 0 ? cred->cap_permitted : 0))) {
        return attr_access(where, mode, at_flags);
    }
    real = attr_real_cred(cred);
    if (real == NULL) {
        return -ENOMEM;
    }
    as_real.cred = real;
    error = attr_access(&as_real, mode, at_flags);
    cred_put(real);
    return error;
}

static int attr_may_change(const struct inode *inode)
{
    if (inode->super->mount_flags & MS_RDONLY) {
        return -EROFS;
    }
    return (inode->super->flags & SUPER_FIXED_ATTR) ? -EPERM : 0;
}

/* Who may change it is asked under the lock: it must not get another owner before the change. */
static int attr_chmod_locked(struct inode *inode, const struct cred *cred, uint32_t mode)
    REQUIRES(inode->lock)
{
    if (!inode_is_owner(inode, cred)) {
        return -EPERM;
    }
    if (!cred_in_group(cred, inode->gid) && cred->fsgid != inode->gid &&
        !cred_capable(cred, CAP_FSETID)) {
        mode &= ~(uint32_t)S_ISGID;
    }
    atomic_store(&inode->mode, (inode_mode(inode) & S_IFMT) | mode);
    inode->ctime = time_wall_ns();
    return 0;
}

static int attr_chmod(struct inode *inode, const struct cred *cred, uint32_t mode)
{
    int error = attr_may_change(inode);

    if (error != 0) {
        return error;
    }
    if (inode_is(inode, S_IFLNK)) {
        return -EOPNOTSUPP;
    }
    spin_lock(&inode->lock);
    error = attr_chmod_locked(inode, cred, mode & 07777);
    spin_unlock(&inode->lock);
    return error;
}

int vfs_chmod(const struct path_at *where, uint32_t mode, uint32_t at_flags)
{
    struct dentry *dentry;
    int error;

    if (at_flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    error = attr_resolve(where, at_flags, &dentry);
    if (error == 0) {
        error = attr_chmod(dentry->inode, where->cred, mode);
        dentry_put(dentry);
    }
    return error;
}

int vfs_file_chmod(struct file *file, const struct cred *cred, uint32_t mode)
{
    return attr_chmod(file->inode, cred, mode);
}

/* chown(2): the set-ID bits of a program go, even for root. */
static uint32_t attr_chown_mode(const struct inode *inode)
{
    uint32_t mode = inode_mode(inode);

    if (S_ISDIR(mode) || S_ISLNK(mode)) {
        return mode;
    }
    return mode & ((mode & S_IXGRP) ? ~(uint32_t)(S_ISUID | S_ISGID) : ~(uint32_t)S_ISUID);
}

static bool attr_may_chown(const struct inode *inode, const struct cred *cred, uint32_t uid,
                           uint32_t gid)
{
    bool owner = cred->fsuid == inode->uid;

    /* A change of mode is the owner's even if no id changes. */
    if (attr_chown_mode(inode) != inode_mode(inode) && !inode_is_owner(inode, cred)) {
        return false;
    }
    if (cred_capable(cred, CAP_CHOWN)) {
        return true;
    }
    if (uid != (uint32_t)-1 && !(owner && uid == inode->uid)) {
        return false;
    }
    return gid == (uint32_t)-1 ||
           (owner && (gid == inode->gid || gid == cred->fsgid || cred_in_group(cred, gid)));
}

static int attr_chown(struct inode *inode, const struct cred *cred, uint32_t uid, uint32_t gid)
{
    int error = attr_may_change(inode);

    if (error != 0) {
        return error;
    }
    spin_lock(&inode->lock);
    if (attr_may_chown(inode, cred, uid, gid)) {
        atomic_store(&inode->mode, attr_chown_mode(inode));
        inode->uid = uid == (uint32_t)-1 ? inode->uid : uid;
        inode->gid = gid == (uint32_t)-1 ? inode->gid : gid;
        inode->ctime = time_wall_ns();
    } else {
        error = -EPERM;
    }
    spin_unlock(&inode->lock);
    return error;
}

int vfs_chown(const struct path_at *where, uint32_t uid, uint32_t gid, uint32_t at_flags)
{
    struct dentry *dentry;
    int error;

    if (at_flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    error = attr_resolve(where, at_flags, &dentry);
    if (error == 0) {
        error = attr_chown(dentry->inode, where->cred, uid, gid);
        dentry_put(dentry);
    }
    return error;
}

int vfs_file_chown(struct file *file, const struct cred *cred, uint32_t uid, uint32_t gid)
{
    return attr_chown(file->inode, cred, uid, gid);
}

static int attr_utimens(struct inode *inode, const struct cred *cred, const struct vfs_times *times)
{
    uint64_t now = time_wall_ns();
    bool both_now = times->atime == VFS_TIME_NOW && times->mtime == VFS_TIME_NOW;
    int error = attr_may_change(inode);

    if (times->atime == VFS_TIME_KEEP && times->mtime == VFS_TIME_KEEP) {
        return 0;
    }
    if (error != 0) {
        return error;
    }
    spin_lock(&inode->lock);
    if (!inode_is_owner(inode, cred)) {
        error = both_now ? inode_permission(inode, cred, MAY_WRITE) : -EPERM;
    }
    if (error != 0) {
        spin_unlock(&inode->lock);
        return error;
    }
    if (times->atime != VFS_TIME_KEEP) {
        inode->atime = times->atime == VFS_TIME_NOW ? now : times->atime;
    }
    if (times->mtime != VFS_TIME_KEEP) {
        inode->mtime = times->mtime == VFS_TIME_NOW ? now : times->mtime;
    }
    inode->ctime = now;
    spin_unlock(&inode->lock);
    return 0;
}

int vfs_utimens(const struct path_at *where, const struct vfs_times *times, uint32_t at_flags)
{
    struct dentry *dentry;
    int error;

    if (at_flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    error = attr_resolve(where, at_flags, &dentry);
    if (error == 0) {
        error = attr_utimens(dentry->inode, where->cred, times);
        dentry_put(dentry);
    }
    return error;
}

int vfs_file_utimens(struct file *file, const struct cred *cred, const struct vfs_times *times)
{
    return attr_utimens(file->inode, cred, times);
}

int inode_truncate(struct inode *inode, uint64_t size, const struct cred *cred)
{
    int error;

    if (inode->ops == NULL || inode->ops->truncate == NULL) {
        return inode_is(inode, S_IFREG) && inode_size(inode) == 0 && size == 0 ? 0 : -EINVAL;
    }
    error = inode_get_write(inode);
    if (error != 0) {
        return error;
    }
    error = io_lock_take(&inode->write_lock);
    if (error == 0) {
        error = inode->ops->truncate(inode, size);
        io_lock_drop(&inode->write_lock);
    }
    inode_put_write(inode);
    if (error == 0) {
        inode_written(inode, cred);
    }
    return error;
}

int vfs_truncate(const struct path_at *where, int64_t size, uint64_t limit)
{
    struct dentry *dentry;
    struct inode *inode;
    int error;

    if (size < 0) {
        return -EINVAL;
    }
    error = path_resolve(where, 0, &dentry);
    if (error != 0) {
        return error;
    }
    inode = dentry->inode;
    if (inode_is(inode, S_IFDIR)) {
        error = -EISDIR;
    } else if (!inode_is(inode, S_IFREG)) {
        error = -EINVAL;
    } else {
        error = inode_permission(inode, where->cred, MAY_WRITE);
    }
    if (error == 0 && (uint64_t)size > limit && (uint64_t)size > inode_size(inode)) {
        error = -EFBIG;
    }
    if (error == 0) {
        error = inode_truncate(inode, (uint64_t)size, where->cred);
    }
    dentry_put(dentry);
    return error;
}

int vfs_file_truncate(struct file *file, int64_t size)
{
    if (file_mode(file) & FILE_PATH) {
        return -EBADF;
    }
    if (size < 0 || !(file_mode(file) & FILE_WRITE) || !inode_is(file->inode, S_IFREG)) {
        return -EINVAL;
    }
    return inode_truncate(file->inode, (uint64_t)size, file->cred);
}

int vfs_file_allocate(struct file *file, int mode, int64_t offset, int64_t len)
{
    struct inode *inode = file->inode;
    int error;

    if (offset < 0 || len <= 0) {
        return -EINVAL;
    }
    if (!(file_mode(file) & FILE_WRITE)) {
        return -EBADF;
    }
    if (inode_is(inode, S_IFIFO)) {
        return -ESPIPE;
    }
    if (!inode_is(inode, S_IFREG)) {
        return inode_is(inode, S_IFDIR) ? -EISDIR : -ENODEV;
    }
    if (offset > SIZE_LIMIT - len) {
        return -EFBIG;
    }
    if (inode->ops->allocate == NULL) {
        return -EOPNOTSUPP;
    }
    error = io_lock_take(&inode->write_lock);
    if (error == 0) {
        error = inode->ops->allocate(inode, mode, (uint64_t)offset, (uint64_t)len);
        io_lock_drop(&inode->write_lock);
    }
    return error;
}

static ssize64_t attr_readlink(struct dentry *dentry, char *buf, size_t size)
{
    struct inode *inode = dentry->inode;
    size_t len;

    if (!inode_is(inode, S_IFLNK)) {
        return -EINVAL;
    }
    inode_accessed(inode);
    if (inode->link == NULL) {
        return inode->ops->readlink == NULL ? -EINVAL : inode->ops->readlink(inode, buf, size);
    }
    len = MIN(strlen(inode->link), size);
    memcpy(buf, inode->link, len);
    return (ssize64_t)len;
}

ssize64_t vfs_readlink(const struct path_at *where, char *buf, size_t size)
{
    struct dentry *dentry;
    ssize64_t len;
    int error = path_resolve(where, PATH_NOFOLLOW | PATH_EMPTY, &dentry);

    if (error != 0) {
        return error;
    }
    if (where->name[0] == '\0' && (where->at == NULL || !inode_is(dentry->inode, S_IFLNK))) {
        len = -ENOENT;
    } else {
        len = attr_readlink(dentry, buf, size);
    }
    dentry_put(dentry);
    return len;
}

#define ST_VALID    0x0020u
#define ST_RELATIME 0x1000u

static void attr_statfs(const struct inode *inode, struct vfs_statfs *out)
{
    struct super *super = inode->super;

    *out = (struct vfs_statfs){.stats = {.magic = super->magic}, .fsid = super->dev};
    /* ST_RDONLY to ST_NOEXEC have the values of the MS_ flags. */
    out->flags = (super->mount_flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)) | ST_VALID |
                 ((super->mount_flags & MS_RELATIME) ? ST_RELATIME : 0);
    if (super->ops->stats != NULL) {
        super->ops->stats(super, &out->stats);
    }
}

int vfs_statfs(const struct path_at *where, struct vfs_statfs *out)
{
    struct dentry *dentry;
    int error = path_resolve(where, 0, &dentry);

    if (error == 0) {
        attr_statfs(dentry->inode, out);
        dentry_put(dentry);
    }
    return error;
}

void vfs_file_statfs(struct file *file, struct vfs_statfs *out)
{
    attr_statfs(file->inode, out);
}

int vfs_xattr(const struct path_at *where, uint32_t at_flags)
{
    struct dentry *dentry;
    int error = attr_resolve(where, at_flags, &dentry);

    if (error == 0) {
        dentry_put(dentry);
        error = -EOPNOTSUPP;
    }
    return error;
}
