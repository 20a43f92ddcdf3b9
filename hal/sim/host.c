/* The kernel's services under mm/, on the host: one task, no sleeping, panic ends the test. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/cmdline.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "kernel/wait.h"
#include "mm/oom.h"

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "panic: ");
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

void printk(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
}

struct task *sched_current(void)
{
    static char one;

    return (struct task *)&one;
}

int sched_point(void)
{
    return 0;
}

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->waiters);
}

void mutex_init(struct mutex *mutex)
{
    *mutex = (struct mutex)MUTEX_INIT(*mutex);
}

void mutex_lock_slow(struct mutex *mutex)
{
    (void)mutex;
    panic("a lock is taken twice");
}

void mutex_unlock_slow(struct mutex *mutex)
{
    (void)mutex;
    panic("nobody can wait here");
}

bool cmdline_option(const char *name, char *buf, size_t size)
{
    (void)name;
    (void)buf;
    (void)size;
    return false;
}

uint64_t *oom_fail_countdown(void)
{
    static uint64_t countdown;

    return &countdown;
}

int oom_reclaim(void)
{
    return -4; /* EINTR: no victim */
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    return (size_t)snprintf(dst, size, "%s", src);
}
