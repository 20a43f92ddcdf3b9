/*
 * Invariants I1 and I2 over VMAs and tables, in debug builds after every mutation. A finding is a
 * bug of the kernel: it panics with the invariant, the address, the VMA and the entry.
 */
#include "kernel/printk.h"
#include "mm/pagetable.h"
#include "mm/space.h"

struct check {
    struct address_space *as;
    struct vma *vma;
    uint64_t leaves;
};

NORETURN static void report(const struct check *check, const char *what, vaddr_t va, pte_t entry)
{
    const struct vma *vma = check->vma;

    panic("%s: space root %#lx, address %#lx, entry %#lx, VMA [%#lx, %#lx) prot %x flags %x", what,
          (unsigned long)check->as->root, (unsigned long)va, (unsigned long)entry.raw,
          vma == NULL ? 0ul : (unsigned long)vma->start, vma == NULL ? 0ul : (unsigned long)vma->end,
          vma == NULL ? 0u : vma->prot, vma == NULL ? 0u : vma->flags);
}

static void check_leaf(pte_t *slot, vaddr_t va, void *arg)
{
    struct check *check = arg;
    pte_t entry = pte_load(slot);
    uint32_t prot = pte_prot(entry);

    if (check->vma == NULL || va >= check->vma->end || va < check->vma->start) {
        check->vma = vma_containing(&check->as->vmas, va);
    }
    if (check->vma == NULL) {
        report(check, "I1: leaf without a VMA", va, entry);
    }
    if ((prot & PTE_USER) == 0) {
        report(check, "I1: kernel leaf in the user half", va, entry);
    }
    if ((prot & ~vma_leaf_prot(check->vma)) != 0) {
        report(check, "I1: leaf grants more than its VMA", va, entry);
    }
    struct frame *frame = frame_of(pte_addr(entry, 0));

    if (frame_refs(frame) == 0 || frame->owner == FRAME_FREE || frame->owner == FRAME_TABLE ||
        frame->owner == FRAME_SLAB) {
        report(check, "I2: leaf to a frame that is not user memory", va, entry);
    }
    check->leaves++;
}

static void check_vmas(struct check *check)
{
    struct address_space *as = check->as;
    vaddr_t end = 0;
    uint64_t pages = 0;
    uint32_t nr = 0;

    for (struct list *it = as->vmas.list.next; it != &as->vmas.list; it = it->next) {
        struct vma *vma = list_entry(it, struct vma, node);

        check->vma = vma;
        if (vma->start < end || vma->start >= vma->end || vma->end > USER_VA_END ||
            !IS_ALIGNED(vma->start | vma->end, PAGE_SIZE) || vma->as != as) {
            report(check, "I1: VMA list out of order", vma->start, PTE_NONE);
        }
        if (vma_containing(&as->vmas, vma->start) != vma) {
            report(check, "I1: VMA not in the tree", vma->start, PTE_NONE);
        }
        end = vma->end;
        pages += pages_of(vma->end - vma->start);
        nr++;
    }
    kverify(nr == as->vmas.nr);
    kverify(pages == as->virtual_pages);
}

void as_check_locked(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct check check = {as, NULL, 0};

    if (start == 0 && end == USER_VA_END) {
        check_vmas(&check);
    }
    check.vma = NULL;
    pt_for_each(as, start, end, check_leaf, &check);
    if (start == 0 && end == USER_VA_END) {
        kverify(check.leaves == as->resident);
    }
}

#if defined(QUOIN_DEBUG)
#define FULL_CHECK_EVERY 256u
#define RANGE_CHECK_MAX  MIB(2)

/* A long range is checked at both its ends, where splits and merges happen. */
void as_check_mutation_locked(struct address_space *as, vaddr_t start, vaddr_t end)
{
    if (++as->nr_mutations % FULL_CHECK_EVERY == 0 || end - start == USER_VA_END) {
        as_check_locked(as, 0, USER_VA_END);
        return;
    }
    if (start >= USER_VA_END) {
        return; /* a fault there changed nothing */
    }
    start = start < PAGE_SIZE ? 0 : start - PAGE_SIZE;
    end = MIN(end + PAGE_SIZE, USER_VA_END);
    if (end - start > 2 * RANGE_CHECK_MAX) {
        as_check_locked(as, start, start + RANGE_CHECK_MAX);
        start = end - RANGE_CHECK_MAX;
    }
    as_check_locked(as, start, end);
}
#endif
