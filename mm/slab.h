/*
 * Kernel objects: caches of one size each, and kmalloc over a row of such caches.
 * Never sleeps. Debug builds poison on allocation and on free and keep a count for each cache.
 */
#pragma once

#include "kernel/list.h"
#include "kernel/spinlock.h"
#include "kernel/types.h"

struct slab_cache {
    const char *name;
    uint32_t object_size;
    struct spinlock lock;
    void *free;          /* free objects kept at hand, linked through their first word */
    uint32_t nr_free;
    struct list partial; /* slabs with free objects */
    uint64_t nr_live;
    struct list all; /* every cache, for the ledger */
};

/* object_size: 16 .. 2048 bytes. Objects are aligned to 16, and to 64 if their size is a multiple of it. */
void slab_cache_init(struct slab_cache *cache, const char *name, size_t object_size);
/* Returns an object with undefined contents, or NULL. */
void *slab_alloc(struct slab_cache *cache);
void slab_free(struct slab_cache *cache, void *object);

void slab_init(void);
/* Any size up to 4 MiB; NULL when memory is out. Aligned to 16 (pages when len >= 4096). */
void *kmalloc(size_t len);
void *kzalloc(size_t len);
/* ptr may be NULL. */
void kfree(void *ptr);

/* Returns empty slabs of every cache to the frame allocator. */
void slab_drain(void);
/* Returns what is allocated in all caches; what CPUs allocate or free meanwhile may count or not. */
uint64_t slab_live_bytes(void);
/* Does: prints live objects of each cache to the log (the leak ledger). */
void slab_print(void);
