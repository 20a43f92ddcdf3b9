/*
 * Physical frames: see mm/frame.h. Free blocks stand in one list for each order, linked by frame
 * number; single frames go through a per-CPU stack. Invariant: a free block's head has refs 0 and
 * owner FRAME_FREE; every frame of the machine is in exactly one block.
 */
#include "mm/frame.h"

#include <hal/mmu.h>

#include "kernel/cpu.h"
#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "kernel/string.h"
#include "mm/oom.h"

#define NO_FRAME UINT32_MAX
#define CACHE_FRAMES 128u
#define CACHE_BATCH 32u
#define ZEROED_FRAMES 16u
#define POISON_FREE 0xf4eef4eef4eef4eeull
#define POISON_FRESH 0xa110ca7ea110ca7eull

struct frame *frame_records;
uint64_t frame_first, frame_end;
paddr_t frame_zero_pa;

static struct spinlock lock = SPINLOCK_INIT;
static uint32_t free_heads[FRAME_ORDER_MAX + 1];
static uint64_t nr_buddy_free;
static uint64_t nr_total;

/* Touched only by its own CPU with IRQs off; frame_drain() and the statistics are approximate on others. */
static struct cpu_frames {
    uint32_t nr, nr_zeroed;
    struct frame *cached[CACHE_FRAMES];
    struct frame *zeroed[ZEROED_FRAMES];
    int64_t owned[FRAME_NR_OWNERS];
} ALIGNED(64) cpu_frames[CPU_MAX];

static _Atomic bool failing; /* some task has asked for a failure since the boot */

static uint32_t number_of(const struct frame *frame)
{
    return (uint32_t)(frame - frame_records);
}

/* Only the lock makes a frame FRAME_FREE or takes that away; the rest belongs to who has the frame. */
static void set_owner(struct frame *frame, enum frame_owner owner)
{
    atomic_store_explicit(&frame->owner, (uint8_t)owner, memory_order_relaxed);
}

static enum frame_owner owner_of(struct frame *frame)
{
    return atomic_load_explicit(&frame->owner, memory_order_relaxed);
}

static void list_add(struct frame *frame, unsigned order)
{
    uint32_t number = number_of(frame);

    frame->order = (uint8_t)order;
    set_owner(frame, FRAME_FREE);
    frame->prev = NO_FRAME;
    frame->next = free_heads[order];
    if (frame->next != NO_FRAME) {
        frame_records[frame->next].prev = number;
    }
    free_heads[order] = number;
}

static void list_del(struct frame *frame, unsigned order)
{
    if (frame->prev != NO_FRAME) {
        frame_records[frame->prev].next = frame->next;
    } else {
        free_heads[order] = frame->next;
    }
    if (frame->next != NO_FRAME) {
        frame_records[frame->next].prev = frame->prev;
    }
    set_owner(frame, FRAME_RESERVED);
}

/* Blocks are aligned by absolute frame number, so that a block of 2 MiB is one in physical memory. */
static struct frame *buddy_of(struct frame *frame, unsigned order)
{
    uint64_t pfn = (frame_pa(frame) >> PAGE_SHIFT) ^ (1ull << order);

    if (pfn < frame_first || pfn + (1ull << order) > frame_end) {
        return NULL;
    }
    return &frame_records[pfn - frame_first];
}

static void buddy_free_locked(struct frame *frame, unsigned order)
{
    nr_buddy_free += 1ull << order;
    while (order < FRAME_ORDER_MAX) {
        struct frame *buddy = buddy_of(frame, order);

        if (buddy == NULL || owner_of(buddy) != FRAME_FREE || buddy->order != order) {
            break;
        }
        list_del(buddy, order);
        frame = MIN(frame, buddy);
        order++;
    }
    list_add(frame, order);
}

static struct frame *buddy_alloc_locked(unsigned order)
{
    for (unsigned from = order; from <= FRAME_ORDER_MAX; from++) {
        if (free_heads[from] == NO_FRAME) {
            continue;
        }
        struct frame *frame = &frame_records[free_heads[from]];

        list_del(frame, from);
        while (from > order) {
            from--;
            list_add(frame + (1u << from), from);
        }
        frame->order = (uint8_t)order;
        nr_buddy_free -= 1ull << order;
        return frame;
    }
    return NULL;
}

#if defined(QUOIN_DEBUG)
static void fill(struct frame *frame, uint64_t pattern)
{
    uint64_t *words = frame_va(frame);

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
        words[i] = pattern;
    }
}

static void poison_free(struct frame *frame, unsigned order)
{
    for (struct frame *end = frame + (1u << order); frame < end; frame++) {
        fill(frame, POISON_FREE);
        atomic_store_explicit(&frame->flags, FRAME_POISONED, memory_order_relaxed);
    }
}

static void check_one(const struct frame *frame, uint64_t pattern)
{
    const uint64_t *words = frame_va(frame);

    for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
        if (words[i] != pattern) {
            panic("frame %#lx was written after it was freed: word %zu is %#lx",
                  (unsigned long)frame_pa(frame), i, (unsigned long)words[i]);
        }
    }
}

/* Memory that was never freed carries no pattern: a large machine boots without touching it all. */
static void poison_fresh(struct frame *frame, unsigned order)
{
    for (struct frame *end = frame + (1u << order); frame < end; frame++) {
        if ((atomic_load_explicit(&frame->flags, memory_order_relaxed) & FRAME_POISONED) != 0) {
            check_one(frame, POISON_FREE);
        }
        atomic_store_explicit(&frame->flags, 0, memory_order_relaxed);
        fill(frame, POISON_FRESH);
    }
}
#else
static inline void check_one(const struct frame *frame UNUSED, uint64_t pattern UNUSED)
{
}

static inline void poison_free(struct frame *frame UNUSED, unsigned order UNUSED)
{
}

static inline void poison_fresh(struct frame *frame UNUSED, unsigned order UNUSED)
{
}
#endif

void frame_fail_nth(uint64_t n)
{
    *oom_fail_countdown() = n;
    if (n != 0) {
        atomic_store(&failing, true);
    }
}

bool frame_should_fail(void)
{
    if (likely(!atomic_load_explicit(&failing, memory_order_relaxed))) {
        return false;
    }
    uint64_t *countdown = oom_fail_countdown();

    if (*countdown == 0 || *countdown == OOM_FAKED || --*countdown != 0) {
        return false;
    }
    *countdown = OOM_FAKED;
    return true;
}

static void cache_refill(struct cpu_frames *cache)
{
    spin_lock(&lock);
    while (cache->nr < CACHE_BATCH) {
        struct frame *frame = buddy_alloc_locked(0);

        if (frame == NULL) {
            break;
        }
        cache->cached[cache->nr++] = frame;
    }
    spin_unlock(&lock);
}

static void cache_spill(struct cpu_frames *cache, uint32_t keep)
{
    spin_lock(&lock);
    while (cache->nr > keep) {
        buddy_free_locked(cache->cached[--cache->nr], 0);
    }
    spin_unlock(&lock);
}

static struct frame *publish(struct frame *frame, enum frame_owner owner)
{
    kassert(frame_refs(frame) == 0);
    atomic_store_explicit(&frame->refs, 1, memory_order_relaxed);
    atomic_store_explicit(&frame->flags, 0, memory_order_relaxed);
    set_owner(frame, owner);
    return frame;
}

/* Requires: IRQs off. Returns a frame of the cache, refilled where it is empty, or NULL. */
static struct frame *cache_pop(struct cpu_frames *cache)
{
    if (unlikely(cache->nr == 0)) {
        cache_refill(cache);
    }
    return likely(cache->nr != 0) ? cache->cached[--cache->nr] : NULL;
}

ALWAYS_INLINE struct frame *alloc_one(enum frame_owner owner)
{
    irqflags_t flags = cpu_irq_save();
    struct cpu_frames *cache = &cpu_frames[cpu_id()];
    struct frame *frame = cache_pop(cache);

    if (unlikely(frame == NULL) && cache->nr_zeroed != 0) {
        frame = cache->zeroed[--cache->nr_zeroed];
    }
    if (likely(frame != NULL)) {
        cache->owned[owner]++;
    }
    cpu_irq_restore(flags);
    if (unlikely(frame == NULL)) {
        return NULL;
    }
    poison_fresh(frame, 0);
    return publish(frame, owner);
}

struct frame *frame_alloc(enum frame_owner owner)
{
    return frame_should_fail() ? NULL : alloc_one(owner);
}

struct frame *frame_take_zeroed(enum frame_owner owner)
{
    struct frame *frame = NULL;
    irqflags_t flags = cpu_irq_save();
    struct cpu_frames *cache = &cpu_frames[cpu_id()];

    if (likely(cache->nr_zeroed != 0)) {
        frame = cache->zeroed[--cache->nr_zeroed];
        cache->owned[owner]++;
    }
    cpu_irq_restore(flags);
    if (unlikely(frame == NULL)) {
        return NULL;
    }
    check_one(frame, 0);
    return publish(frame, owner);
}

struct frame *frame_alloc_zeroed(enum frame_owner owner)
{
    struct frame *frame;

    if (frame_should_fail()) {
        return NULL;
    }
    frame = frame_take_zeroed(owner);
    if (unlikely(frame == NULL)) {
        frame = alloc_one(owner);
        if (frame != NULL) {
            page_clear(frame_va(frame));
        }
    }
    return frame;
}

/* IRQs are on while a page is cleared; the kernel is not preempted, so the CPU stays the same. */
void frame_zero_ahead(void)
{
    struct cpu_frames *cache = &cpu_frames[cpu_id()];

    while (cache->nr_zeroed < ZEROED_FRAMES) {
        irqflags_t flags = cpu_irq_save();
        struct frame *frame = cache_pop(cache);

        cpu_irq_restore(flags);
        if (frame == NULL) {
            return;
        }
        poison_fresh(frame, 0);
        page_clear(frame_va(frame));
        flags = cpu_irq_save();
        cache->zeroed[cache->nr_zeroed++] = frame;
        cpu_irq_restore(flags);
    }
}

struct frame *frame_alloc_order(enum frame_owner owner, unsigned order)
{
    if (order == 0) {
        return frame_alloc(owner);
    }
    if (order > FRAME_ORDER_MAX || frame_should_fail()) {
        return NULL;
    }
    spin_lock(&lock);
    struct frame *frame = buddy_alloc_locked(order);

    if (frame != NULL) {
        cpu_frames[cpu_id()].owned[owner] += 1l << order;
    }
    spin_unlock(&lock);
    if (frame == NULL) {
        return NULL;
    }
    poison_fresh(frame, order);
    return publish(frame, owner);
}

static void frame_free(struct frame *frame)
{
    unsigned order = frame->order;
    enum frame_owner owner = owner_of(frame);

    kverify(owner != FRAME_FREE && owner != FRAME_RESERVED);
    poison_free(frame, order);
    irqflags_t flags = cpu_irq_save();
    struct cpu_frames *cache = &cpu_frames[cpu_id()];

    cache->owned[owner] -= 1l << order;
    if (likely(order == 0)) {
        set_owner(frame, FRAME_RESERVED); /* cached: not for the buddy to merge */
        if (unlikely(cache->nr == CACHE_FRAMES)) {
            cache_spill(cache, CACHE_FRAMES - CACHE_BATCH);
        }
        cache->cached[cache->nr++] = frame;
    } else {
        spin_lock(&lock);
        buddy_free_locked(frame, order);
        spin_unlock(&lock);
    }
    cpu_irq_restore(flags);
}

void frame_put(struct frame *frame)
{
    uint32_t before = atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel);

    kverify(before != 0);
    if (before == 1) {
        frame_free(frame);
    }
}

void frame_written(struct frame *frame)
{
    if (unlikely((atomic_load_explicit(&frame->flags, memory_order_acquire) & FRAME_ICACHE_CLEAN) !=
                 0)) {
        hal_mmu.icache_sync(frame_pa(frame), PAGE_SIZE);
    }
}

void frame_drain(void)
{
    irqflags_t flags = cpu_irq_save();

    struct cpu_frames *cache = &cpu_frames[cpu_id()];

    cache_spill(cache, 0);
    while (cache->nr_zeroed != 0) {
        cache->cached[cache->nr++] = cache->zeroed[--cache->nr_zeroed];
    }
    cache_spill(cache, 0);
    cpu_irq_restore(flags);
}

void frame_get_stats(struct frame_stats *out)
{
    *out = (struct frame_stats){.total = nr_total, .nr_free = nr_buddy_free};
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        out->nr_free += cpu_frames[cpu].nr + cpu_frames[cpu].nr_zeroed;
        for (unsigned owner = 0; owner < FRAME_NR_OWNERS; owner++) {
            out->owned[owner] += (uint64_t)cpu_frames[cpu].owned[owner];
        }
    }
}

/* Boot: the end of the first reserved range that overlaps [start, end), or 0. */
static paddr_t reserved_end(const struct boot_info *boot, paddr_t start, paddr_t end)
{
    for (uint32_t i = 0; i < boot->nr_reserved; i++) {
        if (boot->reserved[i].start < end && boot->reserved[i].end > start) {
            return ALIGN_UP(boot->reserved[i].end, PAGE_SIZE);
        }
    }
    return 0;
}

/* Boot: room for the records in usable memory that the boot map already reaches. */
static paddr_t place_records(const struct boot_info *boot, size_t len)
{
    for (uint32_t i = 0; i < boot->nr_ram; i++) {
        paddr_t end = MIN(boot->ram[i].end, boot->early_map_end);
        /* Page 0 stays unused: a null physical address must not be a frame. */
        paddr_t at = MAX(boot->ram[i].start, (paddr_t)PAGE_SIZE);

        while (at + len <= end) {
            paddr_t skip = reserved_end(boot, at, at + len);

            if (skip == 0) {
                return at;
            }
            at = skip;
        }
    }
    panic("no room for %zu bytes of frame records below %#lx: give the machine more memory", len,
          (unsigned long)boot->early_map_end);
}

static void release(paddr_t start, paddr_t end)
{
    start = MAX(ALIGN_UP(start, PAGE_SIZE), (paddr_t)PAGE_SIZE);
    end = ALIGN_DOWN(end, PAGE_SIZE);
    while (start < end) {
        unsigned order = FRAME_ORDER_MAX;

        while (!IS_ALIGNED(start, PAGE_SIZE << order) || start + (PAGE_SIZE << order) > end) {
            order--;
        }
        nr_total += 1ull << order;
        buddy_free_locked(frame_of(start), order);
        start += PAGE_SIZE << order;
    }
}

/* Boot: frees what of [start, end) no reserved range takes. */
static void release_unreserved(const struct boot_info *boot, paddr_t start, paddr_t end)
{
    while (start < end) {
        paddr_t stop = end;
        bool taken = false;

        for (uint32_t i = 0; i < boot->nr_reserved; i++) {
            paddr_t from = ALIGN_DOWN(boot->reserved[i].start, PAGE_SIZE);
            paddr_t to = ALIGN_UP(boot->reserved[i].end, PAGE_SIZE);

            if (from <= start && to > start) {
                start = to;
                taken = true;
            } else if (from > start) {
                stop = MIN(stop, from);
            }
        }
        if (!taken) {
            release(start, stop);
            start = stop;
        }
    }
}

static struct boot_range deferred[BOOT_RANGES_MAX];
static uint32_t nr_deferred;

/* Memory that the boot map does not reach is poisoned, so freed, only once the direct map is whole. */
static void release_reachable(const struct boot_info *boot, paddr_t start, paddr_t end)
{
    paddr_t reach = MAX(start, MIN(end, boot->early_map_end));

    release_unreserved(boot, start, reach);
    if (reach < end) {
        deferred[nr_deferred++] = (struct boot_range){reach, end};
    }
}

/* Frames of the image can be mapped (the vDSO): one reference that never goes. */
static void reserve_image(const struct boot_info *boot)
{
    for (paddr_t pa = ALIGN_DOWN(boot->image.start, PAGE_SIZE); pa < boot->image.end;
         pa += PAGE_SIZE) {
        atomic_store_explicit(&frame_of(pa)->refs, 1, memory_order_relaxed);
    }
}

void frame_init(const struct boot_info *boot)
{
    for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
        free_heads[order] = NO_FRAME;
    }
    kverify(boot->nr_ram != 0);
    frame_first = boot->ram[0].start >> PAGE_SHIFT;
    frame_end = boot->ram[boot->nr_ram - 1].end >> PAGE_SHIFT;

    size_t len = ALIGN_UP((frame_end - frame_first) * sizeof(struct frame), PAGE_SIZE);
    paddr_t records = place_records(boot, len);

    frame_records = phys_to_virt(records);
    memset(frame_records, 0, len);
    reserve_image(boot);
    for (uint32_t i = 0; i < boot->nr_ram; i++) {
        paddr_t start = boot->ram[i].start, end = boot->ram[i].end;

        if (records >= start && records < end) {
            release_reachable(boot, start, records);
            release_reachable(boot, records + len, end);
        } else {
            release_reachable(boot, start, end);
        }
    }
    struct frame *zero = frame_alloc_zeroed(FRAME_KERNEL);

    kverify(zero != NULL);
    frame_zero_pa = frame_pa(zero);
}

void frame_init_rest(const struct boot_info *boot)
{
    for (uint32_t i = 0; i < nr_deferred; i++) {
        release_unreserved(boot, deferred[i].start, deferred[i].end);
    }
    nr_deferred = 0;
}

void frame_release_boot(struct boot_range range)
{
    spin_lock(&lock);
    release(range.start, range.end);
    spin_unlock(&lock);
}
