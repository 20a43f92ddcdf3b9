/*
 * Debug builds of the kernel (QUOIN_LOCKDEP): locks belong to classes, one for each place that
 * initialises them; taking one while others are held adds edges to a graph of the order, and an
 * edge that would close a cycle panics before the CPU can wait. Two of one class have no order here.
 * Also: no mutex and no sleep under a spinlock, and no spinlock twice.
 */
#pragma once

#include "kernel/types.h"

struct mutex;
struct spinlock;

struct lock_class {
    const char *file;
    int line;
    uint16_t number; /* 0: not yet seen */
};

#define LOCKDEP_HELD_MAX 12

struct lockdep_held {
    uint32_t nr;
    const void *lock[LOCKDEP_HELD_MAX];
    uint16_t number[LOCKDEP_HELD_MAX];
};

#if defined(QUOIN_LOCKDEP)
void lockdep_spin_acquire(struct spinlock *lock);
void lockdep_spin_release(struct spinlock *lock);
void lockdep_mutex_acquire(struct mutex *mutex);
void lockdep_mutex_release(struct mutex *mutex);
/* Panics if the CPU holds a spinlock or has its interrupts off. */
void lockdep_may_sleep(void);
/* The running task's, or NULL before there is one (sched/core.c). */
struct lockdep_held *sched_held_mutexes(void);
#else
static inline void lockdep_may_sleep(void)
{
}
#endif
