/* Parts of the contract that only the simulated machine can show. */
#pragma once

#include "kernel/types.h"

void contract_decode(void);
bool contract_kernel_leaf_is_private(uint64_t raw);
bool contract_leaf_is_shared(uint64_t raw);
/* Switches, stale bits and kernel ranges: mm/tlb.c and hal_mmu together. */
void contract_tlb(void);
/* That a shot takes no more than it names: where the CPU has an instruction for that. */
void contract_tlb_exact(void);
