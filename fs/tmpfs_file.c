/*
 * Contents of tmpfs files. Holes are filled under inode->lock; pages are copied through a reference
 * with nothing held but (for writes) the write lock, which no fault takes. The size shrinks before
 * pages go, so that nobody makes a page past it; a partial last page is zero behind the end.
 */
#include <linux/falloc.h>
#include <linux/fs.h>

#include "fs/tmpfs.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "mm/frame.h"

#define TMPFS_SCHED_PAGES 64u
#define TMPFS_DROP_PAGES  1024u

void tmpfs_account(struct tmpfs_inode *tmp)
{
    struct tmpfs *fs = tmp->inode.super->private;

    spin_lock(&tmp->inode.lock);
    uint64_t pages = tmp->store.nr_pages;

    atomic_fetch_add(&fs->nr_pages, pages - tmp->inode.nr_blocks / (PAGE_SIZE / FS_BLOCK));
    tmp->inode.nr_blocks = pages * (PAGE_SIZE / FS_BLOCK);
    spin_unlock(&tmp->inode.lock);
}

/* A hole becomes a page. Requires: tmp->inode.lock. */
static int tmpfs_fill_locked(struct tmpfs_inode *tmp, uint64_t index, struct frame **out)
{
    struct tmpfs *fs = tmp->inode.super->private;
    int error;

    if (!tmpfs_count(&fs->nr_pages, fs->max_pages)) {
        return -ENOSPC;
    }
    error = page_store_get(&tmp->store, index, out);
    if (error == 0) {
        tmp->inode.nr_blocks += PAGE_SIZE / FS_BLOCK;
    } else {
        atomic_fetch_sub(&fs->nr_pages, 1);
    }
    return error;
}

int tmpfs_get_page(struct vm_object *object, uint64_t index, struct frame **out)
{
    struct tmpfs_inode *tmp = container_of(object, struct tmpfs_inode, object);
    int error = -EFAULT;

    spin_lock(&tmp->inode.lock);
    if (index < (inode_size(&tmp->inode) + PAGE_SIZE - 1) / PAGE_SIZE) {
        *out = page_store_peek(&tmp->store, index);
        error = *out != NULL ? 0 : tmpfs_fill_locked(tmp, index, out);
    }
    spin_unlock(&tmp->inode.lock);
    return error == 0 || error == -ENOMEM ? error : -EFAULT;
}

struct frame *tmpfs_peek_page(struct vm_object *object, uint64_t index)
{
    struct tmpfs_inode *tmp = container_of(object, struct tmpfs_inode, object);

    if (index >= (inode_size(&tmp->inode) + PAGE_SIZE - 1) / PAGE_SIZE) {
        return NULL;
    }
    return page_store_peek(&tmp->store, index);
}

static ssize64_t tmpfs_read_page(struct tmpfs_inode *tmp, struct uio *uio, uint64_t pos, size_t len)
{
    struct frame *frame = page_store_peek(&tmp->store, pos / PAGE_SIZE);
    ssize64_t n;

    if (frame == NULL) {
        return uio_put_zero(uio, len);
    }
    n = uio_put(uio, (char *)frame_va(frame) + pos % PAGE_SIZE, len);
    frame_put(frame);
    return n;
}

static ssize64_t tmpfs_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct tmpfs_inode *tmp = tmpfs_inode_of(file->inode);
    size_t done = 0;
    unsigned pages = 0;

    while (uio->left > 0) {
        uint64_t size = inode_size(&tmp->inode);
        size_t len = MIN(uio->left, (size_t)(PAGE_SIZE - *pos % PAGE_SIZE));
        ssize64_t n;

        if (*pos >= size) {
            break;
        }
        len = (size_t)MIN((uint64_t)len, size - *pos);
        n = tmpfs_read_page(tmp, uio, *pos, len);
        if (n < 0) {
            return done > 0 ? (ssize64_t)done : n;
        }
        *pos += (uint64_t)n;
        done += (size_t)n;
        if ((size_t)n < len || (++pages % TMPFS_SCHED_PAGES == 0 && sched_point() != 0)) {
            break;
        }
    }
    if (!(file_flags(file) & O_NOATIME)) {
        inode_accessed(&tmp->inode);
    }
    return (ssize64_t)done;
}

static ssize64_t tmpfs_write_page(struct tmpfs_inode *tmp, struct uio *uio, uint64_t pos,
                                  size_t len)
{
    struct inode *inode = &tmp->inode;
    struct frame *frame;
    ssize64_t n;
    int error = 0;

    spin_lock(&inode->lock);
    frame = page_store_peek(&tmp->store, pos / PAGE_SIZE);
    if (frame == NULL) {
        error = tmpfs_fill_locked(tmp, pos / PAGE_SIZE, &frame);
    }
    spin_unlock(&inode->lock);
    if (error != 0) {
        return error;
    }
    n = uio_get(uio, (char *)frame_va(frame) + pos % PAGE_SIZE, len);
    frame_written(frame);
    frame_put(frame);
    if (n > 0 && pos + (uint64_t)n > inode_size(inode)) {
        /* The write lock keeps every other change of the size out. */
        atomic_store_explicit(&inode->size, pos + (uint64_t)n, memory_order_release);
    }
    return n;
}

/* Requires: write_lock. */
static ssize64_t tmpfs_write_pages(struct tmpfs_inode *tmp, struct uio *uio, uint64_t *pos)
{
    size_t done = 0;
    unsigned pages = 0;

    while (uio->left > 0) {
        size_t len = MIN(uio->left, (size_t)(PAGE_SIZE - *pos % PAGE_SIZE));
        ssize64_t n;

        if (*pos >= FS_SIZE_MAX) {
            return done > 0 ? (ssize64_t)done : -EFBIG;
        }
        len = (size_t)MIN((uint64_t)len, FS_SIZE_MAX - *pos);
        n = tmpfs_write_page(tmp, uio, *pos, len);
        if (n < 0) {
            return done > 0 ? (ssize64_t)done : n;
        }
        *pos += (uint64_t)n;
        done += (size_t)n;
        if ((size_t)n < len || (++pages % TMPFS_SCHED_PAGES == 0 && sched_point() != 0)) {
            break;
        }
    }
    return (ssize64_t)done;
}

static ssize64_t tmpfs_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct tmpfs_inode *tmp = tmpfs_inode_of(file->inode);
    ssize64_t done;
    int error;

    if (uio->left == 0) {
        return 0;
    }
    error = io_lock_take(&tmp->inode.write_lock);
    if (error != 0) {
        return error;
    }
    if (file_flags(file) & O_APPEND) {
        *pos = inode_size(&tmp->inode);
    }
    done = tmpfs_write_pages(tmp, uio, pos);
    io_lock_drop(&tmp->inode.write_lock);
    if (done > 0) {
        inode_written(&tmp->inode, file->cred);
    }
    return done;
}

/* Clears [from, to) where there are pages; no holes are filled. */
static int tmpfs_clear(struct tmpfs_inode *tmp, uint64_t from, uint64_t to)
{
    unsigned pages = 0;

    while (from < to && tmp->store.nr_pages != 0) {
        size_t offset = from % PAGE_SIZE;
        size_t len = (size_t)MIN((uint64_t)PAGE_SIZE - offset, to - from);
        struct frame *frame = page_store_peek(&tmp->store, from / PAGE_SIZE);

        if (frame != NULL) {
            memset((char *)frame_va(frame) + offset, 0, len);
            frame_written(frame);
            frame_put(frame);
        }
        from += len;
        if (++pages % TMPFS_SCHED_PAGES == 0 && sched_point() != 0) {
            return -EINTR;
        }
    }
    return 0;
}

/* Requires: write_lock. */
static int tmpfs_punch(struct tmpfs_inode *tmp, uint64_t offset, uint64_t len)
{
    uint64_t size = inode_size(&tmp->inode);

    return offset < size ? tmpfs_clear(tmp, offset, MIN(offset + len, size)) : 0;
}

int tmpfs_clear_object(struct vm_object *object, uint64_t offset, uint64_t len)
{
    struct tmpfs_inode *tmp = container_of(object, struct tmpfs_inode, object);
    int error = io_lock_take(&tmp->inode.write_lock);

    if (error == 0) {
        error = tmpfs_punch(tmp, offset, len);
        io_lock_drop(&tmp->inode.write_lock);
    }
    return error;
}

/* From the end, in steps that keep the store's lock short. */
void tmpfs_drop_pages(struct tmpfs_inode *tmp, uint64_t from, uint64_t size)
{
    uint64_t end = (size + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t step = MAX((end - from) / 256, (uint64_t)TMPFS_DROP_PAGES);

    if (tmp->store.nr_pages > TMPFS_DROP_PAGES) {
        while (end > from + step) {
            end -= step;
            page_store_truncate(&tmp->store, end);
        }
    }
    page_store_truncate(&tmp->store, from);
}

int tmpfs_truncate(struct inode *inode, uint64_t size)
{
    struct tmpfs_inode *tmp = tmpfs_inode_of(inode);
    uint64_t old = inode_size(inode);
    uint64_t first = (size + PAGE_SIZE - 1) / PAGE_SIZE;

    spin_lock(&inode->lock);
    atomic_store_explicit(&inode->size, size, memory_order_release);
    spin_unlock(&inode->lock);
    if (size >= old) {
        return 0;
    }
    tmpfs_drop_pages(tmp, first, old);
    tmpfs_account(tmp);
    vm_object_unmap_from(&tmp->object, first);
    if (size % PAGE_SIZE != 0) {
        return tmpfs_clear(tmp, size, first * PAGE_SIZE); /* one page */
    }
    return 0;
}

static int tmpfs_reserve(struct tmpfs_inode *tmp, uint64_t offset, uint64_t len)
{
    uint64_t end = (offset + len + PAGE_SIZE - 1) / PAGE_SIZE;

    for (uint64_t index = offset / PAGE_SIZE; index < end; index++) {
        struct frame *frame;
        int error = 0;

        spin_lock(&tmp->inode.lock);
        frame = page_store_peek(&tmp->store, index);
        if (frame == NULL) {
            error = tmpfs_fill_locked(tmp, index, &frame);
        }
        spin_unlock(&tmp->inode.lock);
        if (error != 0) {
            return error;
        }
        frame_put(frame);
        if (index % TMPFS_SCHED_PAGES == 0 && sched_point() != 0) {
            return -EINTR;
        }
    }
    return 0;
}

int tmpfs_allocate(struct inode *inode, int mode, uint64_t offset, uint64_t len)
{
    struct tmpfs_inode *tmp = tmpfs_inode_of(inode);
    int error;

    if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) {
        return tmpfs_punch(tmp, offset, len);
    }
    if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE) {
        return -EOPNOTSUPP;
    }
    error = tmpfs_reserve(tmp, offset, len);
    if (error == 0 && mode == 0 && offset + len > inode_size(inode)) {
        atomic_store_explicit(&inode->size, offset + len, memory_order_release);
    }
    return error;
}

static int tmpfs_mmap(struct file *file, const struct as_map_request *request,
                      struct vm_object **out)
{
    struct tmpfs_inode *tmp = tmpfs_inode_of(file->inode);

    (void)request;
    vm_object_get(&tmp->object);
    *out = &tmp->object;
    inode_accessed(&tmp->inode);
    return 0;
}

const struct file_ops tmpfs_file_ops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .seek = file_seek_generic,
    .mmap = tmpfs_mmap,
};
