/*
 * Kernel objects: see mm/slab.h. A slab is a block of frames with a header and equal objects; free
 * objects are linked through their first word. Each cache keeps some free objects at hand, so that
 * the usual allocation is a pop. Invariant: an object is live, at hand, or in its slab's list.
 */
#include "mm/slab.h"

#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/frame.h"

#define AT_HAND_MAX 64u
#define POISON_BYTE 0x6b
#define KMALLOC_MAX_OBJECT 2048u

struct slab {
    struct list node; /* cache->partial, or alone when full */
    struct slab_cache *cache;
    void *free;
    uint32_t nr_free;
    uint32_t nr_objects;
} ALIGNED(64);

static struct list caches = LIST_INIT(caches);
static struct spinlock caches_lock = SPINLOCK_INIT;

static const uint16_t kmalloc_sizes[] = {16,  32,  48,  64,  96,   128,  192,
                                         256, 384, 512, 768, 1024, 1536, 2048};
static struct slab_cache kmalloc_caches[ARRAY_SIZE(kmalloc_sizes)];
static uint8_t kmalloc_index[KMALLOC_MAX_OBJECT / 16 + 1]; /* by size in units of 16, rounded up */

static unsigned slab_order(const struct slab_cache *cache)
{
    return cache->object_size > 1024 ? 3 : cache->object_size > 256 ? 2 : 0;
}

void slab_cache_init(struct slab_cache *cache, const char *name, size_t object_size)
{
    kverify(object_size <= KMALLOC_MAX_OBJECT);
    *cache = (struct slab_cache){
        .name = name,
        .object_size = (uint32_t)ALIGN_UP(MAX(object_size, (size_t)16), (size_t)16),
    };
    list_init(&cache->partial);
    spin_lock(&caches_lock);
    list_push_back(&caches, &cache->all);
    spin_unlock(&caches_lock);
}

static struct slab *slab_of(const struct slab_cache *cache, void *object)
{
    return (struct slab *)ALIGN_DOWN((uintptr_t)object, (uintptr_t)PAGE_SIZE << slab_order(cache));
}

static void *next_of(void *object)
{
    void *next;

    memcpy(&next, object, sizeof(next));
    return next;
}

static void set_next(void *object, void *next)
{
    memcpy(object, &next, sizeof(next));
}

static struct slab *slab_create(struct slab_cache *cache)
{
    unsigned order = slab_order(cache);
    struct frame *frame = frame_alloc_order(FRAME_SLAB, order);

    if (frame == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < 1u << order; i++) {
        frame[i].owner = FRAME_SLAB;
        frame[i].level = (uint8_t)order;
    }
    struct slab *slab = frame_va(frame);
    char *object = (char *)(slab + 1);
    char *end = (char *)slab + (PAGE_SIZE << order);

    *slab = (struct slab){.cache = cache};
    list_init(&slab->node);
    for (; object + cache->object_size <= end; object += cache->object_size) {
#if defined(QUOIN_DEBUG)
        memset(object, POISON_BYTE, cache->object_size);
#endif
        set_next(object, slab->free);
        slab->free = object;
        slab->nr_free++;
    }
    slab->nr_objects = slab->nr_free;
    return slab;
}

static void slab_destroy(struct slab *slab)
{
    frame_put(frame_of(virt_to_phys(slab)));
}

/* Moves objects from partial slabs to hand. */
static void take_to_hand_locked(struct slab_cache *cache)
{
    while (cache->nr_free < AT_HAND_MAX / 2 && !list_empty(&cache->partial)) {
        struct slab *slab = list_first(&cache->partial, struct slab, node);

        while (slab->free != NULL && cache->nr_free < AT_HAND_MAX / 2) {
            void *object = slab->free;

            slab->free = next_of(object);
            slab->nr_free--;
            set_next(object, cache->free);
            cache->free = object;
            cache->nr_free++;
        }
        if (slab->free == NULL) {
            list_remove(&slab->node);
        }
    }
}

#if defined(QUOIN_DEBUG)
static void poison_check(const struct slab_cache *cache, const void *object)
{
    const uint8_t *bytes = object;

    for (size_t i = sizeof(void *); i < cache->object_size; i++) {
        if (bytes[i] != POISON_BYTE) {
            panic("%s object %p was written after it was freed: byte %zu is %#x", cache->name, object,
                  i, bytes[i]);
        }
    }
}
#endif

void *slab_alloc(struct slab_cache *cache)
{
    if (frame_should_fail()) {
        return NULL;
    }
    spin_lock(&cache->lock);
    if (unlikely(cache->nr_free == 0)) {
        take_to_hand_locked(cache);
        if (cache->nr_free == 0) {
            spin_unlock(&cache->lock);
            struct slab *slab = slab_create(cache);

            if (slab == NULL) {
                return NULL;
            }
            spin_lock(&cache->lock);
            list_push_back(&cache->partial, &slab->node);
            take_to_hand_locked(cache);
        }
    }
    void *object = cache->free;

    cache->free = next_of(object);
    cache->nr_free--;
    cache->nr_live++;
    spin_unlock(&cache->lock);
#if defined(QUOIN_DEBUG)
    poison_check(cache, object);
    memset(object, 0xa5, cache->object_size);
#endif
    return object;
}

static struct slab *give_back_locked(struct slab_cache *cache, void *object)
{
    struct slab *slab = slab_of(cache, object);

    set_next(object, slab->free);
    slab->free = object;
    if (slab->nr_free++ == 0) {
        list_push_front(&cache->partial, &slab->node);
    }
    if (slab->nr_free < slab->nr_objects) {
        return NULL;
    }
    list_remove(&slab->node);
    return slab;
}

void slab_free(struct slab_cache *cache, void *object)
{
    struct slab *empty = NULL;

    kverify(slab_of(cache, object)->cache == cache);
#if defined(QUOIN_DEBUG)
    memset(object, POISON_BYTE, cache->object_size);
#endif
    spin_lock(&cache->lock);
    kassert(cache->nr_live != 0);
    cache->nr_live--;
    if (likely(cache->nr_free < AT_HAND_MAX)) {
        set_next(object, cache->free);
        cache->free = object;
        cache->nr_free++;
    } else {
        empty = give_back_locked(cache, object);
    }
    spin_unlock(&cache->lock);
    if (empty != NULL) {
        slab_destroy(empty);
    }
}

static void cache_drain(struct slab_cache *cache)
{
    for (;;) {
        struct slab *empty = NULL;

        spin_lock(&cache->lock);
        while (cache->free != NULL && empty == NULL) {
            void *object = cache->free;

            cache->free = next_of(object);
            cache->nr_free--;
            empty = give_back_locked(cache, object);
        }
        spin_unlock(&cache->lock);
        if (empty == NULL) {
            return;
        }
        slab_destroy(empty);
    }
}

void slab_drain(void)
{
    list_for_each(it, &caches) {
        cache_drain(list_entry(it, struct slab_cache, all));
    }
}

uint64_t slab_live_bytes(void)
{
    uint64_t bytes = 0;

    list_for_each(it, &caches) {
        const struct slab_cache *cache = list_entry(it, struct slab_cache, all);

        bytes += cache->nr_live * cache->object_size;
    }
    return bytes;
}

void slab_print(void)
{
    list_for_each(it, &caches) {
        const struct slab_cache *cache = list_entry(it, struct slab_cache, all);

        if (cache->nr_live != 0) {
            printk("slab %s: %lu live of %u bytes\n", cache->name, (unsigned long)cache->nr_live,
                   cache->object_size);
        }
    }
}

void slab_init(void)
{
    unsigned size = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(kmalloc_sizes); i++) {
        slab_cache_init(&kmalloc_caches[i], "kmalloc", kmalloc_sizes[i]);
        for (; size <= kmalloc_sizes[i]; size += 16) {
            kmalloc_index[size / 16] = (uint8_t)i;
        }
    }
}

void *kmalloc(size_t len)
{
    if (likely(len <= KMALLOC_MAX_OBJECT)) {
        return slab_alloc(&kmalloc_caches[kmalloc_index[(len + 15) / 16]]);
    }
    unsigned order = 0;

    while (order <= FRAME_ORDER_MAX && (PAGE_SIZE << order) < len) {
        order++;
    }
    struct frame *frame = frame_alloc_order(FRAME_KERNEL, order);

    return frame == NULL ? NULL : frame_va(frame);
}

void *kzalloc(size_t len)
{
    void *ptr = kmalloc(len);

    if (ptr != NULL) {
        memset(ptr, 0, len);
    }
    return ptr;
}

void kfree(void *ptr)
{
    if (ptr == NULL) {
        return;
    }
    struct frame *frame = frame_of(virt_to_phys(ptr));

    if (frame->owner == FRAME_SLAB) {
        struct slab *slab =
            (struct slab *)ALIGN_DOWN((uintptr_t)ptr, (uintptr_t)PAGE_SIZE << frame->level);

        slab_free(slab->cache, ptr);
        return;
    }
    kverify(frame->owner == FRAME_KERNEL && IS_ALIGNED((uintptr_t)ptr, PAGE_SIZE));
    frame_put(frame);
}
