/* Clocks, sleeping, timers. */
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/times.h>

#include "sched/timer_posix.h"
#include "sched/usage.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

SYSCALL_2(clock_gettime, int, clock, vaddr_t, out)
{
    uint64_t ns;
    int result = clock_get(clock, &ns);

    return result != 0 ? result : user_put_timespec(out, ns);
}

SYSCALL_2(clock_getres, int, clock, vaddr_t, out)
{
    uint64_t ns;
    int result = clock_resolution(clock, &ns);

    return result != 0 || out == 0 ? result : user_put_timespec(out, ns);
}

static int64_t set_wall(uint64_t ns)
{
    if (!cred_capable(task_cred(), CAP_SYS_TIME)) {
        return -EPERM;
    }
    /* Linux refuses a wall clock that would put boot before 1970. */
    if (ns < time_now_ns()) {
        return -EINVAL;
    }
    time_set_wall_ns(ns);
    return 0;
}

SYSCALL_2(clock_settime, int, clock, vaddr_t, addr)
{
    uint64_t ns;
    int result;

    if (clock != CLOCK_REALTIME) {
        return -EINVAL;
    }
    result = user_get_timespec(addr, &ns);
    return result != 0 ? result : set_wall(ns);
}

SYSCALL_4(clock_nanosleep, int, clock, int, flags, vaddr_t, addr, vaddr_t, remain)
{
    uint64_t ns;
    int result = clock_get(clock, &ns);

    if (result == 0) {
        result = user_get_timespec(addr, &ns);
    }
    return result != 0 ? result : clock_sleep(clock, flags, ns, remain);
}

SYSCALL_2(nanosleep, vaddr_t, addr, vaddr_t, remain)
{
    uint64_t ns;
    int result = user_get_timespec(addr, &ns);

    return result != 0 ? result : clock_sleep(CLOCK_MONOTONIC, 0, ns, remain);
}

static int put_zone(vaddr_t addr)
{
    struct timezone zone = {0, 0};

    return addr == 0 ? 0 : user_copy_out(addr, &zone, sizeof(zone));
}

SYSCALL_2(gettimeofday, vaddr_t, tv, vaddr_t, zone)
{
    int result = tv == 0 ? 0 : user_put_timeval(tv, time_wall_ns());

    return result != 0 ? result : put_zone(zone);
}

SYSCALL_2(settimeofday, vaddr_t, tv, vaddr_t, zone_addr)
{
    struct timezone zone;
    uint64_t ns = 0;
    int result = tv == 0 ? 0 : user_get_timeval(tv, &ns);

    if (result == 0 && zone_addr != 0) {
        result = user_copy_in(&zone, zone_addr, sizeof(zone));
    }
    if (result == 0 && !cred_capable(task_cred(), CAP_SYS_TIME)) {
        result = -EPERM;
    }
    if (result != 0 || tv == 0) {
        return result;
    }
    return set_wall(ns);
}

struct user_itimerval {
    struct __kernel_old_timeval interval, value;
};
struct user_itimerspec {
    struct __kernel_timespec interval, value;
};

static int put_itimerval(vaddr_t addr, const struct timer_setting *setting)
{
    int result = user_put_timeval(addr, setting->interval_ns);

    return result != 0 ? result
                       : user_put_timeval(addr + offsetof(struct user_itimerval, value),
                                          setting->value_ns);
}

SYSCALL_2(getitimer, int, which, vaddr_t, out)
{
    struct timer_setting old;
    int result = itimer_change(which, NULL, &old);

    return result != 0 ? result : put_itimerval(out, &old);
}

SYSCALL_3(setitimer, int, which, vaddr_t, new_addr, vaddr_t, old_addr)
{
    struct timer_setting set = {0}, old;
    int result = 0;

    if (new_addr != 0) {
        result = user_get_timeval(new_addr, &set.interval_ns);
        if (result == 0) {
            result = user_get_timeval(new_addr + offsetof(struct user_itimerval, value),
                                      &set.value_ns);
        }
    }
    if (result == 0) {
        result = itimer_change(which, &set, &old);
    }
    return result != 0 || old_addr == 0 ? result : put_itimerval(old_addr, &old);
}

SYSCALL_3(timer_create, int, clock, vaddr_t, event_addr, vaddr_t, id_addr)
{
    struct sigevent event;
    int id, result = 0;

    if (event_addr != 0) {
        result = user_copy_in(&event, event_addr, sizeof(event));
    }
    if (result == 0) {
        result = posix_timer_create(clock, event_addr != 0 ? &event : NULL, &id);
    }
    if (result != 0) {
        return result;
    }
    result = user_copy_out(id_addr, &id, sizeof(id));
    if (result != 0) {
        (void)!posix_timer_delete(id);
    }
    return result;
}

static int put_itimerspec(vaddr_t addr, const struct timer_setting *setting)
{
    int result = user_put_timespec(addr, setting->interval_ns);

    return result != 0 ? result
                       : user_put_timespec(addr + offsetof(struct user_itimerspec, value),
                                           setting->value_ns);
}

SYSCALL_4(timer_settime, int, id, int, flags, vaddr_t, new_addr, vaddr_t, old_addr)
{
    struct timer_setting set, old;
    int result;

    if (new_addr == 0) {
        return -EINVAL;
    }
    result = user_get_timespec(new_addr, &set.interval_ns);
    if (result == 0) {
        result =
            user_get_timespec(new_addr + offsetof(struct user_itimerspec, value), &set.value_ns);
    }
    if (result == 0) {
        result = posix_timer_set(id, flags, &set, &old);
    }
    return result != 0 || old_addr == 0 ? result : put_itimerspec(old_addr, &old);
}

SYSCALL_2(timer_gettime, int, id, vaddr_t, out)
{
    struct timer_setting setting;
    int result = posix_timer_get(id, &setting);

    return result != 0 ? result : put_itimerspec(out, &setting);
}

SYSCALL_1(timer_getoverrun, int, id)
{
    return posix_timer_overrun(id);
}

SYSCALL_1(timer_delete, int, id)
{
    return posix_timer_delete(id);
}

SYSCALL_1(times, vaddr_t, out)
{
    struct tms tms;
    int result;

    if (out != 0) {
        usage_get_times(&tms);
        result = user_copy_out(out, &tms, sizeof(tms));
        if (result != 0) {
            return result;
        }
    }
    return (int64_t)(time_now_ns() / (NS_PER_SEC / 100));
}
