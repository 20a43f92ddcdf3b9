/*
 * The board's console as a terminal: /dev/console (5:1) and the port's own name are one tty.
 * Received bytes go to the line discipline in IRQ context.
 */
#include <hal/board.h>

#include "drivers/drivers.h"
#include "fs/device.h"
#include "fs/tty.h"
#include "kernel/irq.h"
#include "kernel/printk.h"
#include "kernel/string.h"

#define RECEIVE_CHUNK 64u

static struct tty console_tty;

static bool console_put(struct tty *tty, uint8_t byte)
{
    const struct hal_uart *uart = tty->port;

    return uart->putc(uart, byte);
}

static const struct tty_port_ops console_port_ops = {.put = console_put};

static void console_interrupt(void *arg)
{
    struct tty *tty = arg;
    const struct hal_uart *uart = tty->port;
    uint8_t bytes[RECEIVE_CHUNK];
    size_t len;

    do {
        int byte = 0;

        len = 0;
        while (len < sizeof(bytes) && (byte = uart->getc(uart)) >= 0) {
            bytes[len++] = (uint8_t)byte;
        }
        tty_receive(tty, bytes, len);
    } while (len == sizeof(bytes));
}

/* Opening /dev/console never makes it a controlling terminal (console(4)). */
static int console_open(struct inode *inode, struct file *file)
{
    return tty_bind(file, char_device_of(inode)->private);
}

static int serial_tty_open(struct inode *inode, struct file *file)
{
    int error = tty_bind(file, char_device_of(inode)->private);

    if (error == 0) {
        tty_attach(file);
    }
    return error;
}

static const struct file_ops console_ops = {
    .open = console_open,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};

static const struct file_ops serial_tty_ops = {
    .open = serial_tty_open,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};

/* Linux's numbers: admin-guide/devices.txt, 4:64 for 8250 ports, 204:64 for AMBA PL011 ports. */
static dev_nr_t serial_number(const char *name)
{
    return strncmp(name, "ttyAMA", 6) == 0 ? dev_make(204, 64) : dev_make(4, 64);
}

static void console_register(void)
{
    static struct char_device console = {.name = "console", .mode = 0600, .ops = &console_ops};
    static struct char_device port = {.mode = 0600, .gid = 5, .ops = &serial_tty_ops};
    int error;

    console.dev = TTY_CONSOLE;
    console.private = &console_tty;
    port.dev = console_tty.dev;
    port.name = console_tty.name;
    port.private = &console_tty;
    error = char_device_register(&console);
    kverify(error == 0);
    error = char_device_register(&port);
    kverify(error == 0);
}

void serial_tty_init(void)
{
    const struct hal_uart *uart = hal_board->console;
    int error;

    tty_init(&console_tty, uart->name, serial_number(uart->name), &console_port_ops);
    console_tty.port = (void *)(uintptr_t)uart;
    console_tty.window.ws_row = 24;
    console_tty.window.ws_col = 80;
    console_register();
    error = irq_register(uart->irq, console_interrupt, &console_tty);
    if (error != 0) {
        printk("tty: no interrupt %u for %s (%d): no input\n", uart->irq, uart->name, error);
        return;
    }
    uart->rx_enable(uart);
}
