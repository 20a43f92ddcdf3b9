/* The vDSO as a memory object: page 0 is the clock's data, the image follows. Never freed. */
#include "loader/vdso.h"

#include <asm/mman.h>
#include <hal/abi.h>

#include "kernel/assert.h"
#include "kernel/errno.h"
#include "kernel/time.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/kernel_map.h"
#include "mm/vm_object.h"

static struct vm_object vdso;
static struct frame *data_frame;

static uint64_t image_pages(void)
{
    return ALIGN_UP((uint64_t)(hal_vdso_end - hal_vdso_start), PAGE_SIZE) >> PAGE_SHIFT;
}

static struct frame *peek_page(struct vm_object *object UNUSED, uint64_t index)
{
    if (index > image_pages()) {
        return NULL;
    }
    paddr_t image = kernel_image_pa(hal_vdso_start);
    struct frame *frame =
        index == 0 ? data_frame : frame_of(image + ((index - 1) << PAGE_SHIFT));

    frame_get(frame);
    return frame;
}

static int get_page(struct vm_object *object, uint64_t index, struct frame **out)
{
    *out = peek_page(object, index);
    return *out == NULL ? -EFAULT : 0;
}

static void destroy(struct vm_object *object UNUSED)
{
    kverify(false); /* vdso_init() holds a reference for good */
}

static const struct vm_object_ops vdso_ops = {
    .get_page = get_page,
    .peek_page = peek_page,
    .destroy = destroy,
};

void vdso_init(void)
{
    data_frame = frame_alloc_zeroed(FRAME_KERNEL);
    kverify(data_frame != NULL && IS_ALIGNED((uintptr_t)hal_vdso_start, PAGE_SIZE));
    vm_object_init(&vdso, &vdso_ops);
    time_publish(frame_va(data_frame));
}

int vdso_map(struct address_space *as, vaddr_t *image)
{
    struct as_map_request request = {
        .len = (1 + image_pages()) << PAGE_SHIFT,
        .prot = PROT_READ,
        .max_prot = PROT_READ,
        .flags = AS_VVAR,
        .object = &vdso,
    };
    vaddr_t at;
    int error = as_map(as, &request, &at);

    if (error != 0) {
        return error;
    }
    *image = at + PAGE_SIZE;
    request.addr = *image;
    request.len -= PAGE_SIZE;
    request.offset = PAGE_SIZE;
    request.prot = PROT_READ | PROT_EXEC;
    request.max_prot = PROT_READ | PROT_EXEC;
    request.flags = AS_VDSO | AS_FIXED;
    return as_map(as, &request, &at);
}
