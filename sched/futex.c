/*
 * futex(2). Waiters stand in hash buckets by key: (space, address) or (object, offset).
 * FUTEX_WAIT reads the word with as->lock and the bucket held and queues itself before it drops
 * either, so a waker that changed the word finds it. Only wakers (and requeue) move it, under the
 * bucket's lock. A waker takes its waiters off the queue and wakes them once it holds no lock, as
 * dropping the last reference to a task may wait for other CPUs; until then they cannot return.
 */
#include "sched/futex.h"

#include <linux/futex.h>

#include "kernel/errno.h"
#include "kernel/wait.h"
#include "mm/address_space.h"
#include "sched/futex_queue.h"
#include "sched/oom.h"
#include "sched/task.h"

#define BUCKETS 256u

static struct futex_bucket buckets[BUCKETS];
static struct futex_bucket taken_bucket; /* marks waiters on a waker's list */

void futex_init(void)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        spin_init(&buckets[i].lock);
        list_init(&buckets[i].waiters);
    }
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
    uint64_t hash = (key->word[0] >> 4 ^ key->word[1] >> 2) * 0x9e3779b97f4a7c15ull;

    return &buckets[hash >> 56];
}

int futex_check_address(vaddr_t addr)
{
    if ((addr & 3) != 0) {
        return -EINVAL;
    }
    return addr > USER_VA_END - sizeof(uint32_t) ? -EFAULT : 0;
}

int futex_find_key(vaddr_t addr, bool shared, struct futex_key *out)
{
    struct as_word word;
    int result = futex_check_address(addr);

    *out = (struct futex_key){{(uint64_t)(uintptr_t)task_as(), addr}};
    if (result != 0 || !shared) {
        return result;
    }
    result = as_word_lock(task_as(), addr, false, true, &word);
    if (result == 0) {
        *out = (struct futex_key){{word.key[0], word.key[1]}};
        as_word_unlock(task_as());
    }
    return result;
}

void futex_wake_taken(struct list *taken)
{
    list_for_each_safe(it, taken)
    {
        struct futex_waiter *waiter = list_entry(it, struct futex_waiter, node);
        struct task *task = waiter->task;

        list_remove(&waiter->node);
        /* The waiter may return, and its stack frame go, right after this store. */
        task_get(task);
        atomic_store_explicit(&waiter->bucket, NULL, memory_order_release);
        sched_wake(task);
        task_put(task);
    }
}

uint32_t futex_take_locked(struct futex_bucket *bucket, const struct futex_key *key, uint32_t nr,
                           uint32_t bitset, struct list *taken)
{
    uint32_t count = 0;

    list_for_each_safe(it, &bucket->waiters)
    {
        struct futex_waiter *waiter = list_entry(it, struct futex_waiter, node);

        if (count >= nr) {
            break;
        }
        if (futex_key_equal(&waiter->key, key) && (waiter->bitset & bitset) != 0) {
            list_remove(&waiter->node);
            list_push_back(taken, &waiter->node);
            atomic_store_explicit(&waiter->bucket, &taken_bucket, memory_order_relaxed);
            count++;
        }
    }
    atomic_fetch_sub_explicit(&bucket->nr_waiters, count, memory_order_relaxed);
    return count;
}

static uint32_t wake_key(const struct futex_key *key, uint32_t nr, uint32_t bitset)
{
    struct futex_bucket *bucket = futex_bucket_of(key);
    struct list taken = LIST_INIT(taken);
    uint32_t count;

    /* Pairs with the waiter's increment before it reads the word. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&bucket->nr_waiters, memory_order_relaxed) == 0) {
        return 0;
    }
    spin_lock(&bucket->lock);
    count = futex_take_locked(bucket, key, nr, bitset, &taken);
    spin_unlock(&bucket->lock);
    futex_wake_taken(&taken);
    return count;
}

static int64_t futex_wake(vaddr_t addr, bool shared, uint32_t nr, uint32_t bitset)
{
    struct futex_key key;
    int result;

    if (bitset == 0) {
        return -EINVAL;
    }
    result = futex_find_key(addr, shared, &key);
    return result != 0 ? result : (int64_t)wake_key(&key, MAX(nr, 1u), bitset);
}

void futex_wake_address(vaddr_t addr, uint32_t n)
{
    (void)!futex_wake(addr, true, n, FUTEX_BITSET_MATCH_ANY);
}

/* Returns whether the waiter was still queued, and takes it off. */
static bool dequeue(struct futex_waiter *waiter)
{
    struct futex_bucket *bucket;

    while ((bucket = atomic_load_explicit(&waiter->bucket, memory_order_acquire)) != NULL) {
        if (bucket == &taken_bucket) {
            cpu_relax(); /* about to be woken, by another CPU */
            continue;
        }
        spin_lock(&bucket->lock);
        if (atomic_load_explicit(&waiter->bucket, memory_order_relaxed) == bucket) {
            list_remove(&waiter->node);
            atomic_fetch_sub_explicit(&bucket->nr_waiters, 1, memory_order_relaxed);
            spin_unlock(&bucket->lock);
            return true;
        }
        spin_unlock(&bucket->lock); /* requeued meanwhile */
    }
    return false;
}

/* Queues the waiter if the word has the value. Fails: -EAGAIN, -EFAULT, -EINVAL. */
static int enqueue(vaddr_t addr, bool shared, uint32_t val, struct futex_waiter *waiter)
{
    struct as_word word;
    struct futex_bucket *bucket;
    int result = futex_check_address(addr);

    if (result == 0) {
        result = as_word_lock(task_as(), addr, false, shared, &word);
    }
    if (result != 0) {
        return result;
    }
    waiter->key = (struct futex_key){{word.key[0], word.key[1]}};
    bucket = futex_bucket_of(&waiter->key);
    atomic_fetch_add(&bucket->nr_waiters, 1);
    spin_lock(&bucket->lock);
    if (atomic_load(word.word) != val) {
        atomic_fetch_sub(&bucket->nr_waiters, 1);
        result = -EAGAIN;
    } else {
        atomic_store_explicit(&waiter->bucket, bucket, memory_order_relaxed);
        list_push_back(&bucket->waiters, &waiter->node);
    }
    spin_unlock(&bucket->lock);
    as_word_unlock(task_as());
    return result;
}

/* -EINTR stands for any signal. */
static int wait_on(vaddr_t addr, bool shared, uint32_t val, uint32_t bitset, uint64_t deadline_ns)
{
    struct futex_waiter waiter = {.task = task_current(), .bitset = bitset};
    int result = enqueue(addr, shared, val, &waiter);

    while (result == 0) {
        sched_prepare(WAIT_INTERRUPTIBLE);
        if (atomic_load_explicit(&waiter.bucket, memory_order_acquire) == NULL) {
            sched_unprepare();
            return 0;
        }
        result = sched_block(deadline_ns);
        if (result != 0) {
            if (!dequeue(&waiter)) {
                return 0;
            }
            return result == -ETIMEDOUT ? -ETIMEDOUT : -EINTR;
        }
    }
    return result;
}

static int64_t wait_restart(struct restart_block *block)
{
    int result = wait_on(block->arg[0], block->arg[1] != 0, (uint32_t)block->arg[2],
                         (uint32_t)block->arg[3], block->arg[4]);

    return result == -EINTR ? -ERESTART_RESTARTBLOCK : result;
}

static uint64_t wait_deadline(const struct futex_args *args, int command)
{
    uint64_t ns = args->timeout_ns, now;

    if (!args->has_timeout) {
        return WAIT_FOREVER;
    }
    if ((args->op & FUTEX_CLOCK_REALTIME) != 0) {
        uint64_t wall = time_wall_ns();

        ns = ns > wall ? ns - wall : 0;
    } else if (command == FUTEX_WAIT_BITSET) {
        return ns;
    }
    now = time_now_ns(); /* after wall: a wait may end late, never early */
    return ns >= WAIT_FOREVER - now ? WAIT_FOREVER : now + ns;
}

static int64_t futex_wait(const struct futex_args *args, int command, bool shared, uint32_t bitset)
{
    uint64_t deadline = wait_deadline(args, command);
    struct restart_block *restart = &task_current()->restart;
    int result;

    if (bitset == 0) {
        return -EINVAL;
    }
    result = wait_on(args->addr, shared, args->val, bitset, deadline);
    if (result != -EINTR) {
        return result;
    }
    if (!args->has_timeout) {
        return -ERESTARTSYS;
    }
    *restart = (struct restart_block){
        wait_restart, {args->addr, shared, args->val, bitset, deadline}};
    return -ERESTART_RESTARTBLOCK;
}

int64_t futex_call(const struct futex_args *args)
{
    int command = args->op & FUTEX_CMD_MASK;
    bool shared = (args->op & FUTEX_PRIVATE_FLAG) == 0;

    if ((args->op & FUTEX_CLOCK_REALTIME) != 0 && command != FUTEX_WAIT_BITSET &&
        command != FUTEX_WAIT) {
        return -ENOSYS;
    }
    switch (command) {
    case FUTEX_WAIT:
        return futex_wait(args, command, shared, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
        return futex_wait(args, command, shared, args->val3);
    case FUTEX_WAKE:
        return futex_wake(args->addr, shared, args->val, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return futex_wake(args->addr, shared, args->val, args->val3);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return futex_requeue(args, command, shared);
    case FUTEX_WAKE_OP:
        return futex_wake_op(args, shared);
    default:
        return -ENOSYS;
    }
}
