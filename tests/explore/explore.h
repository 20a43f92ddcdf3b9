/*
 * The interleaving explorer. Virtual CPUs (vcpu.c) run the real mm/tlb.c, asid.c, pagetable.c,
 * address_space.c and hal/<arch>/mmu.c one visible operation at a time; machine.c is the hardware
 * round them, with TLBs that hold all they may hold, and the oracle; search.c tries every order.
 */
#pragma once

#include <hal/mmu.h>

#include "kernel/types.h"

struct address_space;

#define VCPUS_MAX 3u

/* vcpu.c */

/* What may happen next: a CPU goes on, takes its interrupt, or a store leaves its buffer. */
enum step_kind { STEP_RUN, STEP_IRQ, STEP_DRAIN };

struct step {
    uint8_t kind;
    uint8_t cpu;
    uint8_t store; /* index in the buffer */
};

#define STEPS_MAX 48u

extern bool explore_direct; /* while a scenario is set up: every operation at once, no choice */
extern const volatile void *explore_stored; /* what the set-up stored to last */

void vcpu_create(uint32_t cpu, void (*program)(void));
/* Does: begins each CPU's program up to its first visible operation. */
void vcpu_begin(void);
unsigned vcpu_steps(struct step out[STEPS_MAX]);
/* Does: the step. Returns what it broke, or NULL. */
const char *vcpu_take(struct step step);
/* All programs at their ends, nothing buffered, no interrupt due. */
bool vcpu_all_done(void);
void vcpu_describe(struct step step, char *out, size_t size);
void vcpu_print_waiting(void);
/* The last value that any CPU has given the word, buffered or not. */
uint64_t vcpu_latest(const void *at);
void vcpu_ipi(cpumask_t to);
/* A visible operation of the machine; drained: only once the CPU's stores are all out. */
void vcpu_visible(const char *where, bool drained);
/* Stacks of the virtual CPUs. */
void *vcpu_stacks(size_t *len);

/* The program's own marks for the oracle. */
/* Returns to user mode in the space; NULL: leaves it. */
void vcpu_set_user(struct address_space *as);
void vcpu_set_switching(bool switching);

/* machine.c */

#define MACHINE_VAS       2u
#define MACHINE_VA(n)     (0x400000ull + (n)*PAGE_SIZE)
#define MACHINE_KERNEL_VA STACK_VA_BASE
#define MACHINE_TAGS      8u
#define SPACES_MAX        5u

struct vcpu_view {
    struct address_space *user;
    bool switching;
};
extern struct vcpu_view vcpu_view[VCPUS_MAX];

extern bool machine_lets_walker;

void machine_boot(uint32_t nr, uint32_t tags);
/* A space with MACHINE_VAS pages mapped. */
struct address_space *machine_space(void);
/* What a completed shot promises: nobody uses the old page of va any more. */
void machine_page_is_dead(struct address_space *as, unsigned va);
/* The leaf of the kernel's own page, in the tables that this CPU uses; the same promise for it. */
struct pte *machine_kernel_slot(void);
void machine_kernel_page_is_dead(void);
/* Eager hardware: fills every TLB with all that its root leads to. */
void machine_refill(void);
/* Returns what is wrong now, or NULL. */
const char *machine_check(void);
void machine_touched(const volatile void *at); /* panics on freed memory */
bool machine_ignores(const volatile void *at); /* counters, frame records: no other CPU looks */
void machine_forget_counts(void);
void *machine_ram(size_t *len);
void machine_name(const volatile void *at, char *out, size_t size);

/* search.c */

struct search_result {
    uint64_t states, steps;
    double interleavings;
    unsigned depth;
    bool complete;
    char failure[512];
};
void search_run(uint64_t states_max, struct search_result *out);

/* scenario.c */

struct scenario {
    const char *name;
    const char *about;
    uint32_t cpus;
    uint32_t tags;
    void (*setup)(void);
    void (*program[VCPUS_MAX])(void);
    bool is_long; /* only with --long */
    /* In the middle of a switch a walker may reach what was freed: see docs/testing.md. */
    bool lets_walker;
};
extern const struct scenario scenarios[];
extern const unsigned nr_scenarios;
