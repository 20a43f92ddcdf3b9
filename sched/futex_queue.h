/* Hash buckets of futex waiters: between futex.c and futex_requeue.c. */
#pragma once

#include "kernel/list.h"
#include "kernel/spinlock.h"
#include "sched/futex.h"

struct futex_key {
    uint64_t word[2]; /* (space, address) or (object, offset) */
};

struct futex_bucket {
    struct spinlock lock;
    struct list waiters;
    atomic_uint nr_waiters; /* also those about to queue: a wake looks at it without the lock */
};

struct futex_waiter {
    struct list node;
    struct task *task;
    struct futex_key key;
    uint32_t bitset;
    _Atomic(struct futex_bucket *) bucket; /* where it stands; NULL once woken */
};

static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->word[0] == b->word[0] && a->word[1] == b->word[1];
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key);
/* Fails: -EINVAL (alignment), -EFAULT. */
NODISCARD int futex_check_address(vaddr_t addr);
NODISCARD int futex_find_key(vaddr_t addr, bool shared, struct futex_key *out);
/* Does: moves up to `nr` waiters to `taken`, to be woken by futex_wake_taken(). Returns the number. */
uint32_t futex_take_locked(struct futex_bucket *bucket, const struct futex_key *key, uint32_t nr,
                           uint32_t bitset, struct list *taken) REQUIRES(bucket->lock);
/* Requires: no lock. Must follow soon: a waiter whose sleep ends meanwhile spins until then. */
void futex_wake_taken(struct list *taken);
/* REQUEUE, CMP_REQUEUE, WAKE_OP. */
NODISCARD int64_t futex_requeue(const struct futex_args *args, int command, bool shared);
NODISCARD int64_t futex_wake_op(const struct futex_args *args, bool shared);
void futex_init(void);
