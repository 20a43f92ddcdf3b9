/*
 * Generated files: the text is made whole at the first read of an open file (and again at each read
 * from its start), and a write(2) is handed over whole. Directories are pinned names, or computed
 * ones.
 */
#include "fs/pseudo.h"

#include <linux/fs.h>

#include "fs/readdir.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define PSEUDO_STORE_MAX 4095u

/* file->private of a generated text. */
struct pseudo_open {
    struct io_lock lock;
    struct text text;
    bool made;
};

static const struct inode_ops pseudo_plain_ops = {.lookup = NULL};

const struct pseudo_file *pseudo_file_of(const struct inode *inode)
{
    return inode->descriptor;
}

static int pseudo_open(struct inode *inode, struct file *file)
{
    const struct pseudo_file *descriptor = inode->descriptor;
    struct pseudo_open *open;

    if ((file_mode(file) & FILE_WRITE) && descriptor->store == NULL) {
        return -EACCES;
    }
    open = kmalloc(sizeof(*open));
    if (open == NULL) {
        return -ENOMEM;
    }
    io_lock_init(&open->lock);
    text_init(&open->text);
    open->made = false;
    file->private = open;
    return 0;
}

static void pseudo_release(struct file *file)
{
    struct pseudo_open *open = file->private;

    text_free(&open->text);
    kfree(open);
}

/* Requires: open->lock. */
static int pseudo_make_text(struct inode *inode, struct pseudo_open *open)
{
    const struct pseudo_file *descriptor = inode->descriptor;
    int error;

    if (descriptor->show == NULL) {
        return -EIO;
    }
    text_free(&open->text);
    text_init(&open->text);
    open->made = false;
    error = descriptor->show(inode, &open->text);
    if (error == 0) {
        error = open->text.error;
    }
    open->made = error == 0;
    return error;
}

static ssize64_t pseudo_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct pseudo_open *open = file->private;
    ssize64_t done = 0;
    int error = io_lock_take(&open->lock);

    if (error != 0) {
        return error;
    }
    if (*pos == 0 || !open->made) {
        done = pseudo_make_text(file->inode, open);
    }
    if (done == 0 && *pos < open->text.len && uio->left > 0) {
        done = uio_put(uio, open->text.data + *pos, MIN(open->text.len - *pos, uio->left));
    }
    io_lock_drop(&open->lock);
    if (done > 0) {
        *pos += (uint64_t)done;
    }
    return done;
}

static ssize64_t pseudo_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    const struct pseudo_file *descriptor = file->inode->descriptor;
    size_t len = MIN(uio->left, (size_t)PSEUDO_STORE_MAX);
    char *data;
    ssize64_t n;

    if (descriptor->store == NULL) {
        return -EIO;
    }
    data = kmalloc(len + 1);
    if (data == NULL) {
        return -ENOMEM;
    }
    n = len == 0 ? 0 : uio_get(uio, data, len);
    if (n >= 0) {
        data[n] = '\0';
        n = descriptor->store(file->inode, data, (size_t)n);
    }
    kfree(data);
    if (n > 0) {
        *pos += (uint64_t)n;
    }
    return n;
}

static const struct file_ops pseudo_file_ops = {
    .open = pseudo_open,
    .read = pseudo_read,
    .write = pseudo_write,
    .seek = file_seek_sizeless,
    .release = pseudo_release,
};

static int pseudo_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    const struct pseudo_dir *descriptor = dir->descriptor;

    return descriptor->lookup(dir, name, len, out);
}

static const struct inode_ops pseudo_dir_inode_ops = {.lookup = pseudo_lookup};

static int pseudo_readdir(struct file *file, struct dir_emitter *emitter)
{
    const struct pseudo_dir *descriptor = file->inode->descriptor;

    if (!dir_emit_dots(emitter, file)) {
        return 0;
    }
    return descriptor->iterate(file->inode, &file->pos, emitter);
}

static const struct file_ops pseudo_dir_ops = {
    .seek = file_seek_sizeless,
    .readdir = pseudo_readdir,
};

struct inode *pseudo_file_inode(struct super *super, uint32_t permissions,
                                const struct pseudo_file *file, void *private)
{
    struct inode *inode = inode_create(super, S_IFREG | permissions);

    if (inode != NULL) {
        inode->ops = &pseudo_plain_ops;
        inode->file_ops = &pseudo_file_ops;
        inode->descriptor = file;
        inode->private = private;
    }
    return inode;
}

struct inode *pseudo_dir_inode(struct super *super, uint32_t permissions,
                               const struct pseudo_dir *dir, void *private)
{
    struct inode *inode = inode_create(super, S_IFDIR | permissions);

    if (inode != NULL) {
        inode->ops = dir != NULL ? &pseudo_dir_inode_ops : &pseudo_plain_ops;
        inode->file_ops = dir != NULL ? &pseudo_dir_ops : &dir_file_ops;
        inode->descriptor = dir;
        inode->private = private;
    }
    return inode;
}

struct inode *pseudo_link_inode(struct super *super, const char *target)
{
    size_t size = strlen(target) + 1;
    char *link = kmalloc(size);
    struct inode *inode;

    if (link == NULL) {
        return NULL;
    }
    memcpy(link, target, size);
    inode = pseudo_magic_inode(super, &pseudo_plain_ops, NULL);
    if (inode == NULL) {
        kfree(link);
        return NULL;
    }
    inode->link = link;
    return inode;
}

struct inode *pseudo_magic_inode(struct super *super, const struct inode_ops *ops, void *private)
{
    struct inode *inode = inode_create(super, S_IFLNK | 0777);

    if (inode != NULL) {
        inode->ops = ops;
        inode->private = private;
    }
    return inode;
}

/* Pins an inode (may be NULL: out of memory) and drops the caller's reference. */
static int pseudo_add(struct dentry *parent, const char *name, struct inode *inode,
                      struct dentry **out)
{
    int error;

    if (inode == NULL) {
        return -ENOMEM;
    }
    error = dentry_add(parent, name, inode, out);
    inode_put(inode);
    return error;
}

int pseudo_add_dir(struct dentry *parent, const char *name, struct dentry **out)
{
    return pseudo_add(parent, name, pseudo_dir_inode(parent->inode->super, 0555, NULL, NULL), out);
}

int pseudo_add_file(struct dentry *parent, const char *name, uint32_t permissions,
                    const struct pseudo_file *file, void *private)
{
    return pseudo_add(parent, name,
                      pseudo_file_inode(parent->inode->super, permissions, file, private), NULL);
}

int pseudo_add_link(struct dentry *parent, const char *name, const char *target)
{
    return pseudo_add(parent, name, pseudo_link_inode(parent->inode->super, target), NULL);
}
