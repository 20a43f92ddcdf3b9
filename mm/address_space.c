/*
 * Life of an address space, and the parts that its operations share: user ranges, VMA objects,
 * splitting and merging. The operations themselves are in as_*.c, faults in fault.c.
 */
#include "mm/address_space.h"

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/asid.h"
#include "mm/pagetable.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "mm/vm_object.h"

static struct slab_cache space_cache = {.name = NULL};
static struct slab_cache vma_cache;

static void caches_init(void)
{
    if (unlikely(space_cache.name == NULL)) {
        slab_cache_init(&vma_cache, "vma", sizeof(struct vma));
        slab_cache_init(&space_cache, "address_space", sizeof(struct address_space));
    }
}

int va_range_pages(vaddr_t addr, size_t len, struct va_range *out)
{
    if (!IS_ALIGNED(addr, PAGE_SIZE)) {
        return -EINVAL;
    }
    size_t rounded = ALIGN_UP(len, PAGE_SIZE);

    if (rounded < len || !va_range_is_user(addr, rounded)) {
        return -ENOMEM;
    }
    *out = (struct va_range){addr, addr + rounded};
    return 0;
}

int as_create(struct address_space **out)
{
    caches_init();
    struct address_space *as = slab_alloc(&space_cache);

    if (as == NULL) {
        return -ENOMEM;
    }
    struct frame *root = frame_alloc_zeroed(FRAME_TABLE);

    if (root == NULL) {
        slab_free(&space_cache, as);
        return -ENOMEM;
    }
    *as = (struct address_space){.refs = 1, .root = frame_pa(root), .mmap_top = USER_VA_END};
    as->limits = (struct as_limits){UINT64_MAX, UINT64_MAX, MIB(8), UINT64_MAX};
    mutex_init(&as->lock);
    vma_tree_init(&as->vmas);
    pt_table_init(root);
    hal_mmu.root_init(as->root);
    *out = as;
    return 0;
}

void as_get(struct address_space *as)
{
    atomic_fetch_add_explicit(&as->refs, 1, memory_order_relaxed);
}

void as_put(struct address_space *as)
{
    if (atomic_fetch_sub_explicit(&as->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    struct tlb_batch batch;

    tlb_evict(as);
    tlb_batch_begin(&batch, as);
    tlb_batch_add(&batch, 0, USER_VA_END, true);
    tlb_batch_drop_table(&batch, frame_of(as->root), PT_LEVELS - 1);
    tlb_batch_flush(&batch);
    vma_destroy_all(&as->vmas.list);
    slab_free(&space_cache, as);
}

void as_activate(struct address_space *as)
{
    tlb_activate(as);
}

void as_set_limits(struct address_space *as, const struct as_limits *limits)
{
    mutex_lock(&as->lock);
    as->limits = *limits;
    mutex_unlock(&as->lock);
}

void as_set_layout(struct address_space *as, vaddr_t brk_start, vaddr_t mmap_top)
{
    mutex_lock(&as->lock);
    as->brk_start = brk_start;
    as->brk_end = brk_start;
    as->mmap_top = mmap_top;
    mutex_unlock(&as->lock);
}

struct vma *vma_create(struct address_space *as, vaddr_t start, vaddr_t end)
{
    caches_init();
    bool is_full = atomic_load_explicit(&as->vmas.nr, memory_order_relaxed) >= AS_AREAS_MAX;
    struct vma *vma = is_full ? NULL : slab_alloc(&vma_cache);

    if (vma != NULL) {
        *vma = (struct vma){.start = start, .end = end, .as = as};
        list_init(&vma->node);
        list_init(&vma->object_node);
    }
    return vma;
}

void vma_attach(struct vma *vma)
{
    if (vma->object == NULL) {
        return;
    }
    vm_object_get(vma->object);
    if (vma->file != NULL) {
        vma->object->ops->file_get(vma->file);
    }
    spin_lock(&vma->object->lock);
    list_push_back(&vma->object->mappings, &vma->object_node);
    spin_unlock(&vma->object->lock);
}

struct vma *vma_clone(struct address_space *as, const struct vma *vma)
{
    struct vma *copy = vma_create(as, vma->start, vma->end);

    if (copy == NULL) {
        return NULL;
    }
    copy->prot = vma->prot;
    copy->max_prot = vma->max_prot;
    copy->flags = vma->flags;
    copy->object = vma->object;
    copy->file = vma->file;
    copy->offset = vma->offset;
    vma_attach(copy);
    return copy;
}

void vma_destroy(struct vma *vma)
{
    struct vm_object *object = vma->object;

    if (object != NULL) {
        spin_lock(&object->lock);
        list_remove(&vma->object_node);
        spin_unlock(&object->lock);
        if (vma->file != NULL) {
            object->ops->file_put(vma->file);
        }
        vm_object_put(object);
    }
    slab_free(&vma_cache, vma);
}

void vma_destroy_all(struct list *dead)
{
    struct list *node;

    while ((node = list_pop_front(dead)) != NULL) {
        vma_destroy(list_entry(node, struct vma, node));
    }
}

int vma_split(struct address_space *as, struct vma *vma, vaddr_t va)
{
    struct vma *upper = vma_clone(as, vma);

    if (upper == NULL) {
        return -ENOMEM;
    }
    kassert(va > vma->start && va < vma->end);
    upper->start = va;
    if (upper->object != NULL) {
        upper->offset += va - vma->start;
    }
    vma_set_bounds(&as->vmas, vma, vma->start, va);
    vma_insert(&as->vmas, upper);
    return 0;
}

int vma_split_range(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct vma *first = vma_containing(&as->vmas, start);

    if (first != NULL && first->start < start) {
        int error = vma_split(as, first, start);

        if (error != 0) {
            return error;
        }
    }
    struct vma *last = vma_containing(&as->vmas, end - 1);

    if (last != NULL && last->end > end) {
        int error = vma_split(as, last, end);

        if (error != 0) {
            struct list dead = LIST_INIT(dead);

            vma_merge_range(as, start, start, &dead);
            vma_destroy_all(&dead);
            return error;
        }
    }
    return 0;
}

static bool can_merge(const struct vma *low, const struct vma *high)
{
    return low->end == high->start && low->prot == high->prot && low->max_prot == high->max_prot &&
           low->flags == high->flags && low->object == high->object && low->file == high->file &&
           (low->object == NULL || low->offset + (low->end - low->start) == high->offset);
}

void vma_merge_range(struct address_space *as, vaddr_t start, vaddr_t end, struct list *dead)
{
    struct vma *low = vma_find(&as->vmas, start == 0 ? 0 : start - 1);

    while (low != NULL && low->end <= end) {
        struct vma *high = vma_next(&as->vmas, low);

        if (high == NULL) {
            return;
        }
        if (!can_merge(low, high)) {
            low = high;
            continue;
        }
        vaddr_t to = high->end;

        vma_remove(&as->vmas, high);
        list_push_back(dead, &high->node);
        vma_set_bounds(&as->vmas, low, low->start, to);
    }
}
