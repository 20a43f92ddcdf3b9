/*
 * The end of tasks and processes. A thread first leaves everything that it shares, the last one
 * takes the space, timers and handlers with it; then, under task_table_lock, the thread leaves the
 * process, and the process becomes a zombie or, if nobody will wait, nothing.
 */
#include "fs/fd_table.h"
#include "fs/path.h"
#include "kernel/assert.h"
#include "kernel/errno.h"
#include "mm/address_space.h"
#include "sched/account.h"
#include "sched/core.h"
#include "sched/futex.h"
#include "sched/lifecycle.h"
#include "sched/oom.h"
#include "sched/signal_queue.h"
#include "sched/timer_posix.h"

/* From here on the task takes no signals, and none disturbs its sleeps. */
static void refuse_signals(struct task *task)
{
    struct process *process = task->process;
    bool stop_complete = false;

    spin_lock(&process->lock);
    task->exiting = true;
    if (process->group_exit) {
        task->exit_code = process->group_exit_code;
    }
    signal_flush_locked(process, &task->pending, ~0ull);
    if (process->group_stop && !task->counted_stop) {
        stop_complete = --process->nr_to_stop == 0;
    }
    signal_pass_on_locked(task);
    spin_unlock(&process->lock);
    atomic_fetch_and(&task->work, TASK_WORK_RESCHED);
    if (stop_complete) {
        signal_tell_parent_stop(process, false);
    }
}

/* set_tid_address(2): only where somebody else can see the word. */
static void clear_tid(struct task *task)
{
    static const uint32_t zero;
    vaddr_t addr = task->clear_child_tid;

    task->clear_child_tid = 0;
    if (addr == 0 || (atomic_load(&task->process->nr_live) == 1 && !task->process->as_shared)) {
        return;
    }
    if (user_copy_out(addr, &zero, sizeof(zero)) == 0) {
        futex_wake_address(addr, 1);
    }
}

void task_leave_user(struct task *task)
{
    if (task->as != NULL) {
        futex_exit_robust(task);
        clear_tid(task);
    }
}

static void leave_files(struct task *task)
{
    struct process *process = task->process;
    struct fd_table *fds = task->fds;
    struct fs_context *fs = task->fs;

    spin_lock(&process->lock);
    task->fds = NULL;
    task->fs = NULL;
    spin_unlock(&process->lock);
    if (fds != NULL) {
        fd_table_put(fds);
    }
    if (fs != NULL) {
        fs_context_put(fs);
    }
}

void process_note_space_gone(struct process *process, struct address_space *as)
{
    uint64_t faults, peak;

    as_get_usage(as, &faults, &peak);
    spin_lock(&process->lock);
    process->dead_threads.minor_faults += faults;
    process->dead_threads.max_rss_bytes = MAX(process->dead_threads.max_rss_bytes, peak);
    spin_unlock(&process->lock);
}

/* The last thread: what the process owns, but its place in the tree. Its status is the process's. */
static void release_process(struct process *process, int status)
{
    struct address_space *as = process->as;
    struct sighand *sighand;
    struct file *exe;

    itimer_cancel_all(process);
    posix_timers_delete_all(process);
    if (as != NULL) {
        process_note_space_gone(process, as);
    }
    spin_lock(&process->lock);
    process->exit_status = process->group_exit ? process->group_exit_code : status;
    process->as = NULL;
    exe = process->exe;
    process->exe = NULL;
    signal_flush_locked(process, &process->pending, ~0ull);
    sighand = process->sighand;
    process->sighand = NULL;
    spin_unlock(&process->lock);
    if (as != NULL) {
        as_put(as);
    }
    if (exe != NULL) {
        file_put(exe);
    }
    sighand_put(sighand);
    if (process->session->nr == process->pid) {
        session_leader_exit(process);
    }
}

void vfork_complete(struct task *task)
{
    struct process *process = task->process;
    struct vfork_done *done;

    spin_lock(&process->lock);
    done = task->vfork_done;
    if (done != NULL) {
        task->vfork_done = NULL;
        done->done = true;
        wait_wake_all(&done->queue);
    }
    spin_unlock(&process->lock);
}

/* prctl(2), PR_SET_CHILD_SUBREAPER: the nearest such ancestor, or init. */
static struct process *find_reaper(struct process *process)
{
    struct process *reaper = process->parent;

    while (reaper->parent != NULL &&
           (!reaper->is_subreaper || reaper->state != PROCESS_ALIVE || reaper->nr_threads == 0)) {
        reaper = reaper->parent;
    }
    return reaper;
}

/* Children that nobody will wait for are moved to `dead`, already released. */
static void give_children_away_locked(struct process *process, struct list *dead)
    REQUIRES(task_table_lock)
{
    struct process *reaper = find_reaper(process);

    list_for_each_safe(it, &process->children)
    {
        struct process *child = list_entry(it, struct process, sibling_node);

        list_remove(&child->sibling_node);
        list_push_back(&reaper->children, &child->sibling_node);
        child->parent = reaper;
        child->exit_signal = SIGCHLD;
        group_check_orphan_locked(child, process);
        if (child->state == PROCESS_ZOMBIE) {
            child_notify_parent_locked(child, SIGCHLD, CLD_EXITED, child->exit_status >> 8);
            if (child_is_autoreaped_locked(child)) {
                process_release_locked(child);
                list_push_back(dead, &child->sibling_node);
            }
        } else if (child->leader->pdeath_signal != 0) {
            signal_send_process(child, child->leader->pdeath_signal, NULL);
        }
    }
}

static void become_zombie_locked(struct process *process, struct list *dead)
    REQUIRES(task_table_lock)
{
    int status = process->exit_status, signal = status & 0x7f;

    give_children_away_locked(process, dead);
    group_check_orphan_locked(process, NULL);
    process->state = PROCESS_ZOMBIE;
    process->wait_report = 0;
    if (child_is_autoreaped_locked(process)) {
        process_release_locked(process);
        list_push_back(dead, &process->sibling_node);
        wait_wake_all(&process->parent->child_wait);
        return;
    }
    child_notify_parent_locked(process, process->exit_signal,
                               signal == 0 ? CLD_EXITED : CLD_KILLED,
                               signal == 0 ? status >> 8 & 0xff : signal);
}

static void leave_process(struct task *task)
{
    struct process *process = task->process;
    struct list dead = LIST_INIT(dead);

    spin_lock(&task_table_lock);
    spin_lock(&process->lock);
    list_remove(&task->thread_node);
    process->nr_threads--;
    account_thread_gone_locked(process, task);
    spin_unlock(&process->lock);
    if (task != process->leader) {
        task_unhash_locked(task);
    }
    if (process->nr_threads == 0) {
        become_zombie_locked(process, &dead);
    }
    wait_wake_all(&process->exec_wait);
    spin_unlock(&task_table_lock);
    list_for_each_safe(it, &dead)
    {
        struct process *gone = list_entry(it, struct process, sibling_node);

        list_remove(&gone->sibling_node);
        process_forget(gone);
    }
}

void task_exit(int status)
{
    struct task *task = task_current();
    struct process *process = task->process;

    task->exit_code = status;
    refuse_signals(task);
    task_leave_user(task);
    leave_files(task);
    cpu_irq_disable();
    task->as = NULL;
    as_activate(NULL);
    cpu_irq_enable();
    if (atomic_fetch_sub(&process->nr_live, 1) == 1) {
        if (process->pid == 1) {
            panic("init exited with status %#x", (unsigned)task->exit_code);
        }
        release_process(process, task->exit_code);
    }
    vfork_complete(task);
    leave_process(task);
    sched_exit();
}

void process_exit(int status)
{
    struct process *process = process_current();

    spin_lock(&process->lock);
    signal_begin_exit_locked(process, status);
    status = process->group_exit_code;
    spin_unlock(&process->lock);
    task_exit(status);
}
