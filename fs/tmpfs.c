/*
 * tmpfs: names are pinned dentries, contents are page stores. Sizes are bounded per mount
 * (half of memory, or size=, nr_inodes=, mode=, uid=, gid=; tmpfs(5)).
 */
#include "fs/tmpfs.h"

#include <linux/magic.h>

#include "fs/readdir.h"
#include "fs/vfs.h"
#include "kernel/string.h"
#include "mm/frame.h"
#include "mm/slab.h"

struct tmpfs_options {
    uint64_t max_pages, max_inodes;
    uint32_t mode, uid, gid;
};

static struct slab_cache tmpfs_cache;
static const struct vm_object_ops tmpfs_object_ops;

static int tmpfs_make(struct inode *dir, uint32_t mode, dev_nr_t rdev, const struct cred *cred,
                      struct inode **out);

static const struct inode_ops tmpfs_dir_ops = {.make = tmpfs_make};
static const struct inode_ops tmpfs_plain_ops = {.make = NULL};
static const struct inode_ops tmpfs_file_inode_ops = {
    .truncate = tmpfs_truncate,
    .allocate = tmpfs_allocate,
};

bool tmpfs_count(_Atomic uint64_t *nr, uint64_t max)
{
    uint64_t count = atomic_load(nr);

    while (count < max) {
        if (atomic_compare_exchange_weak(nr, &count, count + 1)) {
            return true;
        }
    }
    return false;
}

static int tmpfs_charge(struct super *super)
{
    struct tmpfs *fs = super->private;

    return tmpfs_count(&fs->nr_inodes, fs->max_inodes) ? 0 : -ENOSPC;
}

static void tmpfs_uncharge(struct super *super)
{
    struct tmpfs *fs = super->private;

    atomic_fetch_sub(&fs->nr_inodes, 1);
}

static int tmpfs_inode_create(struct super *super, uint32_t mode, struct tmpfs_inode **out)
{
    struct tmpfs_inode *tmp;
    int error = tmpfs_charge(super);

    if (error != 0) {
        return error;
    }
    tmp = slab_alloc(&tmpfs_cache);
    if (tmp == NULL) {
        tmpfs_uncharge(super);
        return -ENOMEM;
    }
    inode_init(&tmp->inode, super, mode);
    vm_object_init(&tmp->object, &tmpfs_object_ops);
    page_store_init(&tmp->store);
    tmp->inode.ops = &tmpfs_plain_ops;
    if (S_ISDIR(mode)) {
        tmp->inode.ops = &tmpfs_dir_ops;
        tmp->inode.file_ops = &dir_file_ops;
        atomic_store(&tmp->inode.size, 2 * SUPER_ENTRY_SIZE);
    } else if (S_ISREG(mode)) {
        tmp->inode.ops = &tmpfs_file_inode_ops;
        tmp->inode.file_ops = &tmpfs_file_ops;
    }
    *out = tmp;
    return 0;
}

static int tmpfs_make(struct inode *dir, uint32_t mode, dev_nr_t rdev, const struct cred *cred,
                      struct inode **out)
{
    struct tmpfs_inode *tmp;
    int error = tmpfs_inode_create(dir->super, mode, &tmp);

    if (error != 0) {
        return error;
    }
    inode_init_owner(&tmp->inode, dir, cred);
    tmp->inode.rdev = rdev;
    *out = &tmp->inode;
    return 0;
}

/* Mappings may hold the object longer than anything holds the inode; object->destroy frees both. */
static void tmpfs_evict(struct inode *inode)
{
    vm_object_put(&tmpfs_inode_of(inode)->object);
}

static void tmpfs_object_destroy(struct vm_object *object)
{
    struct tmpfs_inode *tmp = container_of(object, struct tmpfs_inode, object);

    tmpfs_drop_pages(tmp, 0, inode_size(&tmp->inode));
    tmpfs_account(tmp);
    tmpfs_uncharge(tmp->inode.super);
    inode_fini(&tmp->inode);
    slab_free(&tmpfs_cache, tmp);
}

static void tmpfs_file_get(void *file)
{
    file_get(file);
}

static void tmpfs_file_put(void *file)
{
    file_put(file);
}

static void tmpfs_file_describe(void *opaque, char *path, size_t size, uint64_t *dev, uint64_t *ino)
{
    struct file *file = opaque;
    char *start = file_path(file, NULL, path, size);

    if (start != NULL) {
        memmove(path, start, (size_t)(path + size - start));
    } else {
        strlcpy(path, "", size);
    }
    *dev = file->inode->super->dev;
    *ino = file->inode->ino;
}

static void tmpfs_stats(struct super *super, struct fs_stats *out)
{
    struct tmpfs *fs = super->private;

    out->nr_blocks = fs->max_pages;
    out->nr_free = fs->max_pages - MIN(fs->max_pages, atomic_load(&fs->nr_pages));
    out->nr_files = fs->max_inodes;
    out->nr_files_free = fs->max_inodes - MIN(fs->max_inodes, atomic_load(&fs->nr_inodes));
}

static void tmpfs_destroy(struct super *super)
{
    kfree(super->private);
}

static const struct vm_object_ops tmpfs_object_ops = {
    .get_page = tmpfs_get_page,
    .peek_page = tmpfs_peek_page,
    .clear = tmpfs_clear_object,
    .destroy = tmpfs_object_destroy,
    .file_get = tmpfs_file_get,
    .file_put = tmpfs_file_put,
    .file_describe = tmpfs_file_describe,
};

static const struct super_ops tmpfs_super_ops = {
    .stats = tmpfs_stats,
    .charge_name = tmpfs_charge,
    .uncharge_name = tmpfs_uncharge,
    .destroy = tmpfs_destroy,
    .evict = tmpfs_evict,
};

static uint64_t tmpfs_parse_size(const char *text, char **end)
{
    uint64_t value = strtoul(text, end, 0);

    switch (**end) {
    case 'k':
    case 'K':
        value <<= 10;
        break;
    case 'm':
    case 'M':
        value <<= 20;
        break;
    case 'g':
    case 'G':
        value <<= 30;
        break;
    default:
        return value;
    }
    (*end)++;
    return value;
}

/* tmpfs(5): 0 means none. */
static uint64_t tmpfs_limit(uint64_t value)
{
    return value == 0 ? UINT64_MAX : value;
}

static int tmpfs_parse_option(const char *option, uint64_t half, struct tmpfs_options *out)
{
    char *end;

    if (strncmp(option, "size=", 5) == 0) {
        uint64_t size = tmpfs_parse_size(option + 5, &end);

        if (*end == '%') {
            size = half * 2 / 100 * size * PAGE_SIZE;
            end++;
        }
        out->max_pages = tmpfs_limit(size / PAGE_SIZE + (size % PAGE_SIZE != 0));
    } else if (strncmp(option, "nr_blocks=", 10) == 0) {
        out->max_pages = tmpfs_limit(tmpfs_parse_size(option + 10, &end));
    } else if (strncmp(option, "nr_inodes=", 10) == 0) {
        out->max_inodes = tmpfs_limit(tmpfs_parse_size(option + 10, &end));
    } else if (strncmp(option, "mode=", 5) == 0) {
        out->mode = (uint32_t)strtoul(option + 5, &end, 8) & 07777;
    } else if (strncmp(option, "uid=", 4) == 0) {
        out->uid = (uint32_t)strtoul(option + 4, &end, 10);
    } else if (strncmp(option, "gid=", 4) == 0) {
        out->gid = (uint32_t)strtoul(option + 4, &end, 10);
    } else {
        return -EINVAL;
    }
    return *end == '\0' || *end == ',' ? 0 : -EINVAL;
}

static int tmpfs_parse(const char *data, struct tmpfs_options *out)
{
    struct frame_stats frames;

    frame_get_stats(&frames);
    *out = (struct tmpfs_options){.max_pages = frames.total / 2, .max_inodes = frames.total / 2};
    out->mode = 01777;
    while (*data != '\0') {
        int error = tmpfs_parse_option(data, frames.total / 2, out);

        if (error != 0) {
            return error;
        }
        while (*data != '\0' && *data++ != ',') {
        }
    }
    return 0;
}

static int tmpfs_mount(struct super *super, const char *data)
{
    struct tmpfs_options options;
    struct tmpfs_inode *root;
    struct tmpfs *fs;
    int error = tmpfs_parse(data, &options);

    if (error != 0) {
        return error;
    }
    fs = kzalloc(sizeof(*fs));
    if (fs == NULL) {
        return -ENOMEM;
    }
    fs->max_pages = options.max_pages;
    fs->max_inodes = options.max_inodes;
    super->private = fs;
    super->ops = &tmpfs_super_ops;
    super->magic = TMPFS_MAGIC;
    super->flags |= SUPER_DIR_SIZE;
    error = tmpfs_inode_create(super, S_IFDIR | options.mode, &root);
    if (error != 0) {
        goto undo_fs;
    }
    root->inode.uid = options.uid;
    root->inode.gid = options.gid;
    super->root = dentry_create_root(&root->inode);
    inode_put(&root->inode);
    if (super->root == NULL) {
        error = -ENOMEM;
        goto undo_fs;
    }
    return 0;
undo_fs:
    kfree(fs);
    return error;
}

static struct fs_type tmpfs_type = {.name = "tmpfs", .nodev = true, .mount = tmpfs_mount};
static struct fs_type tmpfs_ramfs_type = {.name = "ramfs", .nodev = true, .mount = tmpfs_mount};

void tmpfs_init(void)
{
    slab_cache_init(&tmpfs_cache, "tmpfs_inode", sizeof(struct tmpfs_inode));
    vfs_register(&tmpfs_type);
    vfs_register(&tmpfs_ramfs_type);
}
