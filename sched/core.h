/*
 * The scheduler: a round-robin run queue per CPU, slices of 10 ms, direct hand-off of a wake on the same
 * CPU. An idle CPU takes waiting tasks of others; with all busy, one where tasks wait gives its running
 * one away every 40 ms, so that all get equal shares. kernel/wait.h has sleeping and waking.
 */
#pragma once

#include "sched/task.h"

/* Boot, after slab_init(): the running context becomes the idle task of this CPU; no task exists yet. */
void sched_init(void);
/* The same of every other CPU, by itself. */
void sched_init_cpu(void);
/* The boot CPU after start-up, and every other CPU: runs tasks for good. */
NORETURN void sched_idle(void);
/* sched_yield(2). */
void sched_yield(void);
/* trap_ipi(): another CPU put something in this one's run queue. */
void sched_ipi(void);

/* sched_getaffinity(2) and its kin on a tid (0: self). Fails: -ESRCH, -EINVAL, -EPERM. */
NODISCARD int sched_get_affinity(pid_nr_t tid, cpumask_t *out);
NODISCARD int sched_set_affinity(pid_nr_t tid, cpumask_t mask);
/* getpriority(2), setpriority(2): kept, without effect on the round robin. */
NODISCARD int sched_get_nice(int which, int who, int *nice);
NODISCARD int sched_set_nice(int which, int who, int nice);

/* sched/ only. */
/*
 * Requires: a CPU in the mask is online. Does: waits until the task is off a CPU that is not allowed
 * any more, or the caller is killed. It does not run on one afterwards.
 */
void sched_set_allowed(struct task *task, cpumask_t allowed);
void sched_init_task(struct task *task); /* the scheduler's part of a new task, context included */
void sched_preempt(void);                /* gives the CPU to whoever waits */
void sched_start(struct task *task); /* first time runnable */
NORETURN void sched_exit(void);      /* the running task is dead: never returns */
/* Ends a sleep that its mode lets signals end. */
void sched_wake_for_signal(struct task *task, bool fatal);
