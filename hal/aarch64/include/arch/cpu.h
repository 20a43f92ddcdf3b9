/* Inlines of aarch64 that shared code uses and that must never be indirect; see <hal/mmu.h>. */
#pragma once

#include <arch/pte.h>

#include "kernel/cpu.h"
#include "kernel/types.h"

typedef uint64_t irqflags_t; /* PSTATE.DAIF */

#define DAIF_IRQ (1u << 7)

static inline irqflags_t cpu_irq_save(void)
{
    irqflags_t flags;

    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(flags)::"memory");
    return flags;
}

static inline void cpu_irq_restore(irqflags_t flags)
{
    __asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}

/* SErrors come on with interrupts: exception entry masks both. */
static inline void cpu_irq_enable(void)
{
    __asm__ volatile("msr daifclr, #6" ::: "memory");
}

static inline void cpu_irq_disable(void)
{
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline bool cpu_irqs_on(void)
{
    irqflags_t flags;

    __asm__ volatile("mrs %0, daif" : "=r"(flags)::"memory");
    return (flags & DAIF_IRQ) == 0;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

/* WFI ends for a pending interrupt even while PSTATE masks it (Arm ARM D1.7). */
static inline void cpu_wait(void)
{
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

/* The ISB keeps the read from being done before earlier instructions (Arm ARM D12.1.2). */
static inline uint64_t cpu_cycles(void)
{
    uint64_t cycles;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(cycles)::"memory");
    return cycles;
}

static inline struct cpu *cpu_self(void)
{
    struct cpu *self;

    __asm__ volatile("mrs %0, tpidr_el1" : "=r"(self));
    return self;
}

static inline uint32_t cpu_id(void)
{
    return cpu_self()->id;
}

static inline pte_t pte_load(const pte_t *entry)
{
    return (pte_t){__atomic_load_n(&entry->raw, __ATOMIC_RELAXED)};
}

/* Release: whose walk finds the entry finds what was written to the page before. */
static inline void pte_store(pte_t *entry, pte_t value)
{
    __atomic_store_n(&entry->raw, value.raw, __ATOMIC_RELEASE);
}

static inline void pte_sync(void)
{
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}
