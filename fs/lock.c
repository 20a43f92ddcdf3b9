/*
 * flock(2) and record locks. One spinlock guards every list and the graph of who waits for whom;
 * all waiters share one queue, since locks are rare. A record change is computed before it is made,
 * with the two pieces it may need allocated first.
 */
#include "fs/lock.h"

#include <linux/fs.h>
#include <linux/poll.h>

#include "kernel/string.h"
#include "mm/slab.h"

#define LOCK_CHAIN_MAX 64u

enum lock_kind { LOCK_FLOCK, LOCK_POSIX, LOCK_OFD };

struct file_lock {
    struct list node; /* inode->locks */
    enum lock_kind kind;
    int16_t type; /* F_RDLCK or F_WRLCK */
    pid_nr_t pid;
    const void *owner;  /* struct file, or struct fd_table for POSIX */
    int64_t start, end; /* inclusive */
};

struct lock_wait {
    struct list node;
    const void *owner;
    const void *blocker;
};

static struct spinlock lock_lock = SPINLOCK_INIT;
static struct list lock_waits = LIST_INIT(lock_waits);
static struct wait_queue lock_queue = WAIT_QUEUE_INIT(lock_queue);
static _Atomic uint64_t lock_generation; /* of any change that may free a waiter */

static bool lock_conflicts(const struct file_lock *held, const struct file_lock *want)
{
    if ((held->kind == LOCK_FLOCK) != (want->kind == LOCK_FLOCK) || held->owner == want->owner) {
        return false;
    }
    return held->start <= want->end && want->start <= held->end &&
           (held->type == F_WRLCK || want->type == F_WRLCK);
}

static struct file_lock *lock_find_conflict(struct inode *inode, const struct file_lock *want)
{
    list_for_each(it, &inode->locks)
    {
        struct file_lock *held = list_entry(it, struct file_lock, node);

        if (lock_conflicts(held, want)) {
            return held;
        }
    }
    return NULL;
}

/* Who waits for this owner tries again, and waits for whoever is in its way then. */
static void lock_forget_waits_locked(const void *owner) REQUIRES(&lock_lock)
{
    list_for_each_safe(it, &lock_waits)
    {
        if (list_entry(it, struct lock_wait, node)->blocker == owner) {
            list_remove(it);
        }
    }
}

static void lock_changed(void)
{
    atomic_fetch_add(&lock_generation, 1);
    wait_wake_all(&lock_queue);
}

/* Whether waiting for blocker would close a circle back to owner. */
static bool lock_is_deadlock(const void *owner, const void *blocker)
{
    for (unsigned steps = 0; steps < LOCK_CHAIN_MAX; steps++) {
        const void *next = NULL;

        if (blocker == owner) {
            return true;
        }
        list_for_each(it, &lock_waits)
        {
            const struct lock_wait *wait = list_entry(it, struct lock_wait, node);

            if (wait->owner == blocker) {
                next = wait->blocker;
                break;
            }
        }
        if (next == NULL) {
            return false;
        }
        blocker = next;
    }
    return false;
}

/*
 * Takes a lock's own pieces out of [start, end]. A piece that is cut in two needs *spare. Returns
 * whether any byte was freed.
 */
static bool lock_carve(struct inode *inode, const struct file_lock *want, struct file_lock **spare,
                       struct list *dead)
{
    bool any = false;

    list_for_each_safe(it, &inode->locks)
    {
        struct file_lock *held = list_entry(it, struct file_lock, node);

        if (held->owner != want->owner || held->kind != want->kind || held->end < want->start ||
            held->start > want->end) {
            continue;
        }
        any = true;
        if (held->start < want->start && held->end > want->end) {
            struct file_lock *tail = *spare;

            *spare = NULL;
            *tail = *held;
            tail->start = want->end + 1;
            held->end = want->start - 1;
            list_push_back(&inode->locks, &tail->node);
        } else if (held->start < want->start) {
            held->end = want->start - 1;
        } else if (held->end > want->end) {
            held->start = want->end + 1;
        } else {
            list_remove(&held->node);
            list_push_back(dead, &held->node);
        }
    }
    return any;
}

/* Joins the new piece with neighbours of the same owner and type. */
static void lock_merge(struct inode *inode, struct file_lock *lock, struct list *dead)
{
    list_for_each_safe(it, &inode->locks)
    {
        struct file_lock *held = list_entry(it, struct file_lock, node);

        if (held == lock || held->owner != lock->owner || held->kind != lock->kind ||
            held->type != lock->type) {
            continue;
        }
        if (held->end + 1 == lock->start ||
            (lock->end != INT64_MAX && lock->end + 1 == held->start)) {
            lock->start = MIN(lock->start, held->start);
            lock->end = MAX(lock->end, held->end);
            list_remove(&held->node);
            list_push_back(dead, &held->node);
        }
    }
}

static void lock_free_list(struct list *dead)
{
    struct list *node;

    while ((node = list_pop_front(dead)) != NULL) {
        kfree(list_entry(node, struct file_lock, node));
    }
}

static struct file_lock *lock_new(const struct file_lock *from)
{
    struct file_lock *lock = kmalloc(sizeof(*lock));

    if (lock != NULL) {
        *lock = *from;
        list_init(&lock->node);
    }
    return lock;
}

/*
 * One attempt. Returns 0, -EAGAIN with *wait linked if wait is not NULL (and the owner must wait),
 * -EDEADLK.
 */
static int lock_try(struct inode *inode, const struct file_lock *want, struct file_lock **made,
                    struct file_lock **spare, struct lock_wait *wait)
{
    struct list dead;
    struct file_lock *held = NULL;
    bool freed;

    list_init(&dead);
    spin_lock(&lock_lock);
    if (want->type != F_UNLCK) {
        held = lock_find_conflict(inode, want);
    }
    if (held != NULL) {
        int error = -EAGAIN;

        if (wait != NULL && want->kind == LOCK_POSIX && held->kind == LOCK_POSIX) {
            if (lock_is_deadlock(want->owner, held->owner)) {
                error = -EDEADLK;
            } else {
                wait->owner = want->owner;
                wait->blocker = held->owner;
                list_push_back(&lock_waits, &wait->node);
            }
        }
        spin_unlock(&lock_lock);
        return error;
    }
    freed = lock_carve(inode, want, spare, &dead);
    if (want->type != F_UNLCK) {
        struct file_lock *lock = *made;

        *made = NULL;
        list_push_back(&inode->locks, &lock->node);
        if (want->kind != LOCK_FLOCK) {
            lock_merge(inode, lock, &dead);
        }
    }
    if (freed) {
        lock_forget_waits_locked(want->owner);
    }
    spin_unlock(&lock_lock);
    lock_free_list(&dead);
    if (freed) {
        lock_changed();
    }
    return 0;
}

static int lock_apply(struct inode *inode, const struct file_lock *want, bool block)
{
    struct file_lock *made = lock_new(want);
    struct file_lock *spare = lock_new(want);
    int error = -ENOMEM;

    if (made == NULL || spare == NULL) {
        goto undo_pieces;
    }
    for (;;) {
        struct lock_wait wait;
        uint64_t generation = atomic_load(&lock_generation);

        list_init(&wait.node);
        error = lock_try(inode, want, &made, &spare, block ? &wait : NULL);
        if (error != -EAGAIN || !block) {
            break;
        }
        error = wait_event_interruptible(&lock_queue, lock_generation != generation);
        spin_lock(&lock_lock);
        list_remove(&wait.node);
        spin_unlock(&lock_lock);
        if (error != 0) {
            break;
        }
    }
undo_pieces:
    kfree(made);
    kfree(spare);
    return error;
}

int flock_apply(struct file *file, int operation)
{
    struct file_lock want = {.kind = LOCK_FLOCK, .owner = file, .start = 0, .end = INT64_MAX};

    if (file_mode(file) & FILE_PATH) {
        return -EBADF;
    }
    switch (operation & ~LOCK_NB) {
    case LOCK_SH:
        want.type = F_RDLCK;
        break;
    case LOCK_EX:
        want.type = F_WRLCK;
        break;
    case LOCK_UN:
        want.type = F_UNLCK;
        break;
    default:
        return -EINVAL;
    }
    atomic_fetch_or(&file->mode, FILE_HAS_LOCKS);
    return lock_apply(file->inode, &want, !(operation & LOCK_NB));
}

/* From (whence, start, len) to [start, end]. */
static int lock_set_range(struct file *file, const struct lock_request *request,
                          struct file_lock *out)
{
    int64_t base = 0;
    int64_t start;
    int64_t end;

    switch (request->whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        base = (int64_t)file->pos;
        break;
    case SEEK_END:
        base = (int64_t)inode_size(file->inode);
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, request->start, &start)) {
        return -EOVERFLOW;
    }
    if (start < 0) {
        return -EINVAL;
    }
    if (request->len > 0) {
        if (__builtin_add_overflow(start, request->len - 1, &end)) {
            return -EOVERFLOW;
        }
    } else if (request->len < 0) {
        end = start - 1;
        if (__builtin_add_overflow(start, request->len, &start) || start < 0) {
            return -EINVAL;
        }
    } else {
        end = INT64_MAX;
    }
    out->start = start;
    out->end = end;
    return 0;
}

static int lock_decode(struct file *file, struct fd_table *owner, bool ofd,
                       const struct lock_request *request, struct file_lock *out)
{
    if (file_mode(file) & FILE_PATH) {
        return -EBADF;
    }
    if (ofd && request->pid != 0) {
        return -EINVAL;
    }
    if (request->type != F_RDLCK && request->type != F_WRLCK && request->type != F_UNLCK) {
        return -EINVAL;
    }
    *out = (struct file_lock){
        .kind = ofd ? LOCK_OFD : LOCK_POSIX,
        .type = request->type,
        .pid = ofd ? -1 : request->pid,
        .owner = ofd ? (const void *)file : (const void *)owner,
    };
    return lock_set_range(file, request, out);
}

int lock_test(struct file *file, struct fd_table *owner, int cmd, struct lock_request *request)
{
    struct file_lock want;
    struct file_lock *held;
    int error;

    if (request->type == F_UNLCK) {
        return -EINVAL;
    }
    if (cmd != F_OFD_GETLK) {
        request->pid = 0; /* an input for OFD locks only */
    }
    error = lock_decode(file, owner, cmd == F_OFD_GETLK, request, &want);
    if (error != 0) {
        return error;
    }
    spin_lock(&lock_lock);
    held = lock_find_conflict(file->inode, &want);
    if (held == NULL) {
        request->type = F_UNLCK;
    } else {
        request->type = held->type;
        request->whence = SEEK_SET;
        request->start = held->start;
        request->len = held->end == INT64_MAX ? 0 : held->end - held->start + 1;
        request->pid = held->pid;
    }
    spin_unlock(&lock_lock);
    return 0;
}

int lock_set(struct file *file, struct fd_table *owner, int cmd, const struct lock_request *request)
{
    bool ofd = cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
    uint32_t mode = file_mode(file);
    struct file_lock want;
    int error = lock_decode(file, owner, ofd, request, &want);

    if (error != 0) {
        return error;
    }
    if ((want.type == F_RDLCK && !(mode & FILE_READ)) ||
        (want.type == F_WRLCK && !(mode & FILE_WRITE))) {
        return -EBADF;
    }
    if (ofd) {
        atomic_fetch_or(&file->mode, FILE_HAS_LOCKS);
    }
    return lock_apply(file->inode, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

static void lock_release(struct inode *inode, const void *owner, bool posix)
{
    struct list dead;

    list_init(&dead);
    spin_lock(&lock_lock);
    list_for_each_safe(it, &inode->locks)
    {
        struct file_lock *held = list_entry(it, struct file_lock, node);

        if (held->owner == owner && (held->kind == LOCK_POSIX) == posix) {
            list_remove(&held->node);
            list_push_back(&dead, &held->node);
        }
    }
    if (!list_empty(&dead)) {
        lock_forget_waits_locked(owner);
    }
    spin_unlock(&lock_lock);
    if (!list_empty(&dead)) {
        lock_free_list(&dead);
        lock_changed();
    }
}

/* The look without the lock is safe: this table's own locks were made by its own earlier calls. */
void lock_release_posix(struct file *file, struct fd_table *owner)
{
    if (!list_empty(&file->inode->locks)) {
        lock_release(file->inode, owner, true);
    }
}

void lock_release_file(struct file *file)
{
    lock_release(file->inode, file, false);
}
