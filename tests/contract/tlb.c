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

/* A table of the kernel's half with one level-0 table in the device window; returns its entries. */
static pte_t *make_kernel_table(void)
{
    paddr_t root = new_table(), at = root;

    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        pte_t *slot = (pte_t *)phys_to_virt(at) + pt_index(DEVICE_VA_BASE, level);

        at = new_table();
        pte_store(slot, pte_table(at, true));
    }
    pte_sync();
    hal_mmu.kernel_activate(root);
    return phys_to_virt(at);
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
    shot.scope = TLB_ALL;
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

void contract_tlb(void)
{
    sim_set_cpu(0);
    check_stale_once();
    pte_t *slots = make_kernel_table();

    contract_ok(range_goes(slots, 1, false) && range_goes(slots, 2, false) &&
                    range_goes(slots, 3, true) && range_goes(slots, 64, false),
                "shoot: pages of the kernel go, their neighbours stay mapped");
    contract_ok(range_goes(slots, 90, false) && range_goes(slots, 90, true),
                "shoot: a long range of the kernel");
}
