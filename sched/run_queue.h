/* The run queue of one CPU: shared by core.c and account.c. */
#pragma once

#include "sched/task.h"

#define SCHED_SLICE_NS (10 * NS_PER_MS)
/* In so long a busy CPU gives at most one task to a CPU where fewer wait. */
#define SCHED_BALANCE_NS (40 * NS_PER_MS)
/* A task that has waited this long beside an idle CPU is offered to it. */
#define SCHED_SPREAD_NS (200 * NS_PER_US)

struct run_queue {
    struct spinlock lock; /* guards what follows but the tick and the sums */
    struct list tasks;    /* task->run_node */
    struct task *next;    /* handed the slice by a wake; runs before `tasks` */
    uint32_t nr_queued;   /* next included */
    bool slice_over;
    uint8_t elsewhere; /* slice_over or leaving: the CPU where the running task goes on */
    uint64_t slice_end_ns;
    struct task *switched_from; /* from the switch to finish_switch() */
    struct task *dead;          /* left for good, not yet put */
    struct task *leaving;       /* runnable, but goes on elsewhere */
    uint64_t balance_ns;        /* no task is given away before */
    uint64_t nr_switches;
    struct timer tick;
    uint64_t user_ns, system_ns, idle_ns; /* written by this CPU */
} ALIGNED(CACHE_LINE);

extern struct run_queue run_queues[CPU_MAX];
