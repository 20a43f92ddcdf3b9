/* The kernel's services under mm/, as far as the scenarios reach them: nobody sleeps here. */
#include <stdarg.h>
#include <stdio.h>

#include "kernel/assert.h"
#include "kernel/cmdline.h"
#include "kernel/printk.h"
#include "kernel/wait.h"
#include "mm/oom.h"

void printk(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
}

bool cmdline_option(const char *name, char *buf, size_t size)
{
    (void)name;
    (void)buf;
    (void)size;
    return false;
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

uint64_t *oom_fail_countdown(void)
{
    static uint64_t countdown;

    return &countdown;
}

int oom_reclaim(void)
{
    panic("memory ran out");
}

void mutex_init(struct mutex *mutex)
{
    *mutex = (struct mutex)MUTEX_INIT(*mutex);
}

void mutex_lock_slow(struct mutex *mutex)
{
    (void)mutex;
    panic("a scenario sleeps");
}

void mutex_unlock_slow(struct mutex *mutex)
{
    (void)mutex;
    panic("a scenario sleeps");
}
