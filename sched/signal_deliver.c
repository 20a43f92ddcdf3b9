/*
 * The way back to user mode: rescheduling, group stops, default actions, signal frames and the fate
 * of an interrupted system call. Runs in the task that it concerns, with no lock held on entry.
 */
#include <hal/abi.h>
#include <asm/unistd.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "sched/core.h"
#include "sched/lifecycle.h"
#include "sched/oom.h"
#include "sched/signal_queue.h"

struct delivery {
    int signo;
    siginfo_t info;
    struct signal_action action;
};

static const struct hal_user_io user_io = {user_copy_in, user_copy_out};

void signal_tell_parent_stop(struct process *process, bool continued)
{
    bool stopped;
    int value;

    spin_lock(&task_table_lock);
    spin_lock(&process->lock);
    value = continued ? SIGCONT : process->stop_signal;
    stopped = process->group_stop && process->nr_to_stop == 0;
    spin_unlock(&process->lock);
    /* What has been overtaken by the opposite is still signalled, but nothing to wait for. */
    if (stopped != continued) {
        process->wait_report = continued ? REPORT_CONTINUED : REPORT_STOPPED;
    }
    child_notify_parent_locked(process, SIGCHLD, continued ? CLD_CONTINUED : CLD_STOPPED, value);
    spin_unlock(&task_table_lock);
}

/*
 * Sleeps as long as the stop lasts. The last thread to stop tells the parent. Another stop may begin
 * before this thread has seen the end of the first: it is to be counted again for that one.
 */
static void stop_here(struct task *task) REQUIRES(task->process->lock) NO_LOCK_ANALYSIS;
static void stop_here(struct task *task)
{
    struct process *process = task->process;
    bool last = false;

    if (!task->counted_stop) {
        task->counted_stop = true;
        last = --process->nr_to_stop == 0;
    }
    task->stopped = true;
    spin_unlock(&process->lock);
    if (last) {
        signal_tell_parent_stop(process, false);
    }
    for (;;) {
        sched_prepare(WAIT_KILLABLE);
        if (!READ_ONCE(task->counted_stop) || sched_block(WAIT_FOREVER) != 0) {
            break;
        }
    }
    sched_unprepare();
    spin_lock(&process->lock);
    task->stopped = false;
}

static void begin_stop_locked(struct process *process, int signo)
{
    if (process->group_stop) {
        return;
    }
    process->group_stop = true;
    process->continued = false;
    process->stop_signal = signo;
    process->nr_to_stop = 0;
    list_for_each(it, &process->threads)
    {
        struct task *task = list_entry(it, struct task, thread_node);

        if (!task->exiting) {
            process->nr_to_stop++;
            task->counted_stop = false;
            atomic_fetch_or(&task->work, TASK_WORK_SIGNAL);
            sched_wake_for_signal(task, false);
        }
    }
}

static bool group_orphaned(struct process *process)
{
    bool orphaned;

    spin_lock(&task_table_lock);
    orphaned = group_is_orphaned_locked(process->group, NULL);
    spin_unlock(&task_table_lock);
    return orphaned;
}

/* Drops and retakes the lock for the look at the group: a SIGCONT meanwhile, even an ignored one, wins. */
static void default_stop(struct process *process, int signo) REQUIRES(process->lock)
    NO_LOCK_ANALYSIS;
static void default_stop(struct process *process, int signo)
{
    if (signo != SIGSTOP) {
        bool orphaned;

        process->stop_taken = true;
        spin_unlock(&process->lock);
        orphaned = group_orphaned(process);
        spin_lock(&process->lock);
        if (orphaned || !process->stop_taken) {
            return;
        }
    }
    begin_stop_locked(process, signo);
}

/* Requires: SIGKILL is pending. An exec'ing thread ends the others without ending the process. */
NORETURN NO_LOCK_ANALYSIS static void die(struct process *process)
{
    bool whole = process->group_exit;
    int status = process->group_exit_code;

    spin_unlock(&process->lock);
    if (whole) {
        process_exit(status);
    }
    task_exit(0);
}

static void copy_action(struct process *process, struct delivery *out)
{
    struct sighand *sighand = process->sighand;
    struct signal_action *action = &sighand->action[out->signo - 1];

    spin_lock(&sighand->lock);
    out->action = *action;
    if (action->handler > SIGNAL_IGNORE && (action->flags & SA_ONESHOT) != 0) {
        action->handler = SIGNAL_DEFAULT;
    }
    spin_unlock(&sighand->lock);
}

/*
 * Carries out default actions until a signal with a handler turns up or nothing is left.
 * Returns whether there is one.
 */
NO_LOCK_ANALYSIS static bool next_handled(struct task *task, struct delivery *out)
{
    struct process *process = task->process;
    uint64_t bit;

    spin_lock(&process->lock);
    for (;;) {
        if (signal_fatal_pending(task)) {
            die(process);
        }
        if (process->continued) {
            process->continued = false;
            spin_unlock(&process->lock);
            signal_tell_parent_stop(process, true);
            spin_lock(&process->lock);
            continue;
        }
        if (process->group_stop) {
            stop_here(task);
            continue;
        }
        out->signo = signal_take_locked(task, atomic_load(&task->sigmask), &out->info);
        if (out->signo == 0) {
            break;
        }
        copy_action(process, out);
        if (out->action.handler > SIGNAL_IGNORE) {
            break;
        }
        bit = SIGNAL_BIT(out->signo);
        if (out->action.handler == SIGNAL_IGNORE || (bit & SIGNAL_DEFAULT_IGNORED) != 0 ||
            process->unkillable) {
            continue;
        }
        if ((bit & SIGNAL_STOPS) != 0) {
            default_stop(process, out->signo);
            continue;
        }
        spin_unlock(&process->lock);
        process_exit(out->signo);
    }
    signal_recalculate_locked(task);
    spin_unlock(&process->lock);
    return out->signo != 0;
}

static bool on_altstack(const struct task *task, vaddr_t sp)
{
    return task->altstack.size != 0 && (task->altstack.flags & SS_AUTODISARM) == 0 &&
           sp - task->altstack.sp - 1 < task->altstack.size;
}

/* Returns where the frame goes, or 0 when the alternate stack is used up. */
static vaddr_t choose_stack(const struct task *task, const struct trap_frame *frame, uint64_t flags)
{
    vaddr_t sp = frame_sp(frame);

    if (on_altstack(task, sp)) {
        return sp - task->altstack.sp >= HAL_MINSIGSTKSZ ? sp : 0;
    }
    if ((flags & SA_ONSTACK) != 0 && task->altstack.size != 0) {
        return task->altstack.sp + task->altstack.size;
    }
    return sp;
}

static vaddr_t restorer_of(const struct task *task, const struct signal_action *action)
{
    if ((action->flags & SA_RESTORER) != 0) {
        return action->restorer;
    }
    return task->process->vdso != 0 ? task->process->vdso + hal_vdso_sigreturn_offset : 0;
}

static int push_frame(struct task *task, struct trap_frame *frame, const struct delivery *delivery)
{
    bool restore = (atomic_fetch_and(&task->work, ~(uint32_t)TASK_WORK_RESTORE_MASK) &
                    TASK_WORK_RESTORE_MASK) != 0;
    struct hal_signal signal = {
        .signo = delivery->signo,
        .handler = delivery->action.handler,
        .flags = delivery->action.flags,
        .restorer = restorer_of(task, &delivery->action),
        .siginfo = &delivery->info,
        .old_mask = restore ? task->saved_mask : atomic_load(&task->sigmask),
        .stack_top = choose_stack(task, frame, delivery->action.flags),
        .altstack_sp = task->altstack.sp,
        .altstack_size = task->altstack.size,
        .altstack_flags = task->altstack.size != 0 ? (int)task->altstack.flags
                                                     : SS_DISABLE,
        .fault_addr = task->fault.addr,
        .syndrome = task->fault.syndrome,
        .trap_nr = task->fault.trap_nr,
    };

    if (signal.stack_top == 0) {
        return -EFAULT;
    }
    hal_fpu_save(&task->fpu);
    return hal_sigframe_push(frame, &task->fpu, &signal, &user_io);
}

static void run_handler(struct task *task, struct trap_frame *frame,
                        const struct delivery *delivery)
{
    uint64_t mask = atomic_load(&task->sigmask) | delivery->action.mask;

    if (push_frame(task, frame, delivery) != 0) {
        siginfo_t info = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};

        if (delivery->signo == SIGSEGV) {
            struct sighand *sighand = task->process->sighand;

            spin_lock(&sighand->lock);
            sighand->action[SIGSEGV - 1].handler = SIGNAL_DEFAULT;
            spin_unlock(&sighand->lock);
        }
        signal_force(SIGSEGV, &info);
        return;
    }
    if ((task->altstack.flags & SS_AUTODISARM) != 0) {
        task->altstack.sp = 0;
        task->altstack.size = 0;
        task->altstack.flags = SS_DISABLE;
    }
    if ((delivery->action.flags & SA_NODEFER) == 0) {
        mask |= SIGNAL_BIT(delivery->signo);
    }
    signal_set_mask(mask);
}

/* What a handler's run makes of the call that it interrupts: signal(7), "Interruption". */
static void restart_with_handler(struct trap_frame *frame, uint64_t sa_flags)
{
    switch (-(int64_t)frame_return(frame)) {
    case ERESTARTSYS:
        if ((sa_flags & SA_RESTART) == 0) {
            frame_set_return(frame, (uint64_t)-EINTR);
            break;
        }
        frame_restart_syscall(frame);
        break;
    case ERESTARTNOINTR:
        frame_restart_syscall(frame);
        break;
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK:
        frame_set_return(frame, (uint64_t)-EINTR);
        break;
    default:
        break;
    }
}

static void restart_without_handler(struct trap_frame *frame)
{
    switch (-(int64_t)frame_return(frame)) {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND:
        frame_restart_syscall(frame);
        break;
    case ERESTART_RESTARTBLOCK:
        frame_restart_syscall(frame);
        frame_set_syscall_nr(frame, __NR_restart_syscall);
        break;
    default:
        break;
    }
}

bool signal_deliver(struct trap_frame *frame, bool syscall)
{
    struct task *task = task_current();
    struct delivery delivery;

    while (next_handled(task, &delivery)) {
        if (syscall) {
            restart_with_handler(frame, delivery.action.flags);
            syscall = false;
        }
        run_handler(task, frame, &delivery);
    }
    return syscall;
}

static void restore_mask(struct task *task)
{
    if ((atomic_fetch_and(&task->work, ~(uint32_t)TASK_WORK_RESTORE_MASK) &
         TASK_WORK_RESTORE_MASK) != 0) {
        signal_set_mask(task->saved_mask);
    }
}

void task_return_to_user(struct trap_frame *frame, bool syscall)
{
    struct task *task = task_current();
    uint32_t work;

    while ((work = atomic_load_explicit(&task->work, memory_order_relaxed)) != 0) {
        cpu_irq_enable();
        if ((work & TASK_WORK_RESCHED) != 0) {
            sched_preempt();
        }
        if ((work & TASK_WORK_SIGRETURN) != 0) {
            atomic_fetch_and(&task->work, ~(uint32_t)TASK_WORK_SIGRETURN);
            syscall = false;
        }
        if ((work & TASK_WORK_SIGNAL) != 0) {
            syscall = signal_deliver(frame, syscall);
        }
        if ((work & TASK_WORK_RESTORE_MASK) != 0) {
            restore_mask(task);
        }
        cpu_irq_disable();
    }
    if (syscall) {
        restart_without_handler(frame);
    }
}

int64_t signal_return(struct trap_frame *frame)
{
    struct task *task = task_current();
    struct hal_sigreturn result;
    struct signal_stack stack;
    struct hal_fpu fpu; /* not the task's own, which a switch would overwrite */

    task->restart.fn = NULL;
    atomic_fetch_or(&task->work, TASK_WORK_SIGRETURN);
    if (hal_sigframe_pop(frame, &fpu, &user_io, &result) != 0) {
        siginfo_t info = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};

        signal_force(SIGSEGV, &info);
        return (int64_t)frame_return(frame);
    }
    hal_fpu_restore(&fpu);
    stack = (struct signal_stack){result.altstack_sp, result.altstack_flags, result.altstack_size};
    /* A value that sigaltstack(2) would refuse is no reason to fail. */
    (void)!signal_set_stack(frame, &stack, NULL);
    signal_set_mask(result.mask);
    return (int64_t)frame_return(frame);
}
