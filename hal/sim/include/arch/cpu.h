/* <arch/cpu.h> of the simulator: one host thread plays every CPU in turn. */
#pragma once

#include <arch/pte.h>

#include "kernel/cpu.h"
#include "kernel/types.h"

typedef uint64_t irqflags_t;

extern uint32_t sim_cpu;
extern bool sim_irqs_off;
/* Told of every store to a table: the machine may use or lose entries at that moment. */
void sim_pte_stored(pte_t *entry, pte_t before, pte_t after);
/* The barrier after stores to tables, as far as the architecture has one. */
void sim_pte_sync(void);
void sim_relax(void);

static inline irqflags_t cpu_irq_save(void)
{
    irqflags_t flags = sim_irqs_off;

    sim_irqs_off = true;
    return flags;
}

static inline void cpu_irq_restore(irqflags_t flags)
{
    sim_irqs_off = flags != 0;
}

static inline void cpu_irq_enable(void)
{
    sim_irqs_off = false;
}

static inline void cpu_irq_disable(void)
{
    sim_irqs_off = true;
}

static inline bool cpu_irqs_on(void)
{
    return !sim_irqs_off;
}

static inline void cpu_relax(void)
{
    sim_relax();
}

static inline struct cpu *cpu_self(void)
{
    return &cpus[sim_cpu];
}

static inline uint32_t cpu_id(void)
{
    return sim_cpu;
}

static inline pte_t pte_load(const pte_t *entry)
{
    return (pte_t){__atomic_load_n(&entry->raw, __ATOMIC_RELAXED)};
}

static inline void pte_store(pte_t *entry, pte_t value)
{
    pte_t before = *entry;

    __atomic_store_n(&entry->raw, value.raw, __ATOMIC_RELAXED);
    sim_pte_stored(entry, before, value);
}

static inline void pte_sync(void)
{
    sim_pte_sync();
}
