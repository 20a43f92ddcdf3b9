/* prctl(2). What is not kept here answers -EINVAL, as an older Linux does. */
#include <linux/capability.h>
#include <linux/prctl.h>

#include "kernel/string.h"
#include "sched/cred_change.h"
#include "sched/signal.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

#define TIMER_SLACK_DEFAULT_NS 50000u

static int64_t set_name(vaddr_t addr)
{
    char name[TASK_COMM_LEN] = {0};
    ssize64_t len = user_copy_in_string(name, addr, sizeof(name));

    if (len < 0 && len != -ENAMETOOLONG) {
        return len;
    }
    name[TASK_COMM_LEN - 1] = 0;
    task_set_comm(task_current(), name);
    return 0;
}

static int64_t get_name(vaddr_t addr)
{
    char name[TASK_COMM_LEN] = {0};

    task_get_comm(task_current(), name);
    return user_copy_out(addr, name, sizeof(name));
}

static int64_t put_int(vaddr_t addr, int value)
{
    return user_copy_out(addr, &value, sizeof(value));
}

static int64_t set_death_signal(uint64_t signo)
{
    if (signo > SIGNAL_MAX) {
        return -EINVAL;
    }
    task_current()->pdeath_signal = (int)signo;
    return 0;
}

static int64_t set_subreaper(bool on)
{
    spin_lock(&task_table_lock);
    process_current()->is_subreaper = on;
    spin_unlock(&task_table_lock);
    return 0;
}

static int64_t set_dumpable(uint64_t value)
{
    if (value > 1) {
        return -EINVAL;
    }
    process_current()->dumpable = (int)value;
    return 0;
}

static int64_t ambient(uint64_t what, uint64_t cap, uint64_t rest)
{
    if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
        return cap | rest ? -EINVAL : 0;
    }
    if (cap > CAP_LAST_CAP || rest != 0) {
        return -EINVAL;
    }
    switch (what) {
    case PR_CAP_AMBIENT_IS_SET:
    case PR_CAP_AMBIENT_LOWER:
        return 0;
    case PR_CAP_AMBIENT_RAISE:
        return -EPERM; /* none is ever inheritable */
    default:
        return -EINVAL;
    }
}

static int64_t prctl_task(int option, uint64_t arg2, uint64_t rest)
{
    struct task *task = task_current();

    switch (option) {
    case PR_SET_PDEATHSIG:
        return set_death_signal(arg2);
    case PR_GET_PDEATHSIG:
        return put_int(arg2, task->pdeath_signal);
    case PR_SET_NAME:
        return set_name(arg2);
    case PR_GET_NAME:
        return get_name(arg2);
    case PR_SET_TIMERSLACK:
        task->timer_slack_ns = arg2 == 0 ? TIMER_SLACK_DEFAULT_NS : (uint32_t)arg2;
        return 0;
    case PR_GET_TIMERSLACK:
        return task->timer_slack_ns;
    case PR_SET_NO_NEW_PRIVS:
        if (arg2 != 1 || rest != 0) {
            return -EINVAL;
        }
        task->no_new_privs = true;
        return 0;
    case PR_GET_NO_NEW_PRIVS:
        return arg2 | rest ? -EINVAL : task->no_new_privs;
    default:
        return -EINVAL;
    }
}

SYSCALL_5(prctl, int, option, uint64_t, arg2, uint64_t, arg3, uint64_t, arg4, uint64_t, arg5)
{
    switch (option) {
    case PR_GET_DUMPABLE:
        return process_current()->dumpable;
    case PR_SET_DUMPABLE:
        return set_dumpable(arg2);
    case PR_SET_CHILD_SUBREAPER:
        return set_subreaper(arg2 != 0);
    case PR_GET_CHILD_SUBREAPER:
        return put_int(arg2, process_current()->is_subreaper);
    case PR_CAPBSET_READ:
        return arg2 > CAP_LAST_CAP ? -EINVAL : (int64_t)(task_cred()->cap_bounding >> arg2 & 1);
    case PR_CAPBSET_DROP:
        return arg2 > CAP_LAST_CAP ? -EINVAL : cred_drop_bound((unsigned)arg2);
    case PR_CAP_AMBIENT:
        return ambient(arg2, arg3, arg4 | arg5);
    case PR_GET_KEEPCAPS:
    case PR_GET_SECUREBITS:
    case PR_GET_SECCOMP:
        return 0;
    case PR_SET_KEEPCAPS:
        return arg2 == 0 ? 0 : -EINVAL;
    default:
        return prctl_task(option, arg2, arg3 | arg4 | arg5);
    }
}
