/* Interrupts between CPUs: a word of reasons for each CPU, and calls that the sender waits for. */
#pragma once

#include "kernel/types.h"

struct trap_frame;

enum ipi_kind {
    IPI_RESCHED = 1, /* look at the run queue and the task's work again */
    IPI_CALL = 2,
    IPI_STOP = 4, /* a panic: never returns */
};

void ipi_send(cpumask_t cpus, enum ipi_kind kind);
/*
 * Requires: IRQs on, no spinlock held. Does: runs fn(arg) on each of the CPUs that is online, this
 * one included, with IRQs off; returns when all have.
 */
void ipi_call(cpumask_t cpus, void (*fn)(void *arg), void *arg);
/* IPI handler, IRQs off. Returns whether the scheduler is to look again. */
bool ipi_handle(const struct trap_frame *frame);
/* Does: stops the other CPUs, for good. Returns those that answered. For panic(). */
cpumask_t ipi_stop_others(void);
