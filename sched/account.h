/*
 * Who used the CPU. Each switch adds the exact time; the tick says which part of it was user mode.
 */
#pragma once

#include "sched/run_queue.h"

/* Requires: queue's lock. */
void account_switch(struct run_queue *queue, struct task *prev, struct task *next, uint64_t now);
/* The timer interrupted the running task: IRQ context. */
void account_tick(struct run_queue *queue, struct task *task, uint64_t now);
/* Does: adds an exited thread's figures to its process's. Requires: process->lock. */
void account_thread_gone_locked(struct process *process, struct task *task);
/* Does: adds a reaped child's figures (and its children's) to the parent's. */
void account_child_gone(struct process *parent, struct process *child);
