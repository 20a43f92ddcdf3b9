/* Sleeping, alarms, interval timers and POSIX timers; clocks for clock_gettime(2). Times are ns. */
#pragma once

#include "sched/task.h"

/* The clock's value. Fails: -EINVAL for an unknown clock (CPU clocks of other processes included). */
NODISCARD int clock_get(int clock, uint64_t *out);
NODISCARD int clock_resolution(int clock, uint64_t *out);

/*
 * nanosleep(2), clock_nanosleep(2). flags: TIMER_ABSTIME. remain: user address of the timespec that gets
 * the rest of a relative sleep that a handler ended, or 0. Value: 0 or an -errno (a restart one on signals).
 */
NODISCARD int64_t clock_sleep(int clock, int flags, uint64_t ns, vaddr_t remain);

struct timer_setting {
    uint64_t value_ns, interval_ns; /* value 0: off */
};

/* alarm(2): the seconds that were left. */
uint64_t itimer_alarm(uint64_t seconds);
/* setitimer(2), getitimer(2): which = ITIMER_*. set or old may be NULL. */
NODISCARD int itimer_change(int which, const struct timer_setting *set, struct timer_setting *old);

/* timer_create(2). event NULL: SIGALRM to the process with the timer's id. */
NODISCARD int posix_timer_create(int clock, const struct sigevent *event, int *id);
NODISCARD int posix_timer_set(int id, int flags, const struct timer_setting *set,
                              struct timer_setting *old);
NODISCARD int posix_timer_get(int id, struct timer_setting *out);
NODISCARD int posix_timer_overrun(int id);
NODISCARD int posix_timer_delete(int id);

/* sched/ only. Exec and exit. */
void posix_timers_delete_all(struct process *process);
void itimer_cancel_all(struct process *process);
/* From the tick: CPU-time timers and RLIMIT_CPU of the running task's process. IRQ context. */
void itimer_tick(struct task *task);
