/* Waiting for an io_lock. The count is raised before the lock is tried again, so that no unlock is
 * missed. */
#include "fs/io_lock.h"

int io_lock_slow(struct io_lock *lock)
{
    int error;

    atomic_fetch_add(&lock->nr_waiting, 1);
    error = wait_event_killable(&lock->queue, io_lock_try(lock));
    atomic_fetch_sub(&lock->nr_waiting, 1);
    if (error != 0 && atomic_load(&lock->nr_waiting) != 0) {
        wait_wake_one(&lock->queue); /* an unlock may have meant us */
    }
    return error;
}

void io_unlock_slow(struct io_lock *lock)
{
    wait_wake_one(&lock->queue);
}
