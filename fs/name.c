/*
 * Names: mkdir, mknod, symlink, link, unlink, rmdir. What is changed is re-checked under
 * fs_tree_lock, since the walk that found it is over. nlink of every inode changes under that lock
 * too.
 */
#include "fs/name.h"

#include <linux/capability.h>
#include <linux/mount.h>

#include "fs/vfs.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "mm/slab.h"

static int name_may_make(struct inode *dir, const struct cred *cred)
{
    int error = inode_permission(dir, cred, MAY_WRITE | MAY_EXEC);

    if (error != 0) {
        return error;
    }
    if ((dir->super->flags & SUPER_NO_CREATE) || dir->ops->make == NULL) {
        return -EPERM;
    }
    return 0;
}

int name_may_remove(struct inode *dir, const struct inode *child, const struct cred *cred)
{
    int error = inode_permission(dir, cred, MAY_WRITE | MAY_EXEC);

    if (error != 0) {
        return error;
    }
    if ((inode_mode(dir) & S_ISVTX) && cred->fsuid != child->uid && cred->fsuid != dir->uid &&
        !cred_capable(cred, CAP_FOWNER)) {
        return -EPERM;
    }
    return (dir->super->flags & SUPER_NO_CREATE) ? -EPERM : 0;
}

static int name_make_inode(struct inode *dir, const struct cred *cred, uint32_t mode, dev_nr_t rdev,
                           const char *target, struct inode **out)
{
    char *link = NULL;
    int error;

    if (target != NULL) {
        size_t size = strlen(target) + 1;

        link = kmalloc(size);
        if (link == NULL) {
            return -ENOMEM;
        }
        memcpy(link, target, size);
    }
    error = dir->ops->make(dir, mode, rdev, cred, out);
    if (error != 0) {
        kfree(link);
        return error;
    }
    if (link != NULL) {
        (*out)->link = link;
        atomic_store(&(*out)->size, strlen(link));
    }
    return 0;
}

int name_make(const struct path_last *last, const struct cred *cred, uint32_t mode, dev_nr_t rdev,
              const char *target, struct dentry **out)
{
    struct inode *dir = last->parent->inode;
    struct inode *inode;
    struct dentry *dentry;
    int error = name_may_make(dir, cred);

    if (error == 0) {
        error = name_make_inode(dir, cred, mode, rdev, target, &inode);
    }
    if (error != 0) {
        return error;
    }
    dentry = dentry_create(last->parent, inode, last->name, last->len);
    inode_put(inode);
    if (dentry == NULL) {
        return -ENOMEM;
    }
    spin_lock(&fs_tree_lock);
    error = name_may_make(dir, cred); /* again: at the moment of the change */
    if (error == 0) {
        error = dentry_link_locked(dentry);
    }
    if (error == 0 && S_ISDIR(mode)) {
        dir->nlink++;
    }
    spin_unlock(&fs_tree_lock);
    if (error == 0) {
        inode_modified(dir);
    }
    if (error == 0 && out != NULL) {
        *out = dentry;
    } else {
        dentry_put(dentry);
    }
    return error;
}

int name_make_unlinked(struct dentry *dir, const struct cred *cred, uint32_t mode, uint32_t flags,
                       struct dentry **out)
{
    char name[24];
    struct inode *inode;
    struct dentry *dentry;
    int error = name_may_make(dir->inode, cred);

    if (error == 0) {
        error = name_make_inode(dir->inode, cred, mode, 0, NULL, &inode);
    }
    if (error != 0) {
        return error;
    }
    inode->nlink = 0;
    inode->flags |= flags;
    ksnprintf(name, sizeof(name), "#%lu", (unsigned long)inode->ino);
    dentry = dentry_create(dir, inode, name, strlen(name));
    inode_put(inode);
    if (dentry == NULL) {
        return -ENOMEM;
    }
    dentry->flags |= DENTRY_DELETED;
    *out = dentry;
    return 0;
}

/* The walk of a call that makes a name: what is there already is an error. */
static int name_resolve_new(const struct path_at *where, bool dir, struct path_last *out)
{
    int error = path_resolve_last(where, PATH_NOFOLLOW, out);

    if (error != 0) {
        return error;
    }
    if (out->found != NULL) {
        error = -EEXIST;
    } else if (out->slash && !dir) {
        error = -ENOENT;
    }
    if (error != 0) {
        path_last_put(out);
    }
    return error;
}

static int name_create(const struct path_at *where, uint32_t mode, dev_nr_t rdev,
                       const char *target)
{
    struct path_last last;
    int error = name_resolve_new(where, S_ISDIR(mode), &last);

    if (error == 0) {
        error = name_make(&last, where->cred, mode, rdev, target, NULL);
        path_last_put(&last);
    }
    return error;
}

int vfs_mkdir(const struct path_at *where, uint32_t mode)
{
    mode &= 01777 & ~atomic_load(&where->ctx->umask);
    return name_create(where, mode | S_IFDIR, 0, NULL);
}

int vfs_mknod(const struct path_at *where, uint32_t mode, dev_nr_t rdev)
{
    uint32_t type = mode & S_IFMT;

    switch (type) {
    case 0:
        type = S_IFREG;
        break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        break;
    case S_IFCHR:
    case S_IFBLK:
        if (!cred_capable(where->cred, CAP_MKNOD)) {
            return -EPERM;
        }
        break;
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
    mode &= 07777 & ~atomic_load(&where->ctx->umask);
    return name_create(where, mode | type, type == S_IFCHR || type == S_IFBLK ? rdev : 0, NULL);
}

int vfs_symlink(const struct path_at *where, const char *target)
{
    if (target[0] == '\0') {
        return -ENOENT;
    }
    return name_create(where, S_IFLNK | 0777, 0, target);
}

static int name_charge(struct super *super)
{
    return super->ops->charge_name != NULL ? super->ops->charge_name(super) : 0;
}

static void name_uncharge(struct super *super)
{
    if (super->ops->uncharge_name != NULL) {
        super->ops->uncharge_name(super);
    }
}

/* The last name is not charged: the inode itself is. */
void name_drop_locked(struct inode *inode)
{
    if (inode->nlink > 1) {
        name_uncharge(inode->super);
    }
    inode->nlink--;
}

/* One more name for the inode. *first: it had none before. */
static int name_link_locked(struct inode *inode, struct dentry *dentry, bool *first)
    REQUIRES(&fs_tree_lock)
{
    int error;

    *first = inode->nlink == 0;
    if (*first && !(inode->flags & INODE_LINKABLE)) {
        return -ENOENT;
    }
    error = dentry_link_locked(dentry);
    if (error == 0) {
        inode->flags &= ~(uint32_t)INODE_LINKABLE;
        inode->nlink++;
        inode->ctime = time_wall_ns();
    }
    return error;
}

static int name_link(struct inode *inode, const struct path_last *last, const struct cred *cred)
{
    struct inode *dir = last->parent->inode;
    struct dentry *dentry;
    bool first = false;
    int error;

    if (inode->super != dir->super) {
        return -EXDEV;
    }
    error = name_may_make(dir, cred);
    if (error == 0 && inode_is(inode, S_IFDIR)) {
        error = -EPERM;
    }
    if (error != 0) {
        return error;
    }
    error = name_charge(inode->super);
    if (error != 0) {
        return error;
    }
    dentry = dentry_create(last->parent, inode, last->name, last->len);
    if (dentry == NULL) {
        name_uncharge(inode->super);
        return -ENOMEM;
    }
    spin_lock(&fs_tree_lock);
    error = name_may_make(dir, cred); /* again: at the moment of the change */
    if (error == 0) {
        error = name_link_locked(inode, dentry, &first);
    }
    spin_unlock(&fs_tree_lock);
    dentry_put(dentry);
    if (error != 0 || first) {
        name_uncharge(inode->super);
    }
    if (error == 0) {
        inode_modified(dir);
    }
    return error;
}

int vfs_link(const struct path_at *from, const struct path_at *to, uint32_t at_flags)
{
    struct dentry *old;
    struct path_last last;
    uint32_t walk = (at_flags & AT_SYMLINK_FOLLOW) ? 0 : PATH_NOFOLLOW;
    int error;

    if (at_flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    if ((at_flags & AT_EMPTY_PATH) && !cred_capable(from->cred, CAP_DAC_READ_SEARCH)) {
        return -ENOENT; /* open(2), O_TMPFILE: a descriptor alone must not give a name */
    }
    walk |= (at_flags & AT_EMPTY_PATH) ? PATH_EMPTY : 0;
    error = path_resolve(from, walk, &old);
    if (error != 0) {
        return error;
    }
    error = name_resolve_new(to, false, &last);
    if (error == 0) {
        error = name_link(old->inode, &last, to->cred);
        path_last_put(&last);
    }
    dentry_put(old);
    return error;
}

/* Takes the victim out of the tree. Its own reference becomes the caller's. */
static int name_remove_locked(const struct path_last *last, const struct cred *cred, bool dir)
    REQUIRES(&fs_tree_lock)
{
    struct dentry *victim = last->found;
    struct inode *inode = victim->inode;
    int error;

    if (!path_last_holds_locked(last)) {
        return -EAGAIN;
    }
    error = name_may_remove(last->parent->inode, inode, cred);
    if (error != 0) {
        return error;
    }
    if (dir != inode_is(inode, S_IFDIR)) {
        return dir ? -ENOTDIR : -EISDIR;
    }
    if (!dir && last->slash) {
        return -ENOTDIR;
    }
    if (victim->mounted != NULL) {
        return -EBUSY;
    }
    if (dir) {
        if (!list_empty(&victim->children)) {
            return -ENOTEMPTY;
        }
        inode->flags |= INODE_DEAD;
        inode->nlink = 0;
        last->parent->inode->nlink--;
    } else {
        name_drop_locked(inode);
    }
    inode->ctime = time_wall_ns();
    dentry_unlink_locked(victim);
    return 0;
}

static int name_remove(const struct path_last *last, const struct cred *cred, bool dir)
{
    struct dentry *victim = last->found;
    int error;

    if (victim == NULL) {
        return -ENOENT;
    }
    if (victim->parent == victim) {
        return -EBUSY; /* the root of a mount */
    }
    spin_lock(&fs_tree_lock);
    error = name_remove_locked(last, cred, dir);
    spin_unlock(&fs_tree_lock);
    if (error == 0) {
        dentry_put(victim); /* last->found holds another */
        inode_modified(last->parent->inode);
    }
    return error;
}

/* special: the error for a path that ends in no name, by its kind. */
static int name_remove_at(const struct path_at *where, bool dir, const int8_t *special)
{
    struct path_last last;
    int error;

    do {
        error = path_resolve_last(where, PATH_NOFOLLOW, &last);
        if (error != 0) {
            return error;
        }
        error = last.kind == PATH_LAST_NAME ? name_remove(&last, where->cred, dir)
                                            : special[last.kind];
        path_last_put(&last);
    } while (error == -EAGAIN && sched_point() == 0);
    return error;
}

int vfs_unlink(const struct path_at *where)
{
    static const int8_t special[] = {
        [PATH_LAST_DOT] = -EISDIR, [PATH_LAST_DOTDOT] = -EISDIR, [PATH_LAST_ROOT] = -EISDIR};

    return name_remove_at(where, false, special);
}

int vfs_rmdir(const struct path_at *where)
{
    static const int8_t special[] = {
        [PATH_LAST_DOT] = -EINVAL, [PATH_LAST_DOTDOT] = -ENOTEMPTY, [PATH_LAST_ROOT] = -EBUSY};

    return name_remove_at(where, true, special);
}
