/*
 * Pending signals: sending, choosing the thread, taking and dropping. Everything here happens under
 * the process's lock, also in IRQ context.
 * TASK_WORK_SIGNAL is set by senders and cleared by the task alone, so that a call that returned
 * -ERESTARTSYS always reaches the delivery.
 */
#include "sched/signal.h"

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "sched/core.h"
#include "sched/pid.h"
#include "sched/signal_queue.h"

static struct slab_cache entry_cache;

void signal_queue_init(void)
{
    slab_cache_init(&entry_cache, "signal", sizeof(struct signal_entry));
}

static struct signal_action *action_of(struct process *process, int signo)
{
    return &process->sighand->action[signo - 1];
}

uint64_t signal_deliverable(struct task *task)
{
    uint64_t set = atomic_load_explicit(&task->pending.set, memory_order_relaxed) |
                   atomic_load_explicit(&task->process->pending.set, memory_order_relaxed);

    return set & ~atomic_load_explicit(&task->sigmask, memory_order_relaxed);
}

bool signal_fatal_pending(struct task *task)
{
    return (atomic_load_explicit(&task->pending.set, memory_order_relaxed) &
            SIGNAL_BIT(SIGKILL)) != 0;
}

void signal_recalculate_locked(struct task *task)
{
    struct process *process = task->process;

    if (signal_deliverable(task) != 0 || process->group_stop || process->continued) {
        atomic_fetch_or(&task->work, TASK_WORK_SIGNAL);
    } else {
        atomic_fetch_and(&task->work, ~(uint32_t)TASK_WORK_SIGNAL);
    }
}

static void notify(struct task *task, bool fatal)
{
    atomic_fetch_or(&task->work, TASK_WORK_SIGNAL);
    sched_wake_for_signal(task, fatal);
}

void signal_pass_on_locked(struct task *task)
{
    struct process *process = task->process;

    if (likely(atomic_load_explicit(&process->pending.set, memory_order_relaxed) == 0)) {
        return;
    }
    list_for_each(it, &process->threads)
    {
        struct task *other = list_entry(it, struct task, thread_node);

        if (other != task && !other->exiting && signal_deliverable(other) != 0) {
            notify(other, false);
        }
    }
}

static bool is_default_ignored(int signo)
{
    return (SIGNAL_BIT(signo) & SIGNAL_DEFAULT_IGNORED) != 0;
}

/* Whether the signal has no effect, now or once it is unblocked. */
static bool is_ignored(struct process *process, struct task *task, int signo)
{
    uint64_t handler = action_of(process, signo)->handler;
    uint64_t blocked = atomic_load(&task->sigmask) | task->wait_mask;

    if (process->unkillable && handler == SIGNAL_DEFAULT) {
        return true;
    }
    if ((blocked & SIGNAL_BIT(signo)) != 0) {
        return false;
    }
    return handler == SIGNAL_IGNORE || (handler == SIGNAL_DEFAULT && is_default_ignored(signo));
}

static bool is_fatal(struct process *process, int signo)
{
    return signo == SIGKILL ||
           (action_of(process, signo)->handler == SIGNAL_DEFAULT && !is_default_ignored(signo) &&
            (SIGNAL_BIT(signo) & SIGNAL_STOPS) == 0);
}

static void drop_entry(struct process *process, struct signal_entry *entry)
{
    list_remove(&entry->node);
    if (entry->timer == NULL) {
        process->nr_queued_signals--;
        slab_free(&entry_cache, entry);
    }
}

void signal_flush_locked(struct process *process, struct signal_pending *pending, uint64_t mask)
{
    if ((atomic_load(&pending->set) & mask) == 0) {
        return;
    }
    atomic_fetch_and(&pending->set, ~mask);
    list_for_each_safe(it, &pending->queue)
    {
        struct signal_entry *entry = list_entry(it, struct signal_entry, node);

        if ((SIGNAL_BIT(entry->info.si_signo) & mask) != 0) {
            drop_entry(process, entry);
        }
    }
}

static void flush_everywhere(struct process *process, uint64_t mask)
{
    signal_flush_locked(process, &process->pending, mask);
    list_for_each(it, &process->threads)
    {
        signal_flush_locked(process, &list_entry(it, struct task, thread_node)->pending, mask);
    }
}

/* A continue counts even where it is blocked or ignored (signal(7)). */
static void continue_locked(struct process *process)
{
    flush_everywhere(process, SIGNAL_STOPS);
    process->stop_taken = false;
    if (!process->group_stop) {
        return;
    }
    process->group_stop = false;
    process->continued = process->nr_to_stop == 0;
    list_for_each(it, &process->threads)
    {
        struct task *task = list_entry(it, struct task, thread_node);

        task->counted_stop = false;
        atomic_fetch_or(&task->work, TASK_WORK_SIGNAL);
        sched_wake(task);
    }
}

void signal_begin_exit_locked(struct process *process, int status)
{
    if (!process->group_exit) {
        process->group_exit = true;
        process->group_exit_code = status;
    }
    process->group_stop = false;
    process->stop_taken = false;
    list_for_each(it, &process->threads)
    {
        struct task *task = list_entry(it, struct task, thread_node);

        atomic_fetch_or(&task->pending.set, SIGNAL_BIT(SIGKILL));
        notify(task, true);
    }
}

static bool wants_signal(struct task *task, int signo)
{
    if (signo == SIGKILL) {
        return !task->exiting;
    }
    /* A stopped thread finds the signal once it goes on. */
    return !task->exiting && !task->stopped &&
           (atomic_load(&task->sigmask) & SIGNAL_BIT(signo) & ~SIGNAL_UNBLOCKABLE) == 0;
}

static struct task *choose_thread(struct process *process, int signo)
{
    struct task *leader = process->leader;

    if (wants_signal(leader, signo)) {
        return leader;
    }
    list_for_each(it, &process->threads)
    {
        struct task *task = list_entry(it, struct task, thread_node);

        if (wants_signal(task, signo)) {
            return task;
        }
    }
    return NULL;
}

static siginfo_t kernel_info(int signo)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = signo;
    info.si_code = SI_KERNEL;
    return info;
}

static int enqueue_locked(struct process *process, struct signal_pending *pending, int signo,
                          const siginfo_t *info, struct signal_entry *own)
{
    struct signal_entry *entry = own;

    if (own == NULL && process->nr_queued_signals < process->rlimits[RLIMIT_SIGPENDING].rlim_cur) {
        entry = slab_alloc(&entry_cache);
    }
    if (entry != NULL) {
        if (info != NULL) {
            entry->info = *info;
        } else {
            entry->info = kernel_info(signo);
        }
        entry->info.si_signo = signo;
        list_push_back(&pending->queue, &entry->node);
        if (own == NULL) {
            entry->timer = NULL;
            process->nr_queued_signals++;
        }
    } else if (signo >= SIGNAL_RT_MIN && info != NULL && info->si_code != SI_USER) {
        return -EAGAIN;
    }
    atomic_fetch_or(&pending->set, SIGNAL_BIT(signo));
    return 0;
}

int signal_send_locked(struct process *process, struct task *task, int signo, const siginfo_t *info,
                       struct signal_entry *own)
{
    struct signal_pending *pending = task != NULL ? &task->pending : &process->pending;
    struct task *target = task != NULL ? task : process->leader;
    int result;

    if (process->sighand == NULL || process->group_exit || (task != NULL && task->exiting)) {
        return 0;
    }
    if (signo == SIGCONT) {
        continue_locked(process);
    } else if ((SIGNAL_BIT(signo) & SIGNAL_STOPS) != 0) {
        flush_everywhere(process, SIGNAL_BIT(SIGCONT));
    }
    if (is_ignored(process, target, signo)) {
        return 0;
    }
    if (signo < SIGNAL_RT_MIN && (atomic_load(&pending->set) & SIGNAL_BIT(signo)) != 0) {
        return 0;
    }
    result = enqueue_locked(process, pending, signo, info, own);
    if (result != 0) {
        return result;
    }
    if (task == NULL) {
        target = choose_thread(process, signo);
    } else if (!wants_signal(task, signo)) {
        target = NULL;
    }
    if (target == NULL) {
        return 0;
    }
    if (is_fatal(process, signo) && (target->wait_mask & SIGNAL_BIT(signo)) == 0) {
        signal_begin_exit_locked(process, signo);
    } else {
        notify(target, false);
    }
    return 0;
}

static int take_from(struct process *process, struct signal_pending *pending, uint64_t blocked,
                     siginfo_t *out)
{
    uint64_t set = atomic_load(&pending->set) & ~blocked;
    struct signal_entry *found = NULL;
    bool more = false;
    int signo;

    if (set == 0) {
        return 0;
    }
    if ((set & SIGNAL_SYNCHRONOUS) != 0) {
        set &= SIGNAL_SYNCHRONOUS;
    }
    signo = __builtin_ctzll(set) + 1;
    list_for_each(it, &pending->queue)
    {
        struct signal_entry *entry = list_entry(it, struct signal_entry, node);

        if (entry->info.si_signo == signo) {
            more = found != NULL;
            found = found != NULL ? found : entry;
            if (more) {
                break;
            }
        }
    }
    if (!more) {
        atomic_fetch_and(&pending->set, ~SIGNAL_BIT(signo));
    }
    if (found != NULL) {
        *out = found->info;
        if (found->timer != NULL) {
            posix_timer_taken_locked(found->timer, out);
        }
        drop_entry(process, found);
    } else {
        *out = kernel_info(signo);
        out->si_code = SI_USER;
    }
    return signo;
}

int signal_take_locked(struct task *task, uint64_t blocked, siginfo_t *out)
{
    int signo = take_from(task->process, &task->pending, blocked, out);

    return signo != 0 ? signo : take_from(task->process, &task->process->pending, blocked, out);
}

void signal_send_process(struct process *process, int signo, const siginfo_t *info)
{
    spin_lock(&process->lock);
    (void)signal_send_locked(process, NULL, signo, info, NULL);
    spin_unlock(&process->lock);
}

void signal_send_task(struct task *task, int signo, const siginfo_t *info)
{
    struct process *process = task->process;

    spin_lock(&process->lock);
    (void)signal_send_locked(process, task, signo, info, NULL);
    spin_unlock(&process->lock);
}

void signal_note_group_locked(struct process *process)
{
    atomic_fetch_add(&process->nr_group_signals, 1);
}

void signal_send_group_locked(struct pid_entry *group, int signo, const siginfo_t *info)
{
    list_for_each(it, &group->members)
    {
        struct process *process = list_entry(it, struct process, group_node);

        signal_send_process(process, signo, info);
        signal_note_group_locked(process);
    }
}

void signal_kill_process(struct process *process)
{
    spin_lock(&process->lock);
    signal_begin_exit_locked(process, SIGKILL);
    spin_unlock(&process->lock);
}

void signal_force(int signo, const siginfo_t *info)
{
    struct task *task = task_current();
    struct process *process = task->process;
    struct signal_action *action;

    spin_lock(&process->lock);
    action = action_of(process, signo);
    if ((atomic_load(&task->sigmask) & SIGNAL_BIT(signo)) != 0 ||
        action->handler == SIGNAL_IGNORE) {
        action->handler = SIGNAL_DEFAULT;
        atomic_fetch_and(&task->sigmask, ~SIGNAL_BIT(signo));
    }
    if (action->handler == SIGNAL_DEFAULT) {
        process->unkillable = false;
    }
    (void)signal_send_locked(process, task, signo, info, NULL);
    signal_recalculate_locked(task);
    spin_unlock(&process->lock);
}

void task_fault_signal(int signo, int code, vaddr_t addr, uint64_t syndrome, uint32_t trap_nr)
{
    struct task *task = task_current();
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = signo;
    info.si_code = code;
    info.si_addr = (void *)addr;
    task->fault.addr = addr;
    task->fault.syndrome = syndrome;
    task->fault.trap_nr = trap_nr;
    signal_force(signo, &info);
}

siginfo_t signal_info_user(int signo, int code)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = signo;
    info.si_code = code;
    info.si_pid = process_current()->pid;
    info.si_uid = task_cred()->uid;
    return info;
}
