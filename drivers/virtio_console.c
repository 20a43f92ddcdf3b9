/*
 * virtio console (virtio 1.1, 5.3): the data queues of one port as a raw byte port, with one page
 * for each descriptor. A received page that finds the ring full stays ours until a reader makes
 * room, so the device runs out of pages and holds its sender back. With multiport, port 1 is taken
 * if there is one (QEMU loses bytes of a full port 0, which it calls a console), else port 0.
 */
#include "drivers/virtio_console.h"

#include <arch/consts.h>

#include "drivers/virtio_mmio.h"
#include "kernel/errno.h"
#include "kernel/irq.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define QUEUE_SIZE        16u
#define PAGES_ORDER       4u
#define FEATURE_MULTIPORT (1ull << 1)
#define PORTS_MAX         2u
#define PORT_NONE         PORTS_MAX
#define PORT_WAIT_NS      (100 * NS_PER_MS)
#define CONTROL_STRIDE    64u

/* Queue numbers, 5.3.2: each port has a pair, and the control pair stands between 0 and 1. */
enum { QUEUE_CONTROL_IN = 2, QUEUE_CONTROL_OUT = 3, NR_QUEUES = 6 };

enum control_event { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, PORT_OPEN = 6 };

struct control_message {
    uint32_t id;
    uint16_t event; /* enum control_event */
    uint16_t value;
};

_Static_assert(QUEUE_SIZE == 1u << PAGES_ORDER, "a page for each descriptor");
_Static_assert(2 * QUEUE_SIZE * CONTROL_STRIDE <= PAGE_SIZE, "control messages share a page");

struct virtio_console {
    struct virtio_mmio device;
    struct serial_port port;
    struct virtio_queue queues[NR_QUEUES];
    uint32_t receive_nr, transmit_nr; /* of the port that is used */
    struct frame *receive_pages;      /* QUEUE_SIZE of them, contiguous */
    struct frame *transmit_pages;
    struct frame *control_page; /* NULL without multiport */
    bool has_irq;               /* the handler keeps its argument for good */
    _Atomic bool running;       /* the interrupt handler may touch the queues */
    uint16_t nr_control_sent;   /* each in a buffer of its own: only a few are ever sent */
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

static paddr_t page_pa(const struct frame *pages, uint16_t index)
{
    return frame_pa(pages) + (paddr_t)index * PAGE_SIZE;
}

static void offer_page(struct virtio_console *console, uint16_t index)
{
    virtio_queue_submit(&console->queues[console->receive_nr], index,
                        page_pa(console->receive_pages, index), PAGE_SIZE, true);
}

/* Returns whether there is something held. */
static bool hold_next(struct virtio_console *console)
{
    if (console->held_start != console->held_end) {
        return true;
    }
    console->held_start = 0;
    console->held_end = 0;
    return virtio_queue_take(&console->queues[console->receive_nr], &console->held,
                             &console->held_end);
}

static void console_fill(struct serial_port *port)
{
    struct virtio_console *console = console_of(port);
    bool offered = false;

    while (serial_port_room(port) > 0 && hold_next(console)) {
        const uint8_t *page = phys_to_virt(page_pa(console->receive_pages, console->held));
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
        virtio_mmio_notify(&console->device, console->receive_nr);
    }
}

static void reclaim_sent(struct virtio_console *console)
{
    uint16_t index;
    uint32_t len;

    while (console->nr_idle < QUEUE_SIZE &&
           virtio_queue_take(&console->queues[console->transmit_nr], &index, &len)) {
        console->idle[console->nr_idle++] = index;
    }
}

static size_t console_send(struct serial_port *port, const uint8_t *buf, size_t len)
{
    struct virtio_console *console = console_of(port);
    uint16_t index;
    paddr_t pa;

    reclaim_sent(console);
    if (console->nr_idle == 0) {
        return 0;
    }
    index = console->idle[--console->nr_idle];
    pa = page_pa(console->transmit_pages, index);
    len = MIN(len, (size_t)PAGE_SIZE);
    memcpy(phys_to_virt(pa), buf, len);
    virtio_queue_submit(&console->queues[console->transmit_nr], index, pa, (uint32_t)len, false);
    virtio_mmio_notify(&console->device, console->transmit_nr);
    return len;
}

static bool console_can_send(struct serial_port *port)
{
    struct virtio_console *console = console_of(port);

    return console->nr_idle > 0 || virtio_queue_has_used(&console->queues[console->transmit_nr]);
}

static const struct serial_port_ops console_ops = {
    .fill = console_fill,
    .send = console_send,
    .can_send = console_can_send,
};

static paddr_t control_pa(const struct virtio_console *console, uint16_t slot)
{
    return frame_pa(console->control_page) + (paddr_t)slot * CONTROL_STRIDE;
}

static void control_offer(struct virtio_console *console, uint16_t index)
{
    virtio_queue_submit(&console->queues[QUEUE_CONTROL_IN], index, control_pa(console, index),
                        CONTROL_STRIDE, true);
}

/* Returns whether there was a message. */
static bool control_receive(struct virtio_console *console, struct control_message *out)
{
    uint16_t index;
    uint32_t len;

    if (console->control_page == NULL ||
        !virtio_queue_take(&console->queues[QUEUE_CONTROL_IN], &index, &len)) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out, phys_to_virt(control_pa(console, index)), MIN((size_t)len, sizeof(*out)));
    control_offer(console, index);
    virtio_mmio_notify(&console->device, QUEUE_CONTROL_IN);
    return true;
}

static void control_send(struct virtio_console *console, uint32_t id, enum control_event event)
{
    const struct control_message message = {id, (uint16_t)event, 1};
    uint16_t index = console->nr_control_sent++;
    paddr_t pa = control_pa(console, (uint16_t)(QUEUE_SIZE + index));

    memcpy(phys_to_virt(pa), &message, sizeof(message));
    virtio_queue_submit(&console->queues[QUEUE_CONTROL_OUT], index, pa, sizeof(message), false);
    virtio_mmio_notify(&console->device, QUEUE_CONTROL_OUT);
}

static void console_interrupt(void *arg)
{
    struct virtio_console *console = arg;
    struct control_message message;

    virtio_mmio_ack(&console->device);
    if (!atomic_load(&console->running)) {
        return;
    }
    /* Host connects, names and sizes change nothing here. */
    while (control_receive(console, &message)) {
    }
    serial_port_interrupt(&console->port);
}

/* Boot: asks the device for its ports (5.3.6.2). Returns the one to use, or PORT_NONE. */
static uint32_t find_port(struct virtio_console *console)
{
    uint64_t deadline = time_now_ns() + PORT_WAIT_NS;
    struct control_message message;
    uint32_t port = PORT_NONE;

    for (uint16_t index = 0; index < QUEUE_SIZE; index++) {
        control_offer(console, index);
    }
    virtio_mmio_notify(&console->device, QUEUE_CONTROL_IN);
    control_send(console, 0, DEVICE_READY);
    while (port == PORT_NONE && time_now_ns() < deadline) {
        while (control_receive(console, &message)) {
            if (message.event == PORT_ADD && message.id < PORTS_MAX && port != 1) {
                port = message.id;
            }
        }
    }
    if (port != PORT_NONE) {
        control_send(console, port, PORT_READY);
        control_send(console, port, PORT_OPEN);
    }
    return port;
}

static int queues_init(struct virtio_console *console, uint32_t nr_queues)
{
    for (uint32_t nr = 0; nr < nr_queues; nr++) {
        int error;

        if (virtio_mmio_queue_max(&console->device, nr) < QUEUE_SIZE) {
            return -ENODEV;
        }
        error = virtio_queue_init(&console->queues[nr], QUEUE_SIZE);
        if (error != 0) {
            return error;
        }
        virtio_mmio_set_queue(&console->device, nr, &console->queues[nr]);
    }
    return 0;
}

static int console_allocate(struct virtio_console *console, bool multiport)
{
    console->receive_pages = frame_alloc_order(FRAME_KERNEL, PAGES_ORDER);
    console->transmit_pages = frame_alloc_order(FRAME_KERNEL, PAGES_ORDER);
    if (console->receive_pages == NULL || console->transmit_pages == NULL) {
        return -ENOMEM;
    }
    if (multiport) {
        console->control_page = frame_alloc(FRAME_KERNEL);
        if (console->control_page == NULL) {
            return -ENOMEM;
        }
    }
    return serial_port_init(&console->port, &console_ops, console);
}

/*
 * The handler comes first: an edge-triggered line that rose before the interrupt was enabled would
 * stay up for good, so every rise must be acknowledged.
 */
static int console_run(struct virtio_console *console)
{
    uint32_t port = 0;
    int error = irq_register(console->device.irq, console_interrupt, console);

    if (error != 0) {
        return error;
    }
    console->has_irq = true;
    virtio_mmio_ready(&console->device);
    if (console->control_page != NULL) {
        port = find_port(console);
    }
    if (port == PORT_NONE) {
        return -ENODEV;
    }
    console->receive_nr = port == 0 ? 0 : QUEUE_CONTROL_OUT + 1;
    console->transmit_nr = console->receive_nr + 1;
    for (uint16_t index = 0; index < QUEUE_SIZE; index++) {
        offer_page(console, index);
        console->idle[console->nr_idle++] = index;
    }
    atomic_store(&console->running, true);
    virtio_mmio_notify(&console->device, console->receive_nr);
    return 0;
}

static int console_start(struct virtio_console *console)
{
    uint64_t features;
    bool multiport;
    int error = virtio_mmio_start(&console->device, FEATURE_MULTIPORT, &features);

    if (error != 0) {
        return error;
    }
    multiport = (features & FEATURE_MULTIPORT) != 0;
    error = console_allocate(console, multiport);
    if (error == 0) {
        error = queues_init(console, multiport ? NR_QUEUES : QUEUE_CONTROL_IN);
    }
    return error != 0 ? error : console_run(console);
}

static void put_frame(struct frame *frame)
{
    if (frame != NULL) {
        frame_put(frame);
    }
}

static void console_destroy(struct virtio_console *console)
{
    virtio_mmio_reset(&console->device);
    for (uint32_t nr = 0; nr < NR_QUEUES; nr++) {
        if (console->queues[nr].desc != NULL) {
            virtio_queue_fini(&console->queues[nr]);
        }
    }
    put_frame(console->receive_pages);
    put_frame(console->transmit_pages);
    put_frame(console->control_page);
    kfree(console->port.ring);
    if (!console->has_irq) {
        kfree(console);
    }
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
