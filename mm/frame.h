/*
 * Physical frames: buddy allocator, per-CPU cache, one record per frame with owner and reference count.
 * A frame is returned when its last reference goes. Allocation never sleeps.
 */
#pragma once

#include <arch/consts.h>
#include <hal/boot.h>

#include "kernel/assert.h"
#include "kernel/types.h"

#define FRAME_ORDER_MAX 10u /* largest block: 4 MiB */

enum frame_owner {
    FRAME_RESERVED, /* firmware, kernel image, frame records; never freed */
    FRAME_FREE,
    FRAME_KERNEL,   /* kernel stacks, large kernel buffers */
    FRAME_SLAB,
    FRAME_TABLE, /* user page tables */
    FRAME_ANON,  /* user memory without an object */
    FRAME_OBJECT, /* pages of a vm_object */
    FRAME_NR_OWNERS,
};

enum frame_flags {
    FRAME_ICACHE_CLEAN = 1, /* was executable; instruction caches know what the kernel wrote */
    FRAME_POISONED = 2,     /* debug: free, and filled with the pattern */
};

/* 16 bytes for each 4 KiB of RAM. */
struct frame {
    _Atomic uint32_t refs;
    _Atomic uint8_t owner; /* enum frame_owner; the buddy looks at its neighbours' */
    uint8_t order;  /* of the block that starts here */
    uint8_t level;  /* FRAME_SLAB: order of the slab it is part of */
    _Atomic uint8_t flags;
    uint32_t next, prev; /* free lists, by frame number; of a table: slots in use (mm/pagetable.h) */
};

extern struct frame *frame_records;
extern uint64_t frame_first, frame_end; /* frame numbers that have records */

static inline void *phys_to_virt(paddr_t pa)
{
    return (void *)(pa + DIRECT_MAP_BASE);
}

static inline paddr_t virt_to_phys(const void *va)
{
    return (vaddr_t)va - DIRECT_MAP_BASE;
}

/* Requires: pa lies in RAM that the boot map named. */
static inline struct frame *frame_of(paddr_t pa)
{
    return &frame_records[(pa >> PAGE_SHIFT) - frame_first];
}

static inline paddr_t frame_pa(const struct frame *frame)
{
    return ((paddr_t)(frame - frame_records) + frame_first) << PAGE_SHIFT;
}

static inline void *frame_va(const struct frame *frame)
{
    return phys_to_virt(frame_pa(frame));
}

/* Boot, once: records from the boot map; usable memory that the boot map reaches becomes free. */
void frame_init(const struct boot_info *boot);
/* Boot, once the whole direct map is there: the rest becomes free. */
void frame_init_rest(const struct boot_info *boot);
/* Does: gives a boot-reserved range (the unpacked initramfs) to the allocator. */
void frame_release_boot(struct boot_range range);

/* Returns a frame with one reference and undefined contents (poison in debug builds), or NULL. */
struct frame *frame_alloc(enum frame_owner owner);
/* As above, contents zero. */
struct frame *frame_alloc_zeroed(enum frame_owner owner);
/* The same if this CPU has one zeroed ahead; NULL does not mean that there is no memory. */
struct frame *frame_take_zeroed(enum frame_owner owner);
/* Does: zeroes some frames for the allocations to come. Call where no lock is held. */
void frame_zero_ahead(void);
/* 2^order frames, aligned, with one reference for the block, or NULL. */
struct frame *frame_alloc_order(enum frame_owner owner, unsigned order);

static inline void frame_get(struct frame *frame)
{
    kassert(atomic_load_explicit(&frame->refs, memory_order_relaxed) != 0);
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
}

static inline uint32_t frame_refs(const struct frame *frame)
{
    return atomic_load_explicit(&((struct frame *)frame)->refs, memory_order_acquire);
}

/* The kernel changed the contents: where the page has been executable, instruction caches hear of it. */
void frame_written(struct frame *frame);

/* Drops a reference; the last one frees the block. */
void frame_put(struct frame *frame);

/* The frame of zeros that reads of untouched anonymous memory see; permanent, never counted. */
extern paddr_t frame_zero_pa;

/* Returns every per-CPU cached frame to the buddy lists. */
void frame_drain(void);

struct frame_stats {
    uint64_t total;  /* frames that were ever free or allocated */
    uint64_t nr_free; /* cached ones included */
    uint64_t owned[FRAME_NR_OWNERS];
};
void frame_get_stats(struct frame_stats *out);

/*
 * Debug and test: of the frames and slab objects that the running task allocates from now on, the n-th
 * (1 = next) fails; 0: none. Other tasks, its children too, are left alone.
 */
void frame_fail_nth(uint64_t n);
/* Returns whether this allocation must fail. */
bool frame_should_fail(void);

/* One page, page-aligned. */
void page_clear(void *page);
void page_copy(void *restrict dst, const void *restrict src);
