/* execve's part of sched/: see sched/exec_commit.h. */
#include "sched/exec_commit.h"

#include <arch/cpu.h>

#include "fs/fd_table.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"
#include "sched/core.h"
#include "sched/cred_publish.h"
#include "sched/lifecycle.h"
#include "sched/rlimit.h"
#include "sched/signal_queue.h"
#include "sched/timer_posix.h"

static uint32_t nr_threads(struct process *process)
{
    return __atomic_load_n(&process->nr_threads, __ATOMIC_ACQUIRE);
}

/* While there is a way back: copies of what is shared, or what siblings could still share. */
static int prepare_copies(struct exec_image *image)
{
    struct task *task = task_current();
    struct process *process = task->process;

    image->fds = NULL;
    image->sighand = NULL;
    if (atomic_load(&task->fds->refs) > 1) {
        image->fds = fd_table_copy(task->fds);
        if (image->fds == NULL) {
            return -ENOMEM;
        }
    }
    if (atomic_load(&process->sighand->refs) > 1 || nr_threads(process) > 1) {
        image->sighand = sighand_copy(process->sighand);
        if (image->sighand == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static void release_fds(struct exec_image *image)
{
    if (image->fds != NULL) {
        fd_table_put(image->fds);
        image->fds = NULL;
    }
}

static void release_sighand(struct exec_image *image)
{
    if (image->sighand != NULL) {
        sighand_put(image->sighand);
        image->sighand = NULL;
    }
}

static void release_copies(struct exec_image *image)
{
    release_fds(image);
    release_sighand(image);
}

/* What only siblings shared is the thread's own: with what they changed last, and its record locks. */
static void keep_own(struct exec_image *image, struct task *task)
{
    if (atomic_load(&task->fds->refs) == 1) {
        release_fds(image);
    }
    if (atomic_load(&task->process->sighand->refs) == 1) {
        release_sighand(image);
    }
}

static int begin_single(struct process *process, struct task *task)
{
    int error = 0;

    spin_lock(&process->lock);
    if (process->group_exit || process->exec_task != NULL) {
        error = -EAGAIN;
    } else {
        process->exec_task = task;
        process->group_stop = false;
        process->stop_taken = false;
        list_for_each(it, &process->threads) {
            struct task *other = list_entry(it, struct task, thread_node);

            if (other != task) {
                atomic_fetch_or(&other->pending.set, SIGNAL_BIT(SIGKILL));
                atomic_fetch_or(&other->work, TASK_WORK_SIGNAL);
                sched_wake_for_signal(other, true);
            }
        }
    }
    spin_unlock(&process->lock);
    return error;
}

/* The thread takes the number of the leader, which has exited; its own goes with the old task. */
static void become_leader(struct process *process, struct task *task)
{
    struct task *old = process->leader;
    struct pid_entry *own = task->pid;

    if (old == task) {
        return;
    }
    spin_lock(&task_table_lock);
    /* Senders of signals, timers among them, look at the leader with this lock alone. */
    spin_lock(&process->lock);
    task->pid = old->pid;
    task->pid->task = task;
    task->tid = task->pid->nr;
    old->pid = own;
    own->task = old;
    process->leader = task;
    task_get(task);
    spin_unlock(&process->lock);
    task_unhash_locked(old);
    spin_unlock(&task_table_lock);
    task_put(old);
}

int exec_prepare(struct exec_image *image)
{
    struct task *task = task_current();
    struct process *process = task->process;
    int error = prepare_copies(image);

    if (error == 0) {
        error = begin_single(process, task);
    }
    if (error != 0) {
        release_copies(image);
        return error;
    }
    error = wait_event_killable(&process->exec_wait, nr_threads(process) == 1);
    if (error == 0) {
        become_leader(process, task);
        keep_own(image, task);
    } else {
        release_copies(image);
    }
    spin_lock(&process->lock);
    process->exec_task = NULL;
    spin_unlock(&process->lock);
    return error;
}

static void replace_shared(struct exec_image *image, struct task *task)
{
    struct process *process = task->process;
    struct fd_table *old_fds = image->fds == NULL ? NULL : task->fds;
    struct sighand *old_sighand = image->sighand == NULL ? NULL : process->sighand;

    spin_lock(&process->lock);
    task->fds = image->fds == NULL ? task->fds : image->fds;
    process->sighand = image->sighand == NULL ? process->sighand : image->sighand;
    spin_unlock(&process->lock);
    if (old_fds != NULL) {
        fd_table_put(old_fds);
    }
    if (old_sighand != NULL) {
        sighand_put(old_sighand);
    }
}

static void describe_locked(struct process *process, const struct exec_image *image)
    REQUIRES(process->lock)
{
    process->arg_start = image->arg_start;
    process->arg_end = image->arg_end;
    process->env_start = image->env_start;
    process->env_end = image->env_end;
    process->stack_start = image->stack_start;
    process->vdso = image->vdso;
    process->dumpable = image->dumpable;
    process->has_execed = true;
    process->exit_signal = SIGCHLD;
    memset(process->auxv, 0, sizeof(process->auxv));
    memcpy(process->auxv, image->auxv,
           MIN(image->nr_auxv, (uint32_t)PROCESS_AUXV_MAX) * sizeof(image->auxv[0]));
}

/* The one pointer that changes, in the record and in the register alike. */
static struct address_space *replace_space(struct exec_image *image, struct task *task)
{
    struct process *process = task->process;
    struct address_space *old = process->as;
    struct file *old_exe;

    spin_lock(&process->lock);
    process->as = image->as;
    process->as_shared = false;
    old_exe = process->exe;
    process->exe = image->file;
    describe_locked(process, image);
    task->as = image->as;
    as_activate(image->as);
    spin_unlock(&process->lock);
    if (old_exe != NULL) {
        file_put(old_exe);
    }
    return old;
}

void exec_commit(struct exec_image *image, struct trap_frame *frame)
{
    struct task *task = task_current();
    struct process *process = task->process;

    task_leave_user(task);
    struct address_space *old = replace_space(image, task);

    rlimit_apply(process);
    vfork_complete(task);
    if (old != NULL) {
        process_note_space_gone(process, old);
        as_put(old);
    }
    replace_shared(image, task);
    posix_timers_delete_all(process);
    signal_reset_for_exec();
    fd_table_close_on_exec(task->fds);
    task_set_comm(task, image->comm);
    if (image->cred != NULL) {
        cred_publish(image->cred);
    }
    if (task->cred->euid != task->cred->uid || task->cred->egid != task->cred->gid) {
        task->pdeath_signal = 0;
    }
    task->robust_list = 0;
    task->clear_child_tid = 0;
    frame_init_user(frame, image->entry, image->sp);
    hal_tls_set(0);
    hal_fpu_init(&task->fpu);
    hal_fpu_restore(&task->fpu);
}
