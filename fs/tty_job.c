/*
 * Job control: which session owns a terminal, which group is in the foreground, and what happens
 * to processes of other groups that touch it (tty_ioctl(4), credentials(7)). A process's pointer
 * to its terminal counts only while the terminal names the process's session.
 */
#include <asm/signal.h>

#include "fs/tty.h"
#include "kernel/errno.h"
#include "kernel/jobctl.h"

static bool tty_belongs_to(struct tty *tty, pid_nr_t session)
{
    bool yes;

    spin_lock(&tty->lock);
    yes = session != 0 && tty->session == session;
    spin_unlock(&tty->lock);
    return yes;
}

struct tty *tty_controlling(void)
{
    struct tty *tty = job_tty();

    return tty != NULL && tty_belongs_to(tty, job_sid()) ? tty : NULL;
}

static pid_nr_t tty_group(struct tty *tty)
{
    pid_nr_t group;

    spin_lock(&tty->lock);
    group = tty->group;
    spin_unlock(&tty->lock);
    return group;
}

int tty_check_background(struct tty *tty, int signo)
{
    pid_nr_t group = tty_group(tty);
    pid_nr_t own = job_pgid();

    if (group == 0 || own == group || tty_controlling() != tty) {
        return 0;
    }
    if (job_signal_is_ignored(signo)) {
        return signo == SIGTTIN ? -EIO : 0;
    }
    if (job_group_is_orphaned(own)) {
        return -EIO;
    }
    job_signal_group(own, job_sid(), signo);
    return -ERESTARTSYS;
}

int tty_job_acquire(struct tty *tty)
{
    pid_nr_t session = job_sid();
    int error = 0;

    if (!job_is_session_leader()) {
        return -EPERM;
    }
    if (tty_controlling() == tty) {
        return 0;
    }
    if (tty_controlling() != NULL) {
        return -EPERM;
    }
    spin_lock(&tty->lock);
    if (tty->session != 0) {
        error = -EPERM;
    } else {
        tty->session = session;
        tty->group = job_pgid();
    }
    spin_unlock(&tty->lock);
    if (error == 0) {
        job_set_tty(tty);
    }
    return error;
}

void tty_session_exit(void *pointer, pid_nr_t session)
{
    struct tty *tty = pointer;
    pid_nr_t group = 0;

    if (tty == NULL) {
        return;
    }
    spin_lock(&tty->lock);
    if (tty->session == session) {
        group = tty->group;
        tty->session = 0;
        tty->group = 0;
    }
    spin_unlock(&tty->lock);
    if (group != 0) {
        job_signal_group(group, session, SIGHUP);
        job_signal_group(group, session, SIGCONT);
    }
}

int tty_job_release(struct tty *tty)
{
    if (tty_controlling() != tty) {
        return -ENOTTY;
    }
    if (job_is_session_leader()) {
        tty_session_exit(tty, job_sid());
        job_set_tty(NULL);
    }
    return 0;
}

int tty_job_get_group(struct tty *tty, bool own_only, pid_nr_t *out)
{
    if (own_only && tty_controlling() != tty) {
        return -ENOTTY;
    }
    *out = tty_group(tty);
    return 0;
}

int tty_job_set_group(struct tty *tty, pid_nr_t group)
{
    pid_nr_t session = job_sid();
    int error = tty_check_background(tty, SIGTTOU);

    if (error != 0) {
        return error == -EIO ? -ENOTTY : error;
    }
    if (tty_controlling() != tty) {
        return -ENOTTY;
    }
    if (group < 0) {
        return -EINVAL;
    }
    if (!job_group_in_session(group, session)) {
        return -EPERM;
    }
    spin_lock(&tty->lock);
    if (tty->session == session) {
        tty->group = group;
    } else {
        error = -ENOTTY;
    }
    spin_unlock(&tty->lock);
    return error;
}

int tty_job_get_session(struct tty *tty, bool own_only, pid_nr_t *out)
{
    if (own_only && tty_controlling() != tty) {
        return -ENOTTY;
    }
    spin_lock(&tty->lock);
    *out = tty->session;
    spin_unlock(&tty->lock);
    return *out != 0 ? 0 : -ENOTTY;
}

uint32_t tty_device_number(void *pointer, pid_nr_t session)
{
    struct tty *tty = pointer;

    return tty != NULL && tty_belongs_to(tty, session) ? tty->dev : 0;
}

pid_nr_t tty_foreground_group(void *pointer, pid_nr_t session)
{
    struct tty *tty = pointer;

    return tty != NULL && tty_belongs_to(tty, session) ? tty_group(tty) : -1;
}
