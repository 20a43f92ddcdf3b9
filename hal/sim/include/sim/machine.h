/*
 * The simulated machine: RAM, CPUs with tagged TLBs and walk caches that never forget by themselves.
 * The shared code under test runs on it unchanged; the test acts as the user programs.
 */
#pragma once

#include <hal/mmu.h>

#include "kernel/types.h"

/* What the decoder of the architecture finds in one entry; it does not share <arch/pte.h>. */
struct sim_entry {
    bool valid;
    bool table;
    paddr_t pa;
    uint32_t rights; /* PTE_*; of a table: what it lets through */
    bool global;
};
struct sim_entry sim_decode(uint64_t raw, unsigned level);

/* Does: makes the machine; ram_bytes of RAM, the number of CPUs and tag bits. Once in a process. */
void sim_init(uint64_t ram_bytes, uint32_t nr, uint8_t asid_bits);
void sim_set_cpu(uint32_t cpu);

/*
 * A user access on the current CPU: returns the byte in RAM that it reaches, or NULL when it
 * faults. Fills and uses the TLB as adversarially as the manuals allow.
 */
uint8_t *sim_access(vaddr_t va, uint32_t access);

/* The oracle: panics if a CPU could use a translation that the tables of its space do not have. */
void sim_check_tlbs(void);
/* Names the spaces whose tags the oracle may judge. */
void sim_space_born(paddr_t root);
void sim_space_gone(paddr_t root);

struct sim_counts {
    uint64_t tlb_hits, walks, shots, activations, stale_faults;
};
extern struct sim_counts sim_counts;
