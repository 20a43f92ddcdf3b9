/*
 * Batches, shots and switches: see mm/tlb.h, and "Switch and shoot" in docs/architecture.md for the
 * order of publication that makes a switch and a shot on two CPUs safe against each other.
 */
#include "mm/tlb.h"

#include <hal/board.h>

#include "kernel/cpu.h"
#include "mm/asid.h"
#include "mm/pagetable.h"
#include "mm/space.h"

/* Each written by its own CPU alone. */
static struct tlb_counters counters[CPU_MAX];

static struct address_space empty_space; /* the kernel half alone */

static struct tlb_counters *own(void)
{
    return &counters[cpu_id()];
}

static void count(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void as_init(void)
{
    struct frame *root = frame_alloc_zeroed(FRAME_TABLE);

    kverify(root != NULL);
    hal_mmu.root_init(frame_pa(root));
    empty_space.root = frame_pa(root);
    irqflags_t flags = cpu_irq_save();

    hal_mmu.activate(empty_space.root, (asid_t){0}, TLB_DROP_ALL);
    cpu_irq_restore(flags);
}

/* A shot at other CPUs waits for them, so they must not be waiting for us. */
static void count_ipi(cpumask_t others)
{
    kassert(cpu_irqs_on());
    if (!HAL_TLB_BROADCAST && others != 0) {
        count(&own()->ipis);
    }
}

static void shoot(struct address_space *as, vaddr_t start, vaddr_t end, bool tables)
{
    cpumask_t self = 1ull << cpu_id();
    bool current = cpu_self()->active_as == as;
    struct tlb_shot shot = {.tables = tables, .start = start, .end = end, .current = current};

    pte_sync();
    cpumask_t stale = ~0ull >> (CPU_MAX - nr_cpus) & (current ? ~self : ~0ull);

    if (stale != 0) {
        atomic_fetch_or(&as->cpus_stale, stale);
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (!asid_of(as, &shot.asid)) {
        return; /* never loaded anywhere: nobody can hold a translation */
    }
    shot.cpus = atomic_load(&as->cpus_on);
    if (pages_of(end - start) > TLB_RANGE_MAX) {
        shot.scope = TLB_SPACE;
        count(&own()->shots_space);
    } else {
        shot.scope = TLB_RANGE;
        count(end - start == PAGE_SIZE ? &own()->shots_page : &own()->shots_range);
    }
    count_ipi(shot.cpus & ~self);
    hal_mmu.shoot(&shot);
}

void tlb_batch_begin(struct tlb_batch *batch, struct address_space *as)
{
    batch->as = as;
    batch->start = UINT64_MAX;
    batch->end = 0;
    batch->tables = false;
    batch->nr = 0;
}

void tlb_batch_add(struct tlb_batch *batch, vaddr_t start, vaddr_t end, bool tables)
{
    batch->start = MIN(batch->start, start);
    batch->end = MAX(batch->end, end);
    batch->tables |= tables;
}

void tlb_batch_flush(struct tlb_batch *batch)
{
    if (batch->start < batch->end) {
        shoot(batch->as, batch->start, batch->end, batch->tables);
        batch->start = UINT64_MAX;
        batch->end = 0;
        batch->tables = false;
    }
    for (unsigned i = 0; i < batch->nr; i++) {
        if (batch->drop[i].level == TLB_LEVEL_FRAME) {
            frame_put(batch->drop[i].frame);
        } else {
            pt_table_put(batch->drop[i].frame, batch->drop[i].level);
        }
    }
    batch->nr = 0;
}

static void drop(struct tlb_batch *batch, struct frame *frame, uint8_t level)
{
    if (batch->nr == TLB_BATCH_MAX) {
        tlb_batch_flush(batch);
    }
    batch->drop[batch->nr].frame = frame;
    batch->drop[batch->nr].level = level;
    batch->nr++;
}

void tlb_batch_drop_frame(struct tlb_batch *batch, struct frame *frame)
{
    drop(batch, frame, TLB_LEVEL_FRAME);
}

void tlb_batch_drop_table(struct tlb_batch *batch, struct frame *table, unsigned level)
{
    drop(batch, table, (uint8_t)level);
}

void tlb_activate(struct address_space *as)
{
    struct cpu *cpu = cpu_self();
    struct address_space *before = cpu->active_as;
    cpumask_t self = 1ull << cpu->id;
    bool drop_all;

    count(&own()->switches);
    if (as == NULL || as == before) {
        return;
    }
    asid_t asid = asid_activate(as, &drop_all);

    atomic_fetch_or(&as->cpus_on, self);
    atomic_thread_fence(memory_order_seq_cst);
    enum tlb_drop drop = TLB_KEEP;

    /* Plain load first: the exchange costs, and nobody else clears this CPU's bit. */
    if ((atomic_load(&as->cpus_stale) & self) != 0) {
        atomic_fetch_and(&as->cpus_stale, ~self);
        drop = TLB_DROP_TAG;
    }
    if (drop_all) {
        drop = TLB_DROP_ALL;
    }
    if (drop != TLB_KEEP) {
        count(drop_all ? &own()->drops_all : &own()->drops_tag);
    }
    count(&own()->root_writes);
    hal_mmu.activate(as->root, asid, drop);
    cpu->active_as = as;
    if (before != NULL) {
        atomic_fetch_and(&before->cpus_on, ~self);
    }
}

/* Requires: IRQs off. Does: this CPU, which runs a kernel thread, gives the space's root up. */
static void leave(struct cpu *cpu, struct address_space *as)
{
    hal_mmu.activate(empty_space.root, (asid_t){0}, TLB_KEEP);
    cpu->active_as = NULL;
    atomic_fetch_and(&as->cpus_on, ~(1ull << cpu->id));
}

void as_ipi(void)
{
    struct cpu *cpu = cpu_self();
    struct address_space *as = cpu->active_as;

    /* The one that tears it down waits for this CPU's bit, so that the space is still there. */
    if (as != NULL && atomic_load(&as->refs) == 0) {
        leave(cpu, as);
    }
}

void tlb_evict(struct address_space *as)
{
    kassert(cpu_irqs_on());
    irqflags_t flags = cpu_irq_save();

    if (cpu_self()->active_as == as) {
        leave(cpu_self(), as);
    }
    cpumask_t others = atomic_load(&as->cpus_on);

    cpu_irq_restore(flags);
    if (others != 0) {
        count(&own()->ipis);
        hal_board->ipi(others);
    }
    while (atomic_load(&as->cpus_on) != 0) {
        cpu_relax();
    }
}

void tlb_shoot_kernel(vaddr_t start, vaddr_t end)
{
    struct tlb_shot shot = {.scope = TLB_GLOBAL, .tables = true, .start = start, .end = end,
                            .cpus = ~0ull, .current = true};

    pte_sync();
    atomic_thread_fence(memory_order_seq_cst);
    count(&own()->shots_global);
    count_ipi(nr_cpus > 1);
    hal_mmu.shoot(&shot);
}

void tlb_get_counters(struct tlb_counters *out)
{
    *out = (struct tlb_counters){0};
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        const struct tlb_counters *from = &counters[cpu];

        out->switches += from->switches;
        out->root_writes += from->root_writes;
        out->drops_tag += from->drops_tag;
        out->drops_all += from->drops_all;
        out->shots_page += from->shots_page;
        out->shots_range += from->shots_range;
        out->shots_space += from->shots_space;
        out->shots_global += from->shots_global;
        out->ipis += from->ipis;
    }
}

#if defined(QUOIN_DEBUG)
void as_check_register(const struct address_space *as)
{
    asid_t tag, expected;
    paddr_t root = hal_mmu.active_root(&tag);

    kverify(cpu_self()->active_as == as);
    if (root != as->root || !asid_of(as, &expected) || tag.value != expected.value) {
        panic("I5: register holds root %#lx tag %u, the space has %#lx tag %u",
              (unsigned long)root, tag.value, (unsigned long)as->root, expected.value);
    }
}
#endif
