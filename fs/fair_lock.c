/* The lock is handed on: it is free only when nobody waits. */
#include "fs/fair_lock.h"

#include "kernel/errno.h"

struct turn {
    struct waiter waiter;
    bool granted; /* queue.lock */
};

void fair_lock_init(struct fair_lock *lock)
{
    wait_queue_init(&lock->queue);
    lock->held = false;
}

static bool turn_is_granted(struct fair_lock *lock, const struct turn *turn)
{
    bool granted;

    spin_lock(&lock->queue.lock);
    granted = turn->granted;
    spin_unlock(&lock->queue.lock);
    return granted;
}

static int wait_for_turn(struct fair_lock *lock, struct turn *turn)
{
    int error = 0;

    while (error == 0) {
        sched_prepare(WAIT_INTERRUPTIBLE);
        if (turn_is_granted(lock, turn)) {
            sched_unprepare();
            return 0;
        }
        error = sched_block(WAIT_FOREVER);
    }
    spin_lock(&lock->queue.lock);
    if (turn->granted) {
        error = 0; /* it came with the signal */
    } else {
        list_remove(&turn->waiter.node);
    }
    spin_unlock(&lock->queue.lock);
    return error;
}

int fair_lock_take(struct fair_lock *lock, bool nonblock)
{
    struct turn turn = {.waiter.task = sched_current()};
    bool taken;

    spin_lock(&lock->queue.lock);
    taken = lock->held;
    lock->held = true;
    if (taken && !nonblock) {
        list_push_back(&lock->queue.waiters, &turn.waiter.node);
    }
    spin_unlock(&lock->queue.lock);
    if (!taken) {
        return 0;
    }
    return nonblock ? -EAGAIN : wait_for_turn(lock, &turn);
}

void fair_lock_drop(struct fair_lock *lock)
{
    struct list *node;

    spin_lock(&lock->queue.lock);
    node = list_pop_front(&lock->queue.waiters);
    if (node == NULL) {
        lock->held = false;
    } else {
        struct turn *turn = list_entry(node, struct turn, waiter.node);

        turn->granted = true;
        sched_wake(turn->waiter.task);
    }
    spin_unlock(&lock->queue.lock);
}
