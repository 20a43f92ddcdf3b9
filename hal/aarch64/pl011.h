/* PL011 UART (DDI 0183). The address is the caller's to map. */
#pragma once

#include <hal/board.h>

/* Does: 8 bits with FIFOs, interrupts off; the baud rate stays the firmware's. */
void pl011_setup(uint64_t base);
/* The operations of struct hal_uart. */
int pl011_getc(const struct hal_uart *uart);
bool pl011_putc(const struct hal_uart *uart, uint8_t byte);
void pl011_rx_enable(const struct hal_uart *uart);
