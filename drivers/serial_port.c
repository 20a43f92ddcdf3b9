/*
 * The ring of a raw byte port and its character device /dev/channel. Bytes pass unchanged; when
 * the ring is full they stay in the device, so nothing is lost.
 */
#include "drivers/serial_port.h"

#include "fs/device.h"
#include "fs/poll.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "kernel/time.h"
#include "mm/slab.h"

#define CHUNK 4096u

int serial_port_init(struct serial_port *port, const struct serial_port_ops *ops, void *device)
{
    port->ops = ops;
    port->device = device;
    port->head = 0;
    port->tail = 0;
    port->ring = kmalloc(SERIAL_RING_SIZE);
    spin_init(&port->lock);
    wait_queue_init(&port->readers);
    wait_queue_init(&port->writers);
    return port->ring != NULL ? 0 : -ENOMEM;
}

void serial_port_put_locked(struct serial_port *port, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t at = (size_t)(port->head % SERIAL_RING_SIZE);
        size_t count = MIN(len, SERIAL_RING_SIZE - at);

        memcpy(port->ring + at, bytes, count);
        port->head += count;
        bytes += count;
        len -= count;
    }
}

void serial_port_interrupt(void *arg)
{
    struct serial_port *port = arg;

    spin_lock(&port->lock);
    port->ops->fill(port);
    spin_unlock(&port->lock);
    wait_wake_all(&port->readers);
    wait_wake_all(&port->writers);
}

static size_t serial_take(struct serial_port *port, uint8_t *buf, size_t len)
{
    size_t done = 0;

    spin_lock(&port->lock);
    while (done < len && port->tail != port->head) {
        size_t at = (size_t)(port->tail % SERIAL_RING_SIZE);
        size_t count = MIN(len - done, (size_t)(port->head - port->tail));

        count = MIN(count, SERIAL_RING_SIZE - at);
        memcpy(buf + done, port->ring + at, count);
        port->tail += count;
        done += count;
    }
    port->ops->fill(port);
    spin_unlock(&port->lock);
    return done;
}

static bool serial_has_input(struct serial_port *port)
{
    bool ready;

    spin_lock(&port->lock);
    ready = port->tail != port->head;
    spin_unlock(&port->lock);
    return ready;
}

static bool serial_can_send(struct serial_port *port)
{
    bool ready;

    spin_lock(&port->lock);
    ready = port->ops->can_send(port);
    spin_unlock(&port->lock);
    return ready;
}

static ssize64_t serial_read_chunks(struct file *file, struct uio *uio, uint8_t *buf)
{
    struct serial_port *port = file->private;
    ssize64_t total = 0;

    while (uio->left > 0) {
        size_t count = serial_take(port, buf, MIN(uio->left, (size_t)CHUNK));
        ssize64_t done;
        int error;

        if (count == 0 && total > 0) {
            break;
        }
        if (count == 0) {
            error = file_is_nonblock(file)
                        ? -EAGAIN
                        : wait_event_interruptible(&port->readers, serial_has_input(port));
            if (error != 0) {
                return error;
            }
            continue;
        }
        done = uio_put(uio, buf, count);
        if (done < 0) {
            return total > 0 ? total : done;
        }
        total += done;
        if (sched_point() != 0) {
            break;
        }
    }
    return total;
}

static ssize64_t serial_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    uint8_t *buf = kmalloc(CHUNK);
    ssize64_t done;

    (void)pos;
    if (buf == NULL) {
        return -ENOMEM;
    }
    done = serial_read_chunks(file, uio, buf);
    kfree(buf);
    return done;
}

/* Waits until a full device may take more. */
static int serial_wait_room(struct serial_port *port, const struct file *file)
{
    int error;

    if (file_is_nonblock(file)) {
        return -EAGAIN;
    }
    error = wait_event_deadline(&port->writers, serial_can_send(port), WAIT_INTERRUPTIBLE,
                                port->ops->retry_ns != 0 ? time_now_ns() + port->ops->retry_ns
                                                         : WAIT_FOREVER);
    return error == -ETIMEDOUT ? 0 : error;
}

/* Returns the bytes sent, or an error if that is none. */
static ssize64_t serial_send_all(struct serial_port *port, const struct file *file,
                                 const uint8_t *buf, size_t len)
{
    size_t done = 0;
    int error = 0;

    while (done < len && error == 0) {
        size_t count;

        spin_lock(&port->lock);
        count = port->ops->send(port, buf + done, len - done);
        spin_unlock(&port->lock);
        done += count;
        error = count > 0 ? sched_point() : serial_wait_room(port, file);
    }
    return done > 0 ? (ssize64_t)done : error;
}

static ssize64_t serial_write_chunks(struct file *file, struct uio *uio, uint8_t *buf)
{
    struct serial_port *port = file->private;
    ssize64_t total = 0;

    while (uio->left > 0) {
        ssize64_t count = uio_get(uio, buf, MIN(uio->left, (size_t)CHUNK));
        ssize64_t done = count <= 0 ? count : serial_send_all(port, file, buf, (size_t)count);

        if (done <= 0) {
            return total > 0 ? total : done;
        }
        total += done;
        if (done < count) {
            break;
        }
    }
    return total;
}

static ssize64_t serial_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    uint8_t *buf = kmalloc(CHUNK);
    ssize64_t done;

    (void)pos;
    if (buf == NULL) {
        return -ENOMEM;
    }
    done = serial_write_chunks(file, uio, buf);
    kfree(buf);
    return done;
}

static uint32_t serial_poll(struct file *file, struct poll_table *table)
{
    struct serial_port *port = file->private;
    uint32_t events = 0;

    poll_wait(table, &port->readers);
    poll_wait(table, &port->writers);
    if (serial_has_input(port)) {
        events |= POLLIN | POLLRDNORM;
    }
    /* A device without an interrupt for room always says yes; the write then sleeps. */
    if (port->ops->retry_ns != 0 || serial_can_send(port)) {
        events |= POLLOUT | POLLWRNORM;
    }
    return events;
}

static int serial_open(struct inode *inode, struct file *file)
{
    file->private = char_device_of(inode)->private;
    return 0;
}

static const struct file_ops serial_ops = {
    .open = serial_open,
    .read = serial_read,
    .write = serial_write,
    .poll = serial_poll,
};

int serial_device_register(struct serial_port *port)
{
    static struct char_device device = {.name = "channel", .mode = 0600, .ops = &serial_ops};

    device.dev = dev_make(240, 0);
    device.private = port;
    return char_device_register(&device);
}
