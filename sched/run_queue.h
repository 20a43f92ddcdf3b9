/* The run queue of one CPU: shared by core.c and account.c. */
#pragma once

#include "sched/task.h"

#define SCHED_SLICE_NS (10 * NS_PER_MS)
/* A task that has waited this long beside an idle CPU is offered to it. */
#define SCHED_SPREAD_NS (200 * NS_PER_US)

struct run_queue {
    struct spinlock lock; /* guards what follows but the tick and the sums */
    struct list tasks;    /* task->run_node */
    struct task *next;    /* handed the slice by a wake; runs before `tasks` */
    uint32_t nr_queued;   /* next included */
    bool slice_over;
    uint64_t slice_end_ns;
    struct task *switched_from; /* from the switch to finish_switch() */
    struct task *dead;          /* left for good, not yet put */
    struct task *leaving;       /* runnable, but not to run here any more: goes to another queue */
    uint64_t nr_switches;
    struct timer tick;
    uint64_t user_ns, system_ns, idle_ns; /* written by this CPU */
};

extern struct run_queue run_queues[CPU_MAX];
