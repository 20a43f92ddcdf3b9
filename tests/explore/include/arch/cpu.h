/* <arch/cpu.h> for the sources under test: what other CPUs can notice goes to the explorer. */
#pragma once

#include <arch/pte.h>

#include "kernel/cpu.h"
#include "kernel/types.h"
#include "tests/explore/hooks.h"

typedef uint64_t irqflags_t;

extern uint32_t sim_cpu;
extern bool sim_irqs_off;

static inline irqflags_t cpu_irq_save(void)
{
    irqflags_t flags = sim_irqs_off;

    explore_irq_save("cpu_irq_save");
    return flags;
}

static inline void cpu_irq_restore(irqflags_t flags)
{
    sim_irqs_off = flags != 0;
}

static inline bool cpu_irqs_on(void)
{
    return !sim_irqs_off;
}

static inline void cpu_relax(void)
{
    explore_relax();
}

static inline uint32_t cpu_id(void)
{
    return sim_cpu;
}

static inline struct cpu *cpu_self(void)
{
    return &cpus[sim_cpu];
}

static inline pte_t pte_load(const pte_t *entry)
{
    return (pte_t){explore_pte_load(&entry->raw)};
}

static inline void pte_store(pte_t *entry, pte_t value)
{
    explore_pte_store(&entry->raw, value.raw);
}

static inline void pte_sync(void)
{
    explore_pte_sync(__func__);
}
