/*
 * alarm(2), setitimer(2) and RLIMIT_CPU. ITIMER_REAL is a kernel timer; the two that count CPU time
 * are looked at by the tick, and only in processes that armed one. All under process->lock.
 */
#include <linux/time.h>

#include "kernel/errno.h"
#include "sched/signal_queue.h"
#include "sched/timer_internal.h"
#include "sched/usage.h"

#define REAL_INTERVAL_MIN_NS (100 * NS_PER_US)

static void real_fire(struct timer *timer)
{
    struct process *process = container_of(timer, struct process, real_timer);
    uint64_t now = time_now_ns();

    spin_lock(&process->lock);
    if (process->real_deadline_ns != 0 && process->real_deadline_ns <= now) {
        (void)signal_send_locked(process, NULL, SIGALRM, NULL, NULL);
        if (process->real_interval_ns == 0) {
            process->real_deadline_ns = 0;
        } else {
            uint64_t missed = (now - process->real_deadline_ns) / process->real_interval_ns;

            process->real_deadline_ns += (missed + 1) * process->real_interval_ns;
            timer_arm(timer, MAX(process->real_deadline_ns, now + REAL_INTERVAL_MIN_NS));
        }
    }
    spin_unlock(&process->lock);
}

void itimer_init(struct process *process)
{
    timer_init(&process->real_timer, real_fire);
}

static struct timer_setting real_get_locked(struct process *process)
{
    uint64_t now = time_now_ns(), deadline = process->real_deadline_ns;

    return (struct timer_setting){
        deadline == 0 ? 0 : (deadline > now ? deadline - now : 1), process->real_interval_ns};
}

static void real_change(struct process *process, const struct timer_setting *set,
                        struct timer_setting *old)
{
    spin_lock(&process->lock);
    if (old != NULL) {
        *old = real_get_locked(process);
    }
    if (set != NULL) {
        process->real_interval_ns = set->interval_ns;
        process->real_deadline_ns = 0;
        if (set->value_ns != 0) {
            process->real_deadline_ns = time_now_ns() + MIN(set->value_ns, (uint64_t)INT64_MAX);
            timer_arm(&process->real_timer, process->real_deadline_ns);
        }
        /* Else it stays armed and fires for nothing: a cancel waits for fire(), which wants the lock. */
    }
    spin_unlock(&process->lock);
}

uint64_t itimer_alarm(uint64_t seconds)
{
    struct timer_setting set = {seconds * NS_PER_SEC, 0}, old;

    real_change(process_current(), &set, &old);
    /* alarm(2): rounded, but never to zero while something is left. */
    return old.value_ns == 0 ? 0 : MAX((old.value_ns + NS_PER_SEC / 2) / NS_PER_SEC, 1ull);
}

/* The clock that ITIMER_VIRTUAL (0) or ITIMER_PROF (1) runs on. */
static uint64_t cpu_clock(struct process *process, unsigned which)
{
    uint64_t user, system;

    usage_process_split(process, &user, &system);
    return which == 0 ? user : user + system;
}

static void cpu_change(unsigned which, const struct timer_setting *set, struct timer_setting *old)
{
    struct process *process = process_current();
    uint64_t now = cpu_clock(process, which);

    spin_lock(&process->lock);
    if (old != NULL) {
        uint64_t value = process->cpu_timer[which].value_ns;

        old->value_ns = value == 0 ? 0 : (value > now ? value - now : 1);
        old->interval_ns = process->cpu_timer[which].interval_ns;
    }
    if (set != NULL) {
        process->cpu_timer[which].value_ns =
            set->value_ns == 0 ? 0 : now + MIN(set->value_ns, (uint64_t)INT64_MAX);
        process->cpu_timer[which].interval_ns = set->interval_ns;
        process->ticking = true;
    }
    spin_unlock(&process->lock);
}

int itimer_change(int which, const struct timer_setting *set, struct timer_setting *old)
{
    switch (which) {
    case ITIMER_REAL:
        real_change(process_current(), set, old);
        return 0;
    case ITIMER_VIRTUAL:
        cpu_change(0, set, old);
        return 0;
    case ITIMER_PROF:
        cpu_change(1, set, old);
        return 0;
    default:
        return -EINVAL;
    }
}

void itimer_cancel_all(struct process *process)
{
    struct timer_setting off = {0, 0};

    real_change(process, &off, NULL);
    if (process->real_timer.deadline_ns != 0) { /* was ever armed */
        timer_cancel(&process->real_timer);
    }
}

/* Returns whether the timer is still armed. */
static bool cpu_check_locked(struct process *process, unsigned which, uint64_t now)
    REQUIRES(process->lock)
{
    uint64_t value = process->cpu_timer[which].value_ns;
    uint64_t interval = process->cpu_timer[which].interval_ns;

    if (value == 0 || value > now) {
        return value != 0;
    }
    process->cpu_timer[which].value_ns =
        interval == 0 ? 0 : value + ((now - value) / interval + 1) * interval;
    (void)signal_send_locked(process, NULL, which == 0 ? SIGVTALRM : SIGPROF, NULL, NULL);
    return interval != 0;
}

/* setrlimit(2): SIGXCPU each second past the soft limit, SIGKILL at the hard one. */
static bool limit_check_locked(struct process *process, uint64_t now) REQUIRES(process->lock)
{
    const struct rlimit64 *limit = &process->rlimits[RLIMIT_CPU];
    uint64_t seconds = now / NS_PER_SEC;

    if (limit->rlim_cur == RLIM64_INFINITY) {
        return false;
    }
    if (seconds >= limit->rlim_max) {
        signal_begin_exit_locked(process, SIGKILL);
    } else if (seconds >= MAX(limit->rlim_cur, process->cpu_warned_s + 1)) {
        process->cpu_warned_s = seconds;
        (void)signal_send_locked(process, NULL, SIGXCPU, NULL, NULL);
    }
    return true;
}

void itimer_tick(struct task *task)
{
    struct process *process = task->process;
    uint64_t user, system;
    bool more;

    if (!process->ticking) {
        return;
    }
    usage_process_split(process, &user, &system);
    spin_lock(&process->lock);
    more = cpu_check_locked(process, 0, user);
    more = cpu_check_locked(process, 1, user + system) || more;
    more = limit_check_locked(process, user + system) || more;
    more = posix_timers_tick_locked(task, user + system) || more;
    process->ticking = more;
    spin_unlock(&process->lock);
}
