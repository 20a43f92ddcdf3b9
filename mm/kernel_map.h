/* The kernel half: image W^X, direct map, device windows, kernel stacks with guard pages. */
#pragma once

#include <hal/boot.h>

#include "kernel/types.h"

extern paddr_t kernel_root;

/* Boot, once, after frame_init(): builds the final kernel table and activates it. */
void kernel_map_init(const struct boot_info *boot);
/* The physical address of something in the kernel's image. */
paddr_t kernel_image_pa(const void *address);
/* Returns the address of a device register range, mapped for good. Panics when out of window (boot only). */
void *kernel_map_device(paddr_t pa, size_t len);
/* Returns the base of a KERNEL_STACK_SIZE stack with a guard page below, or NULL. */
void *kernel_stack_alloc(void);
void kernel_stack_free(void *base);
void kernel_stack_drain(void);
/* Walks the live kernel table; panics on a leaf that breaks W^X or is open to user mode. Returns the leaves seen. */
uint64_t kernel_map_check(void);
