/* Pending signals: between the files of sched/ that send, take and drop them. */
#pragma once

#include "sched/signal.h"

#define SIGNAL_SYNCHRONOUS                                                                         \
    (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) |         \
     SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))
#define SIGNAL_STOPS                                                                               \
    (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNAL_DEFAULT_IGNORED                                                                     \
    (SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGURG))
#define SIGNAL_UNBLOCKABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

#define SIGNAL_RT_MIN 32

enum { SIGNAL_DEFAULT = 0, SIGNAL_IGNORE = 1 }; /* SIG_DFL, SIG_IGN */

struct posix_timer;

struct signal_entry {
    struct list node;          /* empty: not queued */
    struct posix_timer *timer; /* its owner, or NULL: the queue's */
    siginfo_t info;
};

void signal_queue_init(void);

/*
 * Does: everything that sending is: stop and continue effects, dropping what is ignored, queueing,
 * waking a thread, starting the end of the process. task NULL: to the process. own: a timer's entry.
 * Fails: -EAGAIN, a realtime signal for which there is no room.
 */
int signal_send_locked(struct process *process, struct task *task, int signo, const siginfo_t *info,
                       struct signal_entry *own) REQUIRES(process->lock);
/* Does: takes the most urgent signal that is not in `blocked`. Returns its number, or 0. */
int signal_take_locked(struct task *task, uint64_t blocked, siginfo_t *out);
/* Does: drops every pending signal of the mask. */
void signal_flush_locked(struct process *process, struct signal_pending *pending, uint64_t mask);
/* Does: makes every thread leave for good, with the wait status. */
void signal_begin_exit_locked(struct process *process, int status);
/* Does: sets TASK_WORK_SIGNAL if there is something to deliver, clears it otherwise. The running task only. */
void signal_recalculate_locked(struct task *task);
/* The bits that could be delivered now. */
uint64_t signal_deliverable(struct task *task);
/*
 * Requires: process->lock; the task takes fewer signals from now on. Does: has the other threads look
 * at those of the process, which may have been meant for this one.
 */
void signal_pass_on_locked(struct task *task);
/* Does: changes the running task's mask. */
void signal_set_mask(uint64_t mask);
/* Does: notes, after each send to one of several processes, that a fork under way may have missed it. */
void signal_note_group_locked(struct process *process);
/* As the public senders, for callers that hold task_table_lock. */
void signal_send_group_locked(struct pid_entry *group, int signo, const siginfo_t *info);
/* Does: forces a signal on the running task, as task_fault_signal(). */
void signal_force(int signo, const siginfo_t *info);
/* Does: tells the parent that the process has stopped or goes on, if that is still so. */
void signal_tell_parent_stop(struct process *process, bool continued);
/* The handlers that run, on the way to user mode. Returns whether the frame still has a call's result. */
bool signal_deliver(struct trap_frame *frame, bool syscall);
/* A timer's signal is being taken: fills the overrun, arms the next. Requires process->lock. */
void posix_timer_taken_locked(struct posix_timer *timer, siginfo_t *info);
