/* Timers of a process: between itimer.c, posix_timer.c and the life cycle. */
#pragma once

#include "sched/timer_posix.h"

void itimer_init(struct process *process);
/* CPU-clock timers, with the process's lock held. Returns whether any is armed. */
bool posix_timers_tick_locked(struct task *task, uint64_t process_ns);
