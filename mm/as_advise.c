/* madvise, msync, mincore: hints and questions about pages. */
#include <asm/mman.h>
#include <asm/signal.h>
#include <linux/mman.h>

#include "kernel/errno.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "mm/vm_object.h"

/* DONTNEED: leaves go, VMAs stay; anonymous pages read as zero again, file pages as the file. */
static int discard_locked(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct tlb_batch batch;

    tlb_batch_begin(&batch, as);
    int error = pt_own_present(as, start, start + 1, &batch);

    if (error == 0) {
        error = pt_own_present(as, end - 1, end, &batch);
    }
    if (error == 0) {
        /* Tables wholly inside the range go with their leaves. */
        pt_remove(as, start, end, start, end, &batch);
    }
    tlb_batch_flush(&batch);
    return error;
}

static int set_flag_locked(struct address_space *as, vaddr_t start, vaddr_t end, uint32_t set,
                           uint32_t clear, struct list *dead)
{
    int error = vma_split_range(as, start, end);

    if (error != 0) {
        return error;
    }
    for (struct vma *vma = vma_find(&as->vmas, start); vma != NULL && vma->start < end;
         vma = vma_next(&as->vmas, vma)) {
        vma->flags = (vma->flags & ~clear) | set;
    }
    vma_merge_range(as, start, end, dead);
    return 0;
}

static int advise_vma_locked(struct address_space *as, struct vma *vma, vaddr_t start, vaddr_t end,
                             int advice, struct list *dead)
{
    bool anonymous = vma->object == NULL;

    switch (advice) {
    case MADV_DONTNEED:
        return (vma->flags & AS_LOCKED) != 0 ? -EINVAL : discard_locked(as, start, end);
    case MADV_FREE:
        return anonymous ? discard_locked(as, start, end) : -EINVAL;
    case MADV_DONTFORK:
        return set_flag_locked(as, start, end, AS_DONTFORK, 0, dead);
    case MADV_DOFORK:
        return set_flag_locked(as, start, end, 0, AS_DONTFORK, dead);
    case MADV_WIPEONFORK:
        return anonymous ? set_flag_locked(as, start, end, AS_WIPEONFORK, 0, dead) : -EINVAL;
    case MADV_KEEPONFORK:
        return set_flag_locked(as, start, end, 0, AS_WIPEONFORK, dead);
    default:
        return 0; /* read-ahead, ageing, huge pages, dumps: nothing here for them to change */
    }
}

static bool is_known(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_REMOVE:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        return true;
    default:
        return false;
    }
}

static int advise_range_locked(struct address_space *as, struct va_range range, int advice,
                               struct list *dead)
{
    int unmapped = 0;
    vaddr_t at = range.start;

    while (at < range.end) {
        struct vma *vma = vma_find(&as->vmas, at);

        if (vma == NULL || vma->start >= range.end) {
            return -ENOMEM;
        }
        if (vma->start > at) {
            unmapped = -ENOMEM; /* told at the end; the mapped parts are advised (madvise(2)) */
            at = vma->start;
        }
        vaddr_t end = MIN(vma->end, range.end);
        int error = advise_vma_locked(as, vma, at, end, advice, dead);

        if (error != 0) {
            return error;
        }
        at = end;
    }
    return unmapped;
}

static int populate_range(struct address_space *as, struct va_range range, int advice)
{
    for (vaddr_t va = range.start; va < range.end; va += PAGE_SIZE) {
        struct as_fault_signal signal = {0, 0};
        uint32_t access = advice == MADV_POPULATE_WRITE ? PTE_WRITE : PTE_READ;

        mutex_lock(&as->lock);
        bool mapped = vma_containing(&as->vmas, va) != NULL;
        int error = mapped ? fault_locked(as, va, access, &signal) : -ENOMEM;

        mutex_unlock(&as->lock);
        if (error == -EFAULT) {
            return signal.signo == SIGSEGV ? -EINVAL : -EFAULT;
        }
        if (error != 0) {
            return error;
        }
        if (IS_ALIGNED(va, KIB(256)) && sched_point() != 0) {
            return -EINTR;
        }
    }
    return 0;
}

static int remove_part(struct address_space *as, struct va_range range, vaddr_t *next)
{
    struct vm_object *object = NULL;
    uint64_t offset = 0;
    int error = -EINVAL;

    mutex_lock(&as->lock);
    struct vma *vma = vma_containing(&as->vmas, range.start);

    if (vma == NULL) {
        error = -ENOMEM;
    } else if (vma->object != NULL && vma->object->ops->clear != NULL &&
               (vma->flags & (AS_SHARED | AS_LOCKED)) == AS_SHARED) {
        error = (vma->max_prot & PROT_WRITE) != 0 ? 0 : -EACCES;
    }
    if (error == 0) {
        object = vma->object;
        vm_object_get(object);
        offset = vma->offset + (range.start - vma->start);
        *next = MIN(vma->end, range.end);
    }
    mutex_unlock(&as->lock);
    if (error == 0) {
        error = object->ops->clear(object, offset, *next - range.start);
        vm_object_put(object);
    }
    return error;
}

static int remove_range(struct address_space *as, struct va_range range)
{
    int error = 0;

    while (error == 0 && range.start < range.end) {
        error = remove_part(as, range, &range.start);
    }
    return error;
}

int as_advise(struct address_space *as, vaddr_t addr, size_t len, int advice)
{
    struct list dead = LIST_INIT(dead);
    struct va_range range;

    if (!is_known(advice) || va_range_pages(addr, len, &range) != 0) {
        return -EINVAL;
    }
    if (range.start == range.end) {
        return 0;
    }
    if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE) {
        return populate_range(as, range, advice);
    }
    if (advice == MADV_REMOVE) {
        return remove_range(as, range);
    }
    mutex_lock(&as->lock);
    int error = advise_range_locked(as, range, advice, &dead);

    as_check_mutation_locked(as, range.start, range.end);
    mutex_unlock(&as->lock);
    vma_destroy_all(&dead);
    return error;
}

int as_sync(struct address_space *as, vaddr_t addr, size_t len, int flags)
{
    struct va_range range;
    int error = va_range_pages(addr, len, &range);

    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
        ((flags & MS_ASYNC) != 0 && (flags & MS_SYNC) != 0)) {
        return -EINVAL;
    }
    if (error != 0) {
        return error;
    }
    /* Mapped pages are the object's own: there is nothing to write back, only to check. */
    mutex_lock(&as->lock);
    for (vaddr_t at = range.start; at < range.end && error == 0;) {
        struct vma *vma = vma_containing(&as->vmas, at);

        if (vma == NULL) {
            error = -ENOMEM;
        } else if ((flags & MS_INVALIDATE) != 0 && (vma->flags & AS_LOCKED) != 0) {
            error = -EBUSY;
        } else {
            at = vma->end;
        }
    }
    mutex_unlock(&as->lock);
    return error;
}

static bool is_resident(struct address_space *as, struct vma *vma, vaddr_t va)
{
    struct pt_walk walk;

    if (pt_lookup(as, va, &walk)) {
        return true;
    }
    if (vma->object == NULL || vma->object->ops->peek_page == NULL) {
        return false;
    }
    struct frame *frame =
        vma->object->ops->peek_page(vma->object, pages_of(vma->offset + (va - vma->start)));

    if (frame != NULL) {
        frame_put(frame);
    }
    return frame != NULL;
}

int as_residency(struct address_space *as, vaddr_t addr, size_t len, vaddr_t vec)
{
    struct va_range range;
    uint8_t bytes[64];
    int error = va_range_pages(addr, len, &range);

    while (error == 0 && range.start < range.end) {
        size_t nr = 0;

        mutex_lock(&as->lock);
        for (; nr < sizeof(bytes) && range.start < range.end; range.start += PAGE_SIZE) {
            struct vma *vma = vma_containing(&as->vmas, range.start);

            if (vma == NULL) {
                error = -ENOMEM;
                break;
            }
            bytes[nr++] = is_resident(as, vma, range.start);
        }
        mutex_unlock(&as->lock);
        if (nr != 0 && as_copy_out(as, vec, bytes, nr) != 0) {
            return -EFAULT;
        }
        vec += nr;
        if (error == 0 && sched_point() != 0) {
            return -EINTR;
        }
    }
    return error;
}
