/* eventfd(2): a counter to wait for. */
#include <linux/poll.h>

#include "fs/pipe.h"
#include "fs/poll.h"
#include "mm/slab.h"

#define EVENTFD_MAX       (UINT64_MAX - 1)
#define EVENTFD_SEMAPHORE 1u /* EFD_SEMAPHORE, eventfd(2) */

struct eventfd {
    struct spinlock lock; /* guards count */
    _Atomic uint64_t count;
    bool semaphore;
    struct wait_queue queue;
};

/* Returns what a read gives, or 0 if it has to wait. */
static uint64_t eventfd_take(struct eventfd *event)
{
    uint64_t value;

    spin_lock(&event->lock);
    value = event->count;
    if (event->semaphore && value > 0) {
        value = 1;
    }
    event->count -= value;
    spin_unlock(&event->lock);
    return value;
}

static bool eventfd_add(struct eventfd *event, uint64_t value)
{
    bool fits;

    spin_lock(&event->lock);
    fits = value <= EVENTFD_MAX - event->count;
    event->count += fits ? value : 0;
    spin_unlock(&event->lock);
    return fits;
}

static ssize64_t eventfd_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct eventfd *event = file->private;
    uint64_t value;
    ssize64_t n;

    (void)pos;
    if (uio->left < sizeof(value)) {
        return -EINVAL;
    }
    while ((value = eventfd_take(event)) == 0) {
        int error;

        if (file_is_nonblock(file)) {
            return -EAGAIN;
        }
        error = wait_event_interruptible(&event->queue, event->count != 0);
        if (error != 0) {
            return error;
        }
    }
    wait_wake_all(&event->queue);
    n = uio_put(uio, &value, sizeof(value));
    return n < 0 ? n : (ssize64_t)sizeof(value);
}

static ssize64_t eventfd_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct eventfd *event = file->private;
    uint64_t value;
    ssize64_t n;

    (void)pos;
    if (uio->left < sizeof(value)) {
        return -EINVAL;
    }
    n = uio_get(uio, &value, sizeof(value));
    if (n != (ssize64_t)sizeof(value)) {
        return -EFAULT;
    }
    if (value == UINT64_MAX) {
        return -EINVAL;
    }
    while (!eventfd_add(event, value)) {
        int error;

        if (file_is_nonblock(file)) {
            return -EAGAIN;
        }
        error = wait_event_interruptible(&event->queue, value <= EVENTFD_MAX - event->count);
        if (error != 0) {
            return error;
        }
    }
    wait_wake_all(&event->queue);
    return (ssize64_t)sizeof(value);
}

static uint32_t eventfd_poll(struct file *file, struct poll_table *table)
{
    struct eventfd *event = file->private;
    uint64_t count;

    poll_wait(table, &event->queue);
    count = event->count;
    return (count > 0 ? POLLIN | POLLRDNORM : 0u) |
           (count < EVENTFD_MAX ? POLLOUT | POLLWRNORM : 0u);
}

static void eventfd_release(struct file *file)
{
    kfree(file->private);
}

static const struct file_ops eventfd_file_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
};

int eventfd_create(uint32_t initial, uint32_t flags, struct file **out)
{
    struct eventfd *event;
    int error;

    if (flags & ~(uint32_t)(EVENTFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC)) {
        return -EINVAL;
    }
    event = kmalloc(sizeof(*event));
    if (event == NULL) {
        return -ENOMEM;
    }
    spin_init(&event->lock);
    atomic_init(&event->count, initial);
    event->semaphore = (flags & EVENTFD_SEMAPHORE) != 0;
    wait_queue_init(&event->queue);
    error = file_create_anon("anon_inode:[eventfd]", 0600, &eventfd_file_ops,
                             O_RDWR | (flags & O_NONBLOCK), event, out);
    if (error != 0) {
        kfree(event);
    }
    return error;
}
