/*
 * Futex calls on two words. Both buckets are locked, the lower address first. A requeued waiter
 * changes bucket and key under both locks; it stays asleep.
 */
#include <linux/futex.h>

#include "kernel/errno.h"
#include "mm/address_space.h"
#include "sched/futex_queue.h"
#include "sched/task.h"

NO_LOCK_ANALYSIS static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b) {
        spin_lock(a < b ? &b->lock : &a->lock);
    }
}

/* In reverse order: each unlock restores the interrupt state of its lock. */
NO_LOCK_ANALYSIS static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    if (a != b) {
        spin_unlock(a < b ? &b->lock : &a->lock);
    }
    spin_unlock(a < b ? &a->lock : &b->lock);
}

/* Moves waiters of one key to the other. Returns the number. */
static uint32_t move_waiters(struct futex_bucket *from, const struct futex_key *from_key,
                             struct futex_bucket *to, const struct futex_key *to_key, uint32_t nr)
{
    struct list moved = LIST_INIT(moved);
    uint32_t count = 0;

    list_for_each_safe(it, &from->waiters)
    {
        struct futex_waiter *waiter = list_entry(it, struct futex_waiter, node);

        if (count >= nr) {
            break;
        }
        if (futex_key_equal(&waiter->key, from_key)) {
            list_remove(&waiter->node);
            list_push_back(&moved, &waiter->node);
            waiter->key = *to_key;
            atomic_store_explicit(&waiter->bucket, to, memory_order_release);
            count++;
        }
    }
    atomic_fetch_sub(&from->nr_waiters, count);
    atomic_fetch_add(&to->nr_waiters, count);
    list_splice_back(&to->waiters, &moved);
    return count;
}

NO_LOCK_ANALYSIS static int64_t requeue_locked(const struct futex_args *args, int command,
                                               const struct as_word *word,
                                               const struct futex_key *to_key,
                                               struct list *taken)
{
    struct futex_key key = {{word->key[0], word->key[1]}};
    struct futex_bucket *from = futex_bucket_of(&key), *to = futex_bucket_of(to_key);
    int64_t woken = 0, moved = 0;

    lock_two(from, to);
    if (command == FUTEX_CMP_REQUEUE && atomic_load(word->word) != args->val3) {
        unlock_two(from, to);
        return -EAGAIN;
    }
    woken = futex_take_locked(from, &key, args->val, FUTEX_BITSET_MATCH_ANY, taken);
    moved = move_waiters(from, &key, to, to_key, args->val2);
    unlock_two(from, to);
    return command == FUTEX_CMP_REQUEUE ? woken + moved : woken;
}

int64_t futex_requeue(const struct futex_args *args, int command, bool shared)
{
    struct list taken = LIST_INIT(taken);
    struct futex_key to_key;
    struct as_word word;
    int64_t result;

    if ((int32_t)args->val < 0 || (int32_t)args->val2 < 0) {
        return -EINVAL;
    }
    result = futex_check_address(args->addr);
    if (result == 0) {
        result = futex_find_key(args->addr2, shared, &to_key);
    }
    if (result == 0) {
        result = as_word_lock(task_as(), args->addr, false, shared, &word);
    }
    if (result != 0) {
        return result;
    }
    result = requeue_locked(args, command, &word, &to_key, &taken);
    as_word_unlock(task_as());
    futex_wake_taken(&taken);
    return result;
}

/* FUTEX_OP(2): op, comparison, two signed 12-bit arguments. */
struct wake_op {
    uint32_t op, cmp;
    int32_t oparg, cmparg;
};

static int decode_wake_op(uint32_t encoded, struct wake_op *out)
{
    out->op = encoded >> 28 & 7;
    out->cmp = encoded >> 24 & 15;
    out->oparg = (int32_t)(encoded << 8) >> 20;
    out->cmparg = (int32_t)(encoded << 20) >> 20;
    if ((encoded >> 28 & FUTEX_OP_OPARG_SHIFT) != 0) {
        out->oparg = (int32_t)(1u << ((uint32_t)out->oparg & 31));
    }
    return out->op > FUTEX_OP_XOR || out->cmp > FUTEX_OP_CMP_GE ? -ENOSYS : 0;
}

static uint32_t apply_wake_op(_Atomic uint32_t *word, const struct wake_op *op)
{
    uint32_t arg = (uint32_t)op->oparg;

    switch (op->op) {
    case FUTEX_OP_SET:
        return atomic_exchange(word, arg);
    case FUTEX_OP_ADD:
        return atomic_fetch_add(word, arg);
    case FUTEX_OP_OR:
        return atomic_fetch_or(word, arg);
    case FUTEX_OP_ANDN:
        return atomic_fetch_and(word, ~arg);
    default:
        return atomic_fetch_xor(word, arg);
    }
}

static bool compare(uint32_t cmp, int32_t old, int32_t arg)
{
    switch (cmp) {
    case FUTEX_OP_CMP_EQ:
        return old == arg;
    case FUTEX_OP_CMP_NE:
        return old != arg;
    case FUTEX_OP_CMP_LT:
        return old < arg;
    case FUTEX_OP_CMP_LE:
        return old <= arg;
    case FUTEX_OP_CMP_GT:
        return old > arg;
    default:
        return old >= arg;
    }
}

NO_LOCK_ANALYSIS int64_t futex_wake_op(const struct futex_args *args, bool shared)
{
    struct list taken = LIST_INIT(taken);
    struct futex_bucket *first, *second;
    struct futex_key key, key2;
    struct as_word word;
    struct wake_op op;
    int64_t woken;
    int result = decode_wake_op(args->val3, &op);

    if (result == 0) {
        result = futex_find_key(args->addr, shared, &key);
    }
    if (result == 0) {
        result = futex_check_address(args->addr2);
    }
    if (result == 0) {
        result = as_word_lock(task_as(), args->addr2, true, shared, &word);
    }
    if (result != 0) {
        return result;
    }
    key2 = (struct futex_key){{word.key[0], word.key[1]}};
    first = futex_bucket_of(&key);
    second = futex_bucket_of(&key2);
    lock_two(first, second);
    uint32_t old = apply_wake_op(word.word, &op);

    woken = futex_take_locked(first, &key, args->val, FUTEX_BITSET_MATCH_ANY, &taken);
    if (compare(op.cmp, (int32_t)old, op.cmparg)) {
        woken += futex_take_locked(second, &key2, args->val2, FUTEX_BITSET_MATCH_ANY, &taken);
    }
    unlock_two(first, second);
    as_word_unlock(task_as());
    futex_wake_taken(&taken);
    return woken;
}
