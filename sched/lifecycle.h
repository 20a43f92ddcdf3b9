/* Making and unmaking tasks and processes: between task.c, clone.c, exit.c, wait.c and the loader. */
#pragma once

#include "sched/pid.h"

/* Who waits in vfork() until the child leaves the space. On the parent's stack; child's process->lock. */
struct vfork_done {
    struct wait_queue queue;
    bool done;
};

/* Return fresh objects with one reference and nothing shared filled in, or NULL. */
struct task *task_create(void);
struct process *process_create(void);
/* Undo the above for objects that never became visible. */
void task_destroy(struct task *task);
void process_destroy(struct process *process);
/*
 * Does: gives the task a number and makes it visible; with its process if it is the first thread.
 * like: the child's parent, or its sibling, whose group and session it joins; NULL for pid 1, which
 * gets its own. seen: like->nr_group_signals from before the copying began. limit: of its user's tasks.
 * Fails: -EAGAIN (a limit), -ENOMEM, -ERESTARTNOINTR (the running task has a signal, a stop or its
 * end to see to first).
 */
NODISCARD int task_publish(struct task *task, struct process *like, bool sibling, uint32_t seen,
                           uint64_t limit);
/* Returns whether the running task's user, who may have `limit` tasks, may have one more now. */
bool task_has_place(uint64_t limit);
/* Does: takes a dead process out of the table. Its last references go with it. */
void process_release_locked(struct process *process) REQUIRES(task_table_lock);
/* Does: takes an exited thread that is not the leader out of the table. */
void task_unhash_locked(struct task *task) REQUIRES(task_table_lock);
void process_leave_group_locked(struct process *process) REQUIRES(task_table_lock);
void process_join_group_locked(struct process *process, struct pid_entry *group)
    REQUIRES(task_table_lock);

/* Calls fn for every process, zombies included. */
void process_for_each_locked(void (*fn)(struct process *process, void *arg), void *arg)
    REQUIRES(task_table_lock);

/* Exit and exec, while the space is still there: robust list, CLEARTID. */
void task_leave_user(struct task *task);
/* Does: keeps the figures of a space that the process leaves. */
void process_note_space_gone(struct process *process, struct address_space *as);
/* Does: tells the waiting vfork() parent. */
void vfork_complete(struct task *task);
/* Sends SIGCHLD (or `signo`) with the child's change to its parent and wakes its wait4(). */
void child_notify_parent_locked(struct process *child, int signo, int code, int value)
    REQUIRES(task_table_lock);
/* Whether the parent has said that it will not wait for this child. */
bool child_is_autoreaped_locked(struct process *child) REQUIRES(task_table_lock);
/* After process_release_locked(), without locks: drops the table's references. */
void process_forget(struct process *process);
/* Whether the group has no member whose parent is in another group of the same session. */
bool group_is_orphaned_locked(struct pid_entry *group, struct process *except)
    REQUIRES(task_table_lock);
/* After `process` left (exit, reparenting): SIGHUP and SIGCONT to a newly orphaned stopped group. */
void group_check_orphan_locked(struct process *process, struct process *parent)
    REQUIRES(task_table_lock);
/* Leader exit: hangs up the terminal's session. Call without locks. */
void session_leader_exit(struct process *process);
