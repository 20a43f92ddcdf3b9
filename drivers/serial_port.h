/*
 * A raw byte port and the character device over it: a receive ring that pushes back on the sender
 * when full, blocking reads and writes, poll. Two back ends: a UART and a virtio console.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/wait.h"

#define SERIAL_RING_SIZE KIB(64)

struct serial_port;

/* Called with port->lock held. */
struct serial_port_ops {
    /* Does: moves what has arrived to serial_port_put_locked(), as long as there is room. */
    void (*fill)(struct serial_port *port);
    /* Returns how many bytes the device took, 0: full. */
    size_t (*send)(struct serial_port *port, const uint8_t *buf, size_t len);
    /* Returns whether send() would take a byte. */
    bool (*can_send)(struct serial_port *port);
    /* When to ask a full device again; 0: it calls serial_port_interrupt() when it has room. */
    uint64_t retry_ns;
};

struct serial_port {
    const struct serial_port_ops *ops;
    void *device;
    struct wait_queue readers;
    struct wait_queue writers;
    struct spinlock lock; /* guards what follows and the device */
    uint64_t head, tail;  /* of the ring, free-running */
    uint8_t *ring;
};

/* Fails: -ENOMEM. */
NODISCARD int serial_port_init(struct serial_port *port, const struct serial_port_ops *ops,
                               void *device);
static inline size_t serial_port_room(const struct serial_port *port)
{
    return SERIAL_RING_SIZE - (size_t)(port->head - port->tail);
}
/* Requires: len <= serial_port_room(). */
void serial_port_put_locked(struct serial_port *port, const uint8_t *bytes, size_t len);
/* Does: fills the ring and wakes whoever waits. The device's interrupt handler; IRQ context. */
void serial_port_interrupt(void *port);

/* Does: makes the port a character device, 240:0, /dev/channel. Once. */
NODISCARD int serial_device_register(struct serial_port *port);

struct hal_uart;
/* Fails: -ENOMEM, or as irq_register(). */
NODISCARD int uart_port_create(const struct hal_uart *uart, struct serial_port **out);
