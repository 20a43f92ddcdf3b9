/* What /proc shows of an address space. */
#include <asm/mman.h>

#include "kernel/string.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/vm_object.h"

static void count_leaf(pte_t *slot UNUSED, vaddr_t va UNUSED, void *arg)
{
    *(size_t *)arg += PAGE_SIZE;
}

static void name_area(const struct vma *vma, struct as_area *out)
{
    const char *name = (vma->flags & AS_HEAP) != 0    ? "[heap]"
                       : (vma->flags & AS_STACK) != 0 ? "[stack]"
                       : (vma->flags & AS_VDSO) != 0  ? "[vdso]"
                       : (vma->flags & AS_VVAR) != 0  ? "[vvar]"
                                                      : "";

    if (vma->object != NULL && vma->object->ops->file_describe != NULL) {
        vma->object->ops->file_describe(vma->file, out->path, sizeof(out->path), &out->dev,
                                        &out->ino);
    }
    if (name[0] != '\0') {
        strlcpy(out->path, name, sizeof(out->path));
    }
}

bool as_area_at(struct address_space *as, vaddr_t from, struct as_area *out)
{
    mutex_lock(&as->lock);
    struct vma *vma = vma_find(&as->vmas, from);

    if (vma != NULL) {
        *out = (struct as_area){.start = vma->start,
                                .end = vma->end,
                                .prot = vma->prot,
                                .flags = vma->flags,
                                .offset = vma->offset};
        name_area(vma, out);
        pt_for_each(as, vma->start, vma->end, count_leaf, &out->resident);
    }
    mutex_unlock(&as->lock);
    return vma != NULL;
}

void as_get_stats(struct address_space *as, struct as_stats *out)
{
    mutex_lock(&as->lock);
    *out = (struct as_stats){
        .virtual_bytes = as->virtual_pages << PAGE_SHIFT,
        .resident_bytes = as->resident << PAGE_SHIFT,
        .peak_virtual = as->peak_virtual << PAGE_SHIFT,
        .peak_resident = MAX(as->peak_resident, as->resident) << PAGE_SHIFT,
        .locked_bytes = as->locked_pages << PAGE_SHIFT,
        .data_bytes = as->data_pages << PAGE_SHIFT,
        .table_bytes = pt_count_tables(as) << PAGE_SHIFT,
        .nr_areas = as->vmas.nr,
        .nr_minor_faults = as->nr_minor_faults,
    };
    vma_for_each(vma, &as->vmas) {
        uint64_t bytes = vma->end - vma->start;

        if ((vma->flags & AS_STACK) != 0) {
            out->stack_bytes += bytes;
        } else if ((vma->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC) {
            out->text_bytes += bytes;
        }
    }
    mutex_unlock(&as->lock);
}

void as_get_usage(struct address_space *as, uint64_t *nr_minor_faults, uint64_t *peak_resident)
{
    mutex_lock(&as->lock);
    *nr_minor_faults = as->nr_minor_faults;
    *peak_resident = MAX(as->peak_resident, as->resident) << PAGE_SHIFT;
    mutex_unlock(&as->lock);
}
