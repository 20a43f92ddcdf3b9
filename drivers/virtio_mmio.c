/*
 * virtio over device registers. Offsets: virtio 1.1, 4.2.2 (modern) and 4.2.4 (legacy, where the
 * queue is named by one page number).
 */
#include "drivers/virtio_mmio.h"

#include <arch/consts.h>

#include "kernel/errno.h"
#include "mm/kernel_map.h"

enum mmio_reg {
    REG_MAGIC = 0x000,
    REG_VERSION = 0x004,
    REG_DEVICE_ID = 0x008,
    REG_DEVICE_FEATURES = 0x010,
    REG_DEVICE_FEATURES_SEL = 0x014,
    REG_DRIVER_FEATURES = 0x020,
    REG_DRIVER_FEATURES_SEL = 0x024,
    REG_GUEST_PAGE_SIZE = 0x028, /* legacy */
    REG_QUEUE_SEL = 0x030,
    REG_QUEUE_NUM_MAX = 0x034,
    REG_QUEUE_NUM = 0x038,
    REG_QUEUE_ALIGN = 0x03c, /* legacy */
    REG_QUEUE_PFN = 0x040,   /* legacy */
    REG_QUEUE_READY = 0x044,
    REG_QUEUE_NOTIFY = 0x050,
    REG_INTERRUPT_STATUS = 0x060,
    REG_INTERRUPT_ACK = 0x064,
    REG_STATUS = 0x070,
    REG_QUEUE_DESC = 0x080,   /* low half, high half 4 bytes on */
    REG_QUEUE_DRIVER = 0x090, /* likewise */
    REG_QUEUE_DEVICE = 0x0a0, /* likewise */
    REGS_LEN = 0x200,
};

#define MAGIC          0x74726976u /* "virt" */
#define VERSION_LEGACY 1u
#define VERSION_MODERN 2u

/* Device status, virtio 1.1, 2.1. */
enum status_bits {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
};

static uint32_t reg_read(const struct virtio_mmio *device, uint32_t reg)
{
    return *(volatile uint32_t *)(volatile void *)(device->regs + reg);
}

static void reg_write(struct virtio_mmio *device, uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(volatile void *)(device->regs + reg) = value;
}

static void reg_write_pa(struct virtio_mmio *device, uint32_t reg, paddr_t pa)
{
    reg_write(device, reg, (uint32_t)pa);
    reg_write(device, reg + 4, (uint32_t)(pa >> 32));
}

static void status_add(struct virtio_mmio *device, uint32_t bits)
{
    reg_write(device, REG_STATUS, reg_read(device, REG_STATUS) | bits);
}

int virtio_mmio_probe(const struct boot_virtio *where, struct virtio_mmio *out)
{
    out->regs = kernel_map_device(where->base, REGS_LEN);
    out->irq = where->irq;
    if (reg_read(out, REG_MAGIC) != MAGIC) {
        return -ENODEV;
    }
    out->version = reg_read(out, REG_VERSION);
    out->device_id = reg_read(out, REG_DEVICE_ID);
    if (out->version != VERSION_LEGACY && out->version != VERSION_MODERN) {
        return -ENODEV;
    }
    return out->device_id != 0 ? 0 : -ENODEV;
}

static uint64_t device_features(struct virtio_mmio *device)
{
    uint64_t features;

    reg_write(device, REG_DEVICE_FEATURES_SEL, 1);
    features = (uint64_t)reg_read(device, REG_DEVICE_FEATURES) << 32;
    reg_write(device, REG_DEVICE_FEATURES_SEL, 0);
    return features | reg_read(device, REG_DEVICE_FEATURES);
}

static int start_modern(struct virtio_mmio *device, uint64_t features)
{
    if ((features & VIRTIO_F_VERSION_1) == 0) {
        return -ENODEV;
    }
    reg_write(device, REG_DRIVER_FEATURES_SEL, 1);
    reg_write(device, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
    reg_write(device, REG_DRIVER_FEATURES_SEL, 0);
    reg_write(device, REG_DRIVER_FEATURES, (uint32_t)features);
    status_add(device, STATUS_FEATURES_OK);
    return (reg_read(device, REG_STATUS) & STATUS_FEATURES_OK) != 0 ? 0 : -ENODEV;
}

/* The order of virtio 1.1, 3.1.1. */
int virtio_mmio_start(struct virtio_mmio *device, uint64_t wanted, uint64_t *out)
{
    uint64_t features;

    virtio_mmio_reset(device);
    status_add(device, STATUS_ACKNOWLEDGE);
    status_add(device, STATUS_DRIVER);
    features = device_features(device) & (wanted | VIRTIO_F_VERSION_1);
    *out = features;
    if (device->version == VERSION_MODERN) {
        return start_modern(device, features);
    }
    reg_write(device, REG_DRIVER_FEATURES_SEL, 0);
    reg_write(device, REG_DRIVER_FEATURES, (uint32_t)features);
    reg_write(device, REG_GUEST_PAGE_SIZE, PAGE_SIZE);
    return 0;
}

uint32_t virtio_mmio_queue_max(struct virtio_mmio *device, uint32_t nr)
{
    reg_write(device, REG_QUEUE_SEL, nr);
    return reg_read(device, REG_QUEUE_NUM_MAX);
}

void virtio_mmio_set_queue(struct virtio_mmio *device, uint32_t nr,
                           const struct virtio_queue *queue)
{
    reg_write(device, REG_QUEUE_SEL, nr);
    reg_write(device, REG_QUEUE_NUM, queue->size);
    if (device->version == VERSION_LEGACY) {
        reg_write(device, REG_QUEUE_ALIGN, VIRTIO_QUEUE_ALIGN);
        reg_write(device, REG_QUEUE_PFN, (uint32_t)(virtio_queue_desc_pa(queue) >> PAGE_SHIFT));
        return;
    }
    reg_write_pa(device, REG_QUEUE_DESC, virtio_queue_desc_pa(queue));
    reg_write_pa(device, REG_QUEUE_DRIVER, virtio_queue_avail_pa(queue));
    reg_write_pa(device, REG_QUEUE_DEVICE, virtio_queue_used_pa(queue));
    reg_write(device, REG_QUEUE_READY, 1);
}

void virtio_mmio_ready(struct virtio_mmio *device)
{
    status_add(device, STATUS_DRIVER_OK);
}

void virtio_mmio_reset(struct virtio_mmio *device)
{
    reg_write(device, REG_STATUS, 0);
}

void virtio_mmio_notify(struct virtio_mmio *device, uint32_t nr)
{
    /* The published index must be seen before the device looks. */
    atomic_thread_fence(memory_order_seq_cst);
    reg_write(device, REG_QUEUE_NOTIFY, nr);
}

void virtio_mmio_ack(struct virtio_mmio *device)
{
    reg_write(device, REG_INTERRUPT_ACK, reg_read(device, REG_INTERRUPT_STATUS));
}
