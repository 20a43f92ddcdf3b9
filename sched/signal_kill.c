/* kill(2) and its kin: whom a number names, and who may signal whom (kill(2), "permission"). */
#include <linux/capability.h>

#include "kernel/errno.h"
#include "sched/lifecycle.h"
#include "sched/signal_queue.h"

/* Requires: task_table_lock, which keeps the session. */
static bool may_signal_locked(struct process *process, int signo)
{
    const struct cred *own = task_cred();
    struct cred *cred;
    bool result;

    if (process == process_current() || cred_capable(own, CAP_KILL)) {
        return true;
    }
    if (signo == SIGCONT && process->session == process_current()->session) {
        return true;
    }
    cred = process_get_cred(process);
    result = own->euid == cred->uid || own->euid == cred->suid || own->uid == cred->uid ||
             own->uid == cred->suid;
    cred_put(cred);
    return result;
}

static int send_locked(struct process *process, struct task *task, int signo,
                       const siginfo_t *info)
{
    int result = 0;

    if (!may_signal_locked(process, signo)) {
        return -EPERM;
    }
    if (signo != 0) {
        spin_lock(&process->lock);
        result = signal_send_locked(process, task, signo, info, NULL);
        spin_unlock(&process->lock);
    }
    return result;
}

static struct process *find_process_locked(pid_nr_t pid) REQUIRES(task_table_lock)
{
    struct pid_entry *entry = pid > 0 && pid < PID_MAX ? pid_find_locked(pid) : NULL;

    return entry != NULL && entry->task != NULL ? entry->task->process : NULL;
}

/* 0 if one could be signalled, else the last error. */
static int kill_group_locked(pid_nr_t pgid, int signo, const siginfo_t *info)
    REQUIRES(task_table_lock)
{
    struct pid_entry *group = pgid > 0 && pgid < PID_MAX ? pid_find_locked(pgid) : NULL;
    int result = -ESRCH;
    bool sent = false;

    if (group == NULL) {
        return -ESRCH;
    }
    list_for_each(it, &group->members)
    {
        struct process *process = list_entry(it, struct process, group_node);

        result = send_locked(process, NULL, signo, info);
        signal_note_group_locked(process);
        sent = sent || result == 0;
    }
    return sent ? 0 : result;
}

struct broadcast {
    int signo;
    const siginfo_t *info;
    uint32_t nr_tried, nr_sent;
};

static void broadcast_one(struct process *process, void *arg)
{
    struct broadcast *broadcast = arg;

    if (process->pid == 1 || process == process_current()) {
        return;
    }
    broadcast->nr_tried++;
    broadcast->nr_sent += send_locked(process, NULL, broadcast->signo, broadcast->info) == 0;
    signal_note_group_locked(process);
}

static int kill_all_locked(int signo, const siginfo_t *info) REQUIRES(task_table_lock)
{
    struct broadcast broadcast = {signo, info, 0, 0};

    process_for_each_locked(broadcast_one, &broadcast);
    if (broadcast.nr_tried == 0) {
        return -ESRCH;
    }
    return broadcast.nr_sent > 0 ? 0 : -EPERM;
}

int signal_kill(pid_nr_t pid, int signo)
{
    siginfo_t info = signal_info_user(signo, SI_USER);
    struct process *process;
    int result;

    if (signo < 0 || signo > SIGNAL_MAX) {
        return -EINVAL;
    }
    if (pid == INT32_MIN) {
        return -ESRCH;
    }
    spin_lock(&task_table_lock);
    if (pid > 0) {
        process = find_process_locked(pid);
        result = process != NULL ? send_locked(process, NULL, signo, &info) : -ESRCH;
    } else if (pid == -1) {
        result = kill_all_locked(signo, &info);
    } else {
        result = kill_group_locked(pid == 0 ? process_current()->group->nr : -pid, signo, &info);
    }
    spin_unlock(&task_table_lock);
    return result;
}

static int send_thread(pid_nr_t tgid, pid_nr_t tid, int signo, const siginfo_t *info)
{
    struct pid_entry *entry;
    int result = -ESRCH;

    spin_lock(&task_table_lock);
    entry = tid < PID_MAX ? pid_find_locked(tid) : NULL;
    if (entry != NULL && entry->task != NULL && (tgid == -1 || entry->task->process->pid == tgid)) {
        result = send_locked(entry->task->process, entry->task, signo, info);
    }
    spin_unlock(&task_table_lock);
    return result;
}

int signal_tgkill(pid_nr_t tgid, pid_nr_t tid, int signo)
{
    siginfo_t info = signal_info_user(signo, SI_TKILL);

    if (tid <= 0 || (tgid <= 0 && tgid != -1) || signo < 0 || signo > SIGNAL_MAX) {
        return -EINVAL;
    }
    return send_thread(tgid, tid, signo, &info);
}

int signal_queue_info(pid_nr_t tgid, pid_nr_t tid, int signo, const siginfo_t *info)
{
    struct process *process;
    int result = -ESRCH;

    if (tid <= 0 || (tgid <= 0 && tgid != -1)) {
        return -EINVAL;
    }
    /* Nobody may pretend that the kernel or kill(2) sent it, but to itself. */
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && tid != process_current()->pid &&
        tid != task_current()->tid) {
        return -EPERM;
    }
    if (signo < 0 || signo > SIGNAL_MAX) {
        return -EINVAL;
    }
    if (tgid != -1) {
        return send_thread(tgid, tid, signo, info);
    }
    spin_lock(&task_table_lock);
    process = find_process_locked(tid);
    if (process != NULL) {
        result = send_locked(process, NULL, signo, info);
    }
    spin_unlock(&task_table_lock);
    return result;
}
