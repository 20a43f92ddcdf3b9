/*
 * A sleeping lock for holders that may wait long for somebody else: whoever comes first gets it first,
 * also before the holder that lets go and comes again, and any signal ends the wait for it.
 */
#pragma once

#include "kernel/wait.h"

struct CAPABILITY("fair_lock") fair_lock {
    struct wait_queue queue; /* in order; its lock guards held */
    bool held;               /* false: nobody waits */
};

void fair_lock_init(struct fair_lock *lock);
/* Requires: no spinlock. Fails, if it is taken: -EAGAIN (nonblock), -ERESTARTSYS (a signal). */
NODISCARD int fair_lock_take(struct fair_lock *lock, bool nonblock);
void fair_lock_drop(struct fair_lock *lock);
