/* Where boards have a UART before the device tree can be read: QEMU's virt. */
#pragma once

#define EARLY_UART_PA 0x09000000
