/* 16550 serial ports: COM1 is the console, COM2 the channel of ./run --exec. Transmit is polled. */
#include "hal/x86_64/internal.h"

#define UART_DATA             0
#define UART_INTERRUPTS       1
#define UART_FIFO             2
#define UART_LINE             3
#define UART_MODEM            4
#define UART_STATUS           5
#define UART_SCRATCH          7
#define STATUS_RECEIVED       0x01
#define STATUS_TRANSMIT_EMPTY 0x20
#define FIFO_SIZE             16
#define CONSOLE_PORT          0x3f8
#define CHANNEL_PORT          0x2f8

static uint16_t uart_port(const struct hal_uart *uart, unsigned reg)
{
    return (uint16_t)(uart->base + reg);
}

static int uart_getc(const struct hal_uart *uart)
{
    if ((port_read8(uart_port(uart, UART_STATUS)) & STATUS_RECEIVED) == 0) {
        return -1;
    }
    return port_read8(uart_port(uart, UART_DATA));
}

static bool uart_putc(const struct hal_uart *uart, uint8_t byte)
{
    if ((port_read8(uart_port(uart, UART_STATUS)) & STATUS_TRANSMIT_EMPTY) == 0) {
        return false;
    }
    port_write8(uart_port(uart, UART_DATA), byte);
    return true;
}

/* An empty transmitter has room for a whole FIFO; the port's lock keeps other writers away. */
static bool uart_channel_putc(const struct hal_uart *uart, uint8_t byte)
{
    static uint8_t room;

    if (room == 0) {
        if ((port_read8(uart_port(uart, UART_STATUS)) & STATUS_TRANSMIT_EMPTY) == 0) {
            return false;
        }
        room = FIFO_SIZE;
    }
    room--;
    port_write8(uart_port(uart, UART_DATA), byte);
    return true;
}

static void uart_rx_enable(const struct hal_uart *uart)
{
    port_write8(uart_port(uart, UART_INTERRUPTS), 1);
}

struct hal_uart uart_console = {.name = "ttyS0",
                                .irq = 4,
                                .getc = uart_getc,
                                .putc = uart_putc,
                                .rx_enable = uart_rx_enable,
                                .base = CONSOLE_PORT};
struct hal_uart uart_channel = {.name = "ttyS1",
                                .irq = 3,
                                .getc = uart_getc,
                                .putc = uart_channel_putc,
                                .rx_enable = uart_rx_enable,
                                .base = CHANNEL_PORT};

bool uart_present(uint16_t port)
{
    port_write8((uint16_t)(port + UART_SCRATCH), 0x5a);
    return port_read8((uint16_t)(port + UART_SCRATCH)) == 0x5a;
}

/* 115200 baud, 8 bits, no parity, FIFOs with an interrupt at 14 bytes or a pause; OUT2 lets
 * interrupts out. */
void uart_init(uint16_t port)
{
    port_write8((uint16_t)(port + UART_INTERRUPTS), 0);
    port_write8((uint16_t)(port + UART_LINE), 0x80);
    port_write8((uint16_t)(port + UART_DATA), 1);
    port_write8((uint16_t)(port + UART_INTERRUPTS), 0);
    port_write8((uint16_t)(port + UART_LINE), 0x03);
    port_write8((uint16_t)(port + UART_FIFO), 0xc1);
    port_write8((uint16_t)(port + UART_MODEM), 0x0b);
}

void uart_early_putc(char c)
{
    for (int i = 0; i < 1000000 && !uart_putc(&uart_console, (uint8_t)c); i++) {
    }
}

int uart_early_getc(void)
{
    return uart_getc(&uart_console);
}
