/*
 * Raw Linux system calls and the few string functions of the guest's own programs.
 * Every call returns Linux's value: a result, or -errno. Only calls that both
 * architectures have are used.
 */
#pragma once

#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.h"

struct sys_pollfd {
    int fd;
    short events;
    short revents;
};

#define SYS_POLLIN 1
#define SYS_POLLOUT 4
#define SYS_POLLERR 8
#define SYS_POLLHUP 16

long sys_open(const char *path, int flags);
long sys_close(int fd);
long sys_read(int fd, void *buf, size_t len);
long sys_write(int fd, const void *buf, size_t len);
long sys_dup3(int from, int to);
long sys_pipe(int fds[2], int flags);
long sys_fcntl(int fd, int command, long arg);
long sys_ioctl(int fd, unsigned long request, void *arg);
/* Waits for up to timeout_ms milliseconds, without end if it is negative. */
long sys_poll(struct sys_pollfd *fds, size_t nr_fds, long timeout_ms);
long sys_mkdir(const char *path, unsigned int mode);
bool sys_exists(const char *path);
long sys_sethostname(const char *name);
long sys_chdir(const char *path);
long sys_mount(const char *source, const char *target, const char *type);
long sys_fork(void);
long sys_execve(const char *path, char *const argv[], char *const envp[]);
/* Collects one child, any, into *status; options are wait4(2)'s. */
long sys_wait(int *status, int options);
long sys_setsid(void);
long sys_kill(int pid, int signal);
/* Sets SIGPIPE to be ignored, or back to its default. */
void sys_ignore_sigpipe(bool ignore);
void sys_power_off(void);
__attribute__((noreturn)) void sys_exit(int status);

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
