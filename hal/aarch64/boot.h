/* Between the start code and the board. */
#pragma once

#include <hal/boot.h>

#include "kernel/types.h"

/* Physical address of the image, stored by start.S. */
extern paddr_t boot_image_pa;

/*
 * Early map, until the final one: Does: maps the 1 GiB around pa at its direct map address.
 * Returns that address, or 0 where pa is beyond the early map or the GiB is mapped as another type.
 */
vaddr_t boot_map_normal(paddr_t pa);
vaddr_t boot_map_device(paddr_t pa);

/*
 * secondary.c. Does: stacks and start-up record of another CPU; the context for secondary_entry_pa().
 * Returns false without memory. One CPU at a time: the record is reused.
 */
struct cpu;
bool secondary_prepare(struct cpu *cpu, uint64_t *context);
/* Where firmware enters: MMU off, EL1 or EL2, x0 = context. */
paddr_t secondary_entry_pa(void);
/* board_virt.c. Does: sets hal_board, its clock and, before the tree is read, a console. */
void board_virt_early(void);
/* Does: reads the devices, the console's too, from the tree. */
void board_virt_probe(const void *fdt, struct boot_info *info);
