/*
 * Terminals: input from the port to readers, output from writers to the port. Output goes through
 * the line discipline's ring; what the port does not take at once a timer sends later, so echo
 * from IRQ context never waits. Modes and windows are fs/tty_ioctl.c, job control fs/tty_job.c.
 */
#include "fs/tty.h"

#include <asm/signal.h>
#include <linux/capability.h>

#include "fs/device.h"
#include "fs/poll.h"
#include "fs/tty_pty.h"
#include "kernel/errno.h"
#include "kernel/jobctl.h"
#include "kernel/string.h"
#include "mm/slab.h"

#define PUMP_RETRY_NS   NS_PER_MS
#define WRITE_CHUNK     1024u
#define WRITE_ROOM      256u /* poll(2) says writable from here on */
#define READ_INLINE     128u
#define TENTH_OF_SEC_NS (NS_PER_SEC / 10)

static void tty_pump_locked(struct tty *tty) REQUIRES(tty->lock)
{
    struct tty_line *line = &tty->line;

    if (line->stopped || tty_line_out_used(line) == 0) {
        return;
    }
    if (tty->ops->put == NULL) {
        tty->ops->output_ready(tty);
        return;
    }
    while (tty_line_out_used(line) > 0) {
        if (!tty->ops->put(tty, tty_line_out_peek(line))) {
            timer_arm(&tty->pump, time_now_ns() + PUMP_RETRY_NS);
            return;
        }
        tty_line_out_drop(line);
    }
}

static void tty_pump_fire(struct timer *timer)
{
    struct tty *tty = container_of(timer, struct tty, pump);
    bool room;

    spin_lock(&tty->lock);
    tty_pump_locked(tty);
    room = tty_line_out_room(&tty->line) >= WRITE_ROOM;
    spin_unlock(&tty->lock);
    if (room) {
        wait_wake_all(&tty->writers);
    }
}

void tty_init(struct tty *tty, const char *name, dev_nr_t dev, const struct tty_port_ops *ops)
{
    memset(tty, 0, sizeof(*tty));
    tty->name = name;
    tty->dev = dev;
    tty->ops = ops;
    spin_init(&tty->lock);
    tty_line_init(&tty->line);
    fair_lock_init(&tty->write_lock);
    wait_queue_init(&tty->readers);
    wait_queue_init(&tty->writers);
    timer_init(&tty->pump, tty_pump_fire);
}

void tty_reset(struct tty *tty)
{
    spin_lock(&tty->lock);
    tty_line_init(&tty->line);
    tty->window = (struct winsize){0};
    tty->session = 0;
    tty->group = 0;
    tty->hung_up = false;
    tty->exclusive = false;
    tty->stage_head = 0;
    tty->stage_tail = 0;
    spin_unlock(&tty->lock);
}

static unsigned tty_feed_locked(struct tty *tty) REQUIRES(tty->lock)
{
    unsigned events = 0;

    while (tty->stage_tail != tty->stage_head && tty_line_has_room(&tty->line)) {
        events |= tty_line_receive(&tty->line, tty->stage[tty->stage_tail++ % TTY_STAGE_SIZE]);
    }
    return events;
}

static void tty_deliver(struct tty *tty, unsigned events, pid_nr_t group, pid_nr_t session)
{
    if (group != 0) {
        if (events & TTY_EVENT_INT) {
            job_signal_group(group, session, SIGINT);
        }
        if (events & TTY_EVENT_QUIT) {
            job_signal_group(group, session, SIGQUIT);
        }
        if (events & TTY_EVENT_SUSP) {
            job_signal_group(group, session, SIGTSTP);
        }
    }
    if (events & TTY_EVENT_READABLE) {
        wait_wake_all(&tty->readers);
    }
    /* Input also ends a stop of the output and may have flushed it. */
    wait_wake_all(&tty->writers);
}

void tty_receive(struct tty *tty, const uint8_t *bytes, size_t len)
{
    unsigned events = 0;
    pid_nr_t group, session;

    spin_lock(&tty->lock);
    for (size_t i = 0; i < len; i++) {
        if (tty->stage_head - tty->stage_tail < TTY_STAGE_SIZE) {
            tty->stage[tty->stage_head++ % TTY_STAGE_SIZE] = bytes[i];
        }
        events |= tty_feed_locked(tty);
    }
    tty_pump_locked(tty);
    group = tty->group;
    session = tty->session;
    spin_unlock(&tty->lock);
    tty_deliver(tty, events, group, session);
}

size_t tty_receive_room(struct tty *tty)
{
    size_t room;

    spin_lock(&tty->lock);
    room = TTY_STAGE_SIZE - (tty->stage_head - tty->stage_tail);
    spin_unlock(&tty->lock);
    return room;
}

size_t tty_take_output(struct tty *tty, uint8_t *buf, size_t len)
{
    size_t done = 0;

    spin_lock(&tty->lock);
    while (done < len && !tty->line.stopped && tty_line_out_used(&tty->line) > 0) {
        buf[done++] = tty_line_out_peek(&tty->line);
        tty_line_out_drop(&tty->line);
    }
    spin_unlock(&tty->lock);
    if (done > 0) {
        wait_wake_all(&tty->writers);
    }
    return done;
}

void tty_hangup(struct tty *tty)
{
    pid_nr_t group, session;

    spin_lock(&tty->lock);
    tty->hung_up = true;
    group = tty->group;
    session = tty->session;
    tty->group = 0;
    tty->session = 0;
    tty_line_flush_output(&tty->line);
    spin_unlock(&tty->lock);
    /* A session leader's group has the session's number. */
    if (session != 0) {
        job_signal_group(session, session, SIGHUP);
        job_signal_group(session, session, SIGCONT);
    }
    if (group != 0 && group != session) {
        job_signal_group(group, session, SIGHUP);
        job_signal_group(group, session, SIGCONT);
    }
    wait_wake_all(&tty->readers);
    wait_wake_all(&tty->writers);
}

struct read_request {
    uint8_t *buf;
    size_t len;
    bool ended; /* a line or the terminal ended: the read is over */
};

/* Returns the bytes moved, 0 with !ended: nothing there. */
static size_t tty_take_input(struct tty *tty, struct read_request *request)
{
    unsigned events;
    pid_nr_t group, session;
    size_t done = 0;

    spin_lock(&tty->lock);
    if (tty_line_readable(&tty->line, 1)) {
        done = tty_line_read(&tty->line, request->buf, request->len, &request->ended);
    } else if (tty->hung_up) {
        request->ended = true;
    }
    events = tty_feed_locked(tty);
    tty_pump_locked(tty);
    if (tty->ops->input_drained != NULL) {
        tty->ops->input_drained(tty);
    }
    group = tty->group;
    session = tty->session;
    spin_unlock(&tty->lock);
    if (events != 0) {
        tty_deliver(tty, events, group, session);
    }
    return done;
}

static bool tty_has_input(struct tty *tty)
{
    bool ready;

    spin_lock(&tty->lock);
    ready = tty->hung_up || tty_line_readable(&tty->line, 1);
    spin_unlock(&tty->lock);
    return ready;
}

struct read_rule {
    bool canonical;
    size_t min;          /* bytes that end the read */
    uint64_t first_ns;   /* how long the first byte may take; UINT64_MAX: for ever */
    uint64_t between_ns; /* likewise each further one */
};

/* termios(3), "Canonical and noncanonical mode": the four cases of MIN and TIME. */
static struct read_rule tty_read_rule(struct tty *tty)
{
    struct read_rule rule = {false, 1, UINT64_MAX, UINT64_MAX};
    uint64_t time_ns;
    uint8_t min;

    spin_lock(&tty->lock);
    rule.canonical = tty_line_lflag(&tty->line, ICANON);
    min = tty->line.termios.c_cc[VMIN];
    time_ns = tty->line.termios.c_cc[VTIME] * TENTH_OF_SEC_NS;
    spin_unlock(&tty->lock);
    if (rule.canonical) {
        return rule;
    }
    if (min > 0) {
        rule.min = min;
        rule.between_ns = time_ns > 0 ? time_ns : UINT64_MAX;
    } else {
        rule.first_ns = time_ns;
    }
    return rule;
}

/* Returns 0 when there may be input, 1 when the time is over, or an error. */
static int tty_wait_input(struct tty *tty, const struct file *file, uint64_t timeout_ns)
{
    uint64_t deadline = timeout_ns == UINT64_MAX ? WAIT_FOREVER : time_now_ns() + timeout_ns;
    int error;

    if (timeout_ns == 0) {
        return 1;
    }
    if (file_is_nonblock(file)) {
        return -EAGAIN;
    }
    error = wait_event_deadline(&tty->readers, tty_has_input(tty), WAIT_INTERRUPTIBLE, deadline);
    return error == -ETIMEDOUT ? 1 : error;
}

/* Job control of reads and writes. As on Linux, those of /dev/console have none. */
static int tty_check_transfer(const struct file *file, int signo)
{
    return file->inode->rdev == TTY_CONSOLE ? 0 : tty_check_background(file->private, signo);
}

static ssize64_t tty_read_into(struct tty *tty, struct file *file, uint8_t *buf, size_t len)
{
    struct read_rule rule = tty_read_rule(tty);
    size_t done = 0;
    int error = 0;

    for (;;) {
        struct read_request request = {buf + done, len - done, false};
        size_t count = tty_take_input(tty, &request);

        done += count;
        if (request.ended || done == len || (count > 0 && (rule.canonical || done >= rule.min))) {
            break;
        }
        if (count == 0) {
            error = tty_wait_input(tty, file, done == 0 ? rule.first_ns : rule.between_ns);
            if (error == 0) {
                error = tty_check_transfer(file, SIGTTIN);
            }
        }
        if (error != 0) {
            break;
        }
    }
    return done > 0 || error > 0 ? (ssize64_t)done : error;
}

ssize64_t tty_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct tty *tty = file->private;
    uint8_t inline_buf[READ_INLINE];
    uint8_t *buf = inline_buf;
    size_t len = MIN(uio->left, (size_t)TTY_INPUT_SIZE);
    ssize64_t done;
    int error;

    (void)pos;
    error = tty_check_transfer(file, SIGTTIN);
    if (error != 0) {
        return error;
    }
    if (len > sizeof(inline_buf)) {
        buf = kmalloc(len);
        if (buf == NULL) {
            buf = inline_buf;
            len = sizeof(inline_buf);
        }
    }
    done = len == 0 ? 0 : tty_read_into(tty, file, buf, len);
    if (done > 0) {
        done = uio_put(uio, buf, (size_t)done);
    }
    if (buf != inline_buf) {
        kfree(buf);
    }
    return done;
}

static bool tty_can_write(struct tty *tty)
{
    bool ready;

    spin_lock(&tty->lock);
    ready = tty->hung_up || tty_line_out_room(&tty->line) >= WRITE_ROOM;
    spin_unlock(&tty->lock);
    return ready;
}

/* Does: takes all bytes, waiting for room. Returns the bytes taken, or an error if that is none. */
static ssize64_t tty_put_all(const struct file *file, const uint8_t *buf, size_t len)
{
    struct tty *tty = file->private;
    size_t done = 0;
    int error = 0;

    while (done < len && error == 0) {
        bool hung_up;

        spin_lock(&tty->lock);
        hung_up = tty->hung_up;
        if (!hung_up) {
            done += tty_line_write(&tty->line, buf + done, len - done);
            tty_pump_locked(tty);
        }
        spin_unlock(&tty->lock);
        if (hung_up) {
            error = -EIO;
        } else if (done < len && file_is_nonblock(file)) {
            error = -EAGAIN;
        } else if (done < len) {
            error = wait_event_interruptible(&tty->writers, tty_can_write(tty));
        }
    }
    return done > 0 ? (ssize64_t)done : error;
}

static ssize64_t tty_put_stream(struct file *file, struct uio *uio,
                                ssize64_t (*put)(const struct file *, const uint8_t *, size_t))
{
    uint8_t buf[WRITE_CHUNK];
    ssize64_t total = 0;

    while (uio->left > 0) {
        ssize64_t count = uio_get(uio, buf, MIN(uio->left, sizeof(buf)));
        ssize64_t done = count <= 0 ? count : put(file, buf, (size_t)count);

        if (done <= 0) {
            return total > 0 ? total : done;
        }
        total += done;
        if (done < count || sched_point() != 0) {
            break;
        }
    }
    return total;
}

ssize64_t tty_write_chunks(struct file *file, struct uio *uio, struct fair_lock *lock,
                           ssize64_t (*put)(const struct file *, const uint8_t *, size_t))
{
    ssize64_t done = fair_lock_take(lock, file_is_nonblock(file));

    if (done == 0) {
        done = tty_put_stream(file, uio, put);
        fair_lock_drop(lock);
    }
    return done;
}

ssize64_t tty_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct tty *tty = file->private;
    int error = 0;

    (void)pos;
    if (tty_line_lflag(&tty->line, TOSTOP)) {
        error = tty_check_transfer(file, SIGTTOU);
    }
    return error != 0 ? error : tty_write_chunks(file, uio, &tty->write_lock, tty_put_all);
}

uint32_t tty_poll(struct file *file, struct poll_table *table)
{
    struct tty *tty = file->private;
    const cc_t *cc = tty->line.termios.c_cc;
    uint32_t events = 0;

    poll_wait(table, &tty->readers);
    poll_wait(table, &tty->writers);
    spin_lock(&tty->lock);
    if (tty->hung_up) {
        events |= POLLHUP | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
    }
    if (tty_line_readable(&tty->line, cc[VMIN] > 0 && cc[VTIME] == 0 ? cc[VMIN] : 1)) {
        events |= POLLIN | POLLRDNORM;
    }
    if (tty_line_out_room(&tty->line) >= WRITE_ROOM) {
        events |= POLLOUT | POLLWRNORM;
    }
    spin_unlock(&tty->lock);
    return events;
}

int tty_bind(struct file *file, struct tty *tty)
{
    bool exclusive;

    spin_lock(&tty->lock);
    exclusive = tty->exclusive;
    spin_unlock(&tty->lock);
    if (exclusive && !cred_capable(file->cred, CAP_SYS_ADMIN)) {
        return -EBUSY;
    }
    file->private = tty;
    return 0;
}

void tty_attach(struct file *file)
{
    bool take = (file_flags(file) & O_NOCTTY) == 0 && job_is_session_leader() &&
                tty_controlling() == NULL && (file_mode(file) & FILE_READ) != 0;

    if (take) {
        /* The terminal of another session stays so, and the open succeeds. */
        int error = tty_job_acquire(file->private);

        (void)error;
    }
}

static int tty_current_open(struct inode *inode, struct file *file)
{
    pid_nr_t session = job_sid();
    struct tty *tty = tty_controlling();
    int error;

    (void)inode;
    if (tty == NULL) {
        return -ENXIO;
    }
    error = tty_bind(file, tty);
    if (error == 0 && tty->ops->hold != NULL) {
        error = tty->ops->hold(tty, session);
    }
    return error;
}

static void tty_current_release(struct file *file)
{
    struct tty *tty = file->private;

    if (tty->ops->drop != NULL) {
        tty->ops->drop(tty);
    }
}

static const struct file_ops tty_current_ops = {
    .open = tty_current_open,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
    .release = tty_current_release,
};

void tty_devices_init(void)
{
    static struct char_device current_device = {
        .name = "tty",
        .mode = 0666,
        .gid = 5,
        .ops = &tty_current_ops,
    };
    int error;

    current_device.dev = dev_make(5, 0);
    error = char_device_register(&current_device);
    kverify(error == 0);
    tty_pty_init();
}
