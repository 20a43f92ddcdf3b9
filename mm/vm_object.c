/* Objects behind mappings, and the unmapping of what truncate cut off: see mm/vm_object.h. */
#include "mm/vm_object.h"

#include "kernel/errno.h"
#include "mm/oom.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/tlb.h"

void vm_object_init(struct vm_object *object, const struct vm_object_ops *ops)
{
    static _Atomic uint64_t last_number;

    *object = (struct vm_object){.refs = 1, .ops = ops};
    object->number = atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1;
    list_init(&object->mappings);
}

void vm_object_get(struct vm_object *object)
{
    atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
}

void vm_object_put(struct vm_object *object)
{
    if (atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1) {
        object->ops->destroy(object);
    }
}

static bool try_get(struct address_space *as)
{
    unsigned refs = atomic_load_explicit(&as->refs, memory_order_relaxed);

    while (refs != 0) {
        if (atomic_compare_exchange_weak(&as->refs, &refs, refs + 1)) {
            return true;
        }
    }
    return false; /* being torn down: its leaves go anyway */
}

/* The first VMA of each space that this round has not seen, with a reference on the space; or NULL. */
static struct address_space *next_space(struct vm_object *object, uint64_t round)
{
    struct address_space *as = NULL;

    spin_lock(&object->lock);
    list_for_each(it, &object->mappings) {
        struct vma *vma = list_entry(it, struct vma, object_node);

        if (vma->unmap_round == round) {
            continue;
        }
        if (as == NULL && try_get(vma->as)) {
            as = vma->as;
        }
        if (as == vma->as || as == NULL) {
            vma->unmap_round = round;
        }
    }
    spin_unlock(&object->lock);
    return as;
}

static int unmap_in_space(struct address_space *as, struct vm_object *object, uint64_t index)
{
    struct tlb_batch batch;
    int error = 0;

    mutex_lock(&as->lock);
    tlb_batch_begin(&batch, as);
    for (struct vma *vma = vma_find(&as->vmas, 0); vma != NULL && error == 0;
         vma = vma_next(&as->vmas, vma)) {
        uint64_t first = pages_of(vma->offset);
        uint64_t pages = pages_of(vma->end - vma->start);

        if (vma->object != object || index >= first + pages) {
            continue;
        }
        vaddr_t start = vma->start + (index > first ? (index - first) << PAGE_SHIFT : 0);

        error = pt_own_present(as, start, vma->end, &batch);
        if (error == 0) {
            pt_remove(as, start, vma->end, start, vma->end, &batch);
        }
    }
    tlb_batch_flush(&batch);
    mutex_unlock(&as->lock);
    return error;
}

void vm_object_unmap_from(struct vm_object *object, uint64_t index)
{
    static _Atomic uint64_t rounds;
    uint64_t round = atomic_fetch_add(&rounds, 1) + 1;
    struct address_space *as;

    while ((as = next_space(object, round)) != NULL) {
        /* Only a shared table that must be copied needs memory. It has to come: this cannot fail. */
        while (unmap_in_space(as, object, index) == -ENOMEM) {
            if (oom_reclaim() != 0) {
                (void)sched_point();
            }
        }
        as_put(as);
    }
}
