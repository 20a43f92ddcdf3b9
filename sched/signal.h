/*
 * Signals as the system calls see them. Masks are 64-bit numbers, bit n - 1 is signal n.
 * User memory is not touched here, except by the delivery in signal_deliver.c.
 */
#pragma once

#include "sched/task.h"
#include "sched/signal_types.h"

struct trap_frame;

/* rt_sigaction(2). action or old may be NULL. Fails: -EINVAL. */
NODISCARD int signal_set_action(int signo, const struct signal_action *action,
                                struct signal_action *old);
/* rt_sigprocmask(2). how: SIG_BLOCK, ...; set may be NULL. Returns the old mask in *old. */
NODISCARD int signal_change_mask(int how, const uint64_t *set, uint64_t *old);
/* Blocked signals that are pending: rt_sigpending(2). */
uint64_t signal_pending_blocked(void);
/* rt_sigsuspend(2): always an -errno. */
NODISCARD int64_t signal_suspend(uint64_t mask);
/* Makes `mask` the mask until the return to user mode (ppoll, pselect, ...). */
void signal_set_temporary_mask(uint64_t mask);
/* pause(2). */
NODISCARD int64_t signal_pause(void);
/* rt_sigtimedwait(2): the signal number, -EAGAIN at the deadline, -EINTR. */
NODISCARD int64_t signal_timed_wait(uint64_t set, uint64_t deadline_ns, siginfo_t *out);
/* sigaltstack(2). stack or old may be NULL; the task's sp decides whether it runs there. */
struct signal_stack {
    vaddr_t sp;
    int32_t flags;
    uint64_t size;
};
NODISCARD int signal_set_stack(const struct trap_frame *frame, const struct signal_stack *stack,
                               struct signal_stack *old);
/* rt_sigreturn(2): returns the value for the frame's return register; a bad frame kills by SIGSEGV. */
int64_t signal_return(struct trap_frame *frame);

/* kill(2) with its rules on pid and permission. */
NODISCARD int signal_kill(pid_nr_t pid, int signo);
/* tgkill(2), tkill(2) with tgid -1. */
NODISCARD int signal_tgkill(pid_nr_t tgid, pid_nr_t tid, int signo);
/* rt_sigqueueinfo(2) and rt_tgsigqueueinfo(2) (tgid -1: to the process `tid`). */
NODISCARD int signal_queue_info(pid_nr_t tgid, pid_nr_t tid, int signo, const siginfo_t *info);

/* Kernel senders. Any context; no permission check. info NULL: SI_KERNEL. */
void signal_send_process(struct process *process, int signo, const siginfo_t *info);
void signal_send_task(struct task *task, int signo, const siginfo_t *info);
/* SIGKILL that nothing holds up. */
void signal_kill_process(struct process *process);

/* Whether a signal is deliverable to the running task, and whether a fatal one is. */
ALWAYS_INLINE bool signal_is_pending(void)
{
    return (atomic_load_explicit(&task_current()->work, memory_order_relaxed) & TASK_WORK_SIGNAL) !=
           0;
}
bool signal_fatal_pending(struct task *task);

/* restart_syscall(2). */
int64_t signal_restart_syscall(void);

/* sched/ and loader/ only. */
struct sighand *sighand_create(void);
struct sighand *sighand_copy(struct sighand *from);
void sighand_put(struct sighand *sighand);
/* execve: caught signals become default, the alternate stack goes. */
void signal_reset_for_exec(void);
/* NULL info: the default siginfo of a kernel sender. */
siginfo_t signal_info_user(int signo, int code);
