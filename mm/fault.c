/*
 * Page faults: from what the VMA says and how often the frame is referred to, to a leaf.
 * COW needs no bit of its own: it is a write fault in a writable VMA on a read-only leaf.
 */
#include <asm/mman.h>
#include <asm/siginfo.h>
#include <asm/signal.h>

#include "kernel/errno.h"
#include "mm/oom.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "mm/vm_object.h"

#define FAULT_AROUND KIB(64)
#define AHEAD_MAX 15

struct fault {
    struct address_space *as;
    struct vma *vma;
    vaddr_t va; /* page */
    uint32_t access;
    pte_t *slot;
    struct tlb_batch *batch;
};

static int segv(struct as_fault_signal *out, int code)
{
    *out = (struct as_fault_signal){SIGSEGV, code};
    return -EFAULT;
}

/* Executable bytes reach the instruction caches before the leaf is published. */
static pte_t make_leaf(struct frame *frame, uint32_t prot)
{
    if ((prot & PTE_EXEC) != 0 && !frame_icache_is_clean(frame)) {
        frame_sync_icache(frame);
    }
    return pte_leaf(frame_pa(frame), 0, prot, MEM_NORMAL);
}

static void install(struct address_space *as, pte_t *slot, pte_t leaf)
{
    pt_store_new(slot, leaf);
    as->resident++;
}

static bool access_allowed(const struct vma *vma, uint32_t access)
{
    switch (access) {
    case PTE_WRITE:
        return (vma->prot & PROT_WRITE) != 0;
    case PTE_EXEC:
        return (vma->prot & PROT_EXEC) != 0;
    default:
        return (vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) != 0;
    }
}

static bool grow_stack_locked(struct address_space *as, struct vma *vma, vaddr_t addr)
    REQUIRES(&as->lock)
{
    vaddr_t start = ALIGN_DOWN(addr, PAGE_SIZE);
    struct vma *below = vma_prev(&as->vmas, vma);

    if ((vma->flags & AS_GROWSDOWN) == 0 || start < MMAP_LOW ||
        vma->end - start > as->limits.stack_bytes) {
        return false;
    }
    if (below != NULL && (below->flags & AS_GROWSDOWN) == 0 &&
        (below->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) != 0 &&
        start < below->end + STACK_GUARD_GAP) {
        return false;
    }
    uint64_t pages = pages_of(vma->start - start);

    if ((below != NULL && start < below->end) || as_may_expand_locked(as, pages, false) != 0) {
        return false;
    }
    as_account_locked(as, vma, (int64_t)pages);
    vma_set_bounds(&as->vmas, vma, start, vma->end);
    return true;
}

/*
 * For who fills memory from the bottom up: as many pages ahead as there are behind, of the frames that
 * are zeroed already. Who touches single pages gets no more than that.
 */
static void install_ahead(const struct fault *fault, uint32_t prot)
{
    vaddr_t table = ALIGN_DOWN(fault->va, pt_span(1));
    vaddr_t low = MAX(table, fault->vma->start);
    vaddr_t high = MIN(table + pt_span(1), fault->vma->end);

    for (int i = 1; i <= AHEAD_MAX; i++) {
        vaddr_t distance = (uint64_t)i << PAGE_SHIFT;

        if (fault->va - low < distance || fault->va + distance >= high ||
            !pte_present(pte_load(fault->slot - i)) || pte_present(pte_load(fault->slot + i))) {
            return;
        }
        struct frame *frame = frame_take_zeroed(FRAME_ANON);

        if (frame == NULL) {
            return;
        }
        install(fault->as, fault->slot + i, make_leaf(frame, prot));
    }
}

static int install_anon(const struct fault *fault)
{
    uint32_t prot = vma_leaf_prot(fault->vma);

    if (fault->access != PTE_WRITE) {
        install(fault->as, fault->slot, make_leaf(frame_of(frame_zero_pa), prot & ~PTE_WRITE));
        return 0;
    }
    struct frame *frame = frame_alloc_zeroed(FRAME_ANON);

    if (frame == NULL) {
        return -ENOMEM;
    }
    install(fault->as, fault->slot, make_leaf(frame, prot));
    install_ahead(fault, prot);
    return 0;
}

static uint64_t object_index(const struct vma *vma, vaddr_t va)
{
    return pages_of(vma->offset + (va - vma->start));
}

/* Neighbours that the object has at hand, for one exception instead of sixteen. */
static void install_around(const struct fault *fault, uint32_t prot)
{
    const struct vma *vma = fault->vma;
    struct vm_object *object = vma->object;
    vaddr_t window = ALIGN_DOWN(fault->va, FAULT_AROUND);
    vaddr_t start = MAX(vma->start, window);
    vaddr_t end = MIN(vma->end, window + FAULT_AROUND);

    if (object->ops->peek_page == NULL) {
        return;
    }
    for (vaddr_t va = start; va < end; va += PAGE_SIZE) {
        pte_t *slot = fault->slot + ((int64_t)(va - fault->va) >> PAGE_SHIFT);

        if (pte_present(pte_load(slot))) {
            continue;
        }
        struct frame *frame = object->ops->peek_page(object, object_index(vma, va));

        if (frame != NULL) {
            install(fault->as, slot, make_leaf(frame, prot));
        }
    }
}

static int install_object(const struct fault *fault, struct as_fault_signal *out)
{
    struct vm_object *object = fault->vma->object;
    uint32_t prot = vma_leaf_prot(fault->vma);
    bool shared = (fault->vma->flags & AS_SHARED) != 0;
    struct frame *frame;
    int error = object->ops->get_page(object, object_index(fault->vma, fault->va), &frame);

    if (error == -EFAULT) {
        *out = (struct as_fault_signal){SIGBUS, BUS_ADRERR};
    }
    if (error != 0) {
        return error;
    }
    if (!shared && fault->access == PTE_WRITE) {
        struct frame *copy = frame_alloc(FRAME_ANON);

        if (copy != NULL) {
            page_copy(frame_va(copy), frame_va(frame));
            install(fault->as, fault->slot, make_leaf(copy, prot));
        }
        frame_put(frame);
        return copy == NULL ? -ENOMEM : 0;
    }
    prot = shared ? prot : prot & ~PTE_WRITE;
    install(fault->as, fault->slot, make_leaf(frame, prot));
    install_around(fault, prot);
    return 0;
}

static int make_writable(const struct fault *fault)
{
    pte_t entry = pte_load(fault->slot);
    struct frame *old = frame_of(pte_addr(entry, 0));
    uint32_t prot = vma_leaf_prot(fault->vma);
    bool zero = frame_pa(old) == frame_zero_pa;

    if ((fault->vma->flags & AS_SHARED) != 0 || (!zero && frame_refs(old) == 1)) {
        pte_store(fault->slot, pte_with_prot(entry, 0, prot));
        return 0;
    }
    struct frame *copy = zero ? frame_alloc_zeroed(FRAME_ANON) : frame_alloc(FRAME_ANON);

    if (copy == NULL) {
        return -ENOMEM;
    }
    if (!zero) {
        page_copy(frame_va(copy), frame_va(old));
        tlb_batch_drop_frame(fault->batch, old);
    }
    pt_replace(fault->batch, fault->slot, fault->va, make_leaf(copy, prot));
    return 0;
}

static int fault_in(struct fault *fault, struct as_fault_signal *out)
{
    struct pt_walk walk;

    if (pt_lookup(fault->as, fault->va, &walk) && (walk.rights & fault->access) != 0) {
        /* Somebody else was faster, or this CPU used an entry with fewer rights. */
        tlb_batch_add(fault->batch, fault->va, fault->va + PAGE_SIZE, true);
        return 0;
    }
    int error = pt_own(fault->as, fault->va, fault->batch, &fault->slot);

    if (error != 0) {
        return error;
    }
    pte_t entry = pte_load(fault->slot);

    if (!pte_present(entry)) {
        return fault->vma->object == NULL ? install_anon(fault) : install_object(fault, out);
    }
    if ((pte_prot(entry) & fault->access) != 0) {
        return 0; /* only the table was write-protected */
    }
    kverify(fault->access == PTE_WRITE);
    return make_writable(fault);
}

int fault_locked(struct address_space *as, vaddr_t addr, uint32_t access,
                 struct as_fault_signal *out)
{
    struct vma *vma = addr < USER_VA_END ? vma_find(&as->vmas, addr) : NULL;
    vaddr_t start = vma == NULL ? 0 : vma->start;

    if (vma == NULL || (addr < vma->start && !grow_stack_locked(as, vma, addr))) {
        return segv(out, SEGV_MAPERR);
    }
    if (!access_allowed(vma, access)) {
        return segv(out, SEGV_ACCERR);
    }
    struct tlb_batch batch;
    struct fault fault = {as, vma, ALIGN_DOWN(addr, PAGE_SIZE), access, NULL, &batch};

    tlb_batch_begin(&batch, as);
    int error = fault_in(&fault, out);

    if (error == -ENOMEM && vma->start < start) {
        as_account_locked(as, vma, -(int64_t)pages_of(start - vma->start));
        vma_set_bounds(&as->vmas, vma, start, vma->end);
    }
    pte_sync();
    tlb_batch_flush(&batch);
    as->nr_minor_faults++;
    as->peak_resident = MAX(as->peak_resident, as->resident);
    return error;
}

int as_fault(struct address_space *as, vaddr_t addr, uint32_t access, struct as_fault_signal *out)
{
    mutex_lock(&as->lock);
    int error = fault_locked(as, addr, access, out);

    as_check_mutation_locked(as, ALIGN_DOWN(addr, PAGE_SIZE),
                             ALIGN_DOWN(addr, PAGE_SIZE) + (1 + AHEAD_MAX) * PAGE_SIZE);
    mutex_unlock(&as->lock);
    frame_zero_ahead();
    return error;
}

static int populate_page(struct address_space *as, vaddr_t va)
{
    struct as_fault_signal signal;
    int error = 0;

    mutex_lock(&as->lock);
    struct vma *vma = vma_containing(&as->vmas, va);

    if (vma == NULL) {
        error = -EFAULT;
    } else if ((vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) != 0) {
        uint32_t access = (vma->prot & PROT_WRITE) != 0 ? PTE_WRITE : PTE_READ;
        struct pt_walk walk;

        if (!pt_lookup(as, va, &walk) || (walk.rights & access) == 0) {
            error = fault_locked(as, va, access, &signal);
        }
    }
    mutex_unlock(&as->lock);
    return error;
}

int as_populate(struct address_space *as, vaddr_t start, vaddr_t end)
{
    for (vaddr_t va = start; va < end; va += PAGE_SIZE) {
        int error;

        while ((error = populate_page(as, va)) == -ENOMEM) {
            error = oom_reclaim();
            if (error != 0) {
                return error;
            }
        }
        if (error != 0) {
            return error == -EFAULT ? -ENOMEM : error;
        }
        if (IS_ALIGNED(va, KIB(256)) && sched_point() != 0) {
            return -EINTR;
        }
    }
    return 0;
}
