/*
 * A sleeping lock that a fatal signal can leave: it may be held while user memory is copied,
 * because no page fault takes one and a task killed for memory never stays queued on it.
 */
#pragma once

#include "kernel/wait.h"

struct CAPABILITY("io_lock") io_lock {
    _Atomic uint32_t held;
    atomic_uint nr_waiting;
    struct wait_queue queue;
};

static inline void io_lock_init(struct io_lock *lock)
{
    atomic_init(&lock->held, 0);
    atomic_init(&lock->nr_waiting, 0);
    wait_queue_init(&lock->queue);
}

static inline bool io_lock_try(struct io_lock *lock)
{
    return atomic_exchange(&lock->held, 1) == 0;
}

NODISCARD int io_lock_slow(struct io_lock *lock);
void io_unlock_slow(struct io_lock *lock);

/* Fails: -EINTR when a fatal signal is pending and the lock is taken. */
NODISCARD static inline int io_lock_take(struct io_lock *lock)
{
    return likely(io_lock_try(lock)) ? 0 : io_lock_slow(lock);
}

static inline void io_lock_drop(struct io_lock *lock)
{
    atomic_store(&lock->held, 0);
    if (unlikely(atomic_load(&lock->nr_waiting) != 0)) {
        io_unlock_slow(lock);
    }
}
