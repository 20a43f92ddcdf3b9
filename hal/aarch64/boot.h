/* Between the start code and the board. */
#pragma once

#include <hal/boot.h>

#include "kernel/types.h"

/* Physical address of the image, stored by start.S. */
extern paddr_t boot_image_pa;

/*
 * Early map, until the final one. Does: maps the 1 GiB around pa at its direct map address.
 * Returns that address, or 0 where pa is beyond the early map.
 */
vaddr_t boot_map_normal(paddr_t pa);
/* Does: maps the 2 MiB around pa behind the image: a GiB may hold both RAM and devices. */
vaddr_t boot_map_device(paddr_t pa);

/*
 * secondary.c. Does: stacks and start-up record of another CPU. Returns false without memory.
 * One CPU at a time: the record is reused.
 */
struct cpu;
bool secondary_prepare(struct cpu *cpu);
/* Where firmware enters: MMU off, EL1 or EL2. */
paddr_t secondary_entry_pa(void);

/*
 * A board that boot.c can choose: the first one whose compatible the tree's root names. The CPUs
 * have been read. Does: sets hal_board with a working console; reads devices from the tree.
 */
struct boot_board {
    const char *compatible; /* NULL: any tree */
    void (*probe)(const void *fdt, struct boot_info *info);
};
extern const struct boot_board boot_board_raspi3, boot_board_virt;
/* Does: board_virt's console and clock, for the report of a tree that cannot be read. */
void board_virt_early(void);
