/*
 * Raw Linux system calls and the few C library functions that a freestanding test needs.
 * sys(name, args...) gives the kernel's own answer: a value or -errno. Nothing here keeps state.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/wait.h>
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <asm/stat.h>
#include <asm/statfs.h>

#include "arch.h"

#define SYS_PICK(_x, _1, _2, _3, _4, _5, _6, n, ...) SYS_##n
#define SYS_0(nr) sys_call6(nr, 0, 0, 0, 0, 0, 0)
#define SYS_1(nr, a) sys_call6(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS_2(nr, a, b) sys_call6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS_3(nr, a, b, c) sys_call6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS_4(nr, a, b, c, d) sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS_5(nr, a, b, c, d, e) \
    sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define SYS_6(nr, a, b, c, d, e, f) \
    sys_call6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(name, ...) sys_nr(__NR_##name, ##__VA_ARGS__)
#define sys_nr(nr, ...) \
    SYS_PICK(x, ##__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)(nr, ##__VA_ARGS__)

#define PAGE 4096UL
#define NOINLINE __attribute__((noinline))
#define NORETURN __attribute__((noreturn))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Constants that the exported headers leave to the C library. */
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define R_OK 4
#define W_OK 2
#define X_OK 1
#define F_OK 0
#define MAP_FAILED_MIN (-4095L)
#define WIFEXITED(s) (((s) & 0x7f) == 0)
#define WEXITSTATUS(s) (((s) >> 8) & 0xff)
#define WTERMSIG(s) ((s) & 0x7f)
#define WIFSTOPPED(s) (((s) & 0xff) == 0x7f)
#ifndef WCONTINUED
#define WCONTINUED 8
#endif
#ifndef WUNTRACED
#define WUNTRACED 2
#endif
#define SS_ONSTACK 1
#define SS_DISABLE 2
#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000

/* The kernel's struct sigaction (include/uapi/asm-generic/signal.h), same on both targets. */
struct ksigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

struct iov {
    void *base;
    size_t len;
};

int main(int argc, char **argv, char **envp, unsigned long *auxv);

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strstr(const char *text, const char *word);
long parse_long(const char *text);
NORETURN void exit_now(long status);

static inline bool is_err(long v)
{
    return v < 0 && v >= MAP_FAILED_MIN;
}
