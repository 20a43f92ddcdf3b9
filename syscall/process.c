/* Processes and threads: identity, groups, creation, programs, end, waiting. */
#include <linux/wait.h>

#include "loader/exec.h"
#include "sched/child.h"
#include "sched/clone.h"
#include "sched/group.h"
#include "sched/signal.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

SYSCALL_0(getpid)
{
    return process_current()->pid;
}

SYSCALL_0(gettid)
{
    return task_current()->tid;
}

SYSCALL_0(getppid)
{
    return process_parent_pid(process_current());
}

SYSCALL_2(setpgid, pid_nr_t, pid, pid_nr_t, pgid)
{
    return group_set(pid, pgid);
}

SYSCALL_1(getpgid, pid_nr_t, pid)
{
    return group_get(pid);
}

SYSCALL_1(getsid, pid_nr_t, pid)
{
    return group_get_session(pid);
}

SYSCALL_0(setsid)
{
    return group_new_session();
}

SYSCALL_1(exit, int, code)
{
    task_exit((code & 0xff) << 8);
}

SYSCALL_1(exit_group, int, code)
{
    process_exit((code & 0xff) << 8);
}

/* The low byte of clone(2)'s flags: the signal sent at exit. */
#define CLONE_SIGNAL_MASK 0xffu

/* clone(2): where the tls argument stands differs by architecture. */
SYSCALL_5(clone, uint64_t, flags, vaddr_t, stack, vaddr_t, parent_tid, uint64_t, fourth, uint64_t,
          fifth)
{
    struct clone_request args = {
        .flags = (uint32_t)flags & ~CLONE_SIGNAL_MASK,
        .exit_signal = (int)(flags & CLONE_SIGNAL_MASK),
        .stack = stack,
        .parent_tid = parent_tid,
        .child_tid = HAL_CLONE_BACKWARDS ? fifth : fourth,
        .tls = HAL_CLONE_BACKWARDS ? fourth : fifth,
    };

    return task_clone(task_frame(task_current()), &args);
}

SYSCALL_1(unshare, uint64_t, flags)
{
    return task_unshare(flags);
}

SYSCALL_1(set_tid_address, vaddr_t, addr)
{
    return task_set_clear_tid(addr);
}

static int put_usage(vaddr_t addr, const struct rusage *usage)
{
    return addr == 0 ? 0 : user_copy_out(addr, usage, sizeof(*usage));
}

SYSCALL_4(wait4, pid_nr_t, pid, vaddr_t, status, int, options, vaddr_t, usage)
{
    struct wait_request request = {P_PID, pid, options | WEXITED};
    struct wait_result child;
    int result;

    if ((uint32_t)options &
        ~((uint32_t)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WALL) | __WCLONE)) {
        return -EINVAL;
    }
    if (pid == INT32_MIN) {
        return -ESRCH;
    }
    if (pid == -1) {
        request.type = P_ALL;
    } else if (pid <= 0) {
        request.type = P_PGID;
        request.id = -pid;
    }
    result = process_wait(&request, &child);
    if (result == 0 && child.pid != 0 && status != 0) {
        result = user_copy_out(status, &child.status, sizeof(child.status));
    }
    if (result == 0 && child.pid != 0) {
        result = put_usage(usage, &child.usage);
    }
    return result != 0 ? result : child.pid;
}

/* The parts of siginfo_t that waitid(2) writes; what lies between them stays. */
struct wait_info_head {
    int32_t signo, error, code;
};
struct wait_info_tail {
    int32_t pid;
    uint32_t uid;
    int32_t status;
};
#define WAIT_INFO_TAIL_OFFSET 16

static int put_wait_info(vaddr_t addr, const struct wait_result *child)
{
    struct wait_info_head head = {0};
    struct wait_info_tail tail = {0};
    int result;

    if (child->pid != 0) {
        head = (struct wait_info_head){SIGCHLD, 0, child->code};
        tail = (struct wait_info_tail){child->pid, child->uid, child->value};
    }
    result = user_copy_out(addr, &head, sizeof(head));
    return result != 0 ? result : user_copy_out(addr + WAIT_INFO_TAIL_OFFSET, &tail, sizeof(tail));
}

static int check_waitid(int type, pid_nr_t id, int options)
{
    if ((uint32_t)options & ~((uint32_t)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
                                         __WNOTHREAD | __WALL) |
                              __WCLONE)) {
        return -EINVAL;
    }
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED))) {
        return -EINVAL;
    }
    switch (type) {
    case P_ALL:
        return 0;
    case P_PID:
        return id <= 0 ? -EINVAL : 0;
    case P_PGID:
        return id < 0 ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

SYSCALL_5(waitid, int, type, pid_nr_t, id, vaddr_t, info, int, options, vaddr_t, usage)
{
    struct wait_request request = {type, id, options};
    struct wait_result child = {0};
    int result = check_waitid(type, id, options), error = 0;

    if (result != 0) {
        return result;
    }
    result = process_wait(&request, &child);
    if (result != 0) {
        child.pid = 0;
    } else if (child.pid != 0) {
        error = put_usage(usage, &child.usage);
    }
    if (error == 0 && info != 0) {
        error = put_wait_info(info, &child);
    }
    return error != 0 ? error : result;
}

static int64_t exec_call(int dirfd, vaddr_t name, vaddr_t argv, vaddr_t envp, int flags)
{
    struct user_path path;
    struct exec_request request = {dirfd, NULL, flags, argv, envp};
    /* The loader looks dirfd up itself; only the name is wanted here. */
    int64_t result = user_path_get(&path, AT_FDCWD, name, (uint32_t)flags);

    if (result != 0) {
        return result;
    }
    request.path = path.name;
    result = exec_user(&request, task_frame(task_current()));
    user_path_put(&path);
    return result;
}

SYSCALL_3(execve, vaddr_t, name, vaddr_t, argv, vaddr_t, envp)
{
    return exec_call(AT_FDCWD, name, argv, envp, 0);
}

SYSCALL_5(execveat, int, dirfd, vaddr_t, name, vaddr_t, argv, vaddr_t, envp, int, flags)
{
    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
        return -EINVAL;
    }
    return exec_call(dirfd, name, argv, envp, flags);
}

SYSCALL_1(personality, uint32_t, persona)
{
    struct process *process = process_current();
    uint32_t old = process->personality;

    if (persona != 0xffffffffu) {
        process->personality = persona;
    }
    return old;
}
