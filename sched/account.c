/*
 * Accounting of CPU time, by switch and by tick; see sched/account.h. Sums of a CPU are written by
 * that CPU alone; a task's by the CPU that runs it.
 */
#include "sched/account.h"

#include "sched/timer_posix.h"

static void add(_Atomic uint64_t *sum, uint64_t ns)
{
    atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + ns,
                          memory_order_relaxed);
}

/* What passed since the last tick was user mode in the proportion that the task's ticks saw. */
static uint64_t likely_user(struct task *task, uint64_t ns)
{
    uint64_t user = atomic_load_explicit(&task->user_tick_ns, memory_order_relaxed);
    uint64_t all = user + atomic_load_explicit(&task->system_tick_ns, memory_order_relaxed);

    return ns * (user / (all / 256 + 1)) / 256;
}

void account_switch(struct run_queue *queue, struct task *prev, struct task *next, uint64_t now)
{
    uint64_t ns = now - prev->ran_since;

    add(&prev->run_ns, ns);
    if (prev->process == &kernel_process) {
        queue->idle_ns += ns;
    } else {
        uint64_t user = likely_user(prev, ns);

        queue->user_ns += user;
        queue->system_ns += ns - user;
    }
    next->ran_since = now;
}

void account_tick(struct run_queue *queue, struct task *task, uint64_t now)
{
    uint64_t ns = now - task->ran_since;

    add(&task->run_ns, ns);
    task->ran_since = now;
    if (task->irq_from_user) {
        add(&task->user_tick_ns, ns);
        queue->user_ns += ns;
    } else {
        add(&task->system_tick_ns, ns);
        queue->system_ns += ns;
    }
    itimer_tick(task);
}

void account_thread_gone_locked(struct process *process, struct task *task)
{
    struct process_times *sum = &process->dead_threads;

    /* Once: what the task runs from here on is nobody's. */
    sum->run_ns += atomic_exchange(&task->run_ns, 0) + (time_now_ns() - task->ran_since);
    task->ran_since = time_now_ns();
    sum->user_tick_ns += atomic_exchange(&task->user_tick_ns, 0);
    sum->system_tick_ns += atomic_exchange(&task->system_tick_ns, 0);
    sum->voluntary += task->nr_voluntary;
    sum->involuntary += task->nr_involuntary;
    task->nr_voluntary = 0;
    task->nr_involuntary = 0;
}
