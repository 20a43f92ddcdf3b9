/*
 * What only tagged TLBs that forget nothing can show: ranges of the kernel's half, which are global,
 * and that a switch drops once, and not again, what it was told is stale.
 */
#include <arch/cpu.h>
#include <linux/mman.h>
#include <sim/machine.h>

#include "mm/frame.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "tests/contract/contract.h"
#include "tests/contract/host.h"

#define KERNEL_PAGES 100u /* more than a driver shoots one by one */

static paddr_t new_table(void)
{
    struct frame *frame = frame_alloc_zeroed(FRAME_KERNEL);

    kverify(frame != NULL);
    return frame_pa(frame);
}

/* The entry of va at the level under the root; tables on the way are made. */
static pte_t *make_slot(paddr_t root, vaddr_t va, unsigned to_level)
{
    paddr_t at = root;

    for (unsigned level = PT_LEVELS - 1; level > to_level; level--) {
        pte_t *slot = (pte_t *)phys_to_virt(at) + pt_index(va, level);

        if (!pte_present(pte_load(slot))) {
            pte_store(slot, pte_table(new_table(), true));
        }
        at = pte_addr(pte_load(slot), level);
    }
    return (pte_t *)phys_to_virt(at) + pt_index(va, to_level);
}

/* A table of the kernel's half that reaches each of its windows. */
static paddr_t make_kernel_root(void)
{
    paddr_t root = new_table(), page = new_table();

    pte_store(make_slot(root, KERNEL_VA_BASE, 0), pte_leaf(page, 0, PTE_READ, MEM_NORMAL));
    pte_store(make_slot(root, KERNEL_IMAGE_BASE, 0), pte_leaf(page, 0, PTE_READ, MEM_NORMAL));
    (void)make_slot(root, DEVICE_VA_BASE, 0);
    pte_sync();
    return root;
}

static bool range_goes(pte_t *slots, unsigned nr, bool tables)
{
    paddr_t pa = frame_pa(frame_alloc_zeroed(FRAME_KERNEL));
    struct tlb_shot shot = {.scope = TLB_GLOBAL, .tables = tables, .start = DEVICE_VA_BASE,
                            .end = DEVICE_VA_BASE + nr * PAGE_SIZE, .cpus = ~0ull,
                            .current = true};
    bool good = true;

    for (unsigned i = 0; i < KERNEL_PAGES; i++) {
        pte_store(&slots[i], pte_leaf(pa, 0, PTE_READ | PTE_WRITE, MEM_NORMAL));
    }
    pte_sync();
    for (unsigned i = 0; i < KERNEL_PAGES; i++) {
        good &= sim_kernel_access(DEVICE_VA_BASE + i * PAGE_SIZE, PTE_READ) != NULL;
    }
    for (unsigned i = 0; i < nr; i++) {
        pte_store(&slots[i], PTE_NONE);
    }
    pte_sync();
    hal_mmu.shoot(&shot);
    for (unsigned i = 0; i < KERNEL_PAGES; i++) {
        good &= (sim_kernel_access(DEVICE_VA_BASE + i * PAGE_SIZE, PTE_READ) == NULL) == (i < nr);
    }
    for (unsigned i = 0; i < KERNEL_PAGES; i++) {
        pte_store(&slots[i], PTE_NONE);
    }
    pte_sync();
    shot.end = DEVICE_VA_BASE + KERNEL_PAGES * PAGE_SIZE;
    hal_mmu.shoot(&shot);
    frame_put(frame_of(pa));
    return good;
}

static void enter(struct address_space *as)
{
    irqflags_t flags = cpu_irq_save();

    as_activate(as);
    cpu_irq_restore(flags);
}

static void check_stale_once(void)
{
    struct as_map_request request = {.addr = 0x400000, .len = 2 * PAGE_SIZE,
                                     .prot = PROT_READ | PROT_WRITE, .max_prot = 7,
                                     .flags = AS_FIXED};
    struct address_space *as, *other;
    uint8_t byte = 1;
    vaddr_t at;

    kverify(as_create(&as) == 0 && as_create(&other) == 0);
    kverify(as_map(as, &request, &at) == 0);
    kverify(as_copy_out(as, at, &byte, 1) == 0 && as_copy_out(as, at + PAGE_SIZE, &byte, 1) == 0);
    enter(as);
    bool good = sim_access(at, PTE_READ) != NULL;

    enter(other);
    kverify(as_unmap(as, at + PAGE_SIZE, PAGE_SIZE) == 0);
    enter(as);
    good &= sim_access(at, PTE_READ) != NULL && sim_access(at + PAGE_SIZE, PTE_READ) == NULL;
    enter(other);
    enter(as);
    contract_ok(good && sim_tlb_holds(0, at), "a switch drops what is stale once, then keeps");
    enter(other);
    as_put(as);
    enter(NULL);
    as_put(other);
}

static struct address_space *make_space(vaddr_t at, uint8_t value)
{
    struct as_map_request request = {.addr = at, .len = 2 * PAGE_SIZE,
                                     .prot = PROT_READ | PROT_WRITE, .max_prot = 7,
                                     .flags = AS_FIXED};
    struct address_space *as;

    kverify(as_create(&as) == 0 && as_map(as, &request, &at) == 0);
    kverify(as_copy_out(as, at, &value, 1) == 0);
    kverify(as_copy_out(as, at + PAGE_SIZE, &value, 1) == 0);
    return as;
}

/* Every window of the kernel is reached through a space's root too. */
static void check_root_init(void)
{
    struct address_space *as = make_space(0x400000, 1);

    enter(as);
    contract_ok(sim_kernel_access(KERNEL_VA_BASE, PTE_READ) != NULL &&
                    sim_kernel_access(KERNEL_IMAGE_BASE, PTE_READ) != NULL,
                "root_init: the kernel's half, from its first entry to its last");
    enter(NULL);
    as_put(as);
}

static void check_kernel_activate(paddr_t root)
{
    vaddr_t va = DEVICE_VA_BASE;
    paddr_t empty = make_kernel_root();
    pte_t *slot = make_slot(root, va, 0);

    pte_store(slot, pte_leaf(new_table(), 0, PTE_READ, MEM_NORMAL));
    pte_sync();
    hal_mmu.kernel_activate(root);
    bool good = sim_kernel_access(va, PTE_READ) != NULL;

    hal_mmu.kernel_activate(empty);
    contract_ok(good && sim_kernel_access(va, PTE_READ) == NULL,
                "kernel_activate: nothing of the old table is left");
}

/* A table of the kernel goes: each tag has walk caches of its own. */
static void check_kernel_table(paddr_t root)
{
    struct address_space *one = make_space(0x400000, 1), *two = make_space(0x400000, 2);
    vaddr_t va = DEVICE_VA_BASE, near = va + PAGE_SIZE;
    struct tlb_shot shot = {.scope = TLB_GLOBAL, .tables = true, .start = va,
                            .end = va + PAGE_SIZE, .cpus = ~0ull, .current = true};
    pte_t *table = make_slot(root, va, 1), *slot = make_slot(root, va, 0);

    pte_store(slot, pte_leaf(new_table(), 0, PTE_READ, MEM_NORMAL));
    pte_store(slot + 1, pte_leaf(new_table(), 0, PTE_READ, MEM_NORMAL));
    pte_sync();
    enter(one);
    bool good = sim_kernel_access(va, PTE_READ) != NULL;

    enter(two);
    good &= sim_kernel_access(va, PTE_READ) != NULL;
    pte_store(table, PTE_NONE);
    pte_sync();
    hal_mmu.shoot(&shot);
    good &= sim_kernel_access(va, PTE_READ) == NULL && sim_kernel_access(near, PTE_READ) == NULL;
    enter(one);
    good &= sim_kernel_access(va, PTE_READ) == NULL && sim_kernel_access(near, PTE_READ) == NULL;
    contract_ok(good, "shoot: a table of the kernel goes under every tag");
    enter(NULL);
    as_put(one);
    as_put(two);
}

/* A shot of one space takes nothing of another that has the same addresses. */
static void check_no_more(void)
{
    struct address_space *one = make_space(0x400000, 1), *two = make_space(0x400000, 2);

    enter(one);
    bool good = sim_access(0x400000, PTE_READ) != NULL;

    enter(two);
    good &= sim_access(0x400000, PTE_READ) != NULL;
    enter(one);
    kverify(as_unmap(one, 0x400000, PAGE_SIZE) == 0);
    good &= sim_access(0x400000, PTE_READ) == NULL;
    enter(two);
    contract_ok(good && sim_tlb_holds(0, 0x400000), "shoot: the range of one tag and no other");
    as_put(one);
    enter(NULL);
    as_put(two);
}

/* Another CPU keeps two tags that are alike in their low bits. */
static void check_remote_tags(void)
{
    struct address_space *one = make_space(0x400000, 1), *two = make_space(0x400000, 2);
    const asid_t low = {0x21}, high = {(uint16_t)(hal_caps.asid_bits > 8 ? 0x121 : 0x61)};
    struct tlb_shot shot = {.scope = TLB_RANGE, .asid = low, .start = 0x400000,
                            .end = 0x400000 + PAGE_SIZE, .cpus = 2};
    struct pt_walk walk;

    sim_set_cpu(1);
    irqflags_t flags = cpu_irq_save();

    hal_mmu.activate(one->root, low, TLB_DROP_TAG);
    bool good = sim_access(0x400000, PTE_READ) != NULL;

    hal_mmu.activate(two->root, high, TLB_DROP_TAG);
    good &= sim_access(0x400000, PTE_READ) != NULL;
    cpu_irq_restore(flags);
    sim_set_cpu(0);
    kverify(pt_lookup(one, 0x400000, &walk));
    pte_store(walk.slot, PTE_NONE);
    pte_sync();
    hal_mmu.shoot(&shot);
    sim_set_cpu(1);
    flags = cpu_irq_save();
    hal_mmu.activate(one->root, low, TLB_KEEP);
    good &= sim_access(0x400000, PTE_READ) == NULL;
    pte_store(walk.slot, walk.entry);
    pte_sync();
    hal_mmu.activate(sim_root(0), (asid_t){sim_tag(0)}, TLB_DROP_ALL);
    cpu_irq_restore(flags);
    sim_set_cpu(0);
    contract_ok(good, "shoot: another CPU's tag, whichever it runs under");
    as_put(one);
    as_put(two);
}

void contract_tlb(void)
{
    sim_set_cpu(0);
    if (hal_caps.asid_bits != 0) {
        check_stale_once();
        check_remote_tags();
    }
    paddr_t root = make_kernel_root();

    hal_mmu.kernel_activate(root);
    pte_t *slots = make_slot(root, DEVICE_VA_BASE, 0);

    contract_ok(range_goes(slots, 1, false) && range_goes(slots, 2, false) &&
                    range_goes(slots, 3, true) && range_goes(slots, 64, false),
                "shoot: pages of the kernel go, their neighbours stay mapped");
    contract_ok(range_goes(slots, 90, false) && range_goes(slots, 90, true),
                "shoot: a long range of the kernel");
    check_root_init();
    check_kernel_table(root);
    check_kernel_activate(root);
}

void contract_tlb_exact(void)
{
    sim_set_cpu(0);
    check_no_more();
}
