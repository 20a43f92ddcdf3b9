/* The system calls of sys.h. */
#include "sys.h"

#include <linux/reboot.h>
#include <linux/signal.h>
#include <linux/time_types.h>

#define CALL0(name) sys_call(__NR_##name, 0, 0, 0, 0, 0)
#define CALL1(name, a) sys_call(__NR_##name, (long)(a), 0, 0, 0, 0)
#define CALL2(name, a, b) sys_call(__NR_##name, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(name, a, b, c) sys_call(__NR_##name, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(name, a, b, c, d)                                                                    \
    sys_call(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define CALL5(name, a, b, c, d, e)                                                                 \
    sys_call(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

long sys_open(const char *path, int flags)
{
    return CALL4(openat, AT_FDCWD, path, flags, 0);
}

long sys_close(int fd)
{
    return CALL1(close, fd);
}

long sys_read(int fd, void *buf, size_t len)
{
    return CALL3(read, fd, buf, len);
}

long sys_write(int fd, const void *buf, size_t len)
{
    return CALL3(write, fd, buf, len);
}

long sys_dup3(int from, int to)
{
    return CALL3(dup3, from, to, 0);
}

long sys_pipe(int fds[2], int flags)
{
    return CALL2(pipe2, fds, flags);
}

long sys_fcntl(int fd, int command, long arg)
{
    return CALL3(fcntl, fd, command, arg);
}

long sys_ioctl(int fd, unsigned long request, void *arg)
{
    return CALL3(ioctl, fd, request, arg);
}

long sys_poll(struct sys_pollfd *fds, size_t nr_fds, long timeout_ms)
{
    struct __kernel_timespec limit = {
        .tv_sec = timeout_ms / 1000,
        .tv_nsec = timeout_ms % 1000 * 1000000,
    };
    return CALL5(ppoll, fds, nr_fds, timeout_ms < 0 ? NULL : &limit, NULL, 8);
}

long sys_mkdir(const char *path, unsigned int mode)
{
    return CALL3(mkdirat, AT_FDCWD, path, mode);
}

bool sys_exists(const char *path)
{
    return CALL3(faccessat, AT_FDCWD, path, 0) == 0;
}

long sys_sethostname(const char *name)
{
    return CALL2(sethostname, name, strlen(name));
}

long sys_chdir(const char *path)
{
    return CALL1(chdir, path);
}

long sys_mount(const char *source, const char *target, const char *type)
{
    return CALL5(mount, source, target, type, 0, NULL);
}

long sys_fork(void)
{
    return CALL5(clone, SIGCHLD, 0, 0, 0, 0);
}

long sys_execve(const char *path, char *const argv[], char *const envp[])
{
    return CALL3(execve, path, argv, envp);
}

long sys_wait(int *status, int options)
{
    return CALL4(wait4, -1, status, options, NULL);
}

long sys_setsid(void)
{
    return CALL0(setsid);
}

long sys_kill(int pid, int signal)
{
    return CALL2(kill, pid, signal);
}

void sys_ignore_sigpipe(bool ignore)
{
    struct sigaction action = {.sa_handler = ignore ? SIG_IGN : SIG_DFL};

    CALL4(rt_sigaction, SIGPIPE, &action, NULL, 8);
}

void sys_power_off(void)
{
    CALL0(sync);
    CALL4(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, NULL);
}

void sys_exit(int status)
{
    for (;;)
        CALL1(exit_group, status);
}
