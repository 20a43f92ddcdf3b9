/*
 * Mounts: types by name, the table of mounted file systems, mount and umount. A super is in one
 * place of the tree at most; its root's dentry and its inodes hold it. A lazily unmounted one waits
 * in super_zombies until nobody uses it.
 */
#include "fs/super.h"

#include <linux/capability.h>
#include <linux/mount.h>

#include "fs/vfs.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define UMOUNT_FORCE    1u
#define UMOUNT_DETACH   2u
#define UMOUNT_EXPIRE   4u
#define UMOUNT_NOFOLLOW 8u

static struct fs_type *fs_types;
static struct list super_table = LIST_INIT(super_table);
static struct list super_zombies = LIST_INIT(super_zombies);
static _Atomic uint32_t super_next_minor = 1;

void vfs_register(struct fs_type *type)
{
    struct fs_type **link = &fs_types;

    while (*link != NULL) {
        link = &(*link)->next;
    }
    type->next = NULL;
    *link = type;
}

const struct fs_type *vfs_type_at(unsigned n)
{
    const struct fs_type *type = fs_types;

    while (type != NULL && n-- > 0) {
        type = type->next;
    }
    return type;
}

static const struct fs_type *super_find_type(const char *name)
{
    const struct fs_type *type = fs_types;

    while (type != NULL && strcmp(type->name, name) != 0) {
        type = type->next;
    }
    return type;
}

void super_init(struct super *super, const struct fs_type *type, const char *source)
{
    memset(super, 0, sizeof(*super));
    atomic_init(&super->refs, 1);
    super->type = type;
    super->dev = dev_make(0, atomic_fetch_add(&super_next_minor, 1));
    atomic_init(&super->next_ino, 1);
    list_init(&super->node);
    strlcpy(super->source, source, sizeof(super->source));
}

void super_put(struct super *super)
{
    if (atomic_fetch_sub_explicit(&super->refs, 1, memory_order_acq_rel) == 1) {
        if (super->ops != NULL && super->ops->destroy != NULL) {
            super->ops->destroy(super);
        }
        kfree(super);
    }
}

int super_create(const char *type_name, const char *source, uint64_t flags, const char *data,
                 struct super **out)
{
    const struct fs_type *type = super_find_type(type_name);
    struct super *super;
    int error;

    if (type == NULL) {
        return -ENODEV;
    }
    super = kmalloc(sizeof(*super));
    if (super == NULL) {
        return -ENOMEM;
    }
    super_init(super, type, source);
    super->mount_flags = flags;
    error = type->mount(super, data);
    if (error != 0) {
        super->ops = NULL;
        super_put(super);
        return error;
    }
    *out = super;
    return 0;
}

/* Whether anything but the tree itself uses a dentry of the file system. */
static bool super_is_busy_locked(struct super *super) REQUIRES(&fs_tree_lock)
{
    struct dentry *at = super->root;

    for (;;) {
        uint32_t expected = 1;

        list_for_each(it, &at->children)
        {
            expected++;
        }
        if (atomic_load(&at->refs) != expected || at->mounted != NULL) {
            return true;
        }
        if (!list_empty(&at->children)) {
            at = list_entry(at->children.next, struct dentry, sibling);
            continue;
        }
        while (at != super->root && at->sibling.next == &at->parent->children) {
            at = at->parent;
        }
        if (at == super->root) {
            return false;
        }
        at = list_entry(at->sibling.next, struct dentry, sibling);
    }
}

/* Frees the pinned tree, children first, and with it the file system. */
static void super_destroy(struct super *super)
{
    struct dentry *root = super->root;

    for (;;) {
        struct dentry *at = root;

        spin_lock(&fs_tree_lock);
        while (!list_empty(&at->children)) {
            at = list_entry(at->children.next, struct dentry, sibling);
        }
        if (at != root) {
            dentry_unlink_locked(at);
        }
        spin_unlock(&fs_tree_lock);
        dentry_put(at);
        if (at == root) {
            break;
        }
    }
    super_put(super);
}

void super_sweep_zombies(void)
{
    struct super *dead;

    do {
        dead = NULL;
        spin_lock(&fs_tree_lock);
        list_for_each(it, &super_zombies)
        {
            struct super *super = list_entry(it, struct super, node);

            if (!super_is_busy_locked(super)) {
                dead = super;
                list_remove(&super->node);
                break;
            }
        }
        spin_unlock(&fs_tree_lock);
        if (dead != NULL) {
            super_destroy(dead);
        }
    } while (dead != NULL);
}

/* Takes over the reference on `on`. */
static int super_attach(struct super *super, struct dentry *on)
{
    int error = 0;

    spin_lock(&fs_tree_lock);
    if (on != NULL && (on->mounted != NULL || (on->inode->flags & INODE_DEAD) ||
                       (on->parent != on && !(on->flags & DENTRY_HASHED)))) {
        error = on->mounted != NULL ? -EBUSY : -ENOENT;
    } else {
        super->covered = on;
        if (on != NULL) {
            on->mounted = super;
        }
        list_push_back(&super_table, &super->node);
    }
    spin_unlock(&fs_tree_lock);
    return error;
}

int super_mount_root(const char *type, const char *source, struct super **out)
{
    int error = super_create(type, source, MS_RELATIME, "", out);

    return error != 0 ? error : super_attach(*out, NULL);
}

static int super_mount_at(struct dentry *on, const char *source, const char *type, uint64_t flags,
                          const char *data)
{
    struct super *super;
    int error;

    if (!inode_is(on->inode, S_IFDIR)) {
        return -ENOTDIR;
    }
    error = super_create(type, source, flags, data, &super);
    if (error != 0) {
        return error;
    }
    dentry_get(on);
    error = super_attach(super, on);
    if (error != 0) {
        dentry_put(on);
        super_destroy(super);
    }
    return error;
}

static int super_remount(struct dentry *on, uint64_t flags)
{
    struct super *super = on->inode->super;

    if (super->root != on) {
        return -EINVAL;
    }
    super->mount_flags = flags;
    return 0;
}

int vfs_mount(const struct path_at *where, const char *source, const char *type, uint64_t flags,
              const char *data)
{
    uint64_t kept = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME |
                    MS_RELATIME | MS_SYNCHRONOUS | MS_STRICTATIME;
    struct dentry *on;
    int error;

    if (!cred_capable(where->cred, CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if ((flags & MS_MGC_MSK) == MS_MGC_VAL) {
        flags &= ~(uint64_t)MS_MGC_MSK;
    }
    error = path_resolve(where, 0, &on);
    if (error != 0) {
        return error;
    }
    super_sweep_zombies();
    if (flags & MS_REMOUNT) {
        error = super_remount(on, flags & kept);
    } else if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)) {
        error = on->inode->super->root == on ? 0 : -EINVAL;
    } else if (flags & (MS_BIND | MS_MOVE)) {
        error = -EINVAL;
    } else if (type == NULL) {
        error = -EINVAL;
    } else {
        error = super_mount_at(on, source == NULL ? "none" : source, type, flags & kept,
                               data == NULL ? "" : data);
    }
    dentry_put(on);
    return error;
}

int vfs_mount_kernel(const char *path, const char *type, const char *source)
{
    struct cred *cred = cred_create_root();
    struct fs_context *ctx = fs_context_create(vfs_root());
    int error = -ENOMEM;

    if (cred != NULL && ctx != NULL) {
        struct path_at where = {ctx, cred, NULL, path};

        error = vfs_mount(&where, source, type, MS_RELATIME, NULL);
    }
    if (ctx != NULL) {
        fs_context_put(ctx);
    }
    if (cred != NULL) {
        cred_put(cred);
    }
    return error;
}

/* Requires: `root` is referenced once by the caller, which the busy test allows for. */
static int super_detach(struct dentry *root, bool lazy)
{
    struct super *super = root->inode->super;
    struct dentry *covered;
    bool busy;

    spin_lock(&fs_tree_lock);
    covered = super->covered;
    if (super->root != root || covered == NULL) {
        spin_unlock(&fs_tree_lock);
        return -EINVAL;
    }
    dentry_put(root); /* never the last: super holds it */
    busy = super_is_busy_locked(super);
    if (busy && (!lazy || root->mounted != NULL)) {
        dentry_get(root);
        spin_unlock(&fs_tree_lock);
        return -EBUSY;
    }
    covered->mounted = NULL;
    super->covered = NULL;
    super->flags |= SUPER_DEAD;
    list_remove(&super->node);
    if (busy) {
        list_push_back(&super_zombies, &super->node);
        dentry_get(root);
    }
    spin_unlock(&fs_tree_lock);
    dentry_put(covered);
    if (!busy) {
        super_destroy(super);
        return 1;
    }
    return 0;
}

int vfs_umount(const struct path_at *where, uint32_t flags)
{
    struct dentry *root;
    int error;

    if (flags & ~(UMOUNT_FORCE | UMOUNT_DETACH | UMOUNT_EXPIRE | UMOUNT_NOFOLLOW)) {
        return -EINVAL;
    }
    if (!cred_capable(where->cred, CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    if (flags & UMOUNT_EXPIRE) {
        return -EINVAL;
    }
    error = path_resolve(where, (flags & UMOUNT_NOFOLLOW) ? PATH_NOFOLLOW : 0, &root);
    if (error != 0) {
        return error;
    }
    error = super_detach(root, (flags & UMOUNT_DETACH) != 0);
    if (error != 1) {
        dentry_put(root);
    }
    super_sweep_zombies();
    return error == 1 ? 0 : error;
}

struct mount_copy {
    struct vfs_mount_info info;
    char source[sizeof(((struct super *)NULL)->source)];
    char path[FS_PATH_MAX];
};

/*
 * Copies the n-th mount as seen from root; NULL as its path if it is not below. No reference is taken: it
 * would make an umount fail. Returns whether there is one.
 */
static bool copy_mount(unsigned n, struct dentry *root, struct mount_copy *copy)
{
    struct super *super = NULL;
    bool reachable = false;

    spin_lock(&fs_tree_lock);
    list_for_each(it, &super_table)
    {
        if (n-- == 0) {
            super = list_entry(it, struct super, node);
            break;
        }
    }
    if (super != NULL) {
        strlcpy(copy->source, super->source, sizeof(copy->source));
        copy->info = (struct vfs_mount_info){
            copy->source,
            dentry_path_locked(super->root, root, copy->path, sizeof(copy->path), &reachable),
            super->type->name, super->mount_flags, super->dev};
        copy->info.path = reachable ? copy->info.path : NULL;
    }
    spin_unlock(&fs_tree_lock);
    return super != NULL;
}

int vfs_for_each_mount(struct dentry *root,
                       int (*show)(const struct vfs_mount_info *info, void *arg), void *arg)
{
    struct mount_copy *copy = kmalloc(sizeof(*copy));
    int error = copy == NULL ? -ENOMEM : 0;

    for (unsigned n = 0; error == 0 && copy_mount(n, root, copy); n++) {
        if (copy->info.path != NULL) {
            error = show(&copy->info, arg);
        }
    }
    kfree(copy);
    return error;
}
