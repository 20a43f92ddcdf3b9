/*
 * The simulated machine: RAM, CPUs with tagged TLBs and walk caches that never forget by themselves,
 * instruction caches that never look again. The real mm/ and hal/<arch>/mmu.c run on it unchanged;
 * the test acts as the user programs. One host thread plays every CPU in turn.
 * Whatever breaks a rule of the machine or of the kernel ends in panic().
 */
#pragma once

#include <hal/mmu.h>

#include "kernel/types.h"

/* What the decoder of the architecture finds in one entry; it does not share <arch/pte.h>. */
struct sim_entry {
    bool valid;
    bool table;
    bool global;
    paddr_t pa;
    uint32_t rights; /* PTE_*; of a table: what it lets through */
};
/* level: 0 is the 4 KiB leaf. Panics on an entry that the manual reserves. */
struct sim_entry sim_decode(uint64_t raw, unsigned level);

/* Freedoms of the hardware beyond never forgetting; each is taken at random, from the seed. */
enum sim_chaos {
    SIM_EVICT = 1,     /* entries go before their time */
    SIM_SPECULATE = 2, /* any CPU walks its root at any moment, also a lazy one */
    SIM_IN_FLIGHT = 4, /* walks use entries from before a store that no barrier followed */
    SIM_DELAY = 8,     /* interrupts come as late as they can, in any order */
};

struct sim_options {
    uint64_t ram_bytes;
    uint32_t nr_cpus;
    uint8_t asid_bits;   /* of the hardware; rounded to what the architecture has; 0: no tags */
    uint32_t asid_limit; /* quoin.asids; 0: none */
    uint32_t chaos;      /* enum sim_chaos */
    bool no_invpcid;     /* x86: PCID without INVPCID */
    bool vipt;           /* aarch64: the kernel's alias does not reach the user's cache lines */
};

#define SIM_CPUS_MAX 8u

/* Does: makes the machine with its MMUs on, without the kernel's mm/. Once in a process. */
void sim_init(uint64_t ram_bytes, uint32_t nr_cpus, uint8_t asid_bits);
/* Does: as above, then brings mm/ up as kernel_main() does. */
void sim_boot(const struct sim_options *options);
void sim_set_cpu(uint32_t cpu);
/* Starts the machine's own random choices anew, so that a step's do not hang on earlier steps. */
void sim_seed(uint64_t seed);
uint64_t sim_random(void);
/* Returns true once in n, if the chaos is on. */
bool sim_chance(uint32_t chaos, uint32_t n);

/*
 * A user access on the current CPU: returns the byte in RAM that it reaches, or NULL when it
 * faults. For PTE_EXEC the byte may be newer than what the CPU executes: see sim_fetch().
 */
uint8_t *sim_access(vaddr_t va, uint32_t access);
/* Returns whether user mode may execute at va; *out: the 8 bytes that the CPU fetches there. */
bool sim_fetch(vaddr_t va, uint64_t *out);
/* The user's own cache maintenance after it wrote code: DC CVAU, DSB, IC IVAU, DSB, ISB. */
void sim_user_icache_sync(const uint8_t *byte, size_t len);
/* Translates a kernel address on the current CPU; returns the byte in RAM or NULL. */
uint8_t *sim_kernel_access(vaddr_t va, uint32_t access);

/* Interrupts that are due come now. Requires: the current CPU's interrupts are on. */
void sim_settle(void);

/* The oracle; each panics with what it found. */
/* No CPU can use a translation that differs from the tables under its root. */
void sim_check_tlbs(void);
/* I5 on every CPU: the register holds root and tag of the space that mm/ believes in. */
void sim_check_registers(void);
/* Both; between steps, when no batch is open. */
void sim_check(void);

/* Drops everything that TLBs and caches hold, for a test that starts anew. */
void sim_forget(void);
/* Whether the CPU's TLB (tag in its register, or global) holds a translation of va. */
bool sim_tlb_holds(uint32_t cpu, vaddr_t va);
paddr_t sim_root(uint32_t cpu);
uint16_t sim_tag(uint32_t cpu);

struct sim_counts {
    uint64_t tlb_hits, walks, shots, activations, stale_faults, ipis, speculations, frees_checked;
};
extern struct sim_counts sim_counts;
