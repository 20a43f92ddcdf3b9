/* Resource limits. Memory limits live in the space too, which checks them; this keeps both equal. */
#include "sched/rlimit.h"

#include <linux/capability.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "sched/task.h"

#define NOFILE_MAX (1u << 20) /* sysctl fs.nr_open */

uint64_t rlimit_get(unsigned resource)
{
    struct process *process = process_current();

    return READ_ONCE(process->rlimits[resource].rlim_cur);
}

static struct as_limits limits_of(struct process *process)
{
    struct as_limits limits;

    spin_lock(&process->lock);
    limits = (struct as_limits){
        .as_bytes = process->rlimits[RLIMIT_AS].rlim_cur,
        .data_bytes = process->rlimits[RLIMIT_DATA].rlim_cur,
        .stack_bytes = process->rlimits[RLIMIT_STACK].rlim_cur,
        .memlock_bytes = process->rlimits[RLIMIT_MEMLOCK].rlim_cur,
    };
    spin_unlock(&process->lock);
    return limits;
}

/* Who sets them last, of two that change some at once, sets the last. */
void rlimit_apply(struct process *process)
{
    struct address_space *as = process_get_as(process);
    struct as_limits now, set;

    if (as == NULL) {
        return;
    }
    now = limits_of(process);
    do {
        set = now;
        as_set_limits(as, &set);
        now = limits_of(process);
    } while (memcmp(&now, &set, sizeof(now)) != 0);
    as_put(as);
}

/* prlimit(2): the target's ids must all be the caller's real ones. */
static bool may_change(struct process *process)
{
    const struct cred *own = task_cred();
    struct cred *cred;
    bool result;

    if (process == process_current() || cred_capable(own, CAP_SYS_RESOURCE)) {
        return true;
    }
    cred = process_get_cred(process);
    result = own->uid == cred->uid && own->uid == cred->euid && own->uid == cred->suid &&
             own->gid == cred->gid && own->gid == cred->egid && own->gid == cred->sgid;
    cred_put(cred);
    return result;
}

static int change_locked(struct process *process, unsigned resource, const struct rlimit64 *set)
    REQUIRES(process->lock)
{
    struct rlimit64 *limit = &process->rlimits[resource];

    if (set->rlim_cur > set->rlim_max || (resource == RLIMIT_NOFILE && set->rlim_max > NOFILE_MAX)) {
        return set->rlim_cur > set->rlim_max ? -EINVAL : -EPERM;
    }
    if (set->rlim_max > limit->rlim_max && !cred_capable(task_cred(), CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    *limit = *set;
    if (resource == RLIMIT_CPU) {
        process->ticking = true;
        process->cpu_warned_s = 0;
    }
    return 0;
}

static bool is_memory(unsigned resource)
{
    return resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_STACK ||
           resource == RLIMIT_MEMLOCK;
}

int rlimit_change(pid_nr_t pid, unsigned resource, const struct rlimit64 *set,
                  struct rlimit64 *old)
{
    struct task *task;
    int result = 0;

    if (resource >= RLIM_NLIMITS) {
        return -EINVAL;
    }
    task = task_find(pid == 0 ? task_current()->tid : pid);
    if (task == NULL) {
        return -ESRCH;
    }
    if (!may_change(task->process)) {
        task_put(task);
        return -EPERM;
    }
    spin_lock(&task->process->lock);
    if (old != NULL) {
        *old = task->process->rlimits[resource];
    }
    if (set != NULL) {
        result = change_locked(task->process, resource, set);
    }
    spin_unlock(&task->process->lock);
    if (set != NULL && result == 0 && is_memory(resource)) {
        rlimit_apply(task->process);
    }
    task_put(task);
    return result;
}
