/* Scheduling: affinity, priorities, the one policy that there is. */
#include <linux/membarrier.h>

#include "kernel/cpu.h"
#include "sched/core.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* <linux/sched.h> has them beside names that clash. */
enum policy { POLICY_OTHER = 0, POLICY_FIFO = 1, POLICY_RR = 2, POLICY_BATCH = 3, POLICY_IDLE = 5 };

#define RR_SLICE_NS (10 * NS_PER_MS)

SYSCALL_0(sched_yield)
{
    sched_yield();
    return 0;
}

SYSCALL_3(sched_getaffinity, pid_nr_t, tid, uint32_t, len, vaddr_t, out)
{
    cpumask_t mask;
    int result;

    if (len * 8ull < nr_cpus || len % sizeof(uint64_t) != 0) {
        return -EINVAL;
    }
    result = sched_get_affinity(tid, &mask);
    if (result == 0) {
        result = user_copy_out(out, &mask, sizeof(mask));
    }
    return result != 0 ? result : (int64_t)sizeof(mask);
}

SYSCALL_3(sched_setaffinity, pid_nr_t, tid, uint32_t, len, vaddr_t, addr)
{
    cpumask_t mask = 0;
    int result = user_copy_in(&mask, addr, MIN(len, sizeof(mask)));

    return result != 0 ? result : sched_set_affinity(tid, mask);
}

static int check_tid(pid_nr_t tid)
{
    cpumask_t mask;

    return tid < 0 ? -EINVAL : sched_get_affinity(tid, &mask);
}

SYSCALL_1(sched_getscheduler, pid_nr_t, tid)
{
    int result = check_tid(tid);

    return result != 0 ? result : POLICY_OTHER;
}

/* Only the time-sharing policies, which are one here, can be set. */
static int64_t set_policy(pid_nr_t tid, int policy, vaddr_t addr)
{
    int32_t priority;
    int result;

    if (addr == 0 || tid < 0) {
        return -EINVAL;
    }
    result = user_copy_in(&priority, addr, sizeof(priority));
    if (result == 0) {
        result = check_tid(tid);
    }
    if (result != 0) {
        return result;
    }
    if (policy != POLICY_OTHER && policy != POLICY_BATCH && policy != POLICY_IDLE) {
        return -EINVAL;
    }
    return priority == 0 ? 0 : -EINVAL;
}

SYSCALL_3(sched_setscheduler, pid_nr_t, tid, int, policy, vaddr_t, param)
{
    return set_policy(tid, policy & ~0x40000000 /* SCHED_RESET_ON_FORK */, param);
}

SYSCALL_2(sched_setparam, pid_nr_t, tid, vaddr_t, param)
{
    return set_policy(tid, POLICY_OTHER, param);
}

SYSCALL_2(sched_getparam, pid_nr_t, tid, vaddr_t, param)
{
    int32_t priority = 0;
    int result = param == 0 ? -EINVAL : check_tid(tid);

    return result != 0 ? result : user_copy_out(param, &priority, sizeof(priority));
}

static int64_t priority_bound(int policy, int64_t real_time)
{
    switch (policy) {
    case POLICY_FIFO:
    case POLICY_RR:
        return real_time;
    case POLICY_OTHER:
    case POLICY_BATCH:
    case POLICY_IDLE:
        return 0;
    default:
        return -EINVAL;
    }
}

SYSCALL_1(sched_get_priority_max, int, policy)
{
    return priority_bound(policy, 99);
}

SYSCALL_1(sched_get_priority_min, int, policy)
{
    return priority_bound(policy, 1);
}

SYSCALL_2(sched_rr_get_interval, pid_nr_t, tid, vaddr_t, out)
{
    int result = check_tid(tid);

    return result != 0 ? result : user_put_timespec(out, RR_SLICE_NS);
}

/* The system call's own form: 20 - nice, so that no value looks like an error. */
SYSCALL_2(getpriority, int, which, int, who)
{
    int nice, result = sched_get_nice(which, who, &nice);

    return result != 0 ? result : 20 - nice;
}

SYSCALL_3(setpriority, int, which, int, who, int, nice)
{
    return sched_set_nice(which, who, MAX(-20, MIN(19, nice)));
}

SYSCALL_3(getcpu, vaddr_t, cpu_addr, vaddr_t, node_addr, vaddr_t, cache UNUSED)
{
    uint32_t cpu = cpu_id(), node = 0;
    int result = cpu_addr == 0 ? 0 : user_copy_out(cpu_addr, &cpu, sizeof(cpu));

    if (result == 0 && node_addr != 0) {
        result = user_copy_out(node_addr, &node, sizeof(node));
    }
    return result;
}

/* No command is offered, which the query says. */
SYSCALL_3(membarrier, int, command, uint32_t, flags, int, cpu UNUSED)
{
    return command == MEMBARRIER_CMD_QUERY && flags == 0 ? 0 : -EINVAL;
}
