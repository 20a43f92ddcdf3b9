/* The first process: made from nothing, runs in the kernel until it execs /init. */
#include "kernel/errno.h"
#include "kernel/string.h"
#include "sched/core.h"
#include "sched/lifecycle.h"
#include "sched/signal_queue.h"

#define STACK_DEFAULT MIB(8)
#define MEMLOCK_DEFAULT MIB(8)

/* Linux's initial limits (asm-generic/resource.h), NPROC and SIGPENDING by the task limit. */
static void set_limits(struct process *process)
{
    struct rlimit64 *limits = process->rlimits;
    uint64_t tasks = task_limit() / 2;

    for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
        limits[i] = (struct rlimit64){RLIM64_INFINITY, RLIM64_INFINITY};
    }
    limits[RLIMIT_STACK].rlim_cur = STACK_DEFAULT;
    limits[RLIMIT_CORE].rlim_cur = 0;
    limits[RLIMIT_NPROC] = (struct rlimit64){tasks, tasks};
    limits[RLIMIT_NOFILE] = (struct rlimit64){1024, 4096};
    limits[RLIMIT_MEMLOCK] = (struct rlimit64){MEMLOCK_DEFAULT, MEMLOCK_DEFAULT};
    limits[RLIMIT_SIGPENDING] = (struct rlimit64){tasks, tasks};
    limits[RLIMIT_MSGQUEUE] = (struct rlimit64){819200, 819200};
    limits[RLIMIT_NICE] = (struct rlimit64){0, 0};
    limits[RLIMIT_RTPRIO] = (struct rlimit64){0, 0};
}

int process_start_init(void (*fn)(void *arg), void *arg)
{
    struct task *task = task_create();
    struct process *process = process_create();
    int result = -ENOMEM;

    if (task == NULL || process == NULL) {
        return -ENOMEM; /* boot ends here: nothing to undo */
    }
    process->sighand = sighand_create();
    task->cred = cred_create_root();
    if (process->sighand == NULL || task->cred == NULL) {
        return -ENOMEM;
    }
    process->exit_signal = SIGCHLD;
    process->unkillable = true;
    set_limits(process);
    task->process = process;
    task->kernel_fn = fn;
    task->kernel_arg = arg;
    hal_fpu_init(&task->fpu);
    strlcpy(task->comm, "init", sizeof(task->comm));
    result = task_publish(task, NULL, false, 0, RLIM64_INFINITY);
    if (result == 0) {
        sched_start(task);
    }
    return result;
}
