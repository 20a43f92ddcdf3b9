/* CPU affinity, which the scheduler obeys, and nice values, kept for those who ask. */
#include <linux/capability.h>
#include <linux/resource.h>

#include "kernel/errno.h"
#include "sched/core.h"
#include "sched/lifecycle.h"

static cpumask_t all_cpus(void)
{
    return nr_cpus >= 64 ? ~(cpumask_t)0 : ((cpumask_t)1 << nr_cpus) - 1;
}

static struct task *find_or_self(pid_nr_t tid)
{
    return task_find(tid == 0 ? task_current()->tid : tid);
}

static bool may_change(struct task *task)
{
    const struct cred *own = task_cred();
    struct cred *cred = process_get_cred(task->process);
    bool result = own->euid == cred->uid || own->euid == cred->euid ||
                  cred_capable(own, CAP_SYS_NICE);

    cred_put(cred);
    return result;
}

int sched_get_affinity(pid_nr_t tid, cpumask_t *out)
{
    struct task *task = find_or_self(tid);

    if (task == NULL) {
        return -ESRCH;
    }
    *out = task->cpus_allowed & all_cpus();
    task_put(task);
    return 0;
}

int sched_set_affinity(pid_nr_t tid, cpumask_t mask)
{
    struct task *task = find_or_self(tid);
    int result = 0;

    if (task == NULL) {
        return -ESRCH;
    }
    if (!may_change(task)) {
        result = -EPERM;
    } else if ((mask & all_cpus()) == 0) {
        result = -EINVAL;
    } else {
        sched_set_allowed(task, mask & all_cpus());
    }
    task_put(task);
    return result;
}

struct nice_walk {
    int which, who, best, nice;
    bool set;
    uint32_t nr_found;
    int error;
};

static bool nice_applies(const struct nice_walk *walk, struct process *process)
{
    if (walk->which == PRIO_PGRP) {
        return process->group->nr == (walk->who != 0 ? walk->who : process_current()->group->nr);
    }
    return process_uid(process) ==
           (walk->who != 0 ? (uint32_t)walk->who : task_cred()->uid);
}

static void nice_one(struct task *task, struct nice_walk *walk)
{
    walk->nr_found++;
    if (!walk->set) {
        walk->best = MIN(walk->best, task->nice);
    } else if (!may_change(task)) {
        walk->error = -EPERM;
    } else if (walk->nice < task->nice && !cred_capable(task_cred(), CAP_SYS_NICE)) {
        walk->error = -EACCES;
    } else {
        task->nice = walk->nice;
    }
}

static void nice_visit(struct process *process, void *arg)
{
    struct nice_walk *walk = arg;

    if (nice_applies(walk, process)) {
        list_for_each(it, &process->threads)
        {
            nice_one(list_entry(it, struct task, thread_node), walk);
        }
    }
}

static int nice_walk(struct nice_walk *walk)
{
    if (walk->which == PRIO_PROCESS) {
        struct task *task = find_or_self(walk->who);

        if (task != NULL) {
            nice_one(task, walk);
            task_put(task);
        }
    } else if (walk->which == PRIO_PGRP || walk->which == PRIO_USER) {
        spin_lock(&task_table_lock);
        process_for_each_locked(nice_visit, walk);
        spin_unlock(&task_table_lock);
    } else {
        return -EINVAL;
    }
    return walk->nr_found == 0 ? -ESRCH : walk->error;
}

int sched_get_nice(int which, int who, int *nice)
{
    struct nice_walk walk = {.which = which, .who = who, .best = PRIO_MAX};
    int result = nice_walk(&walk);

    *nice = walk.best;
    return result;
}

int sched_set_nice(int which, int who, int nice)
{
    struct nice_walk walk = {.which = which, .who = who, .set = true};

    walk.nice = MAX(PRIO_MIN, nice);
    walk.nice = MIN(walk.nice, PRIO_MAX - 1);
    return nice_walk(&walk);
}
