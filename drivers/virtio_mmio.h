/* The virtio transport over device registers (virtio 1.1, 4.2), legacy (version 1) and modern (2).
 */
#pragma once

#include <hal/boot.h>

#include "drivers/virtio_queue.h"
#include "kernel/types.h"

#define VIRTIO_ID_CONSOLE  3u
#define VIRTIO_F_VERSION_1 (1ull << 32)

struct virtio_mmio {
    volatile uint8_t *regs;
    uint32_t irq;
    uint32_t version;
    uint32_t device_id;
};

/* Does: maps the registers and reads who is there. Fails: -ENODEV. */
NODISCARD int virtio_mmio_probe(const struct boot_virtio *where, struct virtio_mmio *out);
/* Does: resets the device and takes the features that both sides have: *out. Fails: -ENODEV. */
NODISCARD int virtio_mmio_start(struct virtio_mmio *device, uint64_t wanted, uint64_t *out);
/* Returns the largest size of a queue that the device takes, 0: it has no such queue. */
uint32_t virtio_mmio_queue_max(struct virtio_mmio *device, uint32_t nr);
void virtio_mmio_set_queue(struct virtio_mmio *device, uint32_t nr,
                           const struct virtio_queue *queue);
/* Does: tells the device that it may run. */
void virtio_mmio_ready(struct virtio_mmio *device);
/* Does: stops the device; it no longer touches its queues. */
void virtio_mmio_reset(struct virtio_mmio *device);
/* Does: tells the device that the queue has new buffers. */
void virtio_mmio_notify(struct virtio_mmio *device, uint32_t nr);
/* Does: takes the interrupt back. */
void virtio_mmio_ack(struct virtio_mmio *device);
