/*
 * What a process says about its signals: handlers, masks, alternate stacks, and waiting for signals.
 */
#include <hal/abi.h>

#include "kernel/errno.h"
#include "kernel/jobctl.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "sched/signal_queue.h"

/* sigaction(2): unknown flags are cleared, so that programs can tell which exist. */
#define ACTION_FLAGS                                                                               \
    ((uint32_t)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |  \
                SA_EXPOSE_TAGBITS | SA_RESTORER) |                                                 \
     (uint32_t)SA_RESETHAND)

struct sighand *sighand_create(void)
{
    struct sighand *sighand = kzalloc(sizeof(*sighand));

    if (sighand != NULL) {
        atomic_init(&sighand->refs, 1);
        spin_init(&sighand->lock);
    }
    return sighand;
}

struct sighand *sighand_copy(struct sighand *from)
{
    struct sighand *sighand = kmalloc(sizeof(*sighand));

    if (sighand != NULL) {
        atomic_init(&sighand->refs, 1);
        spin_init(&sighand->lock);
        spin_lock(&from->lock);
        memcpy(sighand->action, from->action, sizeof(from->action));
        spin_unlock(&from->lock);
    }
    return sighand;
}

void sighand_put(struct sighand *sighand)
{
    if (atomic_fetch_sub_explicit(&sighand->refs, 1, memory_order_acq_rel) == 1) {
        kfree(sighand);
    }
}

static bool action_ignores(const struct signal_action *action, int signo)
{
    return action->handler == SIGNAL_IGNORE ||
           (action->handler == SIGNAL_DEFAULT &&
            (SIGNAL_BIT(signo) & SIGNAL_DEFAULT_IGNORED) != 0);
}

/* POSIX: a pending signal that becomes ignored is dropped, blocked or not. */
static void drop_ignored_locked(struct process *process, int signo)
{
    signal_flush_locked(process, &process->pending, SIGNAL_BIT(signo));
    list_for_each(it, &process->threads)
    {
        signal_flush_locked(process, &list_entry(it, struct task, thread_node)->pending,
                            SIGNAL_BIT(signo));
    }
}

int signal_set_action(int signo, const struct signal_action *action, struct signal_action *old)
{
    struct process *process = process_current();
    struct signal_action *slot;

    if (signo < 1 || signo > SIGNAL_MAX ||
        (action != NULL && (SIGNAL_BIT(signo) & SIGNAL_UNBLOCKABLE) != 0)) {
        return -EINVAL;
    }
    spin_lock(&process->lock);
    spin_lock(&process->sighand->lock);
    slot = &process->sighand->action[signo - 1];
    if (old != NULL) {
        *old = *slot;
    }
    if (action != NULL) {
        *slot = *action;
        slot->mask &= ~SIGNAL_UNBLOCKABLE;
        slot->flags &= ACTION_FLAGS;
    }
    spin_unlock(&process->sighand->lock);
    if (action != NULL && action_ignores(action, signo)) {
        drop_ignored_locked(process, signo);
    }
    spin_unlock(&process->lock);
    return 0;
}

void signal_set_mask(uint64_t mask)
{
    struct task *task = task_current();

    spin_lock(&task->process->lock);
    atomic_store(&task->sigmask, mask & ~SIGNAL_UNBLOCKABLE);
    signal_pass_on_locked(task);
    /* Only sets the flag: a call on its way out with a restart code still needs the delivery. */
    if (signal_deliverable(task) != 0) {
        atomic_fetch_or(&task->work, TASK_WORK_SIGNAL);
    }
    spin_unlock(&task->process->lock);
}

int signal_change_mask(int how, const uint64_t *set, uint64_t *old)
{
    uint64_t mask = atomic_load_explicit(&task_current()->sigmask, memory_order_relaxed);

    *old = mask;
    if (set == NULL) {
        return 0;
    }
    switch (how) {
    case SIG_BLOCK:
        mask |= *set;
        break;
    case SIG_UNBLOCK:
        mask &= ~*set;
        break;
    case SIG_SETMASK:
        mask = *set;
        break;
    default:
        return -EINVAL;
    }
    signal_set_mask(mask);
    return 0;
}

uint64_t signal_pending_blocked(void)
{
    struct task *task = task_current();

    return (atomic_load(&task->pending.set) | atomic_load(&task->process->pending.set)) &
           atomic_load(&task->sigmask);
}

void signal_set_temporary_mask(uint64_t mask)
{
    struct task *task = task_current();

    task->saved_mask = atomic_load(&task->sigmask);
    atomic_fetch_or(&task->work, TASK_WORK_RESTORE_MASK);
    signal_set_mask(mask);
}

int64_t signal_pause(void)
{
    for (;;) {
        sched_prepare(WAIT_INTERRUPTIBLE);
        if (sched_block(WAIT_FOREVER) != 0) {
            return -ERESTARTNOHAND;
        }
    }
}

int64_t signal_suspend(uint64_t mask)
{
    signal_set_temporary_mask(mask);
    return signal_pause();
}

int64_t signal_timed_wait(uint64_t set, uint64_t deadline_ns, siginfo_t *out)
{
    struct task *task = task_current();
    uint64_t mask = atomic_load(&task->sigmask);
    int signo, result;

    set &= ~SIGNAL_UNBLOCKABLE;
    spin_lock(&task->process->lock);
    signo = signal_take_locked(task, ~set, out);
    if (signo == 0) {
        task->wait_mask = set & mask;
        atomic_store(&task->sigmask, mask & ~set);
    }
    spin_unlock(&task->process->lock);
    if (signo != 0) {
        return signo;
    }
    do {
        sched_prepare(WAIT_INTERRUPTIBLE);
        result = sched_block(deadline_ns);
    } while (result == 0);
    spin_lock(&task->process->lock);
    atomic_store(&task->sigmask, mask);
    task->wait_mask = 0;
    signo = signal_take_locked(task, ~set, out);
    signal_recalculate_locked(task);
    signal_pass_on_locked(task);
    spin_unlock(&task->process->lock);
    if (signo != 0) {
        return signo;
    }
    return result == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static bool on_stack(const struct task *task, vaddr_t sp)
{
    return task->altstack.size != 0 && (task->altstack.flags & SS_AUTODISARM) == 0 &&
           sp - task->altstack.sp - 1 < task->altstack.size;
}

int signal_set_stack(const struct trap_frame *frame, const struct signal_stack *stack,
                     struct signal_stack *old)
{
    struct task *task = task_current();
    bool inside = on_stack(task, frame_sp(frame));
    uint32_t mode;

    if (old != NULL) {
        uint32_t flags = task->altstack.flags & SS_AUTODISARM;

        flags |= task->altstack.size == 0 ? SS_DISABLE : inside ? SS_ONSTACK : 0;
        *old = (struct signal_stack){task->altstack.sp, (int32_t)flags, task->altstack.size};
    }
    if (stack == NULL) {
        return 0;
    }
    if (inside) {
        return -EPERM;
    }
    mode = (uint32_t)stack->flags & ~SS_AUTODISARM;
    if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE) {
        return -EINVAL;
    }
    if (mode == SS_DISABLE) {
        task->altstack.sp = 0;
        task->altstack.size = 0;
        task->altstack.flags = (uint32_t)stack->flags;
        return 0;
    }
    if (stack->size < MINSIGSTKSZ) {
        return -ENOMEM;
    }
    task->altstack.sp = stack->sp;
    task->altstack.size = stack->size;
    task->altstack.flags = (uint32_t)stack->flags;
    return 0;
}

void signal_reset_for_exec(void)
{
    struct task *task = task_current();
    struct sighand *sighand = task->process->sighand;

    spin_lock(&task->process->lock);
    spin_lock(&sighand->lock);
    for (unsigned i = 0; i < SIGNAL_MAX; i++) {
        struct signal_action *action = &sighand->action[i];

        *action = (struct signal_action){
            .handler = action->handler == SIGNAL_IGNORE ? SIGNAL_IGNORE : SIGNAL_DEFAULT};
    }
    spin_unlock(&sighand->lock);
    task->altstack.sp = 0;
    task->altstack.size = 0;
    task->altstack.flags = SS_DISABLE;
    task->restart.fn = NULL;
    spin_unlock(&task->process->lock);
}

int64_t signal_restart_syscall(void)
{
    struct restart_block *restart = &task_current()->restart;

    return restart->fn != NULL ? restart->fn(restart) : -EINTR;
}

bool job_signal_pending(void)
{
    return signal_is_pending();
}

bool job_signal_is_ignored(int signo)
{
    struct task *task = task_current();

    return (atomic_load(&task->sigmask) & SIGNAL_BIT(signo)) != 0 ||
           task->process->sighand->action[signo - 1].handler == SIGNAL_IGNORE;
}
