/*
 * Spinlock: short critical sections, IRQs off on this CPU while held. Never slept under.
 * Whoever comes takes a free lock. In a ticket lock's order the next one is, on a virtual machine with
 * more CPUs than its host gives it, often one that does not run: then all wait for the host's scheduler.
 */
#pragma once

#include <arch/cpu.h>

#include "kernel/assert.h"
#include "kernel/lockdep.h"
#include "kernel/types.h"

struct CAPABILITY("spinlock") spinlock {
    _Atomic uint32_t held;
    irqflags_t flags; /* of the holder; valid while held */
#if defined(QUOIN_LOCKDEP)
    struct lock_class *place; /* NULL: initialised statically, or not by spin_init() */
    uint16_t class_number;
#endif
};

#define SPINLOCK_INIT                                                                              \
    {                                                                                              \
        .held = 0                                                                                  \
    }

#if defined(QUOIN_LOCKDEP)
#define spin_init(lock)                                                                            \
    ({                                                                                             \
        static struct lock_class place_ = {__FILE__, __LINE__, 0};                                 \
        *(lock) = (struct spinlock){.place = &place_};                                             \
    })
#else
static inline void lockdep_spin_acquire(struct spinlock *lock UNUSED)
{
}

static inline void lockdep_spin_release(struct spinlock *lock UNUSED)
{
}

static inline void spin_init(struct spinlock *lock)
{
    *lock = (struct spinlock)SPINLOCK_INIT;
}
#endif

static inline bool spin_is_held(const struct spinlock *lock)
{
    return atomic_load_explicit(&((struct spinlock *)lock)->held, memory_order_relaxed) != 0;
}

static inline void spin_lock(struct spinlock *lock) ACQUIRES(lock) NO_LOCK_ANALYSIS
{
    irqflags_t flags = cpu_irq_save();

    lockdep_spin_acquire(lock);
    while (unlikely(atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) != 0)) {
        do {
            cpu_relax();
        } while (spin_is_held(lock));
    }
    lock->flags = flags;
}

static inline void spin_unlock(struct spinlock *lock) RELEASES(lock) NO_LOCK_ANALYSIS
{
    irqflags_t flags = lock->flags;

    kassert(spin_is_held(lock));
    lockdep_spin_release(lock);
    atomic_store_explicit(&lock->held, 0, memory_order_release);
    cpu_irq_restore(flags);
}
