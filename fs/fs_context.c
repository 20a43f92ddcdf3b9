/* The directories and the mask of a process. cwd and root change under fs_tree_lock, so that a walk
 * sees a pair. */
#include "fs/path.h"
#include "mm/slab.h"

struct fs_context *fs_context_create(struct dentry *root)
{
    struct fs_context *ctx = kmalloc(sizeof(*ctx));

    if (ctx == NULL) {
        return NULL;
    }
    atomic_init(&ctx->refs, 1);
    dentry_get(root);
    dentry_get(root);
    ctx->cwd = root;
    ctx->root = root;
    atomic_init(&ctx->umask, 022);
    return ctx;
}

struct fs_context *fs_context_copy(struct fs_context *ctx)
{
    struct fs_context *copy = kmalloc(sizeof(*copy));

    if (copy == NULL) {
        return NULL;
    }
    atomic_init(&copy->refs, 1);
    atomic_init(&copy->umask, atomic_load(&ctx->umask));
    spin_lock(&fs_tree_lock);
    copy->cwd = ctx->cwd;
    copy->root = ctx->root;
    dentry_get(copy->cwd);
    dentry_get(copy->root);
    spin_unlock(&fs_tree_lock);
    return copy;
}

void fs_context_get(struct fs_context *ctx)
{
    atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
}

void fs_context_put(struct fs_context *ctx)
{
    if (atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) == 1) {
        dentry_put(ctx->cwd);
        dentry_put(ctx->root);
        kfree(ctx);
    }
}

struct dentry *fs_context_cwd(struct fs_context *ctx)
{
    spin_lock(&fs_tree_lock);
    struct dentry *cwd = ctx->cwd;

    dentry_get(cwd);
    spin_unlock(&fs_tree_lock);
    return cwd;
}

struct dentry *fs_context_root(struct fs_context *ctx)
{
    spin_lock(&fs_tree_lock);
    struct dentry *root = ctx->root;

    dentry_get(root);
    spin_unlock(&fs_tree_lock);
    return root;
}
