/* Clocks as system calls name them, and sleeping on them. */
#include <linux/time.h>
#include <linux/time_types.h>

#include "kernel/errno.h"
#include "kernel/wait.h"
#include "sched/oom.h"
#include "sched/timer_posix.h"
#include "sched/usage.h"

/* clock_getcpuclockid(3): ~pid << 3 | thread bit | kind of time. */
#define CPU_CLOCK_THREAD 4
#define CPU_CLOCK_KIND 3
#define CPU_CLOCK_RUN 2

static int cpu_clock_of_thread(pid_nr_t tid, uint64_t *out)
{
    struct task *task = tid == 0 ? task_current() : task_find(tid);
    int result = -EINVAL;

    if (task == NULL) {
        return -EINVAL;
    }
    if (task->process == process_current()) {
        *out = usage_task_ns(task);
        result = 0;
    }
    if (tid != 0) {
        task_put(task);
    }
    return result;
}

static int cpu_clock_of_process(pid_nr_t pid, uint64_t *out)
{
    struct process *process;

    if (pid == 0) {
        *out = usage_process_ns(process_current());
        return 0;
    }
    process = process_find(pid);
    if (process == NULL) {
        return -EINVAL;
    }
    *out = usage_process_ns(process);
    process_put(process);
    return 0;
}

static int cpu_clock_get(int clock, uint64_t *out)
{
    pid_nr_t id = ~(clock >> 3);

    if ((clock & CPU_CLOCK_KIND) != CPU_CLOCK_RUN || id < 0) {
        return -EINVAL;
    }
    return (clock & CPU_CLOCK_THREAD) != 0 ? cpu_clock_of_thread(id, out)
                                           : cpu_clock_of_process(id, out);
}

int clock_get(int clock, uint64_t *out)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *out = time_wall_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *out = time_now_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *out = usage_process_ns(process_current());
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *out = usage_task_ns(task_current());
        return 0;
    default:
        return clock < 0 ? cpu_clock_get(clock, out) : -EINVAL;
    }
}

int clock_resolution(int clock, uint64_t *out)
{
    uint64_t now;
    int result = clock_get(clock, &now);

    *out = 1;
    return result;
}

static void put_rest(vaddr_t remain, uint64_t deadline)
{
    uint64_t now = time_now_ns(), rest = deadline > now ? deadline - now : 0;
    struct __kernel_timespec ts = {(int64_t)(rest / NS_PER_SEC), (int64_t)(rest % NS_PER_SEC)};

    /* nanosleep(2) reports the signal even where the rest cannot be stored. */
    (void)!user_copy_out(remain, &ts, sizeof(ts));
}

static int sleep_until(uint64_t deadline)
{
    int result;

    do {
        sched_prepare(WAIT_INTERRUPTIBLE);
        result = sched_block(deadline);
    } while (result == 0);
    return result == -ETIMEDOUT ? 0 : result;
}

static int64_t sleep_restart(struct restart_block *block)
{
    uint64_t deadline = block->arg[0];
    vaddr_t remain = block->arg[1];

    if (sleep_until(deadline) == 0) {
        return 0;
    }
    if (remain != 0) {
        put_rest(remain, deadline);
    }
    return -ERESTART_RESTARTBLOCK;
}

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
    return b > WAIT_FOREVER - 1 - a ? WAIT_FOREVER - 1 : a + b;
}

int64_t clock_sleep(int clock, int flags, uint64_t ns, vaddr_t remain)
{
    struct restart_block *restart = &task_current()->restart;
    uint64_t now = time_now_ns(), wall;

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_TAI:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        break;
    case CLOCK_THREAD_CPUTIME_ID:
        return -EINVAL;
    default:
        return clock < 0 || clock > CLOCK_TAI ? -EINVAL : -EOPNOTSUPP;
    }
    if ((flags & TIMER_ABSTIME) != 0) {
        if (clock == CLOCK_REALTIME || clock == CLOCK_TAI) {
            wall = time_wall_ns(); /* before now: a wait may end late, never early */
            now = time_now_ns();
            ns = saturating_add(now, ns > wall ? ns - wall : 0);
        }
        return sleep_until(ns) == 0 ? 0 : -ERESTARTNOHAND;
    }
    *restart = (struct restart_block){sleep_restart, {saturating_add(now, ns), remain}};
    return sleep_restart(restart);
}
