/*
 * Per-CPU data. The HAL's part is first, so that assembly reaches it at offset 0 of the CPU pointer.
 * The kernel is not preempted, so a value read through cpu_self() stays this CPU's until the task sleeps.
 */
#pragma once

#include <arch/consts.h>
#include <arch/percpu.h>

#include "kernel/types.h"

struct task;
struct trap_frame;
struct address_space;

struct cpu {
    struct arch_cpu arch;
    uint32_t id;
    struct task *current;
    struct task *idle;
    struct address_space *active_as; /* owner of the root in the register, mm/tlb.c */
    _Atomic uint32_t ipi_pending;    /* enum ipi_kind, kernel/ipi.c */
    const struct trap_frame *irq_frame; /* what the latest interrupt interrupted */
    void *idle_stack;                /* NULL on the boot CPU */
};

extern struct cpu cpus[CPU_MAX];
/* Those that the HAL knows: numbers below it. cpus_online says which of them run. */
extern uint32_t nr_cpus;
extern _Atomic cpumask_t cpus_online;
