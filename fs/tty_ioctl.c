/*
 * tty_ioctl(4): modes, windows, queues, job control. User memory is copied with no lock held.
 */
#include <asm/ioctls.h>
#include <asm/signal.h>

#include "fs/tty.h"
#include "kernel/errno.h"
#include "kernel/jobctl.h"
#include "kernel/string.h"
#include "mm/address_space.h"

/* How a change of modes treats what is under way: TCSETS, TCSETSW, TCSETSF. */
enum set_when { SET_NOW, SET_DRAINED, SET_FLUSHED };

static bool tty_is_drained(struct tty *tty)
{
    bool drained;

    spin_lock(&tty->lock);
    /* Where others take the output, it is on its way when it is in the ring (Linux's pty too). */
    drained = tty->ops->put == NULL || tty->hung_up || tty_line_out_used(&tty->line) == 0;
    spin_unlock(&tty->lock);
    return drained;
}

static int tty_drain(struct tty *tty)
{
    return wait_event_interruptible(&tty->writers, tty_is_drained(tty));
}

static void tty_get_termios(struct tty *tty, struct termios2 *out)
{
    spin_lock(&tty->lock);
    *out = tty->line.termios;
    spin_unlock(&tty->lock);
}

static void tty_flush(struct tty *tty, bool input, bool output)
{
    spin_lock(&tty->lock);
    if (input) {
        tty->stage_tail = tty->stage_head;
        tty_line_flush_input(&tty->line);
        if (tty->ops->input_drained != NULL) {
            tty->ops->input_drained(tty);
        }
    }
    if (output) {
        tty_line_flush_output(&tty->line);
    }
    spin_unlock(&tty->lock);
    wait_wake_all(&tty->writers);
}

static int tty_set_termios(struct tty *tty, const struct termios2 *termios, enum set_when when)
{
    int error = 0;

    if (when != SET_NOW) {
        error = tty_drain(tty);
    }
    if (error != 0) {
        return error;
    }
    if (when == SET_FLUSHED) {
        tty_flush(tty, true, false);
    }
    spin_lock(&tty->lock);
    tty_line_set_termios(&tty->line, termios);
    if (!tty_line_iflag(&tty->line, IXON)) {
        tty->line.stopped = false;
    }
    spin_unlock(&tty->lock);
    tty_receive(tty, NULL, 0); /* output that was stopped goes on */
    wait_wake_all(&tty->readers);
    wait_wake_all(&tty->writers);
    return 0;
}

static speed_t baud_rate(tcflag_t code)
{
    static const speed_t low[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                  600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
    static const speed_t high[] = {0,       57600,   115200,  230400,  460800,  500000,
                                   576000,  921600,  1000000, 1152000, 1500000, 2000000,
                                   2500000, 3000000, 3500000, 4000000};

    return (code & CBAUDEX) != 0 ? high[code & 017] : low[code & 017];
}

static int tty_ioctl_set_termios(struct tty *tty, uint64_t arg, bool two, enum set_when when,
                                 struct address_space *as)
{
    struct termios2 termios;
    int error;

    tty_get_termios(tty, &termios);
    error = as_copy_in(as, &termios, arg, two ? sizeof(termios) : sizeof(struct termios));
    if (error != 0) {
        return error;
    }
    if ((termios.c_cflag & CBAUD) != BOTHER) {
        termios.c_ospeed = baud_rate(termios.c_cflag & CBAUD);
        termios.c_ispeed = termios.c_ospeed;
    }
    return tty_set_termios(tty, &termios, when);
}

/* System V's short form: half of each flags word, eight control characters. */
static int tty_ioctl_set_termio(struct tty *tty, uint64_t arg, enum set_when when,
                                struct address_space *as)
{
    struct termios2 termios;
    struct termio termio;
    int error = as_copy_in(as, &termio, arg, sizeof(termio));

    if (error != 0) {
        return error;
    }
    tty_get_termios(tty, &termios);
    termios.c_iflag = (termios.c_iflag & 0xffff0000) | termio.c_iflag;
    termios.c_oflag = (termios.c_oflag & 0xffff0000) | termio.c_oflag;
    termios.c_cflag = (termios.c_cflag & 0xffff0000) | termio.c_cflag;
    termios.c_lflag = (termios.c_lflag & 0xffff0000) | termio.c_lflag;
    memcpy(termios.c_cc, termio.c_cc, sizeof(termio.c_cc));
    termios.c_ospeed = baud_rate(termios.c_cflag & CBAUD);
    termios.c_ispeed = termios.c_ospeed;
    return tty_set_termios(tty, &termios, when);
}

static int tty_ioctl_get_termio(struct tty *tty, uint64_t arg, struct address_space *as)
{
    struct termio termio = {0};
    struct termios2 termios;

    tty_get_termios(tty, &termios);
    termio.c_iflag = (unsigned short)termios.c_iflag;
    termio.c_oflag = (unsigned short)termios.c_oflag;
    termio.c_cflag = (unsigned short)termios.c_cflag;
    termio.c_lflag = (unsigned short)termios.c_lflag;
    termio.c_line = termios.c_line;
    memcpy(termio.c_cc, termios.c_cc, sizeof(termio.c_cc));
    return as_copy_out(as, arg, &termio, sizeof(termio));
}

static int tty_ioctl_get_window(struct tty *tty, uint64_t arg, struct address_space *as)
{
    struct winsize window;

    spin_lock(&tty->lock);
    window = tty->window;
    spin_unlock(&tty->lock);
    return as_copy_out(as, arg, &window, sizeof(window));
}

static int tty_ioctl_set_window(struct tty *tty, uint64_t arg, struct address_space *as)
{
    struct winsize window;
    pid_nr_t group = 0, session = 0;
    int error = as_copy_in(as, &window, arg, sizeof(window));

    if (error != 0) {
        return error;
    }
    spin_lock(&tty->lock);
    if (memcmp(&window, &tty->window, sizeof(window)) != 0) {
        tty->window = window;
        group = tty->group;
        session = tty->session;
    }
    spin_unlock(&tty->lock);
    if (group != 0) {
        job_signal_group(group, session, SIGWINCH);
    }
    return 0;
}

static int tty_ioctl_queue_size(struct tty *tty, uint64_t arg, bool input, struct address_space *as)
{
    int count;

    spin_lock(&tty->lock);
    count = (int)(input ? tty_line_available(&tty->line) : tty_line_out_used(&tty->line));
    spin_unlock(&tty->lock);
    return as_copy_out(as, arg, &count, sizeof(count));
}

static int tty_ioctl_flush(struct tty *tty, uint64_t which)
{
    if (which > TCIOFLUSH) {
        return -EINVAL;
    }
    tty_flush(tty, which != TCOFLUSH, which != TCIFLUSH);
    return 0;
}

static int tty_ioctl_flow(struct tty *tty, uint64_t action)
{
    if (action > TCION) {
        return -EINVAL;
    }
    if (action == TCOOFF || action == TCOON) {
        spin_lock(&tty->lock);
        tty->line.stopped = action == TCOOFF;
        spin_unlock(&tty->lock);
        tty_receive(tty, NULL, 0); /* sends what had been stopped */
    }
    return 0;
}

/* Returns whether a background process is stopped before it may do this. */
static bool changes_terminal(unsigned cmd)
{
    switch (cmd) {
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
    case TCFLSH:
    case TCXONC:
    case TCSBRK:
    case TCSBRKP:
    case TIOCSETD:
        return true;
    default:
        return false;
    }
}

static int64_t tty_ioctl_modes(struct tty *tty, unsigned cmd, uint64_t arg,
                               struct address_space *as)
{
    struct termios2 termios;

    tty_get_termios(tty, &termios);
    switch (cmd) {
    case TCGETS:
        return as_copy_out(as, arg, &termios, sizeof(struct termios));
    case TCGETS2:
        return as_copy_out(as, arg, &termios, sizeof(termios));
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return tty_ioctl_set_termios(tty, arg, false, (enum set_when)(cmd - TCSETS), as);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return tty_ioctl_set_termios(tty, arg, true, (enum set_when)(cmd - TCSETS2), as);
    case TCGETA:
        return tty_ioctl_get_termio(tty, arg, as);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return tty_ioctl_set_termio(tty, arg, (enum set_when)(cmd - TCSETA), as);
    default:
        return -ENOTTY;
    }
}

int64_t tty_ioctl_common(struct tty *tty, unsigned cmd, uint64_t arg, struct address_space *as)
{
    switch (cmd) {
    case TIOCGWINSZ:
        return tty_ioctl_get_window(tty, arg, as);
    case TIOCSWINSZ:
        return tty_ioctl_set_window(tty, arg, as);
    case TCFLSH:
        return tty_ioctl_flush(tty, arg);
    default:
        return tty_ioctl_modes(tty, cmd, arg, as);
    }
}

static int tty_ioctl_get_number(struct tty *tty, unsigned cmd, uint64_t arg,
                                struct address_space *as)
{
    pid_nr_t number = 0;
    int error = cmd == TIOCGPGRP ? tty_job_get_group(tty, true, &number)
                                 : tty_job_get_session(tty, true, &number);

    return error != 0 ? error : as_copy_out(as, arg, &number, sizeof(number));
}

static int tty_ioctl_set_group(struct tty *tty, uint64_t arg, struct address_space *as)
{
    pid_nr_t group;
    int error = as_copy_in(as, &group, arg, sizeof(group));

    return error != 0 ? error : tty_job_set_group(tty, group);
}

static int tty_ioctl_zero(uint64_t arg, struct address_space *as)
{
    int discipline = 0; /* N_TTY */

    return as_copy_out(as, arg, &discipline, sizeof(discipline));
}

static int tty_ioctl_set_discipline(uint64_t arg, struct address_space *as)
{
    int discipline;
    int error = as_copy_in(as, &discipline, arg, sizeof(discipline));

    if (error != 0) {
        return error;
    }
    return discipline == 0 ? 0 : -EINVAL;
}

static void tty_set_exclusive(struct tty *tty, bool exclusive)
{
    spin_lock(&tty->lock);
    tty->exclusive = exclusive;
    spin_unlock(&tty->lock);
}

static int tty_ioctl_get_exclusive(struct tty *tty, uint64_t arg, struct address_space *as)
{
    int exclusive;

    spin_lock(&tty->lock);
    exclusive = tty->exclusive;
    spin_unlock(&tty->lock);
    return as_copy_out(as, arg, &exclusive, sizeof(exclusive));
}

int64_t tty_ioctl(struct file *file, unsigned cmd, uint64_t arg, struct address_space *as)
{
    struct tty *tty = file->private;
    int error = changes_terminal(cmd) ? tty_check_background(tty, SIGTTOU) : 0;

    if (error != 0) {
        return error;
    }
    if (tty->hung_up) {
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    }
    switch (cmd) {
    case TIOCGPGRP:
    case TIOCGSID:
        return tty_ioctl_get_number(tty, cmd, arg, as);
    case TIOCSPGRP:
        return tty_ioctl_set_group(tty, arg, as);
    case TIOCSCTTY:
        return tty_job_acquire(tty);
    case TIOCNOTTY:
        return tty_job_release(tty);
    case FIONREAD:
        return tty_ioctl_queue_size(tty, arg, true, as);
    case TIOCOUTQ:
        return tty_ioctl_queue_size(tty, arg, false, as);
    case TCSBRK: /* a break is not sent; an argument other than 0 is tcdrain(3) */
    case TCSBRKP:
        return tty_drain(tty);
    case TCXONC:
        return tty_ioctl_flow(tty, arg);
    case TIOCGETD:
        return tty_ioctl_zero(arg, as);
    case TIOCSETD:
        return tty_ioctl_set_discipline(arg, as);
    case TIOCEXCL:
    case TIOCNXCL:
        tty_set_exclusive(tty, cmd == TIOCEXCL);
        return 0;
    case TIOCGEXCL:
        return tty_ioctl_get_exclusive(tty, arg, as);
    case TIOCSTI:
        return -EIO; /* as Linux with dev.tty.legacy_tiocsti=0 */
    default:
        return tty_ioctl_common(tty, cmd, arg, as);
    }
}
