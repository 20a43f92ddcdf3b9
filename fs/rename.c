/* rename(2) and renameat2(2): checks, then one change under fs_tree_lock. */
#include <linux/fs.h>

#include "fs/name.h"
#include "fs/vfs.h"
#include "kernel/time.h"

struct rename {
    struct path_last from, to;
    const struct cred *cred;
    struct dentry *carrier; /* holds the new name and parent; gets the old ones */
    bool exchange;
};

static int rename_check_paths(const struct rename *rename, uint32_t flags)
{
    const struct path_last *from = &rename->from;
    const struct path_last *to = &rename->to;

    if (from->parent->inode->super != to->parent->inode->super) {
        return -EXDEV;
    }
    if (from->kind != PATH_LAST_NAME) {
        return -EBUSY;
    }
    if (to->kind != PATH_LAST_NAME) {
        return (flags & RENAME_NOREPLACE) ? -EEXIST : -EBUSY;
    }
    if (from->found == NULL) {
        return -ENOENT;
    }
    if (to->found != NULL && (flags & RENAME_NOREPLACE)) {
        return -EEXIST;
    }
    if (to->found == NULL && rename->exchange) {
        return -ENOENT;
    }
    if (!inode_is(from->found->inode, S_IFDIR) &&
        (from->slash || (to->slash && !rename->exchange))) {
        return -ENOTDIR;
    }
    if (rename->exchange && to->slash && !inode_is(to->found->inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    return 0;
}

/* A directory that changes its parent has its ".." rewritten. */
static int rename_check_move(const struct rename *rename, const struct inode *inode)
{
    if (!inode_is(inode, S_IFDIR) || rename->from.parent == rename->to.parent) {
        return 0;
    }
    return inode_permission((struct inode *)(uintptr_t)inode, rename->cred, MAY_WRITE);
}

static int rename_check_rights(const struct rename *rename)
{
    struct inode *to_dir = rename->to.parent->inode;
    struct inode *inode = rename->from.found->inode;
    struct inode *target = rename->to.found == NULL ? NULL : rename->to.found->inode;
    int error = name_may_remove(rename->from.parent->inode, inode, rename->cred);

    if (error == 0) {
        error = target != NULL ? name_may_remove(to_dir, target, rename->cred)
                               : inode_permission(to_dir, rename->cred, MAY_WRITE | MAY_EXEC);
    }
    if (error == 0) {
        error = rename_check_move(rename, inode);
    }
    if (error == 0 && rename->exchange) {
        error = rename_check_move(rename, target);
    }
    return error;
}

static int rename_check_locked(const struct rename *rename) REQUIRES(&fs_tree_lock)
{
    struct dentry *from = rename->from.found;
    struct dentry *to = rename->to.found;

    if (from->parent == from || (to != NULL && to->parent == to)) {
        return -EBUSY;
    }
    if (!path_last_holds_locked(&rename->from) || !path_last_holds_locked(&rename->to)) {
        return -EAGAIN;
    }
    if (rename->to.parent->inode->flags & INODE_DEAD) {
        return -ENOENT;
    }
    if (dentry_is_below_locked(rename->to.parent, from)) {
        return -EINVAL;
    }
    if (to != NULL && dentry_is_below_locked(rename->from.parent, to)) {
        return rename->exchange ? -EINVAL : -ENOTEMPTY;
    }
    if (to != NULL && !rename->exchange &&
        inode_is(from->inode, S_IFDIR) != inode_is(to->inode, S_IFDIR)) {
        return inode_is(from->inode, S_IFDIR) ? -ENOTDIR : -EISDIR;
    }
    if (from->mounted != NULL || (to != NULL && to->mounted != NULL)) {
        return -EBUSY;
    }
    if (to != NULL && !rename->exchange && !list_empty(&to->children)) {
        return -ENOTEMPTY;
    }
    return 0;
}

/* The name that is replaced goes. Its own reference becomes the caller's. */
static void rename_replace_locked(struct dentry *to) REQUIRES(&fs_tree_lock)
{
    struct inode *inode = to->inode;

    if (inode_is(inode, S_IFDIR)) {
        inode->flags |= INODE_DEAD;
        inode->nlink = 0;
        to->parent->inode->nlink--;
    } else {
        name_drop_locked(inode);
    }
    inode->ctime = time_wall_ns();
    dentry_unlink_locked(to);
}

static void rename_apply_locked(struct rename *rename) REQUIRES(&fs_tree_lock)
{
    struct dentry *from = rename->from.found;
    struct dentry *to = rename->to.found;
    bool from_dir = inode_is(from->inode, S_IFDIR);

    from->inode->ctime = time_wall_ns();
    if (rename->exchange) {
        if (from_dir != inode_is(to->inode, S_IFDIR)) {
            rename->from.parent->inode->nlink += from_dir ? (uint32_t)-1 : 1u;
            rename->to.parent->inode->nlink += from_dir ? 1u : (uint32_t)-1;
        }
        dentry_exchange_locked(from, to);
        return;
    }
    if (to != NULL) {
        rename_replace_locked(to);
    }
    if (from_dir) {
        rename->from.parent->inode->nlink--;
        rename->to.parent->inode->nlink++;
    }
    dentry_exchange_locked(from, rename->carrier);
}

static int rename_commit(struct rename *rename)
{
    struct dentry *to = rename->to.found;
    int error;

    spin_lock(&fs_tree_lock);
    error = rename_check_rights(rename);
    if (error == 0) {
        error = rename_check_locked(rename);
    }
    if (error == 0) {
        rename_apply_locked(rename);
    }
    spin_unlock(&fs_tree_lock);
    if (error == 0) {
        if (to != NULL && !rename->exchange) {
            dentry_put(to);
        }
        inode_modified(rename->from.parent->inode);
        inode_modified(rename->to.parent->inode);
    }
    return error;
}

/* Whether both walks' results hold at one moment: what is decided from them alone must be so. */
static bool rename_holds(const struct rename *rename)
{
    bool holds;

    spin_lock(&fs_tree_lock);
    holds = path_last_holds_locked(&rename->from) && path_last_holds_locked(&rename->to);
    spin_unlock(&fs_tree_lock);
    return holds;
}

static int rename_resolved(struct rename *rename, uint32_t flags)
{
    int error = rename_check_paths(rename, flags);

    if (error != 0) {
        return error;
    }
    if (rename->to.found != NULL && rename->to.found->inode == rename->from.found->inode) {
        return 0; /* two names of one file: rename(2) does nothing */
    }
    rename->carrier = dentry_create(rename->to.parent, rename->from.found->inode, rename->to.name,
                                    rename->to.len);
    if (rename->carrier == NULL) {
        return -ENOMEM;
    }
    error = rename_commit(rename);
    dentry_put(rename->carrier);
    return error;
}

int vfs_rename(const struct path_at *from, const struct path_at *to, uint32_t flags)
{
    struct rename rename = {.cred = from->cred, .exchange = (flags & RENAME_EXCHANGE) != 0};
    int error;

    if ((flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE)) {
        return -EINVAL;
    }
    do {
        error = path_resolve_last(from, PATH_NOFOLLOW, &rename.from);
        if (error != 0) {
            return error;
        }
        error = path_resolve_last(to, PATH_NOFOLLOW, &rename.to);
        if (error == 0) {
            error = rename_holds(&rename) ? rename_resolved(&rename, flags) : -EAGAIN;
            path_last_put(&rename.to);
        }
        path_last_put(&rename.from);
    } while (error == -EAGAIN && sched_point() == 0);
    return error;
}
