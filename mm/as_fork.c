/*
 * fork: the child gets every VMA and shares the parent's level-0 tables, write-protected, so that the
 * cost is per table and not per page. Where a table also covers VMAs that the child must not get, or
 * gets empty, pages are shared one by one.
 */
#include "kernel/errno.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"

static bool is_left_out(const struct vma *vma)
{
    return (vma->flags & (AS_DONTFORK | AS_WIPEONFORK)) != 0;
}

NO_LOCK_ANALYSIS static int clone_vmas(struct address_space *parent, struct address_space *child)
{
    vma_for_each(vma, &parent->vmas) {
        if ((vma->flags & AS_DONTFORK) != 0) {
            continue;
        }
        struct vma *copy = vma_clone(child, vma);

        if (copy == NULL) {
            return -ENOMEM;
        }
        copy->flags &= ~(uint32_t)AS_LOCKED; /* locks are not inherited, mlock(2) */
        vma_insert(&child->vmas, copy);
        as_account_locked(child, copy, (int64_t)pages_of(copy->end - copy->start));
    }
    return 0;
}

struct page_copy {
    struct address_space *child;
    struct tlb_batch *batch; /* of the parent */
    struct tlb_batch *child_batch;
    bool shared;
    int error;
};

/* One reference more on the frame; private leaves lose write rights on both sides. */
static void share_leaf(pte_t *slot, vaddr_t va, void *arg)
{
    struct page_copy *copy = arg;
    pte_t entry = pte_load(slot);
    uint32_t prot = pte_prot(entry);
    pte_t *target;

    if (copy->error == 0) {
        copy->error = pt_own(copy->child, va, copy->child_batch, &target);
    }
    if (copy->error != 0) {
        return;
    }
    if (!copy->shared && (prot & PTE_WRITE) != 0) {
        entry = pte_with_prot(entry, 0, prot & ~PTE_WRITE);
        pte_store(slot, entry);
        tlb_batch_add(copy->batch, va, va + PAGE_SIZE, false);
    }
    if (pte_addr(entry, 0) != frame_zero_pa) {
        frame_get(frame_of(pte_addr(entry, 0)));
    }
    pt_store_new(target, entry);
    copy->child->resident++;
}

static int copy_pages(struct address_space *parent, struct address_space *child, struct vma *vma,
                      vaddr_t start, vaddr_t end, struct tlb_batch *batch)
{
    struct tlb_batch child_batch;
    struct page_copy copy = {child, batch, &child_batch, (vma->flags & AS_SHARED) != 0, 0};

    tlb_batch_begin(&child_batch, child);
    copy.error = pt_own_present(parent, start, end, batch);
    if (copy.error == 0) {
        pt_for_each(parent, start, end, share_leaf, &copy);
    }
    tlb_batch_flush(&child_batch);
    return copy.error;
}

static void count_leaf(pte_t *slot UNUSED, vaddr_t va UNUSED, void *arg)
{
    (*(uint64_t *)arg)++;
}

/* Whether every VMA that the level-0 table of va covers goes to the child with its pages. */
static bool table_is_plain(struct address_space *parent, vaddr_t table_start)
{
    vaddr_t end = table_start + pt_span(1);

    for (struct vma *vma = vma_find(&parent->vmas, table_start); vma != NULL && vma->start < end;
         vma = vma_next(&parent->vmas, vma)) {
        if (is_left_out(vma)) {
            return false;
        }
    }
    return true;
}

static int fork_tables(struct address_space *parent, struct address_space *child, bool plain,
                       struct tlb_batch *batch)
{
    vaddr_t done = 0; /* tables below this address are shared already */

    vma_for_each(vma, &parent->vmas) {
        if (is_left_out(vma)) {
            continue;
        }
        for (vaddr_t va = MAX(done, vma->start); va < vma->end;) {
            vaddr_t table = ALIGN_DOWN(va, pt_span(1));
            vaddr_t next = MIN(vma->end, table + pt_span(1));
            int error;

            if (plain || table_is_plain(parent, table)) {
                error = pt_share(parent, child, va, batch);
                next = table + pt_span(1);
                done = next;
            } else {
                error = copy_pages(parent, child, vma, va, next, batch);
            }
            if (error != 0) {
                return error;
            }
            va = next;
            if (IS_ALIGNED(table, MIB(128)) && sched_point() != 0) {
                return -EINTR;
            }
        }
    }
    return 0;
}

static int fork_locked(struct address_space *parent, struct address_space *child,
                       struct tlb_batch *batch)
{
    uint64_t left_out = 0;
    bool plain = true;
    int error = clone_vmas(parent, child);

    if (error != 0) {
        return error;
    }
    vma_for_each(vma, &parent->vmas) {
        if (is_left_out(vma)) {
            pt_for_each(parent, vma->start, vma->end, count_leaf, &left_out);
            plain = false;
        }
    }
    child->limits = parent->limits;
    child->brk_start = parent->brk_start;
    child->brk_end = parent->brk_end;
    child->mmap_top = parent->mmap_top;
    error = fork_tables(parent, child, plain, batch);
    child->resident = parent->resident - left_out;
    return error;
}

int as_fork(struct address_space *parent, struct address_space **out)
{
    struct address_space *child;
    struct tlb_batch batch;
    int error = as_create(&child);

    if (error != 0) {
        return error;
    }
    mutex_lock(&parent->lock);
    mutex_lock(&child->lock); /* truncate finds the child by the first VMA with an object */
    tlb_batch_begin(&batch, parent);
    error = fork_locked(parent, child, &batch);
    pte_sync();
    tlb_batch_flush(&batch);
    as_check_mutation_locked(parent, 0, USER_VA_END);
    mutex_unlock(&child->lock);
    mutex_unlock(&parent->lock);
    if (error != 0) {
        as_put(child);
        return error;
    }
    *out = child;
    return 0;
}
