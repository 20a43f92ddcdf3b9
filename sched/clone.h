/* fork(2), vfork(2), clone(2). */
#pragma once

#include "kernel/types.h"

struct trap_frame;

struct clone_request {
    uint64_t flags; /* CLONE_*, without the signal */
    int exit_signal;
    vaddr_t stack; /* new sp; 0: the caller's */
    vaddr_t parent_tid, child_tid; /* user addresses of CLONE_PARENT_SETTID, CHILD_SETTID and CHILD_CLEARTID */
    vaddr_t tls;                   /* with CLONE_SETTLS */
};

/*
 * Does: starts a task that returns 0 through a copy of *frame; waits for vfork children.
 * Returns the new tid. Fails: -EINVAL, -EAGAIN, -ENOMEM, -EFAULT as clone(2).
 */
NODISCARD int64_t task_clone(const struct trap_frame *frame, const struct clone_request *request);

/* unshare(2) for CLONE_FILES, CLONE_FS and what one thread may do; -EINVAL or -EPERM for the rest. */
NODISCARD int task_unshare(uint64_t flags);
/* set_tid_address(2): returns the tid. */
pid_nr_t task_set_clear_tid(vaddr_t addr);
