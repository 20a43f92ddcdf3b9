/* tmpfs: files in memory. tmpfs.c has the file system and its inodes, tmpfs_file.c their contents.
 */
#pragma once

#include "fs/file.h"
#include "mm/page_store.h"

struct tmpfs {
    _Atomic uint64_t nr_pages;
    _Atomic uint64_t nr_inodes; /* and further names of theirs */
    uint64_t max_pages;
    uint64_t max_inodes;
};

struct tmpfs_inode {
    struct inode inode;
    struct vm_object object; /* its last reference frees the whole */
    struct page_store store;
};

static inline struct tmpfs_inode *tmpfs_inode_of(struct inode *inode)
{
    return container_of(inode, struct tmpfs_inode, inode);
}

/* Boot: registers "tmpfs", and "ramfs" as another name of it. */
void tmpfs_init(void);

extern const struct file_ops tmpfs_file_ops;

/* As vm_object_ops. */
int tmpfs_get_page(struct vm_object *object, uint64_t index, struct frame **out);
struct frame *tmpfs_peek_page(struct vm_object *object, uint64_t index);
/* Counts one more, if that leaves at most max. */
bool tmpfs_count(_Atomic uint64_t *nr, uint64_t max);
int tmpfs_clear_object(struct vm_object *object, uint64_t offset, uint64_t len);

/* Brings nr_blocks and the file system's count of pages in line with the store. */
void tmpfs_account(struct tmpfs_inode *tmp);
/* Drops the pages from index `from` to the end of `size` bytes. */
void tmpfs_drop_pages(struct tmpfs_inode *tmp, uint64_t from, uint64_t size);
NODISCARD int tmpfs_truncate(struct inode *inode, uint64_t size);
NODISCARD int tmpfs_allocate(struct inode *inode, int mode, uint64_t offset, uint64_t len);
