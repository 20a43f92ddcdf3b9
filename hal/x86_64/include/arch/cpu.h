/* x86_64: one CPU's state as shared code sees it. Inlines only. */
#pragma once

#include <arch/asm.h>
#include <arch/pte.h>

#include "kernel/types.h"

struct cpu;

typedef uint64_t irqflags_t;

static inline irqflags_t cpu_irq_save(void)
{
    irqflags_t flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void cpu_irq_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void cpu_irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void cpu_irq_restore(irqflags_t flags)
{
    if (flags & RFLAGS_IF) {
        cpu_irq_enable();
    }
}

static inline bool cpu_irqs_on(void)
{
    irqflags_t flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
    return (flags & RFLAGS_IF) != 0;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/* STI takes effect after HLT has begun, so that no interrupt is lost between the two. */
static inline void cpu_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Not before the loads in front of it: who saw another CPU's word reads no earlier time (SDM 2B, RDTSC). */
static inline uint64_t cpu_cycles(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return ((uint64_t)high << 32) | low;
}

/* Volatile, since a task may continue on another CPU. */
static inline struct cpu *cpu_self(void)
{
    struct cpu *self;

    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(self) : "i"(CPU_SELF));
    return self;
}

static inline uint32_t cpu_id(void)
{
    uint32_t id;

    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(id) : "i"(CPU_ID));
    return id;
}

static inline pte_t pte_load(const pte_t *ptr)
{
    return (pte_t){__atomic_load_n(&ptr->raw, __ATOMIC_RELAXED)};
}

/* Release: whose walk finds the entry finds what was written to the page before. */
static inline void pte_store(pte_t *ptr, pte_t e)
{
    __atomic_store_n(&ptr->raw, e.raw, __ATOMIC_RELEASE);
}

/* Walkers see stores in program order (SDM 3A 4.10.2.3 wants invalidations only). */
static inline void pte_sync(void)
{
    __asm__ volatile("" : : : "memory");
}
