/*
 * POSIX timers: timer_create(2) and its kin. Each has one signal entry of its own: while that is
 * queued the timer rests, and taking the signal counts what was missed and arms it again, so that
 * no interval is short enough to keep the CPU busy. All state is under process->lock.
 */
#include <linux/time.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "sched/signal_queue.h"
#include "sched/timer_internal.h"
#include "sched/usage.h"

#define OVERRUN_MAX INT32_MAX
#define IGNORED_INTERVAL_MIN_NS NS_PER_MS

struct posix_timer {
    struct list node; /* process->posix_timers */
    struct process *process;
    struct task *target;   /* SIGEV_THREAD_ID, referenced */
    struct task *measured; /* CLOCK_THREAD_CPUTIME_ID: whose clock, referenced */
    int id, clock, notify, signo;
    union sigval value;
    struct timer timer;
    uint64_t deadline_ns, interval_ns; /* deadline 0: off; on the CPU clock for CPU timers */
    int overrun;                       /* of the signal taken last */
    bool resting;                      /* fired; armed again when its signal is taken */
    struct signal_entry entry;
};

static bool is_cpu_clock(int clock)
{
    return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

static void start_locked(struct posix_timer *timer, uint64_t earliest)
{
    if (is_cpu_clock(timer->clock)) {
        timer->process->ticking = true;
    } else if (timer->notify != SIGEV_NONE) {
        timer_arm(&timer->timer, MAX(timer->deadline_ns, earliest));
    }
}

/* Moves the deadline past now. Returns the intervals that went by besides the first. */
static uint64_t advance_locked(struct posix_timer *timer, uint64_t now)
{
    uint64_t missed = 0;

    if (timer->interval_ns != 0 && timer->deadline_ns <= now) {
        missed = (now - timer->deadline_ns) / timer->interval_ns;
        timer->deadline_ns += (missed + 1) * timer->interval_ns;
    }
    return missed;
}

/* Requires: the process's lock, which callers hold under another name than the analysis knows. */
NO_LOCK_ANALYSIS static void expire_locked(struct posix_timer *timer, uint64_t now)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = timer->signo;
    info.si_code = SI_TIMER;
    info.si_tid = timer->id;
    info.si_value = timer->value;
    if (timer->notify != SIGEV_NONE && list_empty(&timer->entry.node)) {
        struct task *target = (timer->notify & SIGEV_THREAD_ID) != 0 ? timer->target : NULL;

        (void)signal_send_locked(timer->process, target, timer->signo, &info, &timer->entry);
    }
    if (!list_empty(&timer->entry.node)) {
        timer->resting = true;
    } else if (timer->interval_ns != 0) {
        (void)advance_locked(timer, now);
        start_locked(timer, now + IGNORED_INTERVAL_MIN_NS);
    } else {
        timer->deadline_ns = 0;
    }
}

static void posix_timer_fire(struct timer *base)
{
    struct posix_timer *timer = container_of(base, struct posix_timer, timer);
    struct process *process = timer->process;
    uint64_t now = time_now_ns();

    spin_lock(&process->lock);
    if (timer->deadline_ns != 0 && timer->deadline_ns <= now && !timer->resting) {
        expire_locked(timer, now);
    }
    spin_unlock(&process->lock);
}

void posix_timer_taken_locked(struct posix_timer *timer, siginfo_t *info)
{
    timer->overrun = 0;
    if (timer->resting) {
        timer->resting = false;
        if (timer->interval_ns == 0) {
            timer->deadline_ns = 0;
        } else if (is_cpu_clock(timer->clock)) {
            timer->deadline_ns += timer->interval_ns;
            start_locked(timer, 0);
        } else {
            uint64_t missed = advance_locked(timer, time_now_ns());

            timer->overrun = (int)MIN(missed, (uint64_t)OVERRUN_MAX);
            start_locked(timer, 0);
        }
    }
    info->si_overrun = timer->overrun;
}

bool posix_timers_tick_locked(struct task *task, uint64_t process_ns)
{
    struct process *process = task->process;
    bool more = false;

    list_for_each(it, &process->posix_timers)
    {
        struct posix_timer *timer = list_entry(it, struct posix_timer, node);
        uint64_t now = process_ns;

        if (!is_cpu_clock(timer->clock) || timer->deadline_ns == 0) {
            continue;
        }
        if (timer->clock == CLOCK_THREAD_CPUTIME_ID) {
            now = usage_task_ns(timer->measured);
        }
        if (timer->deadline_ns <= now && !timer->resting) {
            expire_locked(timer, now);
        }
        more = true;
    }
    return more;
}

static struct posix_timer *find_locked(struct process *process, int id)
{
    list_for_each(it, &process->posix_timers)
    {
        struct posix_timer *timer = list_entry(it, struct posix_timer, node);

        if (timer->id == id) {
            return timer;
        }
    }
    return NULL;
}

static int check_clock(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return 0;
    default:
        return clock >= 0 && clock <= CLOCK_TAI ? -EOPNOTSUPP : -EINVAL;
    }
}

/* Fills in how the timer notifies. Fails: -EINVAL. */
static int set_event(struct posix_timer *timer, const struct sigevent *event)
{
    struct task *task;

    if (event == NULL) {
        timer->notify = SIGEV_SIGNAL;
        timer->signo = SIGALRM;
        timer->value.sival_int = timer->id;
        return 0;
    }
    timer->notify = event->sigev_notify;
    timer->signo = event->sigev_signo;
    timer->value = event->sigev_value;
    switch (timer->notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:
        break;
    case SIGEV_SIGNAL | SIGEV_THREAD_ID:
        task = task_find(event->sigev_notify_thread_id);
        if (task == NULL) {
            return -EINVAL;
        }
        if (task->process != timer->process) {
            task_put(task);
            return -EINVAL;
        }
        timer->target = task;
        break;
    default:
        return -EINVAL;
    }
    return timer->signo < 1 || timer->signo > SIGNAL_MAX ? -EINVAL : 0;
}

static void timer_free(struct posix_timer *timer)
{
    if (timer->target != NULL) {
        task_put(timer->target);
    }
    if (timer->measured != NULL) {
        task_put(timer->measured);
    }
    kfree(timer);
}

/* Each timer counts as one queued signal: setrlimit(2), RLIMIT_SIGPENDING. */
static bool reserve(struct process *process)
{
    bool result;

    spin_lock(&process->lock);
    result = process->nr_queued_signals < process->rlimits[RLIMIT_SIGPENDING].rlim_cur;
    process->nr_queued_signals += result;
    spin_unlock(&process->lock);
    return result;
}

static void unreserve(struct process *process)
{
    spin_lock(&process->lock);
    process->nr_queued_signals--;
    spin_unlock(&process->lock);
}

int posix_timer_create(int clock, const struct sigevent *event, int *id)
{
    struct process *process = process_current();
    struct posix_timer *timer;
    int result = check_clock(clock);

    if (result != 0) {
        return result;
    }
    if (!reserve(process)) {
        return -EAGAIN;
    }
    timer = kzalloc(sizeof(*timer));
    if (timer == NULL) {
        unreserve(process);
        return -EAGAIN;
    }
    timer->process = process;
    timer->clock = clock;
    timer->entry.timer = timer;
    list_init(&timer->entry.node);
    timer_init(&timer->timer, posix_timer_fire);
    spin_lock(&process->lock);
    timer->id = process->next_timer_id++;
    spin_unlock(&process->lock);
    result = set_event(timer, event);
    if (result != 0) {
        unreserve(process);
        timer_free(timer);
        return result;
    }
    if (clock == CLOCK_THREAD_CPUTIME_ID) {
        timer->measured = task_current();
        task_get(timer->measured);
    }
    *id = timer->id;
    spin_lock(&process->lock);
    list_push_back(&process->posix_timers, &timer->node);
    spin_unlock(&process->lock);
    return 0;
}

/* now: of a CPU clock; others are read here, after the setting that they are compared with. */
static void get_locked(struct posix_timer *timer, uint64_t now, struct timer_setting *out)
{
    now = is_cpu_clock(timer->clock) ? now : time_now_ns();
    *out = (struct timer_setting){0, timer->interval_ns};
    if (timer->deadline_ns == 0) {
        return;
    }
    if (timer->notify == SIGEV_NONE) {
        (void)advance_locked(timer, now);
        out->value_ns = timer->deadline_ns > now ? timer->deadline_ns - now : 0;
    } else if (timer->deadline_ns > now) {
        out->value_ns = timer->deadline_ns - now;
    } else if (timer->interval_ns != 0) {
        out->value_ns = timer->interval_ns - (now - timer->deadline_ns) % timer->interval_ns;
    } else {
        out->value_ns = timer->resting ? 0 : 1;
    }
}

/* The deadline on the timer's own clock that a setting means. */
static uint64_t deadline_of(const struct posix_timer *timer, uint64_t now, int flags,
                            uint64_t value)
{
    if ((flags & TIMER_ABSTIME) == 0) {
        return now + MIN(value, (uint64_t)INT64_MAX);
    }
    if (timer->clock == CLOCK_REALTIME || timer->clock == CLOCK_TAI) {
        uint64_t wall = time_wall_ns();

        now = time_now_ns(); /* after wall: a timer may fire late, never early */
        value = value > wall ? now + MIN(value - wall, (uint64_t)INT64_MAX) : now;
    }
    return MAX(value, 1ull);
}

/* The clock is read first: CPU clocks take the table's lock, which comes before the process's. */
static uint64_t now_of(struct process *process, int id)
{
    struct posix_timer *timer;
    int clock = CLOCK_MONOTONIC;
    struct task *measured = NULL;
    uint64_t now = time_now_ns();

    spin_lock(&process->lock);
    timer = find_locked(process, id);
    if (timer != NULL && is_cpu_clock(timer->clock)) {
        clock = timer->clock;
        measured = timer->measured;
        if (measured != NULL) {
            task_get(measured);
        }
    }
    spin_unlock(&process->lock);
    if (clock == CLOCK_PROCESS_CPUTIME_ID) {
        now = usage_process_ns(process);
    } else if (clock == CLOCK_THREAD_CPUTIME_ID) {
        now = usage_task_ns(measured);
    }
    if (measured != NULL) {
        task_put(measured);
    }
    return now;
}

int posix_timer_set(int id, int flags, const struct timer_setting *set, struct timer_setting *old)
{
    struct process *process = process_current();
    uint64_t now = now_of(process, id);
    struct posix_timer *timer;

    spin_lock(&process->lock);
    timer = find_locked(process, id);
    if (timer == NULL) {
        spin_unlock(&process->lock);
        return -EINVAL;
    }
    if (old != NULL) {
        get_locked(timer, now, old);
    }
    timer->interval_ns = set->value_ns == 0 ? 0 : set->interval_ns;
    timer->overrun = 0;
    timer->resting = false;
    timer->deadline_ns = set->value_ns == 0 ? 0 : deadline_of(timer, now, flags, set->value_ns);
    if (timer->deadline_ns != 0) {
        start_locked(timer, 0);
    }
    /* An armed kernel timer of a timer that is off fires into nothing. */
    spin_unlock(&process->lock);
    return 0;
}

int posix_timer_get(int id, struct timer_setting *out)
{
    struct process *process = process_current();
    uint64_t now = now_of(process, id);
    struct posix_timer *timer;

    spin_lock(&process->lock);
    timer = find_locked(process, id);
    if (timer != NULL) {
        get_locked(timer, now, out);
    }
    spin_unlock(&process->lock);
    return timer != NULL ? 0 : -EINVAL;
}

int posix_timer_overrun(int id)
{
    struct process *process = process_current();
    struct posix_timer *timer;
    int result;

    spin_lock(&process->lock);
    timer = find_locked(process, id);
    result = timer != NULL ? timer->overrun : -EINVAL;
    spin_unlock(&process->lock);
    return result;
}

/* Its signal, if queued, stays pending without its details. */
static void unlink_locked(struct posix_timer *timer)
{
    list_remove(&timer->node);
    list_remove(&timer->entry.node);
    timer->process->nr_queued_signals--;
    timer->deadline_ns = 0;
}

int posix_timer_delete(int id)
{
    struct process *process = process_current();
    struct posix_timer *timer;

    spin_lock(&process->lock);
    timer = find_locked(process, id);
    if (timer != NULL) {
        unlink_locked(timer);
    }
    spin_unlock(&process->lock);
    if (timer == NULL) {
        return -EINVAL;
    }
    timer_cancel(&timer->timer);
    timer_free(timer);
    return 0;
}

void posix_timers_delete_all(struct process *process)
{
    for (;;) {
        struct posix_timer *timer = NULL;

        spin_lock(&process->lock);
        if (!list_empty(&process->posix_timers)) {
            timer = list_first(&process->posix_timers, struct posix_timer, node);
            unlink_locked(timer);
        }
        spin_unlock(&process->lock);
        if (timer == NULL) {
            return;
        }
        timer_cancel(&timer->timer);
        timer_free(timer);
    }
}
