/*
 * devtmpfs. Storage and names are tmpfs's; this fills a fresh one with the device nodes, the links
 * to /proc/self/fd and the directories that programs expect. A node that finds no memory is
 * missing.
 */
#include "fs/devfs.h"

#include "fs/device.h"
#include "fs/vfs.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/slab.h"

static const struct cred devfs_cred = {0}; /* root owns everything */

/* Does: makes name, with inode->link for a symlink. */
static int devfs_make(struct dentry *dir, const char *name, uint32_t mode, dev_nr_t rdev,
                      const char *target)
{
    struct inode *inode;
    int error = dir->inode->ops->make(dir->inode, mode, rdev, &devfs_cred, &inode);

    if (error != 0) {
        return error;
    }
    if (target != NULL) {
        size_t size = strlen(target) + 1;
        char *link = kmalloc(size);

        if (link == NULL) {
            inode_put(inode);
            return -ENOMEM;
        }
        memcpy(link, target, size);
        inode->link = link;
        atomic_store(&inode->size, size - 1);
    }
    error = dentry_add(dir, name, inode, NULL);
    inode_put(inode);
    return error;
}

static void devfs_try(struct dentry *dir, const char *name, uint32_t mode, dev_nr_t rdev,
                      const char *target)
{
    int error = devfs_make(dir, name, mode, rdev, target);

    if (error != 0) {
        printk("devtmpfs: no /dev/%s (%d)\n", name, error);
    }
}

static void devfs_fill(struct dentry *root)
{
    const struct char_device *device;

    for (unsigned n = 0; (device = char_device_at(n)) != NULL; n++) {
        if (device->name != NULL) {
            devfs_try(root, device->name, S_IFCHR | device->mode, device->dev, NULL);
        }
    }
    devfs_try(root, "fd", S_IFLNK | 0777, 0, "/proc/self/fd");
    devfs_try(root, "stdin", S_IFLNK | 0777, 0, "/proc/self/fd/0");
    devfs_try(root, "stdout", S_IFLNK | 0777, 0, "/proc/self/fd/1");
    devfs_try(root, "stderr", S_IFLNK | 0777, 0, "/proc/self/fd/2");
    devfs_try(root, "shm", S_IFDIR | 01777, 0, NULL);
    devfs_try(root, "pts", S_IFDIR | 0755, 0, NULL);
}

static const struct fs_type *devfs_storage(void)
{
    const struct fs_type *type;

    for (unsigned n = 0; (type = vfs_type_at(n)) != NULL; n++) {
        if (strcmp(type->name, "tmpfs") == 0) {
            return type;
        }
    }
    return NULL;
}

static int devfs_mount(struct super *super, const char *data)
{
    const struct fs_type *storage = devfs_storage();
    int error;

    (void)data;
    if (storage == NULL) {
        return -ENODEV;
    }
    error = storage->mount(super, "mode=755");
    if (error != 0) {
        return error;
    }
    devfs_fill(super->root);
    return 0;
}

void devfs_init(void)
{
    static struct fs_type type = {.name = "devtmpfs", .nodev = true, .mount = devfs_mount};

    vfs_register(&type);
}
