/*
 * Kernel stacks in slots of twice their size: an unmapped guard below, the stack above. Freed stacks
 * stay mapped and at hand up to a limit; the lowest free slot is used first, so that the tables of
 * the window do not grow without need.
 */
#include <arch/cpu.h>
#include <hal/context.h>

#include "kernel/spinlock.h"
#include "mm/frame.h"
#include "mm/kernel_map.h"
#include "mm/kernel_table.h"
#include "mm/tlb.h"

#define SLOT_SIZE (2ull * KERNEL_STACK_SIZE)
#define STACK_PAGES (KERNEL_STACK_SIZE / PAGE_SIZE)
#define SLOTS_MAX 32768u
#define AT_HAND_MAX 32u

static struct spinlock lock = SPINLOCK_INIT;
static uint64_t slots_used[SLOTS_MAX / 64];
static void *at_hand[AT_HAND_MAX];
static unsigned nr_at_hand;

static bool slot_take(uint32_t *out)
{
    bool found = false;

    spin_lock(&lock);
    for (uint32_t i = 0; i < ARRAY_SIZE(slots_used) && !found; i++) {
        if (slots_used[i] != UINT64_MAX) {
            uint32_t bit = (uint32_t)__builtin_ctzll(~slots_used[i]);

            slots_used[i] |= 1ull << bit;
            *out = i * 64 + bit;
            found = true;
        }
    }
    spin_unlock(&lock);
    return found;
}

static void slot_release(uint32_t slot)
{
    spin_lock(&lock);
    slots_used[slot / 64] &= ~(1ull << (slot % 64));
    spin_unlock(&lock);
}

static vaddr_t slot_stack(uint32_t slot)
{
    return STACK_VA_BASE + slot * SLOT_SIZE + KERNEL_STACK_SIZE;
}

static void unmap(vaddr_t stack, unsigned pages)
{
    struct frame *frames[STACK_PAGES];

    for (unsigned i = 0; i < pages; i++) {
        pte_t *slot = kernel_table_slot(stack + i * PAGE_SIZE, 0);

        frames[i] = frame_of(pte_addr(pte_load(slot), 0));
        pte_store(slot, PTE_NONE);
    }
    tlb_shoot_kernel(stack, stack + pages * PAGE_SIZE);
    for (unsigned i = 0; i < pages; i++) {
        frame_put(frames[i]);
    }
}

static bool map(vaddr_t stack)
{
    for (unsigned i = 0; i < STACK_PAGES; i++) {
        pte_t *slot = kernel_table_slot(stack + i * PAGE_SIZE, 0);
        struct frame *frame = slot == NULL ? NULL : frame_alloc(FRAME_KERNEL);

        if (frame == NULL) {
            unmap(stack, i);
            return false;
        }
        pte_store(slot, pte_leaf(frame_pa(frame), 0, PTE_READ | PTE_WRITE, MEM_NORMAL));
    }
    pte_sync();
    return true;
}

void *kernel_stack_alloc(void)
{
    void *base = NULL;
    uint32_t slot;

    spin_lock(&lock);
    if (nr_at_hand != 0) {
        base = at_hand[--nr_at_hand];
    }
    spin_unlock(&lock);
    if (base != NULL || !slot_take(&slot)) {
        return base;
    }
    if (!map(slot_stack(slot))) {
        slot_release(slot);
        return NULL;
    }
    return (void *)slot_stack(slot);
}

static void release(void *base)
{
    unmap((vaddr_t)base, STACK_PAGES);
    slot_release((uint32_t)(((vaddr_t)base - STACK_VA_BASE) / SLOT_SIZE));
}

void kernel_stack_free(void *base)
{
    spin_lock(&lock);
    bool keep = nr_at_hand < AT_HAND_MAX;

    if (keep) {
        at_hand[nr_at_hand++] = base;
    }
    spin_unlock(&lock);
    if (!keep) {
        release(base);
    }
}

void kernel_stack_drain(void)
{
    for (;;) {
        void *base = NULL;

        spin_lock(&lock);
        if (nr_at_hand != 0) {
            base = at_hand[--nr_at_hand];
        }
        spin_unlock(&lock);
        if (base == NULL) {
            return;
        }
        release(base);
    }
}
