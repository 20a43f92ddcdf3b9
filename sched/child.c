/*
 * Parents and children: telling a parent, waiting, reaping. A child's state and its parent pointer
 * are read and changed under task_table_lock.
 */
#include "sched/child.h"

#include <linux/wait.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "sched/account.h"
#include "sched/lifecycle.h"
#include "sched/signal_queue.h"

#define NS_PER_CLOCK_TICK (NS_PER_SEC / 100)

static bool parent_wants(struct process *parent, int code)
{
    struct signal_action action;

    spin_lock(&parent->lock);
    action = parent->sighand != NULL ? parent->sighand->action[SIGCHLD - 1]
                                     : (struct signal_action){0};
    spin_unlock(&parent->lock);
    if (action.handler == SIGNAL_IGNORE) {
        return false;
    }
    return (code != CLD_STOPPED && code != CLD_CONTINUED) || (action.flags & SA_NOCLDSTOP) == 0;
}

void child_notify_parent_locked(struct process *child, int signo, int code, int value)
{
    struct process *parent = child->parent;
    siginfo_t info;

    if (parent == NULL) {
        return;
    }
    if (signo > 0 && signo <= SIGNAL_MAX && (signo != SIGCHLD || parent_wants(parent, code))) {
        memset(&info, 0, sizeof(info));
        info.si_signo = signo;
        info.si_code = code;
        info.si_pid = child->pid;
        info.si_uid = process_uid(child);
        info.si_status = value;
        info.si_utime = (__kernel_clock_t)(child->dead_threads.user_ns / NS_PER_CLOCK_TICK);
        info.si_stime = (__kernel_clock_t)(child->dead_threads.system_ns / NS_PER_CLOCK_TICK);
        signal_send_process(parent, signo, &info);
    }
    wait_wake_all(&parent->child_wait);
}

bool child_is_autoreaped_locked(struct process *child)
{
    struct process *parent = child->parent;
    bool result;

    if (parent == NULL || child->exit_signal != SIGCHLD) {
        return false;
    }
    spin_lock(&parent->lock);
    result = parent->sighand != NULL &&
             (parent->sighand->action[SIGCHLD - 1].handler == SIGNAL_IGNORE ||
              (parent->sighand->action[SIGCHLD - 1].flags & SA_NOCLDWAIT) != 0);
    spin_unlock(&parent->lock);
    return result;
}

static bool matches(const struct wait_request *request, struct process *child,
                    struct process *parent)
{
    uint32_t options = (uint32_t)request->options;
    bool clone_child = child->exit_signal != SIGCHLD;

    switch (request->type) {
    case P_PID:
        if (child->pid != request->id) {
            return false;
        }
        break;
    case P_PGID:
        if (child->group->nr != (request->id != 0 ? request->id : parent->group->nr)) {
            return false;
        }
        break;
    default:
        break;
    }
    return (options & __WALL) != 0 || clone_child == ((options & __WCLONE) != 0);
}

static void fill_exit(struct process *child, struct wait_result *out)
{
    int status = child->exit_status;

    out->status = status;
    if ((status & 0x7f) == 0) {
        out->code = CLD_EXITED;
        out->value = status >> 8 & 0xff;
    } else {
        out->code = (status & 0x80) != 0 ? CLD_DUMPED : CLD_KILLED;
        out->value = status & 0x7f;
    }
}

/* Whether the child has something to report; takes the report unless WNOWAIT. */
static bool take_report(const struct wait_request *request, struct process *child,
                        struct wait_result *out)
{
    bool take = (request->options & WNOWAIT) == 0;

    if (child->state == PROCESS_ZOMBIE) {
        if ((request->options & WEXITED) == 0) {
            return false;
        }
        fill_exit(child, out);
        return true;
    }
    if (child->wait_report == REPORT_STOPPED && (request->options & WSTOPPED) != 0) {
        out->status = child->stop_signal << 8 | 0x7f;
        out->code = CLD_STOPPED;
        out->value = child->stop_signal;
    } else if (child->wait_report == REPORT_CONTINUED && (request->options & WCONTINUED) != 0) {
        out->status = 0xffff;
        out->code = CLD_CONTINUED;
        out->value = SIGCONT;
    } else {
        return false;
    }
    if (take) {
        child->wait_report = 0;
    }
    return true;
}

void process_forget(struct process *process)
{
    struct task *leader = process->leader;

    /* Who still has a reference to the process may ask for its credentials. */
    spin_lock(&process->lock);
    process->last_cred = leader->cred;
    cred_get(process->last_cred);
    process->leader = NULL;
    spin_unlock(&process->lock);
    task_put(leader);
    process_put(process);
}

/* 1: *out holds a child's report; 0: nothing yet; -ECHILD. */
static int try_wait(const struct wait_request *request, struct wait_result *out)
{
    struct process *parent = process_current(), *found = NULL;
    bool any = false, reaped = false;

    spin_lock(&task_table_lock);
    list_for_each(it, &parent->children)
    {
        struct process *child = list_entry(it, struct process, sibling_node);

        if (!matches(request, child, parent)) {
            continue;
        }
        any = true;
        if (take_report(request, child, out)) {
            found = child;
            break;
        }
    }
    if (found != NULL) {
        process_get(found);
        out->pid = found->pid;
        out->uid = process_uid(found);
        if (found->state == PROCESS_ZOMBIE && (request->options & WNOWAIT) == 0) {
            reaped = true;
            process_release_locked(found);
        }
    }
    spin_unlock(&task_table_lock);
    if (found == NULL) {
        return any ? 0 : -ECHILD;
    }
    usage_fill(found, true, &out->usage);
    if (reaped) {
        account_child_gone(parent, found);
        process_forget(found);
    }
    process_put(found);
    return 1;
}

int process_wait(const struct wait_request *request, struct wait_result *out)
{
    const uint32_t known = WNOHANG | WEXITED | WSTOPPED | WCONTINUED | WNOWAIT | __WNOTHREAD |
                           __WCLONE | __WALL;
    struct wait_queue *queue = &process_current()->child_wait;
    int found = 0, result;

    memset(out, 0, sizeof(*out));
    if (((uint32_t)request->options & ~known) != 0 ||
        (request->options & (WEXITED | WSTOPPED | WCONTINUED)) == 0) {
        return -EINVAL;
    }
    if ((request->options & WNOHANG) != 0) {
        found = try_wait(request, out);
        return MIN(found, 0);
    }
    result = wait_event_interruptible(queue, (found = try_wait(request, out)) != 0);
    return result != 0 ? result : MIN(found, 0);
}
