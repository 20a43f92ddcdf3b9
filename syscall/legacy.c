/* Calls that only older architectures have: each is a form of a newer one. */
#include "syscall/syscall.h"

#if HAL_ABI_LEGACY_CALLS

#include <asm/prctl.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>
#include <linux/utime.h>

#include "fs/vfs.h"
#include "sched/clone.h"
#include "sched/group.h"
#include "sched/signal.h"
#include "sched/timer_posix.h"
#include "syscall/calls.h"
#include "syscall/user.h"

SYSCALL_3(open, vaddr_t, name, uint32_t, flags, uint32_t, mode)
{
    return call_openat(AT_FDCWD, name, flags, mode);
}

SYSCALL_2(creat, vaddr_t, name, uint32_t, mode)
{
    return call_openat(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

SYSCALL_2(stat, vaddr_t, name, vaddr_t, out)
{
    return call_newfstatat(AT_FDCWD, name, out, 0);
}

SYSCALL_2(lstat, vaddr_t, name, vaddr_t, out)
{
    return call_newfstatat(AT_FDCWD, name, out, AT_SYMLINK_NOFOLLOW);
}

SYSCALL_2(access, vaddr_t, name, uint32_t, mode)
{
    return call_faccessat2(AT_FDCWD, name, mode, 0);
}

SYSCALL_2(mkdir, vaddr_t, name, uint32_t, mode)
{
    return call_mkdirat(AT_FDCWD, name, mode);
}

SYSCALL_3(mknod, vaddr_t, name, uint32_t, mode, uint32_t, dev)
{
    return call_mknodat(AT_FDCWD, name, mode, dev);
}

SYSCALL_1(rmdir, vaddr_t, name)
{
    return call_unlinkat(AT_FDCWD, name, AT_REMOVEDIR);
}

SYSCALL_1(unlink, vaddr_t, name)
{
    return call_unlinkat(AT_FDCWD, name, 0);
}

SYSCALL_2(link, vaddr_t, from, vaddr_t, to)
{
    return call_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SYSCALL_2(symlink, vaddr_t, target, vaddr_t, name)
{
    return call_symlinkat(target, AT_FDCWD, name);
}

SYSCALL_2(rename, vaddr_t, from, vaddr_t, to)
{
    return call_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SYSCALL_3(readlink, vaddr_t, name, vaddr_t, buf, int, size)
{
    return call_readlinkat(AT_FDCWD, name, buf, size);
}

SYSCALL_2(chmod, vaddr_t, name, uint32_t, mode)
{
    return call_fchmodat(AT_FDCWD, name, mode, 0);
}

SYSCALL_3(chown, vaddr_t, name, uint32_t, uid, uint32_t, gid)
{
    return call_fchownat(AT_FDCWD, name, uid, gid, 0);
}

SYSCALL_3(lchown, vaddr_t, name, uint32_t, uid, uint32_t, gid)
{
    return call_fchownat(AT_FDCWD, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

SYSCALL_3(getdents, int, fd, vaddr_t, buf, uint32_t, size)
{
    return call_getdents(fd, buf, size, true);
}

static uint64_t seconds_to_ns(int64_t seconds)
{
    uint64_t whole = (uint64_t)MAX(seconds, (int64_t)0);

    return (uint64_t)(MIN(whole, (uint64_t)INT64_MAX / NS_PER_SEC) * NS_PER_SEC);
}

SYSCALL_2(utime, vaddr_t, name, vaddr_t, addr)
{
    struct vfs_times times = {VFS_TIME_NOW, VFS_TIME_NOW};
    struct utimbuf user;

    if (addr != 0) {
        int result = user_copy_in(&user, addr, sizeof(user));

        if (result != 0) {
            return result;
        }
        times = (struct vfs_times){seconds_to_ns(user.actime), seconds_to_ns(user.modtime)};
    }
    return call_utimens(AT_FDCWD, name, &times, 0);
}

static int64_t utimes_at(int dirfd, vaddr_t name, vaddr_t addr)
{
    struct vfs_times times = {VFS_TIME_NOW, VFS_TIME_NOW};
    struct __kernel_old_timeval user[2];

    if (addr != 0) {
        int result = user_copy_in(user, addr, sizeof(user));

        if (result != 0) {
            return result;
        }
        for (int i = 0; i < 2; i++) {
            if (user[i].tv_usec < 0 || user[i].tv_usec >= 1000000) {
                return -EINVAL;
            }
        }
        times.atime = seconds_to_ns(user[0].tv_sec) + (uint64_t)user[0].tv_usec * NS_PER_US;
        times.mtime = seconds_to_ns(user[1].tv_sec) + (uint64_t)user[1].tv_usec * NS_PER_US;
    }
    return call_utimens(dirfd, name, &times, 0);
}

SYSCALL_2(utimes, vaddr_t, name, vaddr_t, times)
{
    return utimes_at(AT_FDCWD, name, times);
}

SYSCALL_3(futimesat, int, dirfd, vaddr_t, name, vaddr_t, times)
{
    return utimes_at(dirfd, name, times);
}

SYSCALL_2(dup2, int, from, int, to)
{
    struct file *file;

    if (from != to) {
        return call_dup3(from, to, 0);
    }
    file = fd_get_raw(task_fds(), from);
    if (file == NULL) {
        return -EBADF;
    }
    file_put(file);
    return to;
}

SYSCALL_1(pipe, vaddr_t, fds)
{
    return call_pipe2(fds, 0);
}

SYSCALL_1(eventfd, uint32_t, initial)
{
    return call_eventfd2(initial, 0);
}

/* restart_syscall(2): the deadline stays the one of the first call. */
static int64_t restart_poll(struct restart_block *block);

static int64_t poll_restartable(vaddr_t fds, uint32_t nr, uint64_t deadline_ns)
{
    int64_t result = call_poll(fds, nr, deadline_ns);

    if (result == -EINTR) {
        struct restart_block *block = &task_current()->restart;

        block->fn = restart_poll;
        block->arg[0] = fds;
        block->arg[1] = nr;
        block->arg[2] = deadline_ns;
        result = -ERESTART_RESTARTBLOCK;
    }
    return result;
}

static int64_t restart_poll(struct restart_block *block)
{
    return poll_restartable(block->arg[0], (uint32_t)block->arg[1], block->arg[2]);
}

SYSCALL_3(poll, vaddr_t, fds, uint32_t, nr, int, timeout_ms)
{
    uint64_t deadline = WAIT_FOREVER;

    if (timeout_ms >= 0) {
        deadline = timeout_ms == 0 ? 0 : user_deadline((uint32_t)timeout_ms * NS_PER_MS);
    }
    return poll_restartable(fds, nr, deadline);
}

SYSCALL_5(select, int, nr, vaddr_t, in, vaddr_t, out, vaddr_t, except, vaddr_t, timeout)
{
    struct select_sets sets = {in, out, except};
    uint64_t deadline = WAIT_FOREVER, ns;
    int64_t result;

    if (timeout != 0) {
        result = user_get_select_timeval(timeout, &ns);
        if (result != 0) {
            return result;
        }
        deadline = ns == 0 ? 0 : user_deadline(ns);
    }
    result = call_select(nr, &sets, deadline);
    if (timeout != 0) {
        uint64_t now = time_now_ns();

        (void)!user_put_timeval(timeout, deadline > now ? deadline - now : 0);
    }
    return result;
}

static int64_t plain_clone(uint64_t flags)
{
    struct clone_request args = {.flags = flags, .exit_signal = SIGCHLD};

    return task_clone(task_frame(task_current()), &args);
}

SYSCALL_0(fork)
{
    return plain_clone(0);
}

SYSCALL_0(vfork)
{
    return plain_clone(0x00004000 | 0x00000100 /* CLONE_VFORK | CLONE_VM */);
}

SYSCALL_0(getpgrp)
{
    return group_get(0);
}

SYSCALL_0(pause)
{
    return signal_pause();
}

SYSCALL_1(alarm, uint32_t, seconds)
{
    return (int64_t)itimer_alarm(seconds);
}

SYSCALL_1(time, vaddr_t, out)
{
    int64_t seconds = (int64_t)(time_wall_ns() / NS_PER_SEC);
    int result = out == 0 ? 0 : user_copy_out(out, &seconds, sizeof(seconds));

    return result != 0 ? result : seconds;
}

SYSCALL_2(arch_prctl, int, code, vaddr_t, addr)
{
    uint64_t base;

    switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (addr >= USER_VA_END) {
            return -EPERM;
        }
        if (code == ARCH_SET_FS) {
            hal_tls_set(addr);
        } else {
            hal_gs_set(addr);
        }
        return 0;
    case ARCH_GET_FS:
    case ARCH_GET_GS:
        base = code == ARCH_GET_FS ? hal_tls_get() : hal_gs_get();
        return user_copy_out(addr, &base, sizeof(base));
    default:
        return -EINVAL;
    }
}

#endif
