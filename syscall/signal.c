/* Signals. */
#include "sched/signal.h"

#include "syscall/syscall.h"
#include "syscall/user.h"

_Static_assert(sizeof(struct signal_action) == 32, "rt_sigaction's structure");
_Static_assert(sizeof(siginfo_t) == 128, "siginfo_t");

SYSCALL_4(rt_sigaction, int, signo, vaddr_t, new_addr, vaddr_t, old_addr, size_t, size)
{
    struct signal_action action, old;
    int result = 0;

    if (size != sizeof(uint64_t)) {
        return -EINVAL;
    }
    if (new_addr != 0) {
        result = user_copy_in(&action, new_addr, sizeof(action));
    }
    if (result == 0) {
        result = signal_set_action(signo, new_addr != 0 ? &action : NULL,
                                   old_addr != 0 ? &old : NULL);
    }
    if (result == 0 && old_addr != 0) {
        result = user_copy_out(old_addr, &old, sizeof(old));
    }
    return result;
}

SYSCALL_4(rt_sigprocmask, int, how, vaddr_t, new_addr, vaddr_t, old_addr, size_t, size)
{
    uint64_t set, old;
    int result = 0;

    if (size != sizeof(set)) {
        return -EINVAL;
    }
    if (new_addr != 0) {
        result = user_copy_in(&set, new_addr, sizeof(set));
    }
    if (result == 0) {
        result = signal_change_mask(how, new_addr != 0 ? &set : NULL, &old);
    }
    if (result == 0 && old_addr != 0) {
        result = user_copy_out(old_addr, &old, sizeof(old));
    }
    return result;
}

SYSCALL_2(rt_sigpending, vaddr_t, out, size_t, size)
{
    uint64_t set = signal_pending_blocked();

    return size > sizeof(set) ? -EINVAL : user_copy_out(out, &set, size);
}

SYSCALL_2(rt_sigsuspend, vaddr_t, addr, size_t, size)
{
    uint64_t mask;
    int result = user_get_sigset(addr, size, &mask);

    return result != 0 ? result : signal_suspend(mask);
}

SYSCALL_4(rt_sigtimedwait, vaddr_t, set_addr, vaddr_t, info_addr, vaddr_t, timeout, size_t, size)
{
    uint64_t set, ns, deadline = WAIT_FOREVER;
    siginfo_t info;
    int64_t result = user_get_sigset(set_addr, size, &set);

    if (result == 0 && timeout != 0) {
        result = user_get_timespec(timeout, &ns);
        deadline = result == 0 ? user_deadline(ns) : 0;
    }
    if (result != 0) {
        return result;
    }
    result = signal_timed_wait(set, deadline, &info);
    if (result > 0 && info_addr != 0) {
        int error = user_copy_out(info_addr, &info, sizeof(info));

        result = error != 0 ? error : result;
    }
    return result;
}

/* What any kind of siginfo fills of its 128 bytes; Linux reads no more. */
#define SIGINFO_USED 48u

static int64_t queue_info(pid_nr_t tgid, pid_nr_t tid, int signo, vaddr_t info_addr)
{
    siginfo_t info = {0};
    int result = user_copy_in(&info, info_addr, SIGINFO_USED);

    if (result != 0) {
        return result;
    }
    info.si_signo = signo;
    return signal_queue_info(tgid, tid, signo, &info);
}

SYSCALL_3(rt_sigqueueinfo, pid_nr_t, pid, int, signo, vaddr_t, info)
{
    return queue_info(-1, pid, signo, info);
}

SYSCALL_4(rt_tgsigqueueinfo, pid_nr_t, tgid, pid_nr_t, tid, int, signo, vaddr_t, info)
{
    return tgid <= 0 || tid <= 0 ? -EINVAL : queue_info(tgid, tid, signo, info);
}

SYSCALL_0(rt_sigreturn)
{
    return signal_return(task_frame(task_current()));
}

/* stack_t. */
struct user_stack {
    uint64_t sp;
    int32_t flags;
    int32_t pad;
    uint64_t size;
};

SYSCALL_2(sigaltstack, vaddr_t, new_addr, vaddr_t, old_addr)
{
    struct user_stack user = {0};
    struct signal_stack stack, old;
    int result = 0;

    _Static_assert(sizeof(struct user_stack) == sizeof(stack_t), "stack_t");
    if (new_addr != 0) {
        result = user_copy_in(&user, new_addr, sizeof(user));
        stack = (struct signal_stack){user.sp, user.flags, user.size};
    }
    if (result == 0) {
        result = signal_set_stack(task_frame(task_current()), new_addr != 0 ? &stack : NULL, &old);
    }
    if (result == 0 && old_addr != 0) {
        user = (struct user_stack){old.sp, old.flags, 0, old.size};
        result = user_copy_out(old_addr, &user, sizeof(user));
    }
    return result;
}

SYSCALL_2(kill, pid_nr_t, pid, int, signo)
{
    return signal_kill(pid, signo);
}

SYSCALL_2(tkill, pid_nr_t, tid, int, signo)
{
    return tid <= 0 ? -EINVAL : signal_tgkill(-1, tid, signo);
}

SYSCALL_3(tgkill, pid_nr_t, tgid, pid_nr_t, tid, int, signo)
{
    return tgid <= 0 || tid <= 0 ? -EINVAL : signal_tgkill(tgid, tid, signo);
}

SYSCALL_0(restart_syscall)
{
    return signal_restart_syscall();
}
