/*
 * What the HAL's start code hands to kernel_main(): memory, command line, initramfs, seed.
 * At entry: MMU on, kernel image at its link address, direct map valid for [0, early_map_end)
 * at least where RAM is, one CPU, IRQs off, early console working.
 */
#pragma once

#include "kernel/types.h"

#define BOOT_RANGES_MAX 64
#define BOOT_VIRTIO_MAX 32
#define BOOT_CMDLINE_MAX 2048

struct boot_range {
    paddr_t start;
    paddr_t end;
};

struct boot_virtio {
    paddr_t base; /* virtio-mmio register block */
    uint32_t irq; /* for irq_register() */
};

struct boot_info {
    struct boot_range ram[BOOT_RANGES_MAX]; /* usable, sorted, page-aligned, disjoint */
    uint32_t nr_ram;
    struct boot_range reserved[BOOT_RANGES_MAX]; /* inside ram but taken: image, initrd, device tree, ... */
    uint32_t nr_reserved;
    struct boot_range image;  /* the kernel, with bss and boot stack; also in reserved */
    struct boot_range initrd; /* empty if none; also in reserved; mm frees it after unpacking */
    paddr_t early_map_end;
    uint8_t seed[64];
    uint32_t seed_len;
    struct boot_virtio virtio[BOOT_VIRTIO_MAX];
    uint32_t nr_virtio;
    uint32_t nr_cpus; /* entries of cpus[] that hal_board->cpu_start() knows, the boot CPU's included */
    char cmdline[BOOT_CMDLINE_MAX];
};
