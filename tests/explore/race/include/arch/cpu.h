/* <arch/cpu.h> where each CPU is a host thread: interrupts are taken where they are turned on. */
#pragma once

#include <arch/pte.h>

#include "kernel/cpu.h"
#include "kernel/types.h"

typedef uint64_t irqflags_t;

extern _Thread_local uint32_t race_cpu;
extern _Thread_local bool race_irqs_off;

void race_poll(void);
void race_relax(void);

static inline irqflags_t cpu_irq_save(void)
{
    irqflags_t flags = race_irqs_off;

    race_irqs_off = true;
    return flags;
}

static inline void cpu_irq_restore(irqflags_t flags)
{
    race_irqs_off = flags != 0;
    race_poll();
}

static inline bool cpu_irqs_on(void)
{
    return !race_irqs_off;
}

static inline void cpu_relax(void)
{
    race_relax();
}

static inline uint32_t cpu_id(void)
{
    return race_cpu;
}

static inline struct cpu *cpu_self(void)
{
    return &cpus[race_cpu];
}

static inline pte_t pte_load(const pte_t *entry)
{
    return (pte_t){__atomic_load_n(&entry->raw, __ATOMIC_RELAXED)};
}

static inline void pte_store(pte_t *entry, pte_t value)
{
    __atomic_store_n(&entry->raw, value.raw, __ATOMIC_RELAXED);
}

static inline void pte_sync(void)
{
}
