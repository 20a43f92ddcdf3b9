/*
 * Reading directories. Positions: 0 ".", 1 "..", then the cookies of the pinned children, which
 * stay valid whatever else is added or removed.
 */
#include "fs/readdir.h"

#include <asm/posix_types.h>
#include <linux/fs.h>

#include "kernel/string.h"

/* getdents64(2): d_ino, d_off, d_reclen, d_type, d_name. */
struct readdir_record {
    uint64_t ino;
    int64_t next;
    uint16_t len;
    uint8_t type;
    char name[];
} PACKED;

bool dir_emit(struct dir_emitter *emitter, const char *name, size_t len, uint64_t ino,
              unsigned type, uint64_t next_pos)
{
    size_t size = ALIGN_UP(offsetof(struct readdir_record, name) + len + 1, 8);
    struct readdir_record *record = (void *)(emitter->buf + emitter->used);

    if (emitter->size - emitter->used < size) {
        emitter->full = true;
        return false;
    }
    record->ino = ino;
    record->next = (int64_t)next_pos;
    record->len = (uint16_t)size;
    record->type = (uint8_t)type;
    memcpy(record->name, name, len);
    memset(record->name + len, 0, size - offsetof(struct readdir_record, name) - len);
    emitter->used += size;
    return true;
}

bool dir_emit_dots(struct dir_emitter *emitter, struct file *file)
{
    struct dentry *dir = file->dentry;
    uint64_t ino;

    if (file->pos == 0) {
        if (!dir_emit(emitter, ".", 1, file->inode->ino, S_IFDIR >> 12, 1)) {
            return false;
        }
        file->pos = 1;
    }
    if (file->pos == 1) {
        spin_lock(&fs_tree_lock);
        while (dir->parent == dir && dir->inode->super->covered != NULL) {
            dir = dir->inode->super->covered;
        }
        ino = dir->parent->inode->ino;
        spin_unlock(&fs_tree_lock);
        if (!dir_emit(emitter, "..", 2, ino, S_IFDIR >> 12, 2)) {
            return false;
        }
        file->pos = 2;
    }
    return true;
}

/* The first child past the position. `hint`, the last one emitted, saves the search while it is in
 * place. */
static struct list *readdir_start_locked(struct dentry *dir, struct dentry *hint, uint64_t pos)
    REQUIRES(&fs_tree_lock)
{
    struct list *it = dir->children.next;

    if (hint != NULL && (hint->flags & DENTRY_HASHED) && hint->parent == dir &&
        hint->cookie + 1 == pos) {
        return hint->sibling.next;
    }
    while (it != &dir->children && list_entry(it, struct dentry, sibling)->cookie < pos) {
        it = it->next;
    }
    return it;
}

int readdir_pinned(struct file *file, struct dir_emitter *emitter)
{
    struct dentry *dir = file->dentry;
    struct dentry *hint = file->private;
    struct dentry *last = NULL;
    struct list *it;

    if (!dir_emit_dots(emitter, file)) {
        return 0;
    }
    spin_lock(&fs_tree_lock);
    it = readdir_start_locked(dir, hint, file->pos);
    for (; it != &dir->children; it = it->next) {
        struct dentry *child = list_entry(it, struct dentry, sibling);

        if (!dir_emit(emitter, child->name, child->name_len, child->inode->ino,
                      (inode_mode(child->inode) & S_IFMT) >> 12, child->cookie + 1)) {
            break;
        }
        file->pos = child->cookie + 1;
        last = child;
    }
    if (last != NULL) {
        dentry_get(last);
        file->private = last;
    }
    spin_unlock(&fs_tree_lock);
    if (last != NULL && hint != NULL) {
        dentry_put(hint);
    }
    inode_accessed(file->inode);
    return 0;
}

static void readdir_release(struct file *file)
{
    if (file->private != NULL) {
        dentry_put(file->private);
    }
}

const struct file_ops dir_file_ops = {
    .seek = file_seek_sizeless,
    .readdir = readdir_pinned,
    .release = readdir_release,
};

ssize64_t file_getdents(struct file *file, void *buf, size_t size)
{
    struct dir_emitter emitter = {.buf = buf, .size = size};
    int error;

    if (file_mode(file) & FILE_PATH) {
        return -EBADF;
    }
    if (file->ops->readdir == NULL) {
        return -ENOTDIR;
    }
    error = io_lock_take(&file->pos_lock);
    if (error != 0) {
        return error;
    }
    if (file->inode->flags & INODE_DEAD) {
        error = -ENOENT;
    } else {
        error = file->ops->readdir(file, &emitter);
    }
    io_lock_drop(&file->pos_lock);
    if (emitter.used > 0) {
        return (ssize64_t)emitter.used;
    }
    return error == 0 && emitter.full ? -EINVAL : error;
}
