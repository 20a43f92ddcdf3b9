/*
 * Pseudo-terminals. The slave is a tty whose port is the master's file: what the slave writes waits
 * in the tty's output ring for the master, what the master writes is received by the tty.
 * A pair is free when neither side is open; its memory is kept for good, so that a session's stale
 * pointer to its terminal is never wild.
 */
#include "fs/tty_pty.h"

#include <asm/ioctls.h>
#include <asm/signal.h>

#include "fs/device.h"
#include "fs/devpts.h"
#include "fs/poll.h"
#include "fs/tty.h"
#include "kernel/errno.h"
#include "kernel/jobctl.h"
#include "kernel/printk.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define PTY_NAME 12u
#define CHUNK    512u /* of a read */

struct pty {
    struct tty tty;
    uint32_t index;
    char name[PTY_NAME];
    struct char_device device;
    struct fair_lock write_lock; /* of the master, as the following */
    struct wait_queue readers;
    struct wait_queue writers;

    /* pty_lock. */
    bool master_open;
    bool locked;       /* unlockpt(3) was not called yet */
    bool slave_closed; /* the last open of the slave went */
    uint32_t nr_slaves;
    uint32_t uid;
};

static struct spinlock pty_lock = SPINLOCK_INIT;
static struct pty *ptys[TTY_PTY_MAX];

static struct pty *pty_of(struct tty *tty)
{
    return container_of(tty, struct pty, tty);
}

static void pty_output_ready(struct tty *tty)
{
    wait_wake_all(&pty_of(tty)->readers);
}

static void pty_input_drained(struct tty *tty)
{
    wait_wake_all(&pty_of(tty)->writers);
}

static bool pty_slave_is_closed(struct pty *pty)
{
    bool closed;

    spin_lock(&pty_lock);
    closed = pty->slave_closed;
    spin_unlock(&pty_lock);
    return closed;
}

static bool pty_belongs_to(struct pty *pty, pid_nr_t session)
{
    bool yes;

    spin_lock(&pty->tty.lock);
    yes = pty->tty.session == session;
    spin_unlock(&pty->tty.lock);
    return yes;
}

/* Counts a file on the slave: the pair is not given again while there is one. It could be before. */
static int pty_hold(struct tty *tty, pid_nr_t session)
{
    struct pty *pty = pty_of(tty);
    int error = 0;

    spin_lock(&pty_lock);
    if (!pty->master_open || pty->locked || (session != 0 && !pty_belongs_to(pty, session))) {
        error = -EIO;
    } else {
        pty->nr_slaves++;
        pty->slave_closed = false;
    }
    spin_unlock(&pty_lock);
    return error;
}

static void pty_drop(struct tty *tty)
{
    struct pty *pty = pty_of(tty);

    spin_lock(&pty_lock);
    pty->nr_slaves--;
    pty->slave_closed = pty->nr_slaves == 0;
    spin_unlock(&pty_lock);
    wait_wake_all(&pty->readers);
}

static const struct tty_port_ops pty_port_ops = {
    .output_ready = pty_output_ready,
    .input_drained = pty_input_drained,
    .hold = pty_hold,
    .drop = pty_drop,
};

static int slave_open(struct inode *inode, struct file *file)
{
    struct pty *pty = char_device_of(inode)->private;
    int error = tty_bind(file, &pty->tty);

    if (error == 0) {
        error = pty_hold(&pty->tty, 0);
    }
    if (error == 0) {
        tty_attach(file);
    }
    return error;
}

static void slave_release(struct file *file)
{
    pty_drop(file->private);
}

static const struct file_ops slave_ops = {
    .open = slave_open,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .release = slave_release,
};

static bool pty_is_free(const struct pty *pty)
{
    return !pty->master_open && pty->nr_slaves == 0;
}

/* Takes a free pair that exists, or says in *index where a new one can be. */
static struct pty *pty_take(uint32_t *index)
{
    struct pty *found = NULL;

    spin_lock(&pty_lock);
    for (*index = 0; *index < TTY_PTY_MAX && ptys[*index] != NULL; ++*index) {
        if (pty_is_free(ptys[*index])) {
            found = ptys[*index];
            found->master_open = true;
            found->locked = true;
            break;
        }
    }
    spin_unlock(&pty_lock);
    return found;
}

/* Fails: -EAGAIN when another made the pair of that index first. */
static int pty_make(uint32_t index)
{
    struct pty *pty = kzalloc(sizeof(*pty));
    int error;

    if (pty == NULL) {
        return -ENOMEM;
    }
    pty->index = index;
    ksnprintf(pty->name, sizeof(pty->name), "pts/%u", index);
    fair_lock_init(&pty->write_lock);
    wait_queue_init(&pty->readers);
    wait_queue_init(&pty->writers);
    pty->device.dev = dev_make(TTY_PTY_MAJOR, index);
    pty->device.ops = &slave_ops;
    pty->device.private = pty;
    tty_init(&pty->tty, pty->name, pty->device.dev, &pty_port_ops);
    spin_lock(&pty_lock);
    error = ptys[index] != NULL ? -EAGAIN : char_device_register(&pty->device);
    if (error == 0) {
        ptys[index] = pty;
    }
    spin_unlock(&pty_lock);
    if (error != 0) {
        kfree(pty);
    }
    return error;
}

static int pty_allocate(struct pty **out)
{
    uint32_t index;
    int error;

    while ((*out = pty_take(&index)) == NULL) {
        if (index == TTY_PTY_MAX) {
            return -ENOSPC;
        }
        error = pty_make(index);
        if (error != 0 && error != -EAGAIN) {
            return error;
        }
    }
    return 0;
}

static int master_open(struct inode *inode, struct file *file)
{
    struct pty *pty;
    int error = pty_allocate(&pty);

    (void)inode;
    if (error != 0) {
        return error;
    }
    tty_reset(&pty->tty);
    pty->tty.line.termios.c_cflag = B38400 | CS8 | CREAD;
    pty->tty.line.termios.c_ispeed = 38400;
    pty->tty.line.termios.c_ospeed = 38400;
    pty->uid = file->cred != NULL ? file->cred->fsuid : 0;
    pty->slave_closed = false;
    file->private = pty;
    return 0;
}

static void master_release(struct file *file)
{
    struct pty *pty = file->private;

    tty_hangup(&pty->tty);
    spin_lock(&pty_lock);
    pty->master_open = false;
    spin_unlock(&pty_lock);
}

static uint32_t pty_output_used(struct pty *pty)
{
    uint32_t used;

    spin_lock(&pty->tty.lock);
    used = pty->tty.line.stopped ? 0 : tty_line_out_used(&pty->tty.line);
    spin_unlock(&pty->tty.lock);
    return used;
}

static ssize64_t master_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct pty *pty = file->private;
    uint8_t buf[CHUNK];

    (void)pos;
    while (uio->left > 0) {
        bool closed = pty_slave_is_closed(pty); /* first: the last words come before the end */
        size_t count = tty_take_output(&pty->tty, buf, MIN(uio->left, sizeof(buf)));
        int error;

        if (count > 0) {
            return uio_put(uio, buf, count);
        }
        if (closed) {
            return -EIO;
        }
        if (file_is_nonblock(file)) {
            return -EAGAIN;
        }
        error = wait_event_interruptible(&pty->readers,
                                         pty_output_used(pty) > 0 || pty_slave_is_closed(pty));
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* Returns the bytes that the slave's side took, or an error if that is none. */
static ssize64_t master_send(const struct file *file, const uint8_t *buf, size_t len)
{
    struct pty *pty = file->private;
    size_t done = 0;
    int error = 0;

    while (done < len && error == 0) {
        size_t count = MIN(tty_receive_room(&pty->tty), len - done);

        tty_receive(&pty->tty, buf + done, count);
        done += count;
        if (done < len) {
            error = file_is_nonblock(file)
                        ? -EAGAIN
                        : wait_event_interruptible(&pty->writers, tty_receive_room(&pty->tty) > 0);
        }
    }
    return done > 0 ? (ssize64_t)done : error;
}

static ssize64_t master_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct pty *pty = file->private;

    (void)pos;
    return tty_write_chunks(file, uio, &pty->write_lock, master_send);
}

static uint32_t master_poll(struct file *file, struct poll_table *table)
{
    struct pty *pty = file->private;
    uint32_t events = 0;

    poll_wait(table, &pty->readers);
    poll_wait(table, &pty->writers);
    if (pty_slave_is_closed(pty)) {
        events |= POLLHUP;
    }
    if (pty_output_used(pty) > 0) {
        events |= POLLIN | POLLRDNORM;
    }
    if (tty_receive_room(&pty->tty) > 0) {
        events |= POLLOUT | POLLWRNORM;
    }
    return events;
}

static int master_set_lock(struct pty *pty, uint64_t arg, struct address_space *as)
{
    int value;
    int error = as_copy_in(as, &value, arg, sizeof(value));

    if (error != 0) {
        return error;
    }
    spin_lock(&pty_lock);
    pty->locked = value != 0;
    spin_unlock(&pty_lock);
    return 0;
}

static int master_signal(struct pty *pty, uint64_t signo)
{
    struct tty *tty = &pty->tty;
    pid_nr_t group, session;

    if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP) {
        return -EINVAL;
    }
    spin_lock(&tty->lock);
    group = tty->group;
    session = tty->session;
    spin_unlock(&tty->lock);
    if (group != 0) {
        job_signal_group(group, session, (int)signo);
    }
    return 0;
}

static int64_t master_ioctl(struct file *file, unsigned cmd, uint64_t arg, struct address_space *as)
{
    struct pty *pty = file->private;
    int value = 0;
    int error = 0;

    switch (cmd) {
    case TIOCGPTN:
        value = (int)pty->index;
        break;
    case TIOCGPTLCK:
        value = pty->locked;
        break;
    case FIONREAD:
        value = (int)pty_output_used(pty);
        break;
    case TIOCGPGRP:
        error = tty_job_get_group(&pty->tty, false, &value);
        break;
    case TIOCGSID:
        error = tty_job_get_session(&pty->tty, false, &value);
        break;
    case TIOCSPTLCK:
        return master_set_lock(pty, arg, as);
    case TIOCSIG:
        return master_signal(pty, arg);
    default:
        return tty_ioctl_common(&pty->tty, cmd, arg, as);
    }
    return error != 0 ? error : as_copy_out(as, arg, &value, sizeof(value));
}

static const struct file_ops master_ops = {
    .open = master_open,
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
    .release = master_release,
};

bool tty_pty_owner(uint32_t index, uint32_t *uid)
{
    bool open = false;

    spin_lock(&pty_lock);
    if (index < TTY_PTY_MAX && ptys[index] != NULL) {
        open = ptys[index]->master_open;
        *uid = ptys[index]->uid;
    }
    spin_unlock(&pty_lock);
    return open;
}

void tty_pty_init(void)
{
    static struct char_device multiplexer = {
        .name = "ptmx",
        .mode = 0666,
        .gid = TTY_PTY_GROUP,
        .ops = &master_ops,
    };
    int error;

    multiplexer.dev = dev_make(5, 2);
    error = char_device_register(&multiplexer);
    kverify(error == 0);
    devpts_init();
}
