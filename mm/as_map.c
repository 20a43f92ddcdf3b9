/* mmap, munmap and brk: VMAs first, then tables; see mm/address_space.h for the contracts. */
#include <asm/mman.h>

#include "kernel/errno.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "mm/vm_object.h"

static bool is_data(const struct vma *vma)
{
    return (vma->flags & (AS_SHARED | AS_GROWSDOWN)) == 0 && (vma->prot & PROT_WRITE) != 0;
}

int as_may_expand_locked(const struct address_space *as, uint64_t pages, bool data)
{
    if (as->virtual_pages + pages > pages_of(as->limits.as_bytes)) {
        return -ENOMEM;
    }
    return data && as->data_pages + pages > pages_of(as->limits.data_bytes) ? -ENOMEM : 0;
}

void as_account_locked(struct address_space *as, struct vma *vma, int64_t pages)
{
    as->virtual_pages += (uint64_t)pages;
    as->peak_virtual = MAX(as->peak_virtual, as->virtual_pages);
    if (is_data(vma)) {
        as->data_pages += (uint64_t)pages;
    }
    if ((vma->flags & AS_LOCKED) != 0) {
        as->locked_pages += (uint64_t)pages;
    }
}

static int64_t nr_pages(const struct vma *vma)
{
    return (int64_t)pages_of(vma->end - vma->start);
}

vaddr_t as_find_free_locked(struct address_space *as, vaddr_t hint, size_t len)
{
    hint = ALIGN_DOWN(hint, PAGE_SIZE);
    if (hint >= MMAP_LOW && va_range_is_user(hint, len)) {
        struct vma *next = vma_find(&as->vmas, hint);

        if (next == NULL || vma_reserved_start(next) >= hint + len) {
            return hint;
        }
    }
    vaddr_t found = vma_find_gap(&as->vmas, len, MMAP_LOW, as->mmap_top);

    return found != 0 ? found : vma_find_gap(&as->vmas, len, MMAP_LOW, USER_VA_END);
}

/* Whether [start, end) overlaps no VMA. */
static bool is_free(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct vma *vma = vma_find(&as->vmas, start);

    return vma == NULL || vma->start >= end;
}

static uint64_t pages_mapped_in(struct address_space *as, vaddr_t start, vaddr_t end)
{
    uint64_t pages = 0;

    for (struct vma *vma = vma_find(&as->vmas, start); vma != NULL && vma->start < end;
         vma = vma_next(&as->vmas, vma)) {
        pages += pages_of(MIN(end, vma->end) - MAX(start, vma->start));
    }
    return pages;
}

int as_unmap_prepare_locked(struct address_space *as, vaddr_t start, vaddr_t end, bool keep_tables)
{
    if (is_free(as, start, end)) {
        return 0;
    }
    struct tlb_batch batch;
    int error = vma_split_range(as, start, end);

    if (error != 0) {
        return error;
    }
    tlb_batch_begin(&batch, as);
    /* Tables that stay lose some leaves only: without keep_tables those at the ends. */
    error = pt_own_present(as, start, keep_tables ? end : start + 1, &batch);
    if (error == 0) {
        error = pt_own_present(as, end - 1, end, &batch);
    }
    tlb_batch_flush(&batch);
    return error;
}

void as_unmap_commit_locked(struct address_space *as, vaddr_t start, vaddr_t end, bool keep_tables,
                            struct list *dead)
{
    struct tlb_batch batch;
    struct vma *vma = vma_find(&as->vmas, start);
    struct vma *below = vma == NULL ? NULL : vma_prev(&as->vmas, vma);

    if (is_free(as, start, end)) {
        return;
    }
    tlb_batch_begin(&batch, as);
    while (vma != NULL && vma->start < end) {
        struct vma *next = vma_next(&as->vmas, vma);

        as_account_locked(as, vma, -nr_pages(vma));
        vma_remove(&as->vmas, vma);
        list_push_back(dead, &vma->node);
        vma = next;
    }
    vaddr_t floor = below == NULL ? 0 : below->end;
    vaddr_t ceiling = vma == NULL ? USER_VA_END : vma->start;

    pt_remove(as, start, end, floor, keep_tables ? floor : ceiling, &batch);
    tlb_batch_flush(&batch);
}

int as_unmap_locked(struct address_space *as, vaddr_t start, vaddr_t end, struct list *dead)
{
    int error = as_unmap_prepare_locked(as, start, end, false);

    if (error != 0) {
        vma_merge_range(as, start, end, dead);
        return error;
    }
    as_unmap_commit_locked(as, start, end, false, dead);
    return 0;
}

int as_unmap(struct address_space *as, vaddr_t addr, size_t len)
{
    struct list dead = LIST_INIT(dead);
    struct va_range range;

    if (len == 0 || va_range_pages(addr, len, &range) != 0) {
        return -EINVAL;
    }
    mutex_lock(&as->lock);
    int error = as_unmap_locked(as, range.start, range.end, &dead);

    as_check_mutation_locked(as, range.start, range.end);
    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    return error;
}

static int place(struct address_space *as, const struct as_map_request *request, size_t len,
                 struct va_range *out)
    REQUIRES(&as->lock)
{
    if ((request->flags & AS_FIXED) == 0) {
        vaddr_t start = as_find_free_locked(as, request->addr, len);

        *out = (struct va_range){start, start + len};
        return start == 0 ? -ENOMEM : 0;
    }
    int error = va_range_pages(request->addr, len, out);

    if (error != 0) {
        return error;
    }
    if (out->start < MMAP_LOW) {
        return -EPERM;
    }
    if ((request->flags & AS_NOREPLACE) != 0 && !is_free(as, out->start, out->end)) {
        return -EEXIST;
    }
    return 0;
}

static int map_locked(struct address_space *as, const struct as_map_request *request,
                      struct vma *vma, size_t len, struct list *dead)
    REQUIRES(&as->lock)
{
    struct va_range range;
    int error = place(as, request, len, &range);

    if (error != 0) {
        return error;
    }
    vma->start = range.start;
    vma->end = range.end;
    uint64_t replaced = pages_mapped_in(as, range.start, range.end);

    error = as_may_expand_locked(as, pages_of(len) - replaced, is_data(vma));
    if (error == 0 && (vma->flags & AS_LOCKED) != 0 &&
        as->locked_pages + pages_of(len) > pages_of(as->limits.memlock_bytes)) {
        error = -EAGAIN;
    }
    if (error == 0) {
        error = as_unmap_locked(as, range.start, range.end, dead);
    }
    if (error != 0) {
        return error;
    }
    vma_attach(vma);
    vma_insert(&as->vmas, vma);
    as_account_locked(as, vma, nr_pages(vma));
    vma_merge_range(as, range.start, range.end, dead);
    as_check_mutation_locked(as, range.start, range.end);
    return 0;
}

int as_map(struct address_space *as, const struct as_map_request *request, vaddr_t *out)
{
    const uint32_t kept = AS_SHARED | AS_GROWSDOWN | AS_LOCKED | AS_NORESERVE | AS_DONTFORK |
                          AS_WIPEONFORK | AS_HEAP | AS_STACK | AS_VDSO | AS_VVAR;
    size_t len = ALIGN_UP(request->len, PAGE_SIZE);
    struct list dead = LIST_INIT(dead);

    if (request->len == 0 || !IS_ALIGNED(request->offset, PAGE_SIZE)) {
        return -EINVAL;
    }
    if (len < request->len || len > USER_VA_END) {
        return -ENOMEM;
    }
    if (request->offset + len < request->offset) {
        return -EOVERFLOW;
    }
    struct vma *vma = vma_create(as, 0, 0);

    if (vma == NULL) {
        return -ENOMEM;
    }
    vma->prot = request->prot;
    vma->max_prot = request->max_prot;
    vma->flags = request->flags & kept;
    vma->object = request->object;
    vma->file = request->file;
    vma->offset = request->object == NULL ? 0 : request->offset;

    mutex_lock(&as->lock);
    if (as->lock_future) {
        vma->flags |= AS_LOCKED;
    }
    int error = map_locked(as, request, vma, len, &dead);
    vaddr_t start = vma->start;
    bool populate = (request->flags & AS_POPULATE) != 0 || (vma->flags & AS_LOCKED) != 0;

    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    if (error != 0) {
        vma->object = NULL; /* never attached */
        vma_destroy(vma);
        return error;
    }
    *out = start;
    if (populate) {
        /* Best effort, as Linux does: what could not come in now faults later. */
        error = as_populate(as, start, start + len);
    }
    return 0;
}

/* The heap's VMA that ends at the break, or NULL. */
static struct vma *heap_end(struct address_space *as, vaddr_t end)
{
    struct vma *vma = end == 0 ? NULL : vma_containing(&as->vmas, end - 1);

    return vma != NULL && vma->end == end && (vma->flags & AS_HEAP) != 0 ? vma : NULL;
}

static int grow_heap_locked(struct address_space *as, vaddr_t start, vaddr_t end)
    REQUIRES(&as->lock)
{
    struct vma *next = vma_find(&as->vmas, start);

    if (!va_range_is_user(start, end - start) ||
        (next != NULL && vma_reserved_start(next) < end)) {
        return -ENOMEM;
    }
    int error = as_may_expand_locked(as, pages_of(end - start), true);

    if (error != 0) {
        return error;
    }
    struct vma *heap = heap_end(as, start);
    uint32_t flags = AS_HEAP | (as->lock_future ? AS_LOCKED : 0u);

    if (heap != NULL && heap->prot == (PROT_READ | PROT_WRITE) && heap->flags == flags) {
        vma_set_bounds(&as->vmas, heap, heap->start, end);
        as_account_locked(as, heap, (int64_t)pages_of(end - start));
        return 0;
    }
    heap = vma_create(as, start, end);
    if (heap == NULL) {
        return -ENOMEM;
    }
    heap->prot = PROT_READ | PROT_WRITE;
    heap->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
    heap->flags = flags;
    vma_insert(&as->vmas, heap);
    as_account_locked(as, heap, nr_pages(heap));
    return 0;
}

vaddr_t as_brk(struct address_space *as, vaddr_t brk)
{
    struct list dead = LIST_INIT(dead);

    mutex_lock(&as->lock);
    vaddr_t from = ALIGN_UP(as->brk_end, PAGE_SIZE);
    vaddr_t to = ALIGN_UP(brk, PAGE_SIZE);
    int error = -ENOMEM;

    if (brk >= as->brk_start && brk < USER_VA_END &&
        brk - as->brk_start <= as->limits.data_bytes) {
        error = 0;
        if (to > from) {
            error = grow_heap_locked(as, from, to);
        } else if (to < from) {
            error = as_unmap_locked(as, to, from, &dead);
        }
    }
    if (error == 0) {
        as->brk_end = brk;
        as_check_mutation_locked(as, MIN(from, to), MAX(from, to));
    }
    brk = as->brk_end;
    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    return brk;
}
