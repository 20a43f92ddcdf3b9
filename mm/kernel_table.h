/* The kernel's page table, for mm/ alone. */
#pragma once

#include <arch/pte.h>

#include "kernel/types.h"

/* Returns the slot for va at the level in the kernel's table, tables made on the way; NULL: no memory. */
pte_t *kernel_table_slot(vaddr_t va, unsigned to_level);
