/*
 * Page store: the pages of one memory object by index, sparse. The storage of tmpfs files and of
 * shared anonymous memory. Holes read as zero and are filled on first touch.
 */
#pragma once

#include "kernel/spinlock.h"
#include "mm/vm_object.h"

struct page_store {
    struct spinlock lock;
    void *root;        /* radix tree of 64-way nodes */
    uint32_t height;
    uint64_t nr_pages; /* present */
};

void page_store_init(struct page_store *store);
/* Returns the frame with a new reference, or NULL for a hole. */
struct frame *page_store_peek(struct page_store *store, uint64_t index);
/* As above, a hole is filled with a zeroed frame. Fails: -ENOMEM. */
NODISCARD int page_store_get(struct page_store *store, uint64_t index, struct frame **out);
/* Moves *index to the first page that is there, at or past it; false: none. */
bool page_store_next(struct page_store *store, uint64_t *index);
/* Drops every page at or past index. */
void page_store_truncate(struct page_store *store, uint64_t index);

/* Shared anonymous memory of the given size: an object over a page store. Fails: NULL. */
struct vm_object *anon_object_create(uint64_t len);
