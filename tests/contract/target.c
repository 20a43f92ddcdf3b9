/*
 * The contract in the kernel: selftest_run() calls contract_run() where it is linked in. Pages of the
 * kernel's half show what a shot of it does; accesses of user mode are the simulator's part.
 */
#include <arch/cpu.h>
#include <hal/board.h>
#include <hal/context.h>

#include "kernel/selftest.h"
#include "mm/frame.h"
#include "mm/kernel_table.h"
#include "mm/tlb.h"
#include "tests/contract/contract.h"

#define PAGE_VA (DEVICE_VA_END - PAGE_SIZE)

static uint64_t read_page(void)
{
    return *(volatile uint64_t *)PAGE_VA;
}

static void check_kernel_shot(void)
{
    struct frame *one = frame_alloc(FRAME_KERNEL), *two = frame_alloc(FRAME_KERNEL);
    pte_t *slot = kernel_table_slot(PAGE_VA, 0);

    kverify(one != NULL && two != NULL && slot != NULL);
    *(uint64_t *)frame_va(one) = 1;
    *(uint64_t *)frame_va(two) = 2;
    pte_store(slot, pte_leaf(frame_pa(one), 0, PTE_READ | PTE_WRITE, MEM_NORMAL));
    pte_sync();
    bool good = read_page() == 1;

    pte_store(slot, PTE_NONE);
    tlb_shoot_kernel(PAGE_VA, PAGE_VA + PAGE_SIZE);
    pte_store(slot, pte_leaf(frame_pa(two), 0, PTE_READ | PTE_WRITE, MEM_NORMAL));
    pte_sync();
    good &= read_page() == 2;
    *(volatile uint64_t *)PAGE_VA = 3;
    good &= *(volatile uint64_t *)frame_va(two) == 3;
    pte_store(slot, PTE_NONE);
    tlb_shoot_kernel(PAGE_VA, PAGE_VA + PAGE_SIZE);
    frame_put(one);
    frame_put(two);
    contract_ok(good, "shoot: a page of the kernel changes its frame");
}

static void check_icache(void)
{
    struct frame *frame = frame_alloc_zeroed(FRAME_ANON);

    hal_mmu.icache_sync(frame_pa(frame), PAGE_SIZE);
    contract_ok(*(uint64_t *)frame_va(frame) == 0, "icache_sync leaves the bytes alone");
    frame_put(frame);
}

void contract_run(void)
{
    contract_pte();
    contract_cpu();
    contract_mmu(NULL);
    check_kernel_shot();
    check_icache();
    contract_context();
    contract_sigframe();
    contract_board();
    (void)contract_done();
    hal_board->power(POWER_OFF);
}
