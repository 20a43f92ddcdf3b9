/*
 * Sleeping: wait queues and mutexes over the two functions that sched/ provides.
 * A waiter is queued before the condition is tested, so no wake is lost.
 * No spinlock is held across any call here that can sleep.
 */
#pragma once

#include "kernel/list.h"
#include "kernel/spinlock.h"

struct task;

enum wait_mode {
    WAIT_UNINTERRUPTIBLE, /* only a wake ends it: short, bounded waits */
    WAIT_KILLABLE,        /* a fatal signal ends it with -EINTR */
    WAIT_INTERRUPTIBLE,   /* any deliverable signal ends it with -ERESTARTSYS */
};

#define WAIT_FOREVER UINT64_MAX /* a deadline, ns of time_now_ns() */

/* The seam to sched/ (sched/core.c defines them). */

/* Returns the running task. */
struct task *sched_current(void);
/* Does: marks the running task as about to sleep; a sched_wake() from here on makes the next sched_block() return. */
void sched_prepare(enum wait_mode mode);
/*
 * Requires: no spinlock held, IRQs on. Does: sleeps until woken, the deadline or, by mode, a signal.
 * Returns 0 when woken, -ETIMEDOUT, -EINTR (fatal signal) or -ERESTARTSYS (signal).
 */
NODISCARD int sched_block(uint64_t deadline_ns);
/* Does: undoes sched_prepare() when the condition turned out true. */
void sched_unprepare(void);
/* Does: makes a task that prepared or blocked runnable. Callable from IRQ context and under spinlocks. */
void sched_wake(struct task *task);
/* Whether it pays to wait for `owner` awake: it runs on another CPU, and nobody waits for this one. */
bool sched_may_spin(const struct task *owner);
/* Does: lets others run if the time slice is over. Requires: no spinlock. Returns -EINTR if a fatal signal is pending, else 0. */
int sched_point(void);

struct waiter {
    struct list node;
    struct task *task;
};

struct wait_queue {
    struct spinlock lock;
    struct list waiters;
};

#define WAIT_QUEUE_INIT(name)                                                                      \
    {                                                                                              \
        .lock = SPINLOCK_INIT, .waiters = LIST_INIT((name).waiters)                                \
    }

void wait_queue_init(struct wait_queue *queue);
/* Does: queues the waiter for the running task. poll(2) queues one waiter on each of many queues. */
void wait_add(struct wait_queue *queue, struct waiter *waiter);
void wait_remove(struct wait_queue *queue, struct waiter *waiter);
/* Does: wakes every waiter; each re-tests its condition. */
void wait_wake_all(struct wait_queue *queue);
/* Does: wakes the waiter that queued first, and moves it to the end of the queue. */
void wait_wake_one(struct wait_queue *queue);

/*
 * Sleeps until cond is true. Value: 0, -ETIMEDOUT, -EINTR or -ERESTARTSYS as sched_block() says.
 * cond runs with no lock held and may take locks.
 */
#define wait_event_deadline(queue, cond, mode, deadline_ns)                                        \
    ({                                                                                             \
        int wait_result_ = 0;                                                                      \
        if (!(cond)) {                                                                             \
            struct waiter waiter_;                                                                 \
            wait_add((queue), &waiter_);                                                           \
            for (;;) {                                                                             \
                sched_prepare(mode);                                                               \
                if (cond) {                                                                        \
                    sched_unprepare();                                                             \
                    wait_result_ = 0;                                                              \
                    break;                                                                         \
                }                                                                                  \
                if (wait_result_ != 0) {                                                           \
                    sched_unprepare();                                                             \
                    break;                                                                         \
                }                                                                                  \
                wait_result_ = sched_block(deadline_ns);                                           \
            }                                                                                      \
            wait_remove((queue), &waiter_);                                                        \
        }                                                                                          \
        wait_result_;                                                                              \
    })

#define wait_event(queue, cond)                                                                    \
    ((void)wait_event_deadline(queue, cond, WAIT_UNINTERRUPTIBLE, WAIT_FOREVER))
#define wait_event_killable(queue, cond)                                                           \
    wait_event_deadline(queue, cond, WAIT_KILLABLE, WAIT_FOREVER)
#define wait_event_interruptible(queue, cond)                                                      \
    wait_event_deadline(queue, cond, WAIT_INTERRUPTIBLE, WAIT_FOREVER)

struct CAPABILITY("mutex") mutex {
    _Atomic(struct task *) owner;
    atomic_uint nr_waiting;
    struct wait_queue queue;
#if defined(QUOIN_LOCKDEP)
    struct lock_class *place;
    uint16_t class_number;
#endif
};

#define MUTEX_INIT(name)                                                                           \
    {                                                                                              \
        .queue = WAIT_QUEUE_INIT((name).queue)                                                     \
    }

void mutex_init(struct mutex *mutex);
#if defined(QUOIN_LOCKDEP)
#define mutex_init(mutex)                                                                          \
    ({                                                                                             \
        static struct lock_class place_ = {__FILE__, __LINE__, 0};                                 \
        (mutex_init)(mutex);                                                                       \
        (mutex)->place = &place_;                                                                  \
        (mutex)->class_number = 0;                                                                 \
    })
#else
static inline void lockdep_mutex_acquire(struct mutex *mutex UNUSED)
{
}

static inline void lockdep_mutex_release(struct mutex *mutex UNUSED)
{
}
#endif
void mutex_lock_slow(struct mutex *mutex);
void mutex_unlock_slow(struct mutex *mutex);

static inline bool mutex_is_held(const struct mutex *mutex)
{
    return atomic_load_explicit(&((struct mutex *)mutex)->owner, memory_order_relaxed) ==
           sched_current();
}

static inline void mutex_lock(struct mutex *mutex) ACQUIRES(mutex) NO_LOCK_ANALYSIS
{
    struct task *expected = NULL;

    lockdep_mutex_acquire(mutex);
    if (likely(atomic_compare_exchange_strong_explicit(&mutex->owner, &expected, sched_current(),
                                                       memory_order_acquire,
                                                       memory_order_relaxed))) {
        return;
    }
    mutex_lock_slow(mutex);
}

/* Releasing needs the full order: either we see the waiter's count, or it sees the free owner. */
static inline void mutex_unlock(struct mutex *mutex) RELEASES(mutex) NO_LOCK_ANALYSIS
{
    kassert(mutex_is_held(mutex));
    lockdep_mutex_release(mutex);
    atomic_store(&mutex->owner, NULL);
    if (unlikely(atomic_load(&mutex->nr_waiting) != 0)) {
        mutex_unlock_slow(mutex);
    }
}
