/*
 * A raw byte port over a UART: bytes come by its receive interrupt and go by polling. The
 * interrupt is edge-triggered or held off while the ring is full: the FIFO is not emptied then.
 */
#include <hal/board.h>

#include "drivers/serial_port.h"
#include "kernel/errno.h"
#include "kernel/irq.h"
#include "mm/slab.h"

#define SEND_MAX 64u /* bytes polled out with interrupts off */

static const struct hal_uart *uart_of(const struct serial_port *port)
{
    return port->device;
}

static void uart_fill(struct serial_port *port)
{
    const struct hal_uart *uart = uart_of(port);

    while (serial_port_room(port) > 0) {
        int byte = uart->getc(uart);
        uint8_t value = (uint8_t)byte;

        if (byte < 0) {
            return;
        }
        serial_port_put_locked(port, &value, 1);
    }
}

static size_t uart_send(struct serial_port *port, const uint8_t *buf, size_t len)
{
    const struct hal_uart *uart = uart_of(port);
    size_t done = 0;

    while (done < len && done < SEND_MAX && uart->putc(uart, buf[done])) {
        done++;
    }
    return done;
}

/* There is no asking without sending: the writer tries again after retry_ns. */
static bool uart_can_send(struct serial_port *port)
{
    (void)port;
    return false;
}

static const struct serial_port_ops uart_ops = {
    .fill = uart_fill,
    .send = uart_send,
    .can_send = uart_can_send,
    .retry_ns = NS_PER_MS,
};

int uart_port_create(const struct hal_uart *uart, struct serial_port **out)
{
    struct serial_port *port = kmalloc(sizeof(*port));
    int error;

    if (port == NULL) {
        return -ENOMEM;
    }
    error = serial_port_init(port, &uart_ops, (void *)(uintptr_t)uart);
    if (error != 0) {
        goto undo_port;
    }
    error = irq_register(uart->irq, serial_port_interrupt, port);
    if (error != 0) {
        goto undo_ring;
    }
    uart->rx_enable(uart);
    *out = port;
    return 0;

undo_ring:
    kfree(port->ring);
undo_port:
    kfree(port);
    return error;
}
