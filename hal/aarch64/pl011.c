/* PL011: polled transmit; receive by polling or by the receive and time-out interrupts. */
#include "hal/aarch64/pl011.h"

#include "hal/aarch64/mmio.h"

#define UARTDR    0x00
#define UARTFR    0x18
#define UARTLCR_H 0x2c
#define UARTCR    0x30
#define UARTIFLS  0x34
#define UARTIMSC  0x38
#define UARTICR   0x44

#define FR_RXFE         (1u << 4)
#define FR_TXFF         (1u << 5)
#define LCR_H_8BIT_FIFO 0x70u
#define CR_ENABLE_TX_RX 0x301u
#define INT_RX          (1u << 4)
#define INT_RX_TIMEOUT  (1u << 6)
#define INT_ALL         0x7ffu

void pl011_setup(uint64_t base)
{
    mmio_write32(base + UARTIMSC, 0);
    mmio_write32(base + UARTICR, INT_ALL);
    mmio_write32(base + UARTIFLS, 0);
    mmio_write32(base + UARTLCR_H, LCR_H_8BIT_FIFO);
    mmio_write32(base + UARTCR, CR_ENABLE_TX_RX);
}

/* Clearing before the test: a byte that comes after it raises the interrupt again. */
int pl011_getc(const struct hal_uart *uart)
{
    if ((mmio_read32(uart->base + UARTFR) & FR_RXFE) != 0) {
        mmio_write32(uart->base + UARTICR, INT_RX | INT_RX_TIMEOUT);
        if ((mmio_read32(uart->base + UARTFR) & FR_RXFE) != 0) {
            return -1;
        }
    }
    return (int)(mmio_read32(uart->base + UARTDR) & 0xff);
}

bool pl011_putc(const struct hal_uart *uart, uint8_t byte)
{
    if ((mmio_read32(uart->base + UARTFR) & FR_TXFF) != 0) {
        return false;
    }
    mmio_write32(uart->base + UARTDR, byte);
    return true;
}

void pl011_rx_enable(const struct hal_uart *uart)
{
    mmio_write32(uart->base + UARTIMSC, INT_RX | INT_RX_TIMEOUT);
}
