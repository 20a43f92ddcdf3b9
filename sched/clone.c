/*
 * New tasks: fork, vfork and clone. Everything that can fail is done before the task is published;
 * from there it only has to be started. What a flag shares is counted, what it does not is copied.
 */
#include "sched/clone.h"

#include <linux/capability.h>
#include <linux/sched.h>

#include "fs/fd_table.h"
#include "fs/path.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "sched/core.h"
#include "sched/lifecycle.h"
#include "sched/oom.h"
#include "sched/rlimit.h"
#include "sched/signal_queue.h"

#define CLONE_NAMESPACES                                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

static int check_flags(uint64_t flags)
{
    if ((flags & CLONE_NAMESPACES) != 0) {
        return cred_capable(task_cred(), CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
    }
    if ((flags & CLONE_PIDFD) != 0) {
        return -EINVAL;
    }
    if ((flags & CLONE_THREAD) != 0 && (flags & CLONE_SIGHAND) == 0) {
        return -EINVAL;
    }
    if ((flags & CLONE_SIGHAND) != 0 && (flags & CLONE_VM) == 0) {
        return -EINVAL;
    }
    /* A sibling of init would have no parent. */
    return (flags & CLONE_PARENT) != 0 && process_current()->parent == NULL ? -EINVAL : 0;
}

/* How many tasks the user may have: RLIMIT_NPROC. */
static uint64_t limit_of_user(void)
{
    const struct cred *cred = task_cred();
    bool exempt = cred->uid == 0 || cred_capable(cred, CAP_SYS_RESOURCE) ||
                  cred_capable(cred, CAP_SYS_ADMIN);

    return exempt ? RLIM64_INFINITY : rlimit_get(RLIMIT_NPROC);
}

/* Files and directories: by the flags shared or copied. On failure nothing is held. */
static int copy_files(struct task *task, const struct task *from, uint64_t flags)
{
    if ((flags & CLONE_FILES) != 0) {
        fd_table_get(from->fds);
        task->fds = from->fds;
    } else {
        task->fds = fd_table_copy(from->fds);
    }
    if (task->fds == NULL) {
        return -ENOMEM;
    }
    if ((flags & CLONE_FS) != 0) {
        fs_context_get(from->fs);
        task->fs = from->fs;
    } else {
        task->fs = fs_context_copy(from->fs);
    }
    if (task->fs == NULL) {
        fd_table_put(task->fds);
        return -ENOMEM;
    }
    return 0;
}

static void copy_task_fields(struct task *task, const struct task *from, uint64_t flags)
{
    task->cred = from->cred;
    cred_get(task->cred);
    memcpy(task->comm, from->comm, sizeof(task->comm));
    atomic_init(&task->sigmask, atomic_load(&from->sigmask));
    task->cpus_allowed = from->cpus_allowed;
    task->timer_slack_ns = from->timer_slack_ns;
    task->nice = from->nice;
    task->no_new_privs = from->no_new_privs;
    /* Two tasks in one space must not build frames on one stack; a vfork parent waits. */
    if ((flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM) {
        task->altstack = from->altstack;
    }
}

static void copy_process_fields(struct process *process, struct process *from)
{
    spin_lock(&from->lock);
    memcpy(process->rlimits, from->rlimits, sizeof(process->rlimits));
    process->ticking = from->rlimits[RLIMIT_CPU].rlim_cur != RLIM64_INFINITY;
    process->exe = from->exe;
    if (process->exe != NULL) {
        file_get(process->exe);
    }
    process->arg_start = from->arg_start;
    process->arg_end = from->arg_end;
    process->env_start = from->env_start;
    process->env_end = from->env_end;
    process->stack_start = from->stack_start;
    process->vdso = from->vdso;
    memcpy(process->auxv, from->auxv, sizeof(process->auxv));
    process->personality = from->personality;
    process->dumpable = from->dumpable;
    process->oom_score_adj = from->oom_score_adj;
    spin_unlock(&from->lock);
}

static int copy_space(struct process *process, struct process *from, uint64_t flags)
{
    if ((flags & CLONE_VM) == 0) {
        int error = as_fork(from->as, &process->as);

        if (error == 0) {
            rlimit_apply(process); /* the space's were copied at another moment than the process's */
        }
        return error;
    }
    as_get(from->as);
    process->as = from->as;
    process->as_shared = true;
    from->as_shared = true;
    return 0;
}

static void process_undo(struct process *process)
{
    if (process->exe != NULL) {
        file_put(process->exe);
    }
    if (process->as != NULL) {
        as_put(process->as);
    }
    if (process->sighand != NULL) {
        sighand_put(process->sighand);
    }
    process_destroy(process);
}

static int copy_process(struct process *from, const struct clone_request *request, struct process **out)
{
    struct process *process = process_create();
    int result;

    if (process == NULL) {
        return -ENOMEM;
    }
    copy_process_fields(process, from);
    process->exit_signal =
        (request->flags & CLONE_PARENT) != 0 ? from->exit_signal : request->exit_signal;
    if ((request->flags & CLONE_SIGHAND) != 0) {
        process->sighand = from->sighand;
        atomic_fetch_add(&process->sighand->refs, 1);
    } else {
        process->sighand = sighand_copy(from->sighand);
    }
    result = process->sighand != NULL ? copy_space(process, from, request->flags) : -ENOMEM;
    if (result != 0) {
        process_undo(process);
        return result;
    }
    *out = process;
    return 0;
}

static void set_start(struct task *task, const struct trap_frame *frame,
                      const struct clone_request *request)
{
    struct trap_frame *start = task_frame(task);

    *start = *frame;
    frame_set_return(start, 0);
    if (request->stack != 0) {
        frame_set_sp(start, request->stack);
    }
    hal_fpu_save(&task->fpu);
    hal_context_set_tls(&task->context,
                        (request->flags & CLONE_SETTLS) != 0 ? request->tls : hal_tls_get());
}

/* Does: makes the whole task, not yet visible. */
static int build_task(const struct trap_frame *frame, const struct clone_request *request,
                      struct task **out)
{
    struct task *from = task_current(), *task = task_create();
    int result;

    if (task == NULL) {
        return -ENOMEM;
    }
    result = copy_files(task, from, request->flags);
    if (result != 0) {
        goto undo_task;
    }
    task->process = from->process;
    if ((request->flags & CLONE_THREAD) == 0) {
        result = copy_process(from->process, request, &task->process);
        if (result != 0) {
            goto undo_files;
        }
    }
    task->as = task->process->as;
    copy_task_fields(task, from, request->flags);
    set_start(task, frame, request);
    *out = task;
    return 0;

undo_files:
    fd_table_put(task->fds);
    fs_context_put(task->fs);
undo_task:
    task_destroy(task);
    return result;
}

static void undo_build(struct task *task)
{
    fd_table_put(task->fds);
    fs_context_put(task->fs);
    cred_put(task->cred);
    if (task->process != process_current()) {
        process_undo(task->process);
    }
    task_destroy(task);
}

/* clone(2): these stores fail silently. */
static void store_tids(struct task *task, const struct clone_request *request)
{
    if ((request->flags & CLONE_PARENT_SETTID) != 0) {
        (void)!user_copy_out(request->parent_tid, &task->tid, sizeof(task->tid));
    }
    if ((request->flags & CLONE_CHILD_SETTID) != 0) {
        (void)!as_copy_out(task->as, request->child_tid, &task->tid, sizeof(task->tid));
    }
    if ((request->flags & CLONE_CHILD_CLEARTID) != 0) {
        task->clear_child_tid = request->child_tid;
    }
}

/* The child must not find `done` once this frame is gone, whatever ended the wait. */
static void vfork_wait(struct task *child, struct vfork_done *done)
{
    (void)!wait_event_killable(&done->queue, READ_ONCE(done->done));
    spin_lock(&child->process->lock);
    child->vfork_done = NULL;
    spin_unlock(&child->process->lock);
}

int64_t task_clone(const struct trap_frame *frame, const struct clone_request *request)
{
    struct process *self = process_current();
    struct vfork_done done = {.queue = WAIT_QUEUE_INIT(done.queue)};
    uint32_t seen = atomic_load(&self->nr_group_signals);
    uint64_t limit = limit_of_user();
    struct task *task;
    pid_nr_t tid;
    int result = check_flags(request->flags);

    if (result == 0 && !task_has_place(limit)) {
        result = -EAGAIN;
    }
    if (result != 0) {
        return result;
    }
    /* A signal to the whole group must not miss a child that is just being made. */
    if (signal_is_pending() && signal_deliverable(task_current()) != 0) {
        return -ERESTARTNOINTR;
    }
    result = build_task(frame, request, &task);
    if (result != 0) {
        return result;
    }
    if ((request->flags & CLONE_VFORK) != 0) {
        task->vfork_done = &done;
    }
    result = task_publish(task, self, (request->flags & CLONE_PARENT) != 0, seen, limit);
    if (result != 0) {
        undo_build(task);
        return result;
    }
    tid = task->tid;
    task_get(task);
    store_tids(task, request);
    sched_start(task);
    if ((request->flags & CLONE_VFORK) != 0) {
        vfork_wait(task, &done);
    }
    task_put(task);
    return tid;
}

pid_nr_t task_set_clear_tid(vaddr_t addr)
{
    task_current()->clear_child_tid = addr;
    return task_current()->tid;
}

static int unshare_files(struct task *task)
{
    struct fd_table *copy, *old = task->fds;

    if (atomic_load(&old->refs) == 1) {
        return 0;
    }
    copy = fd_table_copy(old);
    if (copy == NULL) {
        return -ENOMEM;
    }
    spin_lock(&task->process->lock);
    task->fds = copy;
    spin_unlock(&task->process->lock);
    fd_table_put(old);
    return 0;
}

static int unshare_fs(struct task *task)
{
    struct fs_context *copy, *old = task->fs;

    if (atomic_load(&old->refs) == 1) {
        return 0;
    }
    copy = fs_context_copy(old);
    if (copy == NULL) {
        return -ENOMEM;
    }
    spin_lock(&task->process->lock);
    task->fs = copy;
    spin_unlock(&task->process->lock);
    fs_context_put(old);
    return 0;
}

int task_unshare(uint64_t flags)
{
    const uint64_t alone = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    const uint64_t known = alone | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_NAMESPACES;
    struct task *task = task_current();
    int result = 0;

    if ((flags & ~known) != 0) {
        return -EINVAL;
    }
    if ((flags & CLONE_NAMESPACES) != 0) {
        return cred_capable(task_cred(), CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
    }
    if ((flags & alone) != 0 && (task->process->nr_threads > 1 || task->process->as_shared)) {
        return -EINVAL;
    }
    if ((flags & CLONE_FILES) != 0) {
        result = unshare_files(task);
    }
    if (result == 0 && (flags & CLONE_FS) != 0) {
        result = unshare_fs(task);
    }
    return result;
}
