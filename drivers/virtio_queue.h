/*
 * A split virtqueue (virtio 1.1, 2.6) whose descriptor i always stands for buffer i: no chains.
 * The caller serialises. The layout is the legacy one (2.6.2), which modern devices take too.
 */
#pragma once

#include "kernel/types.h"

struct virtq_desc;
struct virtq_avail;
struct virtq_used;

struct virtio_queue {
    uint16_t size; /* a power of two */
    uint16_t last_used;
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
};

#define VIRTIO_QUEUE_ALIGN 4096u

/* Fails: -ENOMEM. */
NODISCARD int virtio_queue_init(struct virtio_queue *queue, uint16_t size);
void virtio_queue_fini(struct virtio_queue *queue);
paddr_t virtio_queue_desc_pa(const struct virtio_queue *queue);
paddr_t virtio_queue_avail_pa(const struct virtio_queue *queue);
paddr_t virtio_queue_used_pa(const struct virtio_queue *queue);
/* Does: hands buffer `index` to the device. device_writes: it is for input. */
void virtio_queue_submit(struct virtio_queue *queue, uint16_t index, paddr_t pa, uint32_t len,
                         bool device_writes);
/* Returns whether the device has given a buffer back: its index, and the bytes written to it. */
bool virtio_queue_take(struct virtio_queue *queue, uint16_t *index, uint32_t *len);
/* Returns whether virtio_queue_take() would. */
bool virtio_queue_has_used(const struct virtio_queue *queue);
