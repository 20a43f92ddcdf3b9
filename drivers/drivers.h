/* Boot order of the drivers. */
#pragma once

#include <hal/boot.h>

/*
 * Requires: slab and the interrupt controller are up; once.
 * Does: probes the boot record's devices and registers the console and the channel.
 */
void drivers_init(const struct boot_info *boot);

/* The board's console as a terminal. */
void serial_tty_init(void);
/* null, zero, full, random, urandom, kmsg. */
void mem_device_init(void);
