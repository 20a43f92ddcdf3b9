/*
 * Terminals: a line discipline between a port (serial line, pty master) and the files open on it,
 * with job control. tty->lock guards everything but the waits; it is taken in IRQ context, and no
 * signal is sent and no user memory touched under it.
 */
#pragma once

#include <asm/termios.h>

#include "fs/fair_lock.h"
#include "fs/file.h"
#include "fs/tty_line.h"
#include "kernel/time.h"
#include "kernel/wait.h"

#define TTY_STAGE_SIZE 8192u
#define TTY_CONSOLE    dev_make(5, 1) /* /dev/console */

struct tty;

/* Called with tty->lock held; any may be NULL. */
struct tty_port_ops {
    /* Sends a byte; false when the port is full: asked again 1 ms later. NULL: others take output.
     */
    bool (*put)(struct tty *tty, uint8_t byte);
    /* Output waits in the ring (put is NULL). */
    void (*output_ready)(struct tty *tty);
    /* Readers made room for input. */
    void (*input_drained)(struct tty *tty);
    /*
     * Another file names the tty, or no longer. Called without the lock. session: whose controlling
     * terminal it must still be; 0: anybody's. Fails: -EIO.
     */
    int (*hold)(struct tty *tty, pid_nr_t session);
    void (*drop)(struct tty *tty);
};

struct tty {
    const char *name; /* "ttyS0", as proc(5) and ttyname(3) know it */
    dev_nr_t dev;
    const struct tty_port_ops *ops;
    void *port;

    struct spinlock lock; /* guards what follows */
    struct tty_line line;
    struct winsize window;
    pid_nr_t session; /* whose controlling terminal this is; 0: nobody's */
    pid_nr_t group;   /* foreground process group; 0: none */
    bool hung_up;     /* the other end is gone for good */
    bool exclusive;   /* TIOCEXCL: no more opens, but by CAP_SYS_ADMIN; until TIOCNXCL or reset */
    uint32_t stage_head, stage_tail;
    uint8_t stage[TTY_STAGE_SIZE]; /* received, waiting for room in the line discipline */

    struct fair_lock write_lock; /* over a whole write(2), so that lines stay whole; before lock */
    struct wait_queue readers;
    struct wait_queue writers;
    struct timer pump; /* goes on sending when the port was full */
};

void tty_init(struct tty *tty, const char *name, dev_nr_t dev, const struct tty_port_ops *ops);
/* Does: makes a tty that nobody uses as new. */
void tty_reset(struct tty *tty);

/* Does: takes bytes from the port; those without room are lost. Any context. */
void tty_receive(struct tty *tty, const uint8_t *bytes, size_t len);
/* Returns how many bytes tty_receive() takes now without loss. */
size_t tty_receive_room(struct tty *tty);
/* Does: moves up to len bytes of waiting output to buf (ports without put). */
size_t tty_take_output(struct tty *tty, uint8_t *buf, size_t len);
/* Does: the other end is gone: readers get 0, writers -EIO, the session SIGHUP. */
void tty_hangup(struct tty *tty);

/* File operations; file->private is the tty. */
ssize64_t tty_read(struct file *file, struct uio *uio, uint64_t *pos);
ssize64_t tty_write(struct file *file, struct uio *uio, uint64_t *pos);
uint32_t tty_poll(struct file *file, struct poll_table *table);
int64_t tty_ioctl(struct file *file, unsigned cmd, uint64_t arg, struct address_space *as);
/* Those that a pty's master shares: the window, the modes, the session of the slave. */
int64_t tty_ioctl_common(struct tty *tty, unsigned cmd, uint64_t arg, struct address_space *as);
/*
 * Does: hands the stream to put() in pieces until one is not taken whole; a fatal signal ends it. One
 * at a time has the lock. Returns the bytes taken, or what put(), the copy or the lock failed with if
 * that is none.
 */
ssize64_t tty_write_chunks(struct file *file, struct uio *uio, struct fair_lock *lock,
                           ssize64_t (*put)(const struct file *, const uint8_t *, size_t));
/* Does: binds the file to the tty. Fails: -EBUSY (TIOCEXCL). */
NODISCARD int tty_bind(struct file *file, struct tty *tty);
/* Does: gives the file's tty to a session leader without one, unless O_NOCTTY. */
void tty_attach(struct file *file);

/* Job control, fs/tty_job.c. */

/* Returns the running process's controlling terminal, or NULL. */
struct tty *tty_controlling(void);
/* Fails: -EIO or, after the signal to the whole group, -ERESTARTSYS for a background process. */
NODISCARD int tty_check_background(struct tty *tty, int signo);
/* Does: makes it the controlling terminal of the running session leader. Fails: -EPERM. */
NODISCARD int tty_job_acquire(struct tty *tty);
/* TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID. */
NODISCARD int tty_job_release(struct tty *tty);
NODISCARD int tty_job_get_group(struct tty *tty, bool own_only, pid_nr_t *out);
NODISCARD int tty_job_set_group(struct tty *tty, pid_nr_t group);
NODISCARD int tty_job_get_session(struct tty *tty, bool own_only, pid_nr_t *out);
/*
 * sched/ calls it when a session leader exits, with what job_tty() gave: SIGHUP and SIGCONT to the
 * foreground group, then the terminal is free for another session. tty may be NULL.
 */
void tty_session_exit(void *tty, pid_nr_t session);

/* For /proc/PID/stat (tty_nr): the device number of a job_tty() pointer of a session, or 0. */
uint32_t tty_device_number(void *tty, pid_nr_t session);
/* Foreground group of the same (tpgid), or -1. */
pid_nr_t tty_foreground_group(void *tty, pid_nr_t session);

/* Boot: registers /dev/tty and the pseudo-terminals. */
void tty_devices_init(void);
