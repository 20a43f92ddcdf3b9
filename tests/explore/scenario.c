/*
 * The scenarios: what each CPU does, in the terms of sched/: a switch to a thread of a space or to
 * a kernel thread with interrupts off, an unmap, a replaced page, exec's change of spaces, the last
 * as_put(). Spaces A to E have MACHINE_VAS pages each; one CPU after the other sets up.
 */
#include <arch/cpu.h>

#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "tests/explore/explore.h"

static struct address_space *A, *B, *C, *D, *E;
static struct frame *fresh;

/* What sched/core.c does at a switch; NULL: a kernel thread, which keeps the root. */
static void run(struct address_space *as)
{
    irqflags_t flags = cpu_irq_save();

    vcpu_set_switching(true);
    vcpu_set_user(NULL);
    as_activate(as);
    vcpu_set_user(as);
    vcpu_set_switching(false);
    cpu_irq_restore(flags);
}

static void run_on(uint32_t cpu, struct address_space *as)
{
    sim_cpu = cpu;
    run(as);
    sim_cpu = 0;
}

static void unmap(struct address_space *as, unsigned va)
{
    struct tlb_batch batch;

    tlb_batch_begin(&batch, as);
    pt_remove(as, MACHINE_VA(va), MACHINE_VA(va + 1), 1, 0, &batch);
    tlb_batch_flush(&batch);
    machine_page_is_dead(as, va);
}

/* The tables too. */
static void unmap_all(struct address_space *as)
{
    struct tlb_batch batch;

    tlb_batch_begin(&batch, as);
    pt_remove(as, 0, USER_VA_END, 0, USER_VA_END, &batch);
    tlb_batch_flush(&batch);
    machine_page_is_dead(as, 0);
    machine_page_is_dead(as, 1);
}

static void replace(struct address_space *as, unsigned va)
{
    struct tlb_batch batch;
    struct pt_walk walk;

    tlb_batch_begin(&batch, as);
    kverify(pt_lookup(as, MACHINE_VA(va), &walk));
    pt_replace(&batch, walk.slot, MACHINE_VA(va),
               pte_leaf(frame_pa(fresh), 0, PTE_READ | PTE_WRITE | PTE_USER, MEM_NORMAL));
    machine_page_is_dead(as, va);
}

static void unmap_kernel(void)
{
    pte_store(machine_kernel_slot(), PTE_NONE);
    tlb_shoot_kernel(MACHINE_KERNEL_VA, MACHINE_KERNEL_VA + PAGE_SIZE);
    machine_kernel_page_is_dead();
}

/* The task's end: it runs on in the kernel, on the root that it may be about to free. */
static void give_up(struct address_space *as)
{
    vcpu_set_user(NULL);
    as_put(as);
}

static void exec_into(struct address_space *new, struct address_space *old)
{
    run(new);
    as_put(old);
}

static void spaces(void)
{
    A = machine_space();
    B = machine_space();
    C = machine_space();
    D = machine_space();
    E = machine_space();
    fresh = frame_alloc_zeroed(FRAME_ANON);
}

/* A is on CPU 0 and was on CPU 1, where B runs now. */
static void a_and_b(void)
{
    spaces();
    run_on(1, A);
    run_on(1, B);
    run_on(0, A);
}

static void a_and_b_elsewhere(void)
{
    a_and_b();
    run_on(0, C);
}

static void a_is_new(void)
{
    spaces();
    run_on(0, B);
    run_on(1, C);
}

static void both_in_a(void)
{
    spaces();
    run_on(0, A);
    run_on(1, A);
}

static void lazy_in_a(void)
{
    both_in_a();
    run_on(1, NULL);
}

static void all_in_a(void)
{
    both_in_a();
    if (nr_cpus > 2) {
        run_on(2, A);
        run_on(2, NULL);
    }
    run_on(1, NULL);
}

static void crossed(void)
{
    spaces();
    run_on(0, B);
    run_on(1, A);
    run_on(0, A);
    run_on(1, B);
}

/* Two references to A, both CPUs lazy in it. */
static void two_owners(void)
{
    lazy_in_a();
    as_get(A);
    run_on(0, NULL);
}

static void lazy_crossed(void)
{
    spaces();
    run_on(0, B);
    run_on(1, A);
    run_on(0, NULL);
    run_on(1, NULL);
}

/* Every tag but one is given out: A on CPU 0, B on CPU 1. */
static void tags_short(void)
{
    spaces();
    run_on(1, A);
    run_on(1, B);
    run_on(0, A);
}

/* A on CPU 1, B on CPU 0; D has a tag too, so that no other is left. */
static void tags_out(void)
{
    spaces();
    run_on(1, A);
    run_on(0, D);
    run_on(0, B);
}

static void three_ways(void)
{
    spaces();
    run_on(1, A);
    run_on(1, B);
    run_on(2, A);
    run_on(2, C);
    run_on(0, A);
}

static void to_a(void)
{
    run(A);
}

static void to_a_and_back(void)
{
    run(A);
    run(B);
}

static void to_a_twice(void)
{
    run(A);
    run(B);
    run(A);
}

static void to_a_from_c(void)
{
    run(A);
    run(C);
}

static void to_nothing_and_a(void)
{
    run(NULL);
    run(A);
}

static void to_c_and_a(void)
{
    run(C);
    run(A);
}

static void to_c_and_d(void)
{
    run(C);
    run(D);
}

static void to_c_d_a(void)
{
    run(C);
    run(D);
    run(A);
}

static void to_d_and_a(void)
{
    run(D);
    run(A);
}

static void to_c_and_unmap_a(void)
{
    run(C);
    run(A);
    unmap(A, 0);
}

static void to_e(void)
{
    run(E);
}

static void to_c(void)
{
    run(C);
}

static void to_d(void)
{
    run(D);
}

static void unmap_a(void)
{
    unmap(A, 0);
}

static void unmap_a_twice(void)
{
    unmap(A, 0);
    unmap(A, 1);
}

static void unmap_a_tables(void)
{
    unmap_all(A);
}

static void replace_a(void)
{
    replace(A, 0);
}

static void unmap_b(void)
{
    unmap(B, 0);
}

static void switch_and_unmap_a(void)
{
    run(C);
    unmap(A, 0);
}

static void unmap_a_then_leave(void)
{
    unmap(A, 0);
    run(C);
    run(A);
}

static void exec_a_to_c(void)
{
    exec_into(C, A);
}

static void exec_b_to_d(void)
{
    exec_into(D, B);
}

static void put_a(void)
{
    give_up(A);
}

static void put_b(void)
{
    give_up(B);
}

static void unmap_a_and_return(void)
{
    unmap(A, 0);
    run(A);
}

static void nothing(void)
{
}

/* clang-format off */
const struct scenario scenarios[] = {
    {"switch-shoot", "unmap in the own space, another CPU switches to it and back", 2, 7, a_and_b,
     {unmap_a, to_a_and_back}, false, false},
    {"switch-twice-shoot", "the same, the other comes again", 2, 7, a_and_b, {unmap_a, to_a_twice},
     false, false},
    {"shoot-twice", "two unmaps, another CPU switches to the space and back", 2, 7, a_and_b,
     {unmap_a_twice, to_a_and_back}, false, false},
    {"shoot-remote", "unmap in a space that runs nowhere, another CPU switches to it", 2, 7,
     a_and_b_elsewhere, {unmap_a, to_a_and_back}, false, false},
    {"shoot-first", "unmap in a space that another CPU is the first to run", 2, 7, a_is_new,
     {unmap_a, to_a}, false, false},
    {"shoot-remote-return", "unmap in a space that runs nowhere, then both switch to it", 2, 7,
     a_and_b_elsewhere, {unmap_a_and_return, to_a_and_back}, false, false},
    {"shoot-return", "unmap in a space that both run; the shooter leaves and returns", 2, 7,
     both_in_a, {unmap_a_then_leave, to_c_and_a}, false, false},
    {"shoot-lazy", "unmap in a space that another CPU holds lazily and resumes", 2, 7, lazy_in_a,
     {unmap_a, to_nothing_and_a}, false, false},
    {"shoot-tables", "unmap with its tables, another CPU switches to the space", 2, 7, a_and_b,
     {unmap_a_tables, to_a_and_back}, false, false},
    {"replace", "a page is replaced, another CPU switches to the space", 2, 7, a_and_b, {replace_a,
     to_a_and_back}, false, false},
    {"shoot-crossed", "each unmaps in its own space, which the other has used", 2, 7, crossed,
     {unmap_a, unmap_b}, false, false},
    {"shoot-each-other", "each unmaps in the space that the other holds lazily", 2, 7,
     lazy_crossed, {unmap_a, unmap_b}, false, false},
    {"shoot-kernel", "a kernel page goes while another CPU switches", 2, 7, a_and_b, {unmap_kernel,
     to_a_and_back}, false, false},
    {"shoot-no-tags", "without tags: unmap, another CPU switches to the space", 2, 0, a_and_b,
     {unmap_a, to_a_and_back}, false, false},
    {"rollover", "tags run out while both switch", 2, 4, tags_short, {to_d_and_a, to_c_and_d},
     false, false},
    {"rollover-return", "tags run out twice, and a space comes back to a CPU", 2, 4, tags_short,
     {to_e, to_c_d_a}, false, false},
    {"rollover-shoot", "tags run out while another CPU unmaps in its own space", 2, 4, tags_short,
     {unmap_a, to_c_d_a}, false, false},
    {"rollover-shoot-remote", "tags run out while a space that runs nowhere is unmapped", 2, 4,
     tags_short, {switch_and_unmap_a, to_d_and_a}, false, false},
    {"rollover-in-switch", "tags run out, and a space's tag changes, while a CPU leaves the space",
     2, 4, tags_out, {to_c_and_unmap_a, to_d}, false, true},
    {"exec", "a new space replaces the old one, which another CPU holds lazily", 2, 7, lazy_in_a,
     {exec_a_to_c, to_d}, false, false},
    {"exec-exec", "two processes exec, each one's space held by the other's CPU too", 2, 7,
     crossed, {exec_a_to_c, exec_b_to_d}, false, false},
    {"exec-rollover", "exec while tags run out", 2, 4, tags_short, {exec_a_to_c, to_d}, false,
     false},
    {"exit", "the last as_put, with the space in this CPU's register and in another's", 2, 7,
     lazy_in_a, {put_a, nothing}, false, false},
    {"exit-switch", "the last as_put while the lazy CPU switches away", 2, 7, lazy_in_a, {put_a,
     to_d}, false, false},
    {"exit-two-owners", "two tasks drop the references to one space", 2, 7, two_owners, {put_a,
     put_a}, false, false},
    {"exit-crossed", "two last as_puts, each CPU lazy in the other's space", 2, 7, lazy_crossed,
     {put_a, put_b}, false, false},
    {"exit-shoot", "the last as_put while the lazy CPU unmaps in the putter's lazy space", 2, 7,
     lazy_crossed, {put_a, unmap_b}, false, false},
    {"exit-rollover", "the last as_put while tags run out", 2, 4, lazy_in_a, {put_a, to_c_and_d},
     false, false},
    {"three-switch-shoot", "unmap while two CPUs switch to the space", 3, 7, three_ways, {unmap_a,
     to_a, to_a_from_c}, true, false},
    {"three-shoot", "two unmap in their spaces, the third switches between them", 3, 7, three_ways,
     {unmap_a, unmap_b, to_a}, true, false},
    {"three-rollover", "tags run out while three CPUs switch", 3, 5, three_ways, {to_d, to_e,
     to_c}, true, false},
    {"three-exit", "the last as_put with two lazy CPUs, one of which switches away", 3, 7,
     all_in_a, {put_a, nothing, to_d}, true, false},
    {"three-exec", "exec with one lazy CPU, and one that switches", 3, 7, all_in_a, {exec_a_to_c,
     to_d, to_e}, true, false},
};
/* clang-format on */
const unsigned nr_scenarios = ARRAY_SIZE(scenarios);
