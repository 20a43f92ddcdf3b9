/* mremap: shrink and grow in place, or move the leaves to a new range. */
#include <linux/mman.h>

#include "kernel/errno.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"

struct move {
    struct address_space *as;
    vaddr_t from, to;
    struct tlb_batch *batch;
    int error;
};

static void prepare_target(pte_t *slot UNUSED, vaddr_t va, void *arg)
{
    struct move *move = arg;
    pte_t *target;

    if (move->error == 0) {
        move->error = pt_own(move->as, move->to + (va - move->from), move->batch, &target);
    }
}

/* The frame keeps its reference; until the shot the old address reads the same frame. */
static void move_leaf(pte_t *slot, vaddr_t va, void *arg)
{
    struct move *move = arg;
    pte_t *target;
    pte_t entry = pte_load(slot);
    int error = pt_own(move->as, move->to + (va - move->from), move->batch, &target);

    kverify(error == 0); /* prepare_locked() made the tables */
    pte_store(slot, PTE_NONE);
    tlb_batch_add(move->batch, va, va + PAGE_SIZE, false);
    pt_store_new(target, entry);
}

static void move_leaves(struct address_space *as, vaddr_t from, vaddr_t to, size_t len)
    REQUIRES(&as->lock)
{
    struct tlb_batch batch;
    struct move move = {as, from, to, &batch, 0};

    tlb_batch_begin(&batch, as);
    pt_for_each(as, from, from + len, move_leaf, &move);
    pte_sync();
    tlb_batch_flush(&batch);
}

/* Everything that can fail: both ranges cut out, every table there and this space's own. */
static int prepare_locked(struct address_space *as, struct va_range from, struct va_range to)
    REQUIRES(&as->lock)
{
    struct tlb_batch batch;
    struct move move = {as, from.start, to.start, &batch, 0};
    size_t len = MIN(from.end - from.start, to.end - to.start);
    int error = as_unmap_prepare_locked(as, to.start, to.end, true);

    if (error == 0) {
        error = as_unmap_prepare_locked(as, from.start, from.end, true);
    }
    if (error != 0) {
        return error;
    }
    tlb_batch_begin(&batch, as);
    pt_for_each(as, from.start, from.start + len, prepare_target, &move);
    tlb_batch_flush(&batch);
    return move.error;
}

/* Requires: [from) inside vma. What `to` holds is replaced. On failure nothing has changed. */
static int move_locked(struct address_space *as, struct vma *vma, struct va_range from,
                       struct va_range to, struct list *dead) REQUIRES(&as->lock)
{
    size_t len = MIN(from.end - from.start, to.end - to.start);
    struct vma *moved = vma_clone(as, vma);

    if (moved == NULL) {
        return -ENOMEM;
    }
    moved->start = to.start;
    moved->end = to.end;
    moved->offset = vma->object == NULL ? 0 : vma->offset + (from.start - vma->start);
    moved->flags &= ~(uint32_t)AS_GROWSDOWN;
    int error = prepare_locked(as, from, to);

    if (error != 0) {
        vma_merge_range(as, to.start, to.end, dead);
        vma_merge_range(as, from.start, from.end, dead);
        list_push_back(dead, &moved->node);
        return error;
    }
    as_unmap_commit_locked(as, to.start, to.end, true, dead);
    vma_insert(&as->vmas, moved);
    as_account_locked(as, moved, (int64_t)pages_of(to.end - to.start));
    move_leaves(as, from.start, to.start, len);
    as_unmap_commit_locked(as, from.start, from.end, false, dead);
    vma_merge_range(as, to.start, to.end, dead);
    return 0;
}

static int check_source(struct address_space *as, vaddr_t old, size_t old_len, size_t new_len,
                        struct vma **out)
    REQUIRES(&as->lock)
{
    struct vma *vma = vma_containing(&as->vmas, old);

    if (vma == NULL || old_len > vma->end - old) {
        return -EFAULT;
    }
    *out = vma;
    if (new_len <= old_len) {
        return 0;
    }
    if (vma->object != NULL && vma->offset + (old - vma->start) + new_len < new_len) {
        return -EINVAL;
    }
    uint64_t more = pages_of(new_len - old_len);

    if ((vma->flags & AS_LOCKED) != 0 &&
        as->locked_pages + more > pages_of(as->limits.memlock_bytes)) {
        return -EAGAIN;
    }
    return as_may_expand_locked(as, more, (vma->prot & PROT_WRITE) != 0 &&
                                              (vma->flags & AS_SHARED) == 0);
}

static bool can_grow_in_place(struct address_space *as, struct vma *vma, vaddr_t end, vaddr_t to)
{
    struct vma *next = vma_next(&as->vmas, vma);

    return vma->end == end && to <= USER_VA_END &&
           (next == NULL || vma_reserved_start(next) >= to);
}

static int remap_fixed_locked(struct address_space *as, struct va_range from, struct va_range to,
                              struct list *dead) REQUIRES(&as->lock)
{
    struct vma *vma;
    int error = check_source(as, from.start, from.end - from.start, to.end - to.start, &vma);

    return error != 0 ? error : move_locked(as, vma, from, to, dead);
}

static int remap_locked(struct address_space *as, vaddr_t old, size_t old_len, size_t new_len,
                        uint32_t flags, vaddr_t *out, struct list *dead)
    REQUIRES(&as->lock)
{
    struct vma *vma;

    *out = old;
    if (new_len <= old_len) {
        if (vma_containing(&as->vmas, old) == NULL) {
            return -EFAULT;
        }
        return new_len == old_len
                   ? 0
                   : as_unmap_locked(as, old + new_len, old + old_len, dead);
    }
    int error = check_source(as, old, old_len, new_len, &vma);

    if (error != 0) {
        return error;
    }
    if (can_grow_in_place(as, vma, old + old_len, old + new_len)) {
        as_account_locked(as, vma, (int64_t)pages_of(new_len - old_len));
        vma_set_bounds(&as->vmas, vma, vma->start, old + new_len);
        vma_merge_range(as, old, old + new_len, dead);
        return 0;
    }
    if ((flags & MREMAP_MAYMOVE) == 0) {
        return -ENOMEM;
    }
    *out = as_find_free_locked(as, 0, new_len);
    if (*out == 0) {
        return -ENOMEM;
    }
    return move_locked(as, vma, (struct va_range){old, old + old_len},
                       (struct va_range){*out, *out + new_len}, dead);
}

int as_remap(struct address_space *as, vaddr_t old, size_t old_len, size_t new_len, uint32_t flags,
             vaddr_t new_addr, vaddr_t *out)
{
    struct list dead = LIST_INIT(dead);
    struct va_range from, to = {0, 0};
    bool fixed = (flags & MREMAP_FIXED) != 0;

    if ((flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED)) != 0 ||
        (fixed && (flags & MREMAP_MAYMOVE) == 0) || new_len == 0 || old_len == 0) {
        return -EINVAL;
    }
    int error = va_range_pages(old, old_len, &from);

    if (error != 0) {
        return error == -ENOMEM ? -EFAULT : error;
    }
    new_len = ALIGN_UP(new_len, PAGE_SIZE);
    if (new_len == 0 || new_len > USER_VA_END) {
        return -EINVAL;
    }
    if (fixed && (va_range_pages(new_addr, new_len, &to) != 0 ||
                  (to.start < from.end && from.start < to.end))) {
        return -EINVAL;
    }
    if (fixed && to.start < MMAP_LOW) {
        return -EPERM;
    }
    mutex_lock(&as->lock);
    if (fixed) {
        *out = to.start;
        error = remap_fixed_locked(as, from, to, &dead);
    } else {
        error = remap_locked(as, old, from.end - from.start, new_len, flags, out, &dead);
    }
    struct vma *result = error == 0 ? vma_containing(&as->vmas, *out) : NULL;
    size_t kept = MIN(from.end - from.start, new_len);
    bool populate = result != NULL && (result->flags & AS_LOCKED) != 0 && new_len > kept;

    as_check_mutation_locked(as, from.start, from.end);
    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    if (populate) {
        /* Best effort, as mremap(2) does: the move is done, and what lacks now faults later. */
        int ignored = as_populate(as, *out + kept, *out + new_len);

        (void)ignored;
    }
    return error;
}
