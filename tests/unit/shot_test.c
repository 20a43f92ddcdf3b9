/*
 * What mm/ tells the MMU's driver: scope, range, tables, CPUs and whether the space is current. Calls
 * of hal_mmu go through a recorder here (the linker's --wrap), so that a flag that today's drivers do
 * not need is still given.
 */
#include <arch/cpu.h>
#include <linux/mman.h>
#include <sim/machine.h>
#include <string.h>

#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "tests/unit/tap.h"

#define AT 0x40000000ull
#define BIG (2 * pt_span(1))

extern const struct hal_mmu __real_hal_mmu;

static struct tlb_shot last, all; /* all: the tables flag of any, the union of ranges */
static unsigned nr_shots;

static void record(const struct tlb_shot *shot)
{
    if (nr_shots++ == 0) {
        all = *shot;
    }
    all.tables |= shot->tables;
    all.start = MIN(all.start, shot->start);
    all.end = MAX(all.end, shot->end);
    last = *shot;
    __real_hal_mmu.shoot(shot);
}

static void pass_activate(paddr_t root, asid_t asid, enum tlb_drop drop)
{
    __real_hal_mmu.activate(root, asid, drop);
}

static void pass_root_init(paddr_t root)
{
    __real_hal_mmu.root_init(root);
}

static void pass_icache_sync(paddr_t pa, size_t len)
{
    __real_hal_mmu.icache_sync(pa, len);
}

static paddr_t pass_active_root(asid_t *out)
{
    return __real_hal_mmu.active_root(out);
}

static void pass_cpu_init(void)
{
    __real_hal_mmu.cpu_init();
}

static void pass_kernel_activate(paddr_t root)
{
    __real_hal_mmu.kernel_activate(root);
}

const struct hal_mmu __wrap_hal_mmu = {
    .cpu_init = pass_cpu_init,
    .kernel_activate = pass_kernel_activate,
    .root_init = pass_root_init,
    .activate = pass_activate,
    .shoot = record,
    .icache_sync = pass_icache_sync,
    .active_root = pass_active_root,
};

static struct address_space *as;

static void enter(struct address_space *space)
{
    irqflags_t flags = cpu_irq_save();

    as_activate(space);
    cpu_irq_restore(flags);
}

static void map(vaddr_t at, size_t len)
{
    struct as_map_request request = {.addr = at, .len = len, .prot = 3, .max_prot = 7,
                                     .flags = AS_FIXED};
    vaddr_t got;

    if (as_map(as, &request, &got) != 0) {
        panic("no mapping");
    }
}

static void touch(vaddr_t at)
{
    if (as_copy_out(as, at, "x", 1) != 0) {
        panic("no page");
    }
}

static void begin(void)
{
    nr_shots = 0;
    memset(&last, 0, sizeof(last));
    memset(&all, 0, sizeof(all));
}

static void test_batches(void)
{
    struct tlb_batch batch;

    tlb_batch_begin(&batch, as);
    begin();
    tlb_batch_flush(&batch);
    tap_ok(nr_shots == 0, "an empty batch shoots nothing");
    tlb_batch_add(&batch, AT + 4 * PAGE_SIZE, AT + 8 * PAGE_SIZE, true);
    tlb_batch_add(&batch, AT + PAGE_SIZE, AT + 2 * PAGE_SIZE, false);
    tlb_batch_flush(&batch);
    tap_ok(nr_shots == 1 && last.scope == TLB_RANGE && last.tables && last.start == AT + PAGE_SIZE &&
               last.end == AT + 8 * PAGE_SIZE,
           "one shot for the span of all, tables as soon as one says so");
    tap_ok(last.current && last.cpus == 1 && last.asid.value != 0, "the space that runs here");
    begin();
    tlb_batch_add(&batch, AT, AT + PAGE_SIZE, false);
    tlb_batch_flush(&batch);
    tap_ok(nr_shots == 1 && !last.tables, "a flushed batch begins anew");
    begin();
    tlb_batch_add(&batch, AT, AT + (TLB_RANGE_MAX + 1) * PAGE_SIZE, false);
    tlb_batch_flush(&batch);
    tap_ok(last.scope == TLB_SPACE, "a long range is the whole space");
}

static void test_kernel(void)
{
    begin();
    tlb_shoot_kernel(STACK_VA_BASE, STACK_VA_BASE + 4 * PAGE_SIZE);
    tap_ok(nr_shots == 1 && last.scope == TLB_GLOBAL && last.cpus == ~0ull && last.tables &&
               last.start == STACK_VA_BASE && last.end == STACK_VA_BASE + 4 * PAGE_SIZE,
           "the kernel's range, on every CPU");
}

static void test_others(void)
{
    struct address_space *other;

    map(AT, 4 * PAGE_SIZE);
    touch(AT);
    if (as_create(&other) != 0) {
        panic("no space");
    }
    enter(other);
    begin();
    (void)!as_unmap(as, AT, PAGE_SIZE);
    tap_ok(nr_shots == 1 && !last.current && last.cpus == 0, "a space that runs nowhere");
    enter(as);
    as_put(other);
    (void)!as_unmap(as, AT, 4 * PAGE_SIZE);
}

/* Whichever table goes or changes its rights, the walk caches are named. */
static void test_tables(void)
{
    struct address_space *child;
    struct as_fault_signal signal;

    map(AT, BIG);
    touch(AT);
    touch(AT + pt_span(1));
    begin();
    (void)!as_unmap(as, AT, BIG);
    tap_ok(nr_shots != 0 && all.tables, "an unmap that takes tables says so");
    map(AT, BIG);
    touch(AT);
    touch(AT + pt_span(1));
    begin();
    if (as_fork(as, &child) != 0) {
        panic("no child");
    }
    tap_ok(nr_shots != 0 && all.tables, "a fork that protects tables says so");
    begin();
    touch(AT);
    tap_ok(nr_shots != 0 && all.tables, "a shared table's copy says so");
    begin();
    (void)!as_fault(as, AT, PTE_WRITE, &signal);
    tap_ok(nr_shots == 1 && last.tables && last.start == AT && last.end == AT + PAGE_SIZE,
           "a fault on what is there drops the entry that caused it");
    paddr_t root = child->root;

    begin();
    enter(child);
    enter(as);
    as_put(child);
    tap_ok(nr_shots != 0 && all.tables && all.start == 0 && all.end >= USER_VA_END && root != 0,
           "the end of a space is a shot of all of it");
    (void)!as_unmap(as, AT, BIG);
}

int main(void)
{
    sim_boot(&(struct sim_options){.ram_bytes = MIB(16), .nr_cpus = 1, .asid_bits = 8});
    if (as_create(&as) != 0) {
        return 1;
    }
    enter(as);
    test_batches();
    test_kernel();
    test_others();
    test_tables();
    return tap_done();
}
