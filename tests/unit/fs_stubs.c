/* The kernel's services under fs/, on the host: one task that never sleeps, time that counts up. */
#include "kernel/cred.h"
#include "kernel/errno.h"
#include "kernel/time.h"
#include "kernel/wait.h"
#include "mm/slab.h"

static uint64_t now = 1000000000000ull;

uint64_t time_wall_ns(void)
{
    return now += 1000;
}

uint64_t time_now_ns(void)
{
    return now += 1000;
}

void wait_add(struct wait_queue *queue, struct waiter *waiter)
{
    waiter->task = sched_current();
    list_push_back(&queue->waiters, &waiter->node);
}

void wait_remove(struct wait_queue *queue, struct waiter *waiter)
{
    (void)queue;
    list_remove(&waiter->node);
}

void wait_wake_all(struct wait_queue *queue)
{
    (void)queue;
}

void wait_wake_one(struct wait_queue *queue)
{
    (void)queue;
}

void sched_prepare(enum wait_mode mode)
{
    (void)mode;
}

/* Whoever would sleep is told that a signal came: a test sees that it would have slept. */
int sched_block(uint64_t deadline_ns)
{
    return deadline_ns == WAIT_FOREVER ? -ERESTARTSYS : -ETIMEDOUT;
}

void sched_unprepare(void)
{
}

void sched_wake(struct task *task)
{
    (void)task;
}

struct cred *cred_create_root(void)
{
    struct cred *cred = kzalloc(sizeof(*cred));

    if (cred != NULL) {
        cred->refs = 1;
        cred->cap_effective = cred->cap_permitted = ~0ull;
    }
    return cred;
}

struct cred *cred_copy(const struct cred *cred)
{
    struct cred *copy = kmalloc(sizeof(*copy));

    if (copy != NULL) {
        *copy = *cred;
        copy->refs = 1;
    }
    return copy;
}

void cred_get(struct cred *cred)
{
    cred->refs++;
}

void cred_put(struct cred *cred)
{
    if (--cred->refs == 0) {
        kfree(cred);
    }
}

bool cred_in_group(const struct cred *cred, uint32_t gid)
{
    for (uint32_t i = 0; i < cred->nr_groups; i++) {
        if (cred->groups[i] == gid) {
            return true;
        }
    }
    return cred->fsgid == gid;
}
