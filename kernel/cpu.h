/*
 * Per-CPU data. The HAL's part is first, so that assembly reaches it at offset 0 of the CPU pointer.
 * The kernel is not preempted, so a value read through cpu_self() stays this CPU's until the task sleeps.
 */
#pragma once

#include <arch/consts.h>
#include <arch/percpu.h>

#include "kernel/types.h"

struct task;
struct address_space;

struct cpu {
    struct arch_cpu arch;
    uint32_t id;
    struct task *current;
    struct task *idle;
    struct address_space *active_as; /* owner of the root in the register, mm/tlb.c */
    bool need_resched;
};

extern struct cpu cpus[CPU_MAX];
extern uint32_t nr_cpus;
