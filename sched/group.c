/*
 * Process groups and sessions, and job control as the tty sees it (kernel/jobctl.h). A group is the
 * entry of its number: it lives as long as it has members, zombies included (credentials(7)).
 */
#include "sched/group.h"

#include "fs/tty.h"
#include "kernel/errno.h"
#include "kernel/jobctl.h"
#include "sched/lifecycle.h"
#include "sched/signal_queue.h"

static bool process_is_alive(const struct process *process)
{
    return process->state == PROCESS_ALIVE;
}

bool group_is_orphaned_locked(struct pid_entry *group, struct process *except)
{
    list_for_each(it, &group->members)
    {
        struct process *process = list_entry(it, struct process, group_node);
        struct process *parent = process->parent;

        if (process == except || !process_is_alive(process) || parent == NULL ||
            parent->pid == 1) {
            continue;
        }
        if (parent->group != group && parent->session == process->session) {
            return false;
        }
    }
    return true;
}

static bool group_has_stopped(struct pid_entry *group)
{
    list_for_each(it, &group->members)
    {
        if (list_entry(it, struct process, group_node)->group_stop) {
            return true;
        }
    }
    return false;
}

void group_check_orphan_locked(struct process *process, struct process *parent)
{
    struct pid_entry *group = process->group;
    struct process *except = NULL;

    if (parent == NULL) {
        parent = process->parent;
        except = process;
    }
    if (parent == NULL || parent->group == group || parent->session != process->session) {
        return;
    }
    if (group_is_orphaned_locked(group, except) && group_has_stopped(group)) {
        signal_send_group_locked(group, SIGHUP, NULL);
        signal_send_group_locked(group, SIGCONT, NULL);
    }
}

/* The caller or one of its children that has not exec'ed. */
static int find_subject_locked(pid_nr_t pid, struct process **out) REQUIRES(task_table_lock)
{
    struct process *self = process_current(), *process = self;

    if (pid != 0 && pid != self->pid) {
        struct pid_entry *entry = pid > 0 && pid < PID_MAX ? pid_find_locked(pid) : NULL;

        if (entry == NULL || entry->task == NULL || entry->task->process->leader != entry->task ||
            entry->task->process->parent != self) {
            return -ESRCH;
        }
        process = entry->task->process;
        if (process->session != self->session) {
            return -EPERM;
        }
        if (process->has_execed) {
            return -EACCES;
        }
    }
    *out = process;
    return 0;
}

static int group_set_locked(pid_nr_t pid, pid_nr_t pgid) REQUIRES(task_table_lock)
{
    struct process *process;
    struct pid_entry *group;
    int result = find_subject_locked(pid, &process);

    if (result != 0) {
        return result;
    }
    if (process->session->nr == process->pid) {
        return -EPERM;
    }
    if (pgid == 0 || pgid == process->pid) {
        group = process->leader->pid;
    } else {
        group = pgid < PID_MAX ? pid_find_locked(pgid) : NULL;
        if (group == NULL || list_empty(&group->members) ||
            list_first(&group->members, struct process, group_node)->session != process->session) {
            return -EPERM;
        }
    }
    if (group != process->group) {
        process_leave_group_locked(process);
        process_join_group_locked(process, group);
    }
    return 0;
}

int group_set(pid_nr_t pid, pid_nr_t pgid)
{
    int result;

    if (pgid < 0) {
        return -EINVAL;
    }
    spin_lock(&task_table_lock);
    result = group_set_locked(pid, pgid);
    spin_unlock(&task_table_lock);
    return result;
}

/* Any thread's number will do. */
static struct process *process_of_locked(pid_nr_t pid) REQUIRES(task_table_lock)
{
    struct pid_entry *entry;

    if (pid == 0) {
        return process_current();
    }
    entry = pid > 0 && pid < PID_MAX ? pid_find_locked(pid) : NULL;
    return entry != NULL && entry->task != NULL ? entry->task->process : NULL;
}

int64_t group_get(pid_nr_t pid)
{
    struct process *process;
    int64_t result = -ESRCH;

    spin_lock(&task_table_lock);
    process = process_of_locked(pid);
    if (process != NULL) {
        result = process->group->nr;
    }
    spin_unlock(&task_table_lock);
    return result;
}

int64_t group_get_session(pid_nr_t pid)
{
    struct process *process;
    int64_t result = -ESRCH;

    spin_lock(&task_table_lock);
    process = process_of_locked(pid);
    if (process != NULL) {
        result = process->session->nr;
    }
    spin_unlock(&task_table_lock);
    return result;
}

int64_t group_new_session(void)
{
    struct process *process = process_current();
    struct pid_entry *entry, *old;
    int64_t result = -EPERM;

    spin_lock(&task_table_lock);
    entry = process->leader->pid;
    /* A group of this number may have other members even if we left it. */
    if (list_empty(&entry->members) && entry->nr_session == 0) {
        old = process->session;
        process_leave_group_locked(process);
        process_join_group_locked(process, entry);
        process->session = entry;
        entry->nr_session = 1;
        entry->tty = NULL;
        old->nr_session--;
        pid_release_locked(old);
        result = entry->nr;
    }
    spin_unlock(&task_table_lock);
    return result;
}

void session_leader_exit(struct process *process)
{
    void *tty;
    pid_nr_t sid;

    spin_lock(&task_table_lock);
    sid = process->session->nr;
    tty = process->session->tty;
    process->session->tty = NULL;
    spin_unlock(&task_table_lock);
    tty_session_exit(tty, sid);
}

pid_nr_t job_pgid(void)
{
    pid_nr_t pgid;

    spin_lock(&task_table_lock);
    pgid = process_current()->group->nr;
    spin_unlock(&task_table_lock);
    return pgid;
}

pid_nr_t job_sid(void)
{
    pid_nr_t sid;

    spin_lock(&task_table_lock);
    sid = process_current()->session->nr;
    spin_unlock(&task_table_lock);
    return sid;
}

bool job_is_session_leader(void)
{
    return job_sid() == process_current()->pid;
}

/* The group if it exists and belongs to the session, else NULL. */
static struct pid_entry *find_in_session_locked(pid_nr_t pgid, pid_nr_t sid)
    REQUIRES(task_table_lock)
{
    struct pid_entry *group = pgid > 0 && pgid < PID_MAX ? pid_find_locked(pgid) : NULL;

    if (group == NULL || list_empty(&group->members)) {
        return NULL;
    }
    return list_first(&group->members, struct process, group_node)->session->nr == sid ? group
                                                                                       : NULL;
}

bool job_group_in_session(pid_nr_t pgid, pid_nr_t sid)
{
    bool result;

    spin_lock(&task_table_lock);
    result = find_in_session_locked(pgid, sid) != NULL;
    spin_unlock(&task_table_lock);
    return result;
}

bool job_group_is_orphaned(pid_nr_t pgid)
{
    struct pid_entry *group;
    bool result;

    spin_lock(&task_table_lock);
    group = pgid > 0 && pgid < PID_MAX ? pid_find_locked(pgid) : NULL;
    result = group == NULL || group_is_orphaned_locked(group, NULL);
    spin_unlock(&task_table_lock);
    return result;
}

void job_signal_group(pid_nr_t pgid, pid_nr_t sid, int signo)
{
    struct pid_entry *group;

    spin_lock(&task_table_lock);
    group = find_in_session_locked(pgid, sid);
    if (group != NULL) {
        signal_send_group_locked(group, signo, NULL);
    }
    spin_unlock(&task_table_lock);
}

void *job_tty(void)
{
    void *tty;

    spin_lock(&task_table_lock);
    tty = process_current()->session->tty;
    spin_unlock(&task_table_lock);
    return tty;
}

void job_set_tty(void *tty)
{
    spin_lock(&task_table_lock);
    process_current()->session->tty = tty;
    spin_unlock(&task_table_lock);
}
