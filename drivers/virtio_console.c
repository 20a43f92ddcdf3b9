/*
 * virtio console: queue 0 receives, queue 1 transmits, each with one page for each descriptor.
 * A received page that finds the ring full stays ours until a reader makes room, so the device
 * runs out of pages and holds its sender back.
 */
#include "drivers/virtio_console.h"

#include <arch/consts.h>

#include "drivers/virtio_mmio.h"
#include "kernel/errno.h"
#include "kernel/irq.h"
#include "kernel/string.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define QUEUE_SIZE 16u

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, NR_QUEUES };

struct console_queue {
    struct virtio_queue ring;
    struct frame *pages; /* QUEUE_SIZE of them, contiguous */
};

struct virtio_console {
    struct virtio_mmio device;
    struct serial_port port;
    struct console_queue queues[NR_QUEUES];
    /* Received, not yet moved to the port's ring. */
    uint16_t held;
    uint32_t held_start, held_end; /* start == end: nothing is held */
    uint16_t idle[QUEUE_SIZE];     /* transmit pages with us */
    uint32_t nr_idle;
};

static struct virtio_console *console_of(struct serial_port *port)
{
    return port->device;
}

static paddr_t page_pa(const struct console_queue *queue, uint16_t index)
{
    return frame_pa(queue->pages) + (paddr_t)index * PAGE_SIZE;
}

static void offer_page(struct virtio_console *console, uint16_t index)
{
    struct console_queue *queue = &console->queues[QUEUE_RECEIVE];

    virtio_queue_submit(&queue->ring, index, page_pa(queue, index), PAGE_SIZE, true);
}

/* Returns whether there is something held. */
static bool hold_next(struct virtio_console *console)
{
    struct console_queue *queue = &console->queues[QUEUE_RECEIVE];

    if (console->held_start != console->held_end) {
        return true;
    }
    console->held_start = 0;
    console->held_end = 0;
    return virtio_queue_take(&queue->ring, &console->held, &console->held_end);
}

static void console_fill(struct serial_port *port)
{
    struct virtio_console *console = console_of(port);
    struct console_queue *queue = &console->queues[QUEUE_RECEIVE];
    bool offered = false;

    while (serial_port_room(port) > 0 && hold_next(console)) {
        const uint8_t *page = phys_to_virt(page_pa(queue, console->held));
        uint32_t count = console->held_end - console->held_start;

        count = (uint32_t)MIN((size_t)count, serial_port_room(port));
        serial_port_put_locked(port, page + console->held_start, count);
        console->held_start += count;
        if (console->held_start == console->held_end) {
            offer_page(console, console->held);
            offered = true;
        }
    }
    if (offered) {
        virtio_mmio_notify(&console->device, QUEUE_RECEIVE);
    }
}

static void reclaim_sent(struct virtio_console *console)
{
    uint16_t index;
    uint32_t len;

    while (console->nr_idle < QUEUE_SIZE &&
           virtio_queue_take(&console->queues[QUEUE_TRANSMIT].ring, &index, &len)) {
        console->idle[console->nr_idle++] = index;
    }
}

static size_t console_send(struct serial_port *port, const uint8_t *buf, size_t len)
{
    struct virtio_console *console = console_of(port);
    struct console_queue *queue = &console->queues[QUEUE_TRANSMIT];
    uint16_t index;
    paddr_t pa;

    reclaim_sent(console);
    if (console->nr_idle == 0) {
        return 0;
    }
    index = console->idle[--console->nr_idle];
    pa = page_pa(queue, index);
    len = MIN(len, (size_t)PAGE_SIZE);
    memcpy(phys_to_virt(pa), buf, len);
    virtio_queue_submit(&queue->ring, index, pa, (uint32_t)len, false);
    virtio_mmio_notify(&console->device, QUEUE_TRANSMIT);
    return len;
}

static bool console_can_send(struct serial_port *port)
{
    struct virtio_console *console = console_of(port);

    return console->nr_idle > 0 || virtio_queue_has_used(&console->queues[QUEUE_TRANSMIT].ring);
}

static const struct serial_port_ops console_ops = {
    .fill = console_fill,
    .send = console_send,
    .can_send = console_can_send,
};

static void console_interrupt(void *arg)
{
    struct virtio_console *console = arg;

    virtio_mmio_ack(&console->device);
    serial_port_interrupt(&console->port);
}

static void queue_fini(struct console_queue *queue)
{
    if (queue->pages != NULL) {
        frame_put(queue->pages);
        virtio_queue_fini(&queue->ring);
    }
}

static int queue_init(struct virtio_console *console, uint32_t nr)
{
    struct console_queue *queue = &console->queues[nr];
    unsigned order = 0;
    int error;

    if (virtio_mmio_queue_max(&console->device, nr) < QUEUE_SIZE) {
        return -ENODEV;
    }
    error = virtio_queue_init(&queue->ring, QUEUE_SIZE);
    if (error != 0) {
        return error;
    }
    while ((1u << order) < QUEUE_SIZE) {
        order++;
    }
    queue->pages = frame_alloc_order(FRAME_KERNEL, order);
    if (queue->pages == NULL) {
        virtio_queue_fini(&queue->ring);
        return -ENOMEM;
    }
    virtio_mmio_set_queue(&console->device, nr, &queue->ring);
    return 0;
}

static int console_start(struct virtio_console *console)
{
    int error = virtio_mmio_start(&console->device, 0);

    if (error == 0) {
        error = serial_port_init(&console->port, &console_ops, console);
    }
    for (uint32_t nr = 0; error == 0 && nr < NR_QUEUES; nr++) {
        error = queue_init(console, nr);
    }
    if (error == 0) {
        error = irq_register(console->device.irq, console_interrupt, console);
    }
    if (error != 0) {
        return error;
    }
    virtio_mmio_ready(&console->device);
    for (uint16_t index = 0; index < QUEUE_SIZE; index++) {
        offer_page(console, index);
        console->idle[console->nr_idle++] = index;
    }
    virtio_mmio_notify(&console->device, QUEUE_RECEIVE);
    return 0;
}

static void console_destroy(struct virtio_console *console)
{
    virtio_mmio_reset(&console->device);
    for (uint32_t nr = 0; nr < NR_QUEUES; nr++) {
        queue_fini(&console->queues[nr]);
    }
    kfree(console->port.ring);
    kfree(console);
}

int virtio_console_create(const struct boot_info *boot, struct serial_port **out)
{
    struct virtio_console *console = kzalloc(sizeof(*console));
    int error = -ENODEV;

    if (console == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < boot->nr_virtio; i++) {
        error = virtio_mmio_probe(&boot->virtio[i], &console->device);
        if (error == 0 && console->device.device_id == VIRTIO_ID_CONSOLE) {
            error = console_start(console);
            if (error != 0) {
                console_destroy(console);
                return error;
            }
            *out = &console->port;
            return 0;
        }
    }
    kfree(console);
    return -ENODEV;
}
