/*
 * Wait queues and mutexes. A waiter is on its queue before its condition is tested, and a waker
 * changes the condition before it looks at the queue, so one of the two always sees the other.
 * A mutex's nr_waiting is raised before the waiter tries again: the unlock that frees the owner
 * afterwards sees the count and wakes; the one before is seen by the try.
 */
#include "kernel/wait.h"

/* Some times as long as a page fault holds its lock. */
#define SPINS_MAX 500u

void wait_queue_init(struct wait_queue *queue)
{
    spin_init(&queue->lock);
    list_init(&queue->waiters);
}

void wait_add(struct wait_queue *queue, struct waiter *waiter)
{
    waiter->task = sched_current();
    spin_lock(&queue->lock);
    list_push_back(&queue->waiters, &waiter->node);
    spin_unlock(&queue->lock);
}

void wait_remove(struct wait_queue *queue, struct waiter *waiter)
{
    spin_lock(&queue->lock);
    list_remove(&waiter->node);
    spin_unlock(&queue->lock);
}

void wait_wake_all(struct wait_queue *queue)
{
    spin_lock(&queue->lock);
    list_for_each(it, &queue->waiters)
    {
        sched_wake(list_entry(it, struct waiter, node)->task);
    }
    spin_unlock(&queue->lock);
}

void wait_wake_one(struct wait_queue *queue)
{
    struct list *node;

    spin_lock(&queue->lock);
    node = list_pop_front(&queue->waiters);
    if (node != NULL) {
        list_push_back(&queue->waiters, node);
        sched_wake(list_entry(node, struct waiter, node)->task);
    }
    spin_unlock(&queue->lock);
}

void(mutex_init)(struct mutex *mutex)
{
    atomic_init(&mutex->owner, NULL);
    atomic_init(&mutex->nr_waiting, 0);
    wait_queue_init(&mutex->queue);
}

static bool mutex_try(struct mutex *mutex)
{
    struct task *expected = NULL;

    return atomic_compare_exchange_strong(&mutex->owner, &expected, sched_current());
}

/* Most holders are done sooner than a sleep and a wake take. */
static bool mutex_spin(struct mutex *mutex)
{
    for (unsigned i = 0; i < SPINS_MAX; i++) {
        const struct task *owner = atomic_load_explicit(&mutex->owner, memory_order_relaxed);

        if (owner == NULL ? mutex_try(mutex) : !sched_may_spin(owner)) {
            return owner == NULL;
        }
        cpu_relax();
    }
    return false;
}

void mutex_lock_slow(struct mutex *mutex)
{
    struct waiter waiter;

    kassert(!mutex_is_held(mutex));
    if (mutex_spin(mutex)) {
        return;
    }
    atomic_fetch_add(&mutex->nr_waiting, 1);
    wait_add(&mutex->queue, &waiter);
    for (;;) {
        sched_prepare(WAIT_UNINTERRUPTIBLE);
        if (mutex_try(mutex)) {
            break;
        }
        /* Whatever ended the sleep, the loop tries again. */
        (void)!sched_block(WAIT_FOREVER);
    }
    sched_unprepare();
    wait_remove(&mutex->queue, &waiter);
    atomic_fetch_sub(&mutex->nr_waiting, 1);
}

void mutex_unlock_slow(struct mutex *mutex)
{
    wait_wake_one(&mutex->queue);
}
