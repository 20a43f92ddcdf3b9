/*
 * Split virtqueue. The device is another observer of memory: entries are written before the index
 * that publishes them (2.6.13), and read after it (2.6.14). What the device writes is not trusted.
 */
#include "drivers/virtio_queue.h"

#include <arch/consts.h>

#include "kernel/assert.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/frame.h"

#define DESC_WRITE 2u /* VIRTQ_DESC_F_WRITE */

struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

struct virtq_avail {
    uint16_t flags;
    _Atomic uint16_t idx;
    uint16_t ring[];
};

struct virtq_used_elem {
    uint32_t id;
    uint32_t len;
};

struct virtq_used {
    uint16_t flags;
    _Atomic uint16_t idx;
    struct virtq_used_elem ring[];
};

_Static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.1, 2.6.5");
_Static_assert(offsetof(struct virtq_avail, ring) == 4, "virtio 1.1, 2.6.6");
_Static_assert(offsetof(struct virtq_used, ring) == 4, "virtio 1.1, 2.6.8");

static size_t used_offset(uint16_t size)
{
    size_t avail_end = sizeof(struct virtq_desc) * size + sizeof(uint16_t) * (3u + size);

    return ALIGN_UP(avail_end, VIRTIO_QUEUE_ALIGN);
}

int virtio_queue_init(struct virtio_queue *queue, uint16_t size)
{
    size_t offset = used_offset(size);
    size_t len = offset + sizeof(uint16_t) * 3 + sizeof(struct virtq_used_elem) * size;
    struct frame *frame;
    unsigned order = 0;
    uint8_t *base;

    while (((size_t)PAGE_SIZE << order) < len) {
        order++;
    }
    frame = frame_alloc_order(FRAME_KERNEL, order);
    if (frame == NULL) {
        return -ENOMEM;
    }
    base = frame_va(frame);
    memset(base, 0, (size_t)PAGE_SIZE << order);
    queue->size = size;
    queue->last_used = 0;
    queue->desc = (struct virtq_desc *)(void *)base;
    queue->avail = (struct virtq_avail *)(void *)(base + sizeof(struct virtq_desc) * size);
    queue->used = (struct virtq_used *)(void *)(base + offset);
    return 0;
}

void virtio_queue_fini(struct virtio_queue *queue)
{
    frame_put(frame_of(virtio_queue_desc_pa(queue)));
}

paddr_t virtio_queue_desc_pa(const struct virtio_queue *queue)
{
    return virt_to_phys(queue->desc);
}

paddr_t virtio_queue_avail_pa(const struct virtio_queue *queue)
{
    return virt_to_phys(queue->avail);
}

paddr_t virtio_queue_used_pa(const struct virtio_queue *queue)
{
    return virt_to_phys(queue->used);
}

void virtio_queue_submit(struct virtio_queue *queue, uint16_t index, paddr_t pa, uint32_t len,
                         bool device_writes)
{
    uint16_t at = atomic_load_explicit(&queue->avail->idx, memory_order_relaxed);

    kassert(index < queue->size);
    queue->desc[index] = (struct virtq_desc){pa, len, device_writes ? DESC_WRITE : 0, 0};
    queue->avail->ring[at % queue->size] = index;
    atomic_store_explicit(&queue->avail->idx, (uint16_t)(at + 1), memory_order_release);
}

bool virtio_queue_has_used(const struct virtio_queue *queue)
{
    return atomic_load_explicit(&queue->used->idx, memory_order_acquire) != queue->last_used;
}

bool virtio_queue_take(struct virtio_queue *queue, uint16_t *index, uint32_t *len)
{
    while (virtio_queue_has_used(queue)) {
        struct virtq_used_elem elem = queue->used->ring[queue->last_used % queue->size];

        queue->last_used++;
        if (elem.id < queue->size) {
            *index = (uint16_t)elem.id;
            *len = MIN(elem.len, queue->desc[elem.id].len);
            return true;
        }
    }
    return false;
}
