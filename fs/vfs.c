/* The start of the file-system layer, and the calls on a process's directories: chdir, chroot,
 * getcwd. */
#include "fs/vfs.h"

#include <linux/capability.h>

#include "fs/fd_table.h"
#include "fs/name.h"
#include "fs/super.h"
#include "fs/tmpfs.h"
#include "kernel/string.h"

static struct super *vfs_root_super;
static struct super *vfs_shm_super; /* holds memfds; nowhere in the tree */

void vfs_init(void)
{
    inode_cache_init();
    dentry_cache_init();
    file_cache_init();
    fd_table_cache_init();
    tmpfs_init();
    int error = super_mount_root("tmpfs", "tmpfs", &vfs_root_super);

    if (error == 0) {
        atomic_store(&vfs_root_super->root->inode->mode, S_IFDIR | 0755);
        error = super_create("tmpfs", "tmpfs", 0, "", &vfs_shm_super);
    }
    kverify(error == 0);
}

struct dentry *vfs_root(void)
{
    return vfs_root_super->root;
}

int vfs_open_memory(const char *name, const struct cred *cred, uint32_t flags, struct file **out)
{
    static const char prefix[] = "/memfd:";
    char text[FS_NAME_MAX + sizeof(prefix)];
    struct inode *dir = vfs_shm_super->root->inode;
    struct inode *inode;
    struct dentry *dentry;
    int error = dir->ops->make(dir, S_IFREG | 0777, 0, cred, &inode);

    if (error != 0) {
        return error;
    }
    inode->nlink = 0;
    strlcpy(text, prefix, sizeof(text));
    strlcpy(text + sizeof(prefix) - 1, name, sizeof(text) - sizeof(prefix) + 1);
    dentry = dentry_create_anon(inode, text);
    if (dentry == NULL) {
        inode_put(inode);
        return -ENOMEM;
    }
    dentry->flags |= DENTRY_DELETED;
    *out = file_create(dentry, inode->file_ops, flags);
    if (*out == NULL) {
        error = -ENOMEM;
    } else {
        atomic_fetch_add(&inode->nr_writers, 1);
        atomic_fetch_or(&(*out)->mode, FILE_COUNTED | FILE_OPENED);
    }
    dentry_put(dentry);
    inode_put(inode);
    return error;
}

/* Both swap under the tree's lock, on which a walk relies; the old one goes behind it. */
static void vfs_set_dir(struct dentry **place, struct dentry *dentry)
{
    struct dentry *old;

    dentry_get(dentry);
    spin_lock(&fs_tree_lock);
    old = *place;
    *place = dentry;
    spin_unlock(&fs_tree_lock);
    dentry_put(old);
}

int vfs_chdir(const struct path_at *where)
{
    struct dentry *dentry;
    int error = path_resolve(where, PATH_DIRECTORY, &dentry);

    if (error != 0) {
        return error;
    }
    error = inode_permission(dentry->inode, where->cred, MAY_EXEC);
    if (error == 0) {
        vfs_set_dir(&where->ctx->cwd, dentry);
    }
    dentry_put(dentry);
    return error;
}

int vfs_file_chdir(struct file *file, struct fs_context *ctx, const struct cred *cred)
{
    int error;

    if (!inode_is(file->inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    error = inode_permission(file->inode, cred, MAY_EXEC);
    if (error == 0) {
        vfs_set_dir(&ctx->cwd, file->dentry);
    }
    return error;
}

int vfs_chroot(const struct path_at *where)
{
    struct dentry *dentry;
    int error = path_resolve(where, PATH_DIRECTORY, &dentry);

    if (error != 0) {
        return error;
    }
    error = inode_permission(dentry->inode, where->cred, MAY_EXEC);
    if (error == 0 && !cred_capable(where->cred, CAP_SYS_CHROOT)) {
        error = -EPERM;
    }
    if (error == 0) {
        vfs_set_dir(&where->ctx->root, dentry);
    }
    dentry_put(dentry);
    return error;
}

int vfs_getcwd(struct fs_context *ctx, char *buf, size_t size)
{
    static const char unreachable[] = "(unreachable)";
    struct dentry *cwd = fs_context_cwd(ctx);
    struct dentry *root = fs_context_root(ctx);
    bool reachable = true;
    char *path = dentry_path(cwd, root, buf, size, &reachable);
    size_t extra = reachable ? 0 : sizeof(unreachable) - 1;
    int len = -ERANGE;

    if (cwd->flags & DENTRY_DELETED) {
        len = -ENOENT;
    } else if (path != NULL && (size_t)(path - buf) >= extra) {
        len = (int)((size_t)(buf + size - path) + extra);
        memmove(buf + extra, path, (size_t)len - extra);
        memcpy(buf, unreachable, extra);
    }
    dentry_put(root);
    dentry_put(cwd);
    return len;
}
