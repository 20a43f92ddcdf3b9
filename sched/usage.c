/*
 * Times and resources as system calls report them. The user and system parts of a time are the
 * exact run time split in the proportion that the tick saw, and never go backwards.
 */
#include "sched/usage.h"

#include <linux/times.h>

#include "kernel/errno.h"
#include "mm/address_space.h"
#include "sched/account.h"

#define NS_PER_CLOCK_TICK (NS_PER_SEC / 100) /* USER_HZ */
#define LOAD_SHIFT 11
#define LOAD_PERIOD_NS (5 * NS_PER_SEC)

struct split {
    uint64_t run_ns, user_tick_ns, system_tick_ns;
};

uint64_t usage_task_ns(struct task *task)
{
    irqflags_t flags = cpu_irq_save(); /* a tick adds to the one what it takes from the other */
    uint64_t ns = atomic_load(&task->run_ns);

    if (task == task_current()) {
        ns += time_now_ns() - task->ran_since;
    }
    cpu_irq_restore(flags);
    return ns;
}

static void add_task(struct split *sum, struct task *task)
{
    sum->run_ns += usage_task_ns(task);
    sum->user_tick_ns += atomic_load(&task->user_tick_ns);
    sum->system_tick_ns += atomic_load(&task->system_tick_ns);
}

/* All threads, dead ones included. */
static struct split process_sum(struct process *process)
{
    struct split sum;

    spin_lock(&task_table_lock);
    sum.run_ns = process->dead_threads.run_ns;
    sum.user_tick_ns = process->dead_threads.user_tick_ns;
    sum.system_tick_ns = process->dead_threads.system_tick_ns;
    list_for_each(it, &process->threads)
    {
        add_task(&sum, list_entry(it, struct task, thread_node));
    }
    spin_unlock(&task_table_lock);
    return sum;
}

static uint64_t user_part(const struct split *sum)
{
    uint64_t user = sum->user_tick_ns, all = user + sum->system_tick_ns;

    if (user == 0) {
        return 0;
    }
    /* Below 2^31 no product overflows. */
    while (all >> 31 != 0) {
        all >>= 1;
        user >>= 1;
    }
    return sum->run_ns / all * user + sum->run_ns % all * user / all;
}

/* The sum lacks what others have run since their last tick: each may read more than the next. */
uint64_t usage_process_ns(struct process *process)
{
    uint64_t ns = process_sum(process).run_ns;

    spin_lock(&process->lock);
    ns = MAX(ns, process->dead_threads.told_ns);
    process->dead_threads.told_ns = ns;
    spin_unlock(&process->lock);
    return ns;
}

void usage_process_split(struct process *process, uint64_t *user_ns, uint64_t *system_ns)
{
    struct split sum = process_sum(process);
    struct process_times *last = &process->dead_threads;
    uint64_t user = user_part(&sum), system;

    spin_lock(&process->lock);
    user = MAX(user, last->user_ns);
    system = sum.run_ns > user ? sum.run_ns - user : 0;
    if (system < last->system_ns) {
        system = last->system_ns;
        user = MAX(last->user_ns, sum.run_ns > system ? sum.run_ns - system : 0);
    }
    last->user_ns = user;
    last->system_ns = system;
    spin_unlock(&process->lock);
    *user_ns = user;
    *system_ns = system;
}

static struct __kernel_old_timeval to_timeval(uint64_t ns)
{
    return (struct __kernel_old_timeval){(__kernel_long_t)(ns / NS_PER_SEC),
                                         (__kernel_long_t)(ns % NS_PER_SEC / NS_PER_US)};
}

/* The space's peak and faults, with what earlier programs of the process had. */
static void fill_memory(struct process *process, struct rusage *out)
{
    uint64_t faults = process->dead_threads.minor_faults;
    uint64_t peak = process->dead_threads.max_rss_bytes;
    struct address_space *as = process_get_as(process);

    if (as != NULL) {
        uint64_t own_faults, own_peak;

        as_get_usage(as, &own_faults, &own_peak);
        as_put(as);
        faults += own_faults;
        peak = MAX(peak, own_peak);
    }
    out->ru_minflt = (__kernel_long_t)faults;
    out->ru_maxrss = (__kernel_long_t)(peak / 1024);
}

static void fill_children(struct process *process, struct rusage *out)
{
    struct process_times times;

    spin_lock(&process->lock);
    times = process->dead_children;
    spin_unlock(&process->lock);
    *out = (struct rusage){.ru_utime = to_timeval(times.user_ns),
                           .ru_stime = to_timeval(times.system_ns),
                           .ru_maxrss = (__kernel_long_t)(times.max_rss_bytes / 1024),
                           .ru_minflt = (__kernel_long_t)times.minor_faults,
                           .ru_nvcsw = (__kernel_long_t)times.voluntary,
                           .ru_nivcsw = (__kernel_long_t)times.involuntary};
}

static void add_timeval(struct __kernel_old_timeval *to, const struct __kernel_old_timeval *from)
{
    to->tv_sec += from->tv_sec;
    to->tv_usec += from->tv_usec;
    if (to->tv_usec >= 1000000) {
        to->tv_usec -= 1000000;
        to->tv_sec++;
    }
}

static void add_usage(struct rusage *to, const struct rusage *from)
{
    add_timeval(&to->ru_utime, &from->ru_utime);
    add_timeval(&to->ru_stime, &from->ru_stime);
    to->ru_maxrss = MAX(to->ru_maxrss, from->ru_maxrss);
    to->ru_minflt += from->ru_minflt;
    to->ru_nvcsw += from->ru_nvcsw;
    to->ru_nivcsw += from->ru_nivcsw;
}

void usage_fill(struct process *process, bool children, struct rusage *out)
{
    uint64_t user, system, voluntary, involuntary;

    usage_process_split(process, &user, &system);
    spin_lock(&task_table_lock);
    voluntary = process->dead_threads.voluntary;
    involuntary = process->dead_threads.involuntary;
    list_for_each(it, &process->threads)
    {
        struct task *task = list_entry(it, struct task, thread_node);

        voluntary += task->nr_voluntary;
        involuntary += task->nr_involuntary;
    }
    spin_unlock(&task_table_lock);
    *out = (struct rusage){.ru_utime = to_timeval(user),
                           .ru_stime = to_timeval(system),
                           .ru_nvcsw = (__kernel_long_t)voluntary,
                           .ru_nivcsw = (__kernel_long_t)involuntary};
    fill_memory(process, out);
    if (children) {
        struct rusage below;

        fill_children(process, &below);
        add_usage(out, &below);
    }
}

static void fill_thread(struct task *task, struct rusage *out)
{
    struct split sum = {0};
    uint64_t user;

    add_task(&sum, task);
    user = user_part(&sum);
    *out = (struct rusage){.ru_utime = to_timeval(user),
                           .ru_stime = to_timeval(sum.run_ns - user),
                           .ru_nvcsw = (__kernel_long_t)task->nr_voluntary,
                           .ru_nivcsw = (__kernel_long_t)task->nr_involuntary};
    fill_memory(task->process, out);
}

int usage_get(int who, struct rusage *out)
{
    switch (who) {
    case RUSAGE_SELF:
        usage_fill(process_current(), false, out);
        return 0;
    case RUSAGE_CHILDREN:
        fill_children(process_current(), out);
        return 0;
    case RUSAGE_THREAD:
        fill_thread(task_current(), out);
        return 0;
    default:
        return -EINVAL;
    }
}

void usage_get_times(struct tms *out)
{
    struct process *process = process_current();
    uint64_t user, system;

    usage_process_split(process, &user, &system);
    out->tms_utime = (__kernel_clock_t)(user / NS_PER_CLOCK_TICK);
    out->tms_stime = (__kernel_clock_t)(system / NS_PER_CLOCK_TICK);
    spin_lock(&process->lock);
    out->tms_cutime = (__kernel_clock_t)(process->dead_children.user_ns / NS_PER_CLOCK_TICK);
    out->tms_cstime = (__kernel_clock_t)(process->dead_children.system_ns / NS_PER_CLOCK_TICK);
    spin_unlock(&process->lock);
}

void account_child_gone(struct process *parent, struct process *child)
{
    struct process_times *sum = &parent->dead_children;
    struct process_times own = child->dead_threads, below = child->dead_children;
    uint64_t user, system;

    usage_process_split(child, &user, &system);
    spin_lock(&parent->lock);
    sum->user_ns += user + below.user_ns;
    sum->system_ns += system + below.system_ns;
    sum->minor_faults += own.minor_faults + below.minor_faults;
    sum->voluntary += own.voluntary + below.voluntary;
    sum->involuntary += own.involuntary + below.involuntary;
    sum->max_rss_bytes = MAX(sum->max_rss_bytes, own.max_rss_bytes);
    sum->max_rss_bytes = MAX(sum->max_rss_bytes, below.max_rss_bytes);
    spin_unlock(&parent->lock);
}

void usage_cpu(uint32_t cpu, uint64_t *user_ns, uint64_t *system_ns, uint64_t *idle_ns)
{
    struct run_queue *queue = &run_queues[cpu];

    *user_ns = queue->user_ns;
    *system_ns = queue->system_ns;
    *idle_ns = queue->idle_ns;
    if (cpus[cpu].current != NULL && cpus[cpu].current == cpus[cpu].idle) {
        *idle_ns += time_now_ns() - cpus[cpu].idle->ran_since;
    }
}

uint64_t usage_context_switches(void)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < nr_cpus; i++) {
        sum += run_queues[i].nr_switches;
    }
    return sum;
}

uint32_t usage_runnable(void)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < nr_cpus; i++) {
        sum += run_queues[i].nr_queued;
        sum += cpus[i].current != NULL && cpus[i].current != cpus[i].idle;
    }
    return sum;
}

/*
 * proc(5): averages with decay e^(-5/60), e^(-5/300), e^(-5/900) per 5 s, in 11-bit fixed point.
 * Brought up to date when somebody asks; between two questions the load counts as it is now.
 */
void usage_load(uint32_t out[3])
{
    static const uint32_t decay[3] = {1884, 2014, 2037};
    static struct spinlock lock = SPINLOCK_INIT;
    static uint64_t next_ns, load[3];
    uint64_t now = time_now_ns(), active = (uint64_t)usage_runnable() << LOAD_SHIFT;

    spin_lock(&lock);
    for (unsigned round = 0; next_ns <= now && round < 1000; round++) {
        for (unsigned i = 0; i < 3; i++) {
            load[i] = (load[i] * decay[i] + active * ((1u << LOAD_SHIFT) - decay[i])) >> LOAD_SHIFT;
        }
        next_ns += LOAD_PERIOD_NS;
    }
    if (next_ns <= now) {
        next_ns = now + LOAD_PERIOD_NS;
    }
    for (unsigned i = 0; i < 3; i++) {
        out[i] = (uint32_t)load[i];
    }
    spin_unlock(&lock);
}
