/* mprotect, mlock: changes of rights and flags in place. */
#include <asm/mman.h>

#include "kernel/errno.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"

/* Fails: -ENOMEM if a page of the range has no VMA. */
static int check_covered(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct vma *vma = vma_find(&as->vmas, start);

    while (vma != NULL && vma->start <= start) {
        if (vma->end >= end) {
            return 0;
        }
        start = vma->end;
        vma = vma_next(&as->vmas, vma);
    }
    return -ENOMEM;
}

struct protection {
    uint32_t prot; /* of the VMA's leaves */
    struct tlb_batch *batch;
};

/* Write comes back by a fault, which looks at the reference count; the other rights at once. */
static void protect_leaf(pte_t *slot, vaddr_t va, void *arg)
{
    struct protection *protection = arg;
    pte_t entry = pte_load(slot);
    uint32_t before = pte_prot(entry);
    uint32_t after = protection->prot & ~(~before & PTE_WRITE);

    if (before == after) {
        return;
    }
    if ((after & PTE_EXEC) != 0 && (before & PTE_EXEC) == 0) {
        /* Clean or not: the program may have written it since. */
        frame_sync_icache(frame_of(pte_addr(entry, 0)));
    }
    pte_store(slot, pte_with_prot(entry, 0, after));
    if ((before & ~after) != 0) {
        tlb_batch_add(protection->batch, va, va + PAGE_SIZE, false);
    }
}

static void protect_vma(struct address_space *as, struct vma *vma, uint32_t prot,
                        struct tlb_batch *batch)
    REQUIRES(&as->lock)
{
    int64_t pages = (int64_t)pages_of(vma->end - vma->start);

    as_account_locked(as, vma, -pages);
    vma->prot = prot;
    as_account_locked(as, vma, pages);
    struct protection protection = {vma_leaf_prot(vma), batch};

    pt_for_each(as, vma->start, vma->end, protect_leaf, &protection);
}

/*
 * Where the change must stop: at end, or at the first page without a VMA (-ENOMEM) or with one that
 * refuses the rights (-EACCES). What lies before it changes all the same (mprotect(2)).
 */
static int find_stop(struct address_space *as, vaddr_t start, vaddr_t end, uint32_t prot,
                     vaddr_t *stop)
{
    struct vma *vma = vma_find(&as->vmas, start);

    for (*stop = start; *stop < end; vma = vma_next(&as->vmas, vma)) {
        if (vma == NULL || vma->start > *stop) {
            return -ENOMEM;
        }
        if ((prot & ~vma->max_prot) != 0) {
            return -EACCES;
        }
        *stop = MIN(vma->end, end);
    }
    return 0;
}

static int protect_locked(struct address_space *as, vaddr_t start, vaddr_t end, uint32_t prot,
                          struct list *dead)
    REQUIRES(&as->lock)
{
    struct tlb_batch batch;
    int stopped = find_stop(as, start, end, prot, &end);
    int error = start == end ? 0 : vma_split_range(as, start, end);

    if (error != 0 || start == end) {
        return error != 0 ? error : stopped;
    }
    tlb_batch_begin(&batch, as);
    error = pt_own_present(as, start, end, &batch);
    if (error == 0) {
        for (struct vma *vma = vma_find(&as->vmas, start); vma != NULL && vma->start < end;
             vma = vma_next(&as->vmas, vma)) {
            protect_vma(as, vma, prot, &batch);
        }
        pte_sync();
    }
    tlb_batch_flush(&batch);
    vma_merge_range(as, start, end, dead);
    return error != 0 ? error : stopped;
}

int as_protect(struct address_space *as, vaddr_t addr, size_t len, uint32_t prot)
{
    struct list dead = LIST_INIT(dead);
    struct va_range range;
    int error = va_range_pages(addr, len, &range);

    if (error != 0 || range.start == range.end) {
        return error;
    }
    mutex_lock(&as->lock);
    error = protect_locked(as, range.start, range.end, prot, &dead);
    as_check_mutation_locked(as, range.start, range.end);
    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    return error;
}

static int lock_range_locked(struct address_space *as, vaddr_t start, vaddr_t end, bool lock,
                             struct list *dead)
    REQUIRES(&as->lock)
{
    int error = check_covered(as, start, end);

    if (error == 0) {
        error = vma_split_range(as, start, end);
    }
    if (error != 0) {
        return error;
    }
    for (struct vma *vma = vma_find(&as->vmas, start); vma != NULL && vma->start < end;
         vma = vma_next(&as->vmas, vma)) {
        int64_t pages = (int64_t)pages_of(vma->end - vma->start);

        as_account_locked(as, vma, -pages);
        vma->flags = lock ? vma->flags | AS_LOCKED : vma->flags & ~(uint32_t)AS_LOCKED;
        as_account_locked(as, vma, pages);
    }
    vma_merge_range(as, start, end, dead);
    return 0;
}

int as_lock_range(struct address_space *as, vaddr_t addr, size_t len, bool lock)
{
    struct list dead = LIST_INIT(dead);
    vaddr_t start = ALIGN_DOWN(addr, PAGE_SIZE);
    struct va_range range;
    int error = va_range_pages(start, len + (addr - start), &range);

    if (error != 0 || len + (addr - start) < len) {
        return -EINVAL;
    }
    if (range.start == range.end) {
        return 0;
    }
    mutex_lock(&as->lock);
    if (lock && as->locked_pages + pages_of(range.end - range.start) >
                    pages_of(as->limits.memlock_bytes)) {
        error = -ENOMEM;
    } else {
        error = lock_range_locked(as, range.start, range.end, lock, &dead);
    }
    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    return error == 0 && lock ? as_populate(as, range.start, range.end) : error;
}

/* mlockall(MCL_CURRENT): every page in. Fails: -EINTR (killed); what has no page keeps none. */
static int populate_all(struct address_space *as)
{
    struct va_range range = {0, 0};
    int error = 0;

    while (error != -EINTR) {
        mutex_lock(&as->lock);
        struct vma *vma = vma_find(&as->vmas, range.end);

        range = vma == NULL ? (struct va_range){0, 0} : (struct va_range){vma->start, vma->end};
        mutex_unlock(&as->lock);
        if (range.end == 0) {
            return 0;
        }
        error = as_populate(as, range.start, range.end);
    }
    return error;
}

int as_lock_all(struct address_space *as, bool now, bool future, bool lock)
{
    struct list dead = LIST_INIT(dead);
    int error = 0;

    mutex_lock(&as->lock);
    as->lock_future = lock && future;
    if (lock && now && as->virtual_pages > pages_of(as->limits.memlock_bytes)) {
        error = -ENOMEM;
    } else if (!lock || now) {
        vma_for_each(vma, &as->vmas) {
            int64_t pages = (int64_t)pages_of(vma->end - vma->start);

            as_account_locked(as, vma, -pages);
            vma->flags = lock ? vma->flags | AS_LOCKED : vma->flags & ~(uint32_t)AS_LOCKED;
            as_account_locked(as, vma, pages);
        }
        vma_merge_range(as, 0, USER_VA_END, &dead);
    }
    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    return error == 0 && lock && now ? populate_all(as) : error;
}
