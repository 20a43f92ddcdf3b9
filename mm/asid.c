/*
 * Tag allocator: see mm/asid.h. The fast path takes no lock: it claims this CPU's active slot by
 * compare-exchange; a rollover takes every slot by exchange with 0, so that the CPU's next switch
 * comes the slow way, where the lock orders it after the rollover.
 */
#include "mm/asid.h"

#include "kernel/cpu.h"
#include "kernel/spinlock.h"
#include "mm/space.h"

#define TAG_BITS 16u
#define TAG_MASK ((1ull << TAG_BITS) - 1)
#define GENERATION_ONE (1ull << TAG_BITS)
#define TAGS_MAX (1u << TAG_BITS)

static struct spinlock lock = SPINLOCK_INIT;
static _Atomic uint64_t generation = GENERATION_ONE;
static uint64_t nr_rollovers;
static uint32_t nr_tags = 1;
static uint32_t next_tag = 1;               /* tag 0 belongs to the empty kernel space */
static uint64_t used[TAGS_MAX / 64];        /* of this generation */
static _Atomic uint64_t active[CPU_MAX];    /* tag in use; 0 after a rollover */
static uint64_t reserved[CPU_MAX];          /* tag in use at the last rollover */
static cpumask_t must_drop;                 /* CPUs that have not dropped since the last rollover */

void asid_init(uint32_t limit)
{
    nr_tags = 1u << hal_caps.asid_bits;
    if (limit != 0) {
        /* Tag 0, one that each CPU keeps over a rollover, and one to give. */
        nr_tags = MIN(nr_tags, MAX(limit, nr_cpus + 2));
    }
}

static bool take(uint32_t tag)
{
    uint64_t bit = 1ull << (tag % 64);
    bool free = (used[tag / 64] & bit) == 0;

    used[tag / 64] |= bit;
    return free;
}

static void rollover_locked(void)
{
    uint64_t next = atomic_load_explicit(&generation, memory_order_relaxed) + GENERATION_ONE;

    atomic_store_explicit(&generation, next, memory_order_relaxed);
    nr_rollovers++;
    for (uint32_t i = 0; i < (nr_tags + 63) / 64; i++) {
        used[i] = 0;
    }
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        uint64_t tag = atomic_exchange_explicit(&active[cpu], 0, memory_order_relaxed);

        /* No switch since the last rollover: what it runs with is what was reserved then. */
        if (tag == 0) {
            tag = reserved[cpu];
        }
        reserved[cpu] = tag;
        if (tag != 0) {
            (void)take((uint32_t)(tag & TAG_MASK));
        }
    }
    must_drop = nr_cpus >= 64 ? ~0ull : (1ull << nr_cpus) - 1;
    next_tag = 1;
}

/* A tag that a CPU had in use at the rollover goes over to the new generation unchanged. */
static bool renew_reserved_locked(uint64_t old, uint64_t renewed)
{
    bool found = false;

    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        if (reserved[cpu] == old) {
            reserved[cpu] = renewed;
            found = true;
        }
    }
    return found;
}

static uint64_t new_tag_locked(uint64_t old)
{
    uint64_t current = atomic_load_explicit(&generation, memory_order_relaxed);

    if (old != 0) {
        uint64_t renewed = current | (old & TAG_MASK);

        if (renew_reserved_locked(old, renewed) || take((uint32_t)(old & TAG_MASK))) {
            return renewed;
        }
    }
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t tag = next_tag; tag < nr_tags; tag++) {
            if (take(tag)) {
                next_tag = tag + 1;
                return atomic_load_explicit(&generation, memory_order_relaxed) | tag;
            }
        }
        rollover_locked();
    }
    panic("no free address space tag after a rollover: %u tags for %u CPUs", nr_tags, nr_cpus);
}

static bool is_current(uint64_t tag)
{
    return ((tag ^ atomic_load_explicit(&generation, memory_order_relaxed)) >> TAG_BITS) == 0;
}

asid_t asid_activate(struct address_space *as, bool *drop_all)
{
    uint32_t cpu = cpu_id();
    uint64_t tag = atomic_load_explicit(&as->asid_tag, memory_order_relaxed);
    uint64_t before = atomic_load_explicit(&active[cpu], memory_order_relaxed);

    *drop_all = false;
    if (hal_caps.asid_bits == 0) {
        atomic_store_explicit(&as->asid_tag, GENERATION_ONE, memory_order_relaxed);
        *drop_all = true;
        return (asid_t){0};
    }
    if (likely(before != 0 && is_current(tag) &&
               atomic_compare_exchange_strong(&active[cpu], &before, tag))) {
        return (asid_t){(uint16_t)(tag & TAG_MASK)};
    }
    spin_lock(&lock);
    tag = atomic_load_explicit(&as->asid_tag, memory_order_relaxed);
    if (!is_current(tag)) {
        tag = new_tag_locked(tag);
        atomic_store_explicit(&as->asid_tag, tag, memory_order_relaxed);
    }
    *drop_all = (must_drop >> cpu) & 1;
    must_drop &= ~(1ull << cpu);
    atomic_store_explicit(&active[cpu], tag, memory_order_relaxed);
    spin_unlock(&lock);
    return (asid_t){(uint16_t)(tag & TAG_MASK)};
}

bool asid_of(const struct address_space *as, asid_t *out)
{
    uint64_t tag = atomic_load(&((struct address_space *)as)->asid_tag);

    *out = (asid_t){hal_caps.asid_bits == 0 ? 0 : (uint16_t)(tag & TAG_MASK)};
    return tag != 0;
}

uint64_t asid_nr_rollovers(void)
{
    return nr_rollovers;
}
