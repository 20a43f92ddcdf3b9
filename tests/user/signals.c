/*
 * Signals as Linux delivers them: siginfo, masks, flags, queues, alternate stacks, restarts,
 * timers, registers over handlers and preemption, and forged frames that must end in SIGSEGV.
 */

#include <linux/time_types.h>

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define SIGRT 40

static volatile int count, order[8], nr_order;
static volatile siginfo_t last;
static volatile unsigned long last_sp;
static volatile uint64_t mask_inside;

static void on_count(int sig, siginfo_t *info, void *ctx)
{
    uint64_t set = 0;

    (void)ctx;
    count++;
    if (nr_order < 8)
        order[nr_order++] = sig;
    memcpy((void *)(uintptr_t)&last, info, sizeof(last));
    sys(rt_sigprocmask, SIG_BLOCK, 0, &set, 8);
    mask_inside = set;
    last_sp = current_sp();
}

static void reset(void)
{
    count = nr_order = 0;
    memset((void *)(uintptr_t)&last, 0, sizeof(last));
}

static long kill_me(int sig)
{
    long me = sys(getpid);

    return sys(kill, me, sig);
}

static int exit_with(void *arg)
{
    return (int)(long)arg;
}

static void test_info(void)
{
    siginfo_t info;
    long me = sys(getpid), pid;

    reset();
    sig_install(SIGUSR1, on_count, 0);
    EQ("info.kill", kill_me(SIGUSR1), 0);
    EQ("info.now", count, 1);
    EQ("info.signo", last.si_signo, SIGUSR1);
    EQ("info.code_user", last.si_code, SI_USER);
    EQ("info.pid", last.si_pid, me);
    EQ("info.uid", last.si_uid, sys(getuid));
    EQ("info.tgkill", sys(tgkill, me, sys_call6(__NR_gettid, 0, 0, 0, 0, 0, 0), SIGUSR1), 0);
    EQ("info.code_tkill", last.si_code, SI_TKILL);
    memset(&info, 0, sizeof(info));
    info.si_code = SI_QUEUE;
    info.si_value.sival_int = 4711;
    EQ("info.queue", sys(rt_sigqueueinfo, me, SIGUSR1, &info), 0);
    EQ("info.code_queue", last.si_code, SI_QUEUE);
    EQ("info.value", last.si_value.sival_int, 4711);
    info.si_code = SI_USER;
    EQ("info.queue_forged", sys(rt_sigqueueinfo, 1, SIGUSR1, &info), -EPERM);
    reset();
    sig_install(SIGCHLD, on_count, 0);
    pid = fork_child(exit_with, (void *)3L);
    while (!count)
        sleep_ms(1);
    EQ("info.chld_code", last.si_code, CLD_EXITED);
    EQ("info.chld_pid", last.si_pid, pid);
    EQ("info.chld_status", last.si_status, 3);
    EQ("info.chld_wait", wait_status(pid), 3 << 8);
    sig_default(SIGCHLD);
    EQ("info.kill_0", sys(kill, me, 0), 0);
    EQ("info.kill_bad", sys(kill, me, 65), -EINVAL);
    EQ("info.kill_none", sys(kill, 0x3ffffff, SIGUSR1), -ESRCH);
    EQ("info.tgkill_bad_tid", sys(tgkill, me, 0, SIGUSR1), -EINVAL);
    EQ("info.tgkill_none", sys(tgkill, me, 0x3ffffff, SIGUSR1), -ESRCH);
    EQ("info.tgkill_wrong_group", sys(tgkill, 0x3ffffff, me, SIGUSR1), -ESRCH);
    reset();
    EQ("info.tkill", sys(tkill, me, SIGUSR1), 0);
    EQ("info.tkill_count", count, 1);
}

static void test_mask(void)
{
    uint64_t set, old = 0;
    struct ksigaction sa;

    reset();
    sig_install(SIGUSR1, on_count, 0);
    sig_install(SIGUSR2, on_count, 0);
    sig_setmask(0);
    sig_block(SIGBIT(SIGUSR1));
    kill_me(SIGUSR1);
    kill_me(SIGUSR1);
    kill_me(SIGUSR1);
    EQ("mask.blocked", count, 0);
    EQ("mask.pending_call", sys(rt_sigpending, &set, 8), 0);
    EQ("mask.pending", set, SIGBIT(SIGUSR1));
    kill_me(SIGUSR2);
    EQ("mask.other", count, 1);
    EQ("mask.inside", mask_inside, SIGBIT(SIGUSR1) | SIGBIT(SIGUSR2));
    sig_setmask(0);
    EQ("mask.coalesced", count, 2);
    set = ~0UL;
    EQ("mask.all", sys(rt_sigprocmask, SIG_SETMASK, &set, 0, 8), 0);
    sys(rt_sigprocmask, SIG_SETMASK, 0, &old, 8);
    EQ("mask.not_kill_stop", old, ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP)));
    set = SIGBIT(SIGUSR1);
    sys(rt_sigprocmask, SIG_UNBLOCK, &set, &old, 8);
    sys(rt_sigprocmask, SIG_BLOCK, 0, &old, 8);
    EQ("mask.unblock", old, ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP) | SIGBIT(SIGUSR1)));
    sig_setmask(0);
    EQ("mask.bad_how", sys(rt_sigprocmask, 9, &set, 0, 8), -EINVAL);
    EQ("mask.bad_size", sys(rt_sigprocmask, SIG_BLOCK, &set, 0, 4), -EINVAL);
    EQ("mask.bad_ptr", sys(rt_sigprocmask, SIG_BLOCK, 8, 0, 8), -EFAULT);
    EQ("action.kill", sig_install(SIGKILL, on_count, 0), -EINVAL);
    EQ("action.stop", sig_install(SIGSTOP, on_count, 0), -EINVAL);
    EQ("action.zero", sig_install(0, on_count, 0), -EINVAL);
    EQ("action.65", sig_install(65, on_count, 0), -EINVAL);
    EQ("action.64", sig_install(64, on_count, 0), 0);
    EQ("action.bad_size", sys(rt_sigaction, SIGUSR1, 0, &sa, 4), -EINVAL);
    EQ("action.bad_ptr", sys(rt_sigaction, SIGUSR1, 8, 0, 8), -EFAULT);
    sig_install(SIGUSR1, on_count, SA_RESTART | 0x400);
    sys(rt_sigaction, SIGUSR1, 0, &sa, 8);
    EQ("action.flags", sa.flags & ~0x04000000UL, SA_RESTART | SA_SIGINFO);
    CHECK("action.handler", sa.handler == on_count);
    /* sa_mask holds during the handler only. */
    sa.mask = SIGBIT(SIGHUP) | SIGBIT(SIGKILL);
    sys(rt_sigaction, SIGUSR1, &sa, 0, 8);
    kill_me(SIGUSR1);
    EQ("action.mask_inside", mask_inside, SIGBIT(SIGHUP) | SIGBIT(SIGUSR1));
    sys(rt_sigprocmask, SIG_BLOCK, 0, &old, 8);
    EQ("action.mask_after", old, 0);
    sig_install(SIGUSR1, on_count, SA_NODEFER);
    kill_me(SIGUSR1);
    EQ("action.nodefer", mask_inside, 0);
    reset();
    sig_install(SIGUSR1, on_count, SA_RESETHAND);
    kill_me(SIGUSR1);
    sys(rt_sigaction, SIGUSR1, 0, &sa, 8);
    CHECK("action.resethand", count == 1 && sa.handler == NULL);
    /* Ignoring throws away what is pending. */
    sig_install(SIGUSR1, on_count, 0);
    sig_block(SIGBIT(SIGUSR1));
    kill_me(SIGUSR1);
    sig_ignore(SIGUSR1);
    sys(rt_sigpending, &set, 8);
    EQ("action.ignore_drops", set, 0);
    sig_setmask(0);
}

static void test_queue(void)
{
    siginfo_t info;
    long me = sys(getpid);
    int i;
    static volatile int values[4];
    struct __kernel_timespec zero = { 0, 0 }, short_time = { 0, 20000000 };
    uint64_t set;

    sig_setmask(0);
    reset();
    for (i = SIGRT; i < SIGRT + 2; i++)
        sig_install(i, on_count, 0);
    sig_install(SIGUSR1, on_count, 0);
    sig_install(SIGUSR2, on_count, 0);
    /* The lowest number's frame is built first, so that its handler runs last. */
    set = SIGBIT(SIGUSR1) | SIGBIT(SIGUSR2) | SIGBIT(SIGRT) | SIGBIT(SIGRT + 1);
    sig_block(set);
    kill_me(SIGUSR2);
    kill_me(SIGUSR1);
    kill_me(SIGRT + 1);
    kill_me(SIGRT);
    kill_me(SIGRT);
    sig_setmask(0);
    EQ("queue.count", count, 5);
    EQ("queue.first", order[0], SIGRT + 1);
    EQ("queue.last", order[4], SIGUSR1);
    /* Values arrive in order through rt_sigtimedwait. */
    sig_block(set);
    for (i = 0; i < 3; i++) {
        memset(&info, 0, sizeof(info));
        info.si_code = SI_QUEUE;
        info.si_value.sival_int = i + 1;
        sys(rt_sigqueueinfo, me, SIGRT, &info);
    }
    kill_me(SIGUSR1);
    EQ("queue.timedwait", sys(rt_sigtimedwait, &set, &info, &zero, 8), SIGUSR1);
    EQ("queue.timedwait_code", info.si_code, SI_USER);
    for (i = 0; i < 3; i++) {
        sys(rt_sigtimedwait, &set, &info, &zero, 8);
        values[i] = info.si_value.sival_int;
    }
    CHECK("queue.fifo", values[0] == 1 && values[1] == 2 && values[2] == 3);
    EQ("queue.empty", sys(rt_sigtimedwait, &set, &info, &zero, 8), -EAGAIN);
    EQ("queue.timeout", sys(rt_sigtimedwait, &set, &info, &short_time, 8), -EAGAIN);
    EQ("queue.bad_size", sys(rt_sigtimedwait, &set, &info, &zero, 4), -EINVAL);
    sig_setmask(0);
}

static long fds[2];

static void make_pipe(void)
{
    int p[2] = { -1, -1 };

    sys(pipe2, p, 0);
    fds[0] = p[0];
    fds[1] = p[1];
}

static void drop_pipe(void)
{
    sys(close, fds[0]);
    sys(close, fds[1]);
}

static long arm_timer(long ms, long interval_ms)
{
    struct __kernel_old_itimerval it = { { interval_ms / 1000, interval_ms % 1000 * 1000 },
                                         { ms / 1000, ms % 1000 * 1000 } };

    return sys(setitimer, 0, &it, 0);
}

static int late_writer(void *arg)
{
    sleep_ms((long)arg);
    sys(write, fds[1], "x", 1);
    return 0;
}

static int late_exit(void *arg)
{
    sleep_ms((long)arg);
    return 6;
}

static void test_restart(void)
{
    struct __kernel_timespec ts = { 2, 0 }, rem = { 0, 0 };
    struct pollfd pfd;
    long pid;
    char c;
    int word = 0, status;

    reset();
    make_pipe();
    pfd = (struct pollfd){ (int)fds[0], POLLIN, 0 };
    sig_install(SIGALRM, on_count, 0);
    /* Again and again: on a busy machine the first may come before the call. */
    arm_timer(20, 20);
    EQ("restart.read_eintr", sys(read, fds[0], &c, 1), -EINTR);
    EQ("restart.nanosleep_eintr", sys(nanosleep, &ts, &rem), -EINTR);
    CHECK("restart.nanosleep_rem", rem.tv_sec == 1 && rem.tv_nsec > 500000000);
    EQ("restart.clock_nanosleep", sys(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, &rem), -EINTR);
    EQ("restart.futex_eintr", sys(futex, &word, FUTEX_WAIT, 0, 0, 0, 0), -EINTR);
    pid = fork_child(late_exit, (void *)400L);
    EQ("restart.wait_eintr", sys(wait4, pid, &status, 0, 0), -EINTR);
    arm_timer(0, 0);
    EQ("restart.wait_after", wait_status(pid), 6 << 8);
    sig_install(SIGALRM, on_count, SA_RESTART);
    pid = fork_child(late_writer, (void *)80L);
    reset();
    arm_timer(20, 0);
    EQ("restart.read", sys(read, fds[0], &c, 1), 1);
    EQ("restart.read_handler", count, 1);
    wait_status(pid);
    pid = fork_child(late_exit, (void *)80L);
    arm_timer(20, 0);
    EQ("restart.wait", sys(wait4, pid, &status, 0, 0), pid);
    EQ("restart.wait_handler", count, 2);
    arm_timer(20, 20);
    EQ("restart.poll_never", sys(ppoll, &pfd, 1, 0, 0, 8), -EINTR);
    EQ("restart.nanosleep_never", sys(nanosleep, &ts, &rem), -EINTR);
    EQ("restart.futex_timeout", sys(futex, &word, FUTEX_WAIT, 0, &ts, 0, 0), -EINTR);
    arm_timer(0, 0);
    drop_pipe();
}

static int stopped_sleeper(void *arg)
{
    struct __kernel_timespec ts = { 0, 120000000 };
    uint64_t t0 = now_ns();
    int word = 0;
    long r;

    switch ((long)arg) {
    case 0:
        r = sys(nanosleep, &ts, 0);
        break;
    case 1:
        r = sys(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, 0);
        break;
    case 2:
        r = sys(ppoll, 0, 0, &ts, 0, 8);
        break;
    case 3:
        r = sys(futex, &word, FUTEX_WAIT, 0, &ts, 0, 0) == -ETIMEDOUT ? 0 : 1;
        break;
#ifdef __NR_poll
    case 4:
        r = sys(poll, 0, 0, 120);
        break;
#endif
    default:
        r = sys(read, fds[0], &word, 1) == 1 ? 0 : 1;
        return (int)r;
    }
    if (r)
        return 1;
    return now_ns() - t0 >= 119000000 ? 0 : 2;
}

/* A stop and a continue in the midst of a call: it goes on by restart_syscall. */
static void test_stop(void)
{
    static const char *const names[] = { "stop.nanosleep", "stop.clock_nanosleep", "stop.ppoll",
                                         "stop.futex", "stop.poll", "stop.read" };
    long i, pid;
    int status;

    make_pipe();
    for (i = 0; i < 6; i++) {
#ifndef __NR_poll
        if (i == 4)
            continue;
#endif
        pid = fork_child(stopped_sleeper, (void *)i);
        sleep_ms(20);
        sys(kill, pid, SIGSTOP);
        sys(wait4, pid, &status, WUNTRACED, 0);
        sleep_ms(10);
        sys(kill, pid, SIGCONT);
        sleep_ms(10);
        if (i == 5)
            sys(write, fds[1], "x", 1);
        /* On a busy host it may have come to its end before the stop. */
        EQ(names[i], WIFSTOPPED(status) ? wait_status(pid) : status, 0);
    }
    drop_pipe();
    /* A blocked or ignored signal does not interrupt. */
    sig_ignore(SIGUSR2);
    pid = fork_child(stopped_sleeper, (void *)0L);
    sleep_ms(20);
    sys(kill, pid, SIGUSR2);
    EQ("stop.ignored", wait_status(pid), 0);
    /* A stopped process dies of SIGKILL at once; SIGCONT drops pending stops. */
    pid = fork_child(stopped_sleeper, (void *)0L);
    sys(kill, pid, SIGSTOP);
    sys(wait4, pid, &status, WUNTRACED, 0);
    sys(kill, pid, SIGKILL);
    EQ("stop.kill", wait_status(pid) & 0x7f, SIGKILL);
}

static int suspend_body(void *arg)
{
    uint64_t set = ~SIGBIT(SIGUSR1), now = 0;

    (void)arg;
    sig_install(SIGUSR1, on_count, SA_RESTART);
    sig_block(SIGBIT(SIGUSR1));
    kill_me(SIGUSR1);
    if (sys(rt_sigsuspend, &set, 8) != -EINTR || count != 1)
        return 1;
    sys(rt_sigprocmask, SIG_BLOCK, 0, &now, 8);
    if (now != SIGBIT(SIGUSR1))
        return 2;
    /* The handler ran with sigsuspend's mask plus its own signal. */
    return mask_inside == (~0UL & ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))) ? 0 : 3;
}

static void test_wait(void)
{
    long pid;
    uint64_t set = 0;

    reset();
    EQ("wait.suspend", child_result(suspend_body, 0), 0);
    EQ("wait.suspend_size", sys(rt_sigsuspend, &set, 4), -EINVAL);
    sig_install(SIGALRM, on_count, SA_RESTART);
    arm_timer(20, 0);
    EQ("wait.suspend_timer", sys(rt_sigsuspend, &set, 8), -EINTR);
#ifdef __NR_pause
    arm_timer(20, 0);
    EQ("wait.pause", sys(pause), -EINTR);
#endif
    /* ppoll's mask. */
    {
        struct __kernel_timespec ts = { 1, 0 };
        uint64_t all = ~0UL;

        sig_block(SIGBIT(SIGALRM));
        arm_timer(10, 0);
        sleep_ms(20);
        EQ("wait.ppoll_mask", (set = 0, sys(ppoll, 0, 0, &ts, &set, 8)), -EINTR);
        sig_setmask(0);
        arm_timer(10, 0);
        ts.tv_sec = 0;
        ts.tv_nsec = 30000000;
        EQ("wait.ppoll_blocks", sys(ppoll, 0, 0, &ts, &all, 8), 0);
    }
    reset();
    sig_install(SIGPIPE, on_count, 0);
    make_pipe();
    sys(close, fds[0]);
    EQ("wait.epipe", sys(write, fds[1], "x", 1), -EPIPE);
    EQ("wait.sigpipe", count == 1 && last.si_signo == SIGPIPE, 1);
    sig_default(SIGPIPE);
    pid = fork_now();
    if (pid == 0) {
        sys(write, fds[1], "x", 1);
        exit_now(1);
    }
    EQ("wait.sigpipe_kills", wait_status(pid) & 0x7f, SIGPIPE);
    sys(close, fds[1]);
}

static int timer_sigs(void *arg)
{
    volatile unsigned long spin = 0;
    struct __kernel_old_itimerval it = { { 0, 0 }, { 0, 20000 } };
    int which = (int)(long)arg;

    reset();
    sig_install(SIGVTALRM, on_count, 0);
    sig_install(SIGPROF, on_count, 0);
    sys(setitimer, which, &it, 0);
    while (!count)
        spin++;
    return last.si_signo == (which == 1 ? SIGVTALRM : SIGPROF) ? 0 : 1;
}

static void test_timer(void)
{
    struct __kernel_old_itimerval it, zero = { { 0, 0 }, { 0, 0 } };
    struct __kernel_itimerspec ts = { { 0, 0 }, { 0, 20000000 } }, got;
    sigevent_t ev;
    int id = -1, i;
    long pid;

    reset();
    sig_install(SIGALRM, on_count, 0);
    EQ("timer.set", arm_timer(10, 10), 0);
    for (i = 0; i < 200 && count < 3; i++)
        sleep_ms(5);
    CHECK("timer.repeats", count >= 3);
    EQ("timer.code", last.si_code, SI_KERNEL);
    EQ("timer.get", sys(getitimer, 0, &it), 0);
    EQ("timer.interval", it.it_interval.tv_usec, 10000);
    pid = fork_now();
    if (pid == 0) {
        sys(getitimer, 0, &it);
        exit_now(it.it_value.tv_usec || it.it_value.tv_sec);
    }
    EQ("timer.not_inherited", wait_status(pid), 0);
    sys(setitimer, 0, &zero, &it);
    CHECK("timer.old", it.it_interval.tv_usec == 10000);
    EQ("timer.bad_which", sys(getitimer, 9, &it), -EINVAL);
    it.it_value.tv_usec = 2000000;
    EQ("timer.bad_usec", sys(setitimer, 0, &it, 0), -EINVAL);
#ifdef __NR_alarm
    EQ("timer.alarm", sys(alarm, 100), 0);
    EQ("timer.alarm_rest", sys(alarm, 0), 100);
#endif
    EQ("timer.virtual", child_result(timer_sigs, (void *)1L), 0);
    EQ("timer.prof", child_result(timer_sigs, (void *)2L), 0);
    memset(&ev, 0, sizeof(ev));
    ev.sigev_notify = SIGEV_SIGNAL;
    ev.sigev_signo = SIGRT;
    ev.sigev_value.sival_int = 99;
    sig_install(SIGRT, on_count, 0);
    reset();
    EQ("timer.create", sys(timer_create, CLOCK_MONOTONIC, &ev, &id), 0);
    EQ("timer.settime", sys(timer_settime, id, 0, &ts, 0), 0);
    EQ("timer.gettime", sys(timer_gettime, id, &got), 0);
    CHECK("timer.left", got.it_value.tv_sec == 0 && (got.it_value.tv_nsec > 0 || count > 0) &&
                            got.it_value.tv_nsec <= 20000000);
    for (i = 0; i < 200 && !count; i++)
        sleep_ms(5);
    CHECK("timer.fired", count == 1 && last.si_signo == SIGRT && last.si_code == SI_TIMER);
    EQ("timer.value", last.si_value.sival_int, 99);
    /* Overruns while blocked. */
    sig_block(SIGBIT(SIGRT));
    ts.it_interval.tv_nsec = 5000000;
    sys(timer_settime, id, 0, &ts, 0);
    sleep_ms(100);
    reset();
    sig_setmask(0);
    CHECK("timer.one_signal", count >= 1);
    CHECK("timer.overrun", sys(timer_getoverrun, id) >= 0);
    EQ("timer.delete", sys(timer_delete, id), 0);
    EQ("timer.deleted", sys(timer_gettime, id, &got), -EINVAL);
    EQ("timer.bad_clock", sys(timer_create, 77, &ev, &id), -EINVAL);
    ev.sigev_notify = SIGEV_THREAD_ID;
    ev._sigev_un._tid = (int)sys(gettid);
    reset();
    EQ("timer.thread_id", sys(timer_create, CLOCK_REALTIME, &ev, &id), 0);
    ts.it_interval.tv_nsec = 0;
    sys(timer_settime, id, 0, &ts, 0);
    for (i = 0; i < 200 && !count; i++)
        sleep_ms(5);
    EQ("timer.thread_fired", count, 1);
    sys(timer_delete, id);
    ts.it_value.tv_nsec = 2000000000;
    EQ("timer.bad_time", (sys(timer_create, CLOCK_MONOTONIC, 0, &id),
                          sys(timer_settime, id, 0, &ts, 0)), -EINVAL);
    sys(timer_delete, id);
}

/* ---- alternate stack ---- */

static char alt[32768] __attribute__((aligned(16)));
static volatile int alt_flags;
static volatile long alt_change;

static void on_alt(int sig, siginfo_t *info, void *ctx)
{
    stack_t ss, other = { alt, 0, sizeof(alt) / 2 };

    on_count(sig, info, ctx);
    sys(sigaltstack, 0, &ss);
    alt_flags = ss.ss_flags;
    alt_change = sys(sigaltstack, &other, 0);
}

static NOINLINE long overflow(long n)
{
    volatile char block[4096];

    block[0] = (char)n;
    if (n == 1L << 40)
        return 0;
    return overflow(n + 1) + block[0];
}

static void on_overflow(int sig, siginfo_t *info, void *ctx)
{
    unsigned long sp = uc_sp(ctx), at = (unsigned long)info->si_addr;

    (void)sig;
    exit_now(at <= sp + 65536 && at + 65536 >= sp && info->si_code == SEGV_MAPERR ? 0 : 1);
}

static int overflow_child(void *arg)
{
    sig_install(SIGSEGV, on_overflow, SA_ONSTACK);
    return (int)overflow((long)arg);
}

static int overflow_no_alt(void *arg)
{
    stack_t off = { 0, SS_DISABLE, 0 };

    sys(sigaltstack, &off, 0);
    sig_install(SIGSEGV, on_count, 0);
    return (int)overflow((long)arg);
}

static int altstack_fork(void *arg)
{
    stack_t ss;

    (void)arg;
    sys(sigaltstack, 0, &ss);
    return ss.ss_sp == alt ? 0 : 1;
}

static int altstack_thread(void *arg)
{
    stack_t ss;

    sys(sigaltstack, 0, &ss);
    *(volatile int *)arg = ss.ss_flags;
    return 0;
}

static void test_stack(void)
{
    stack_t ss = { alt, 0, sizeof(alt) }, old, bad = { alt, 0, 1024 };
    struct thread t;
    volatile int flags = -1;

    reset();
    EQ("stack.set", sys(sigaltstack, &ss, 0), 0);
    EQ("stack.get", sys(sigaltstack, 0, &old), 0);
    CHECK("stack.values", old.ss_sp == alt && old.ss_size == sizeof(alt) && old.ss_flags == 0);
    EQ("stack.small", sys(sigaltstack, &bad, 0), -ENOMEM);
    bad.ss_size = sizeof(alt);
    bad.ss_flags = 0x77;
    EQ("stack.bad_flags", sys(sigaltstack, &bad, 0), -EINVAL);
    sig_install(SIGUSR1, on_alt, SA_ONSTACK);
    kill_me(SIGUSR1);
    CHECK("stack.used", last_sp > (unsigned long)alt && last_sp < (unsigned long)alt + sizeof(alt));
    EQ("stack.onstack", alt_flags, SS_ONSTACK);
    EQ("stack.busy", alt_change, -EPERM);
    sig_install(SIGUSR1, on_alt, 0);
    kill_me(SIGUSR1);
    CHECK("stack.not_used", last_sp < (unsigned long)alt ||
                                last_sp > (unsigned long)alt + sizeof(alt));
    sys(sigaltstack, &ss, 0);
    EQ("stack.overflow", child_result(overflow_child, 0), 0);
    EQ("stack.overflow_no_alt", child_result(overflow_no_alt, 0), KILLED(SIGSEGV));
    EQ("stack.fork", child_result(altstack_fork, 0), 0);
    thread_start(&t, altstack_thread, (void *)(uintptr_t)&flags);
    thread_join(&t);
    EQ("stack.thread", flags, SS_DISABLE);
    ss.ss_flags = SS_DISABLE;
    EQ("stack.disable", sys(sigaltstack, &ss, &old), 0);
    sys(sigaltstack, 0, &old);
    EQ("stack.disabled", old.ss_flags, SS_DISABLE);
}

/* ---- nesting, threads, groups ---- */

static volatile int depth, max_depth;

static void on_nested(int sig, siginfo_t *info, void *ctx)
{
    (void)info;
    (void)ctx;
    if (++depth > max_depth)
        max_depth = depth;
    if (depth < 6)
        kill_me(sig);
    depth--;
}

static volatile long handler_tid;

static void on_tid(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
    handler_tid = sys(gettid);
}

static int tid_thread(void *arg)
{
    int i;

    (void)arg;
    sig_setmask(0);
    for (i = 0; i < 400 && !handler_tid; i++)
        sleep_ms(5);
    return 0;
}

static int group_sleeper(void *arg)
{
    (void)arg;
    for (;;)
        sleep_ms(1000);
    return 0;
}

/* Tells by a byte that a signal now ends it. */
static NORETURN void group_member(int ready)
{
    sig_default(SIGTERM);
    sys(write, ready, "r", 1);
    group_sleeper(0);
    exit_now(0);
}

static int kill_group(void *arg)
{
    long a, b, me = sys(getpid);
    int ready[2];
    char byte;

    (void)arg;
    sys(setpgid, 0, 0);
    sig_ignore(SIGTERM);
    sys(pipe2, ready, 0);
    a = fork_now();
    if (a == 0)
        group_member(ready[1]);
    b = fork_now();
    if (b == 0)
        group_member(ready[1]);
    for (int i = 0; i < 2; i++)
        sys(read, ready[0], &byte, 1);
    if (sys(kill, -me, SIGTERM))
        return 1;
    if (wait_status(a) != SIGTERM || wait_status(b) != SIGTERM)
        return 2;
    if (sys(kill, 0, SIGTERM)) /* ourselves only, ignored */
        return 3;
    return sys(kill, -(me + 50000), SIGTERM) == -ESRCH ? 0 : 4;
}

static int kill_not_permitted(void *arg)
{
    if (sys(setresuid, 1000, 1000, 1000))
        return 1;
    return sys(kill, arg, SIGTERM) == -EPERM && sys(kill, arg, 0) == -EPERM ? 0 : 2;
}

static void test_group(void)
{
    struct thread t;
    long me = sys(getpid), tid;

    sig_install(SIGUSR1, on_nested, SA_NODEFER);
    kill_me(SIGUSR1);
    EQ("group.nested", max_depth, 6);
    EQ("group.nested_unwound", depth, 0);
    /* A signal of the process goes to a thread that does not block it. */
    sig_install(SIGUSR1, on_tid, 0);
    sig_block(SIGBIT(SIGUSR1));
    tid = thread_start(&t, tid_thread, 0);
    sleep_ms(20);
    sys(kill, me, SIGUSR1);
    thread_join(&t);
    EQ("group.thread", handler_tid, tid);
    sig_setmask(0);
    EQ("group.kill", child_result(kill_group, 0), 0);
    EQ("group.permission", child_result(kill_not_permitted, (void *)me), 0);
}

/* ---- registers ---- */

static void on_clobber(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
    count++;
    regs_clobber();
}

static int regs_child(void *arg)
{
    int i;

    for (i = 0; i < 12; i++) {
        int r = regs_check(0x1234567800000000UL + (unsigned long)arg * 0x10001000, 3000000);

        if (r)
            return r;
    }
    return 0;
}

static int regs_with_signals(void *arg)
{
    int r;

    count = 0;
    sig_install(SIGALRM, on_clobber, SA_RESTART);
    arm_timer(2, 2);
    while (count < 20) {
        r = regs_check(0x5555aaaa00000000UL + (unsigned long)arg, 500000);
        if (r)
            return r;
    }
    return 0;
}

static int regs_sleep(void *arg)
{
    int i;

    for (i = 0; i < 30; i++) {
        int r = regs_check((unsigned long)arg << 32, 1000);

        if (r)
            return r;
        sleep_ms(2);
    }
    return 0;
}

#if ARCH_IS_X86
static unsigned long fp_control(void)
{
    unsigned v;

    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v & 0xe000;
}

static void fp_set_control(unsigned long mode)
{
    unsigned v = 0x1f80 | (unsigned)mode;

    __asm__ volatile("ldmxcsr %0" ::"m"(v));
}
#define FP_MODE 0x6000UL

static volatile unsigned long flags_inside;

static void on_flags(int sig, siginfo_t *info, void *ctx)
{
    unsigned long f;

    (void)sig;
    (void)info;
    (void)ctx;
    __asm__ volatile("pushfq; pop %0" : "=r"(f));
    flags_inside = f;
}

static void test_arch(void)
{
    long me = sys(getpid), r;
    unsigned long after;

    sig_install(SIGUSR1, on_flags, 0);
    /* A handler starts with the direction flag clear, and the flag is back afterwards. */
    __asm__ volatile("std\n\tsyscall\n\tpushfq\n\tpop %1\n\tcld"
                     : "=a"(r), "=&r"(after)
                     : "a"((long)__NR_kill), "D"(me), "S"((long)SIGUSR1)
                     : "rcx", "r11", "memory");
    EQ("regs.df_inside", flags_inside & 0x400, 0);
    EQ("regs.df_after", after & 0x400, 0x400);
    /* A system call leaves all registers but rax, rcx and r11, and the flags. */
    __asm__ volatile("mov $0x77777777, %%r10\n\tmov $0x88888888, %%r12\n\tstc\n\tsyscall\n\t"
                     "pushfq\n\tpop %1\n\tcmp $0x77777777, %%r10\n\tje 1f\n\tmov $0, %1\n1:"
                     : "=a"(r), "=&r"(after)
                     : "a"((long)__NR_getpid)
                     : "rcx", "r10", "r11", "r12", "memory", "cc");
    EQ("regs.carry_kept", after & 1, 1);
}

/* fork with a pattern in registers; returns the child's pid or 0, and what differs in *bad. */
static long fork_with_pattern(unsigned long *bad)
{
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    unsigned long diff;
    long r;

    __asm__ volatile("mov $0x9999, %%r9\n\tmov $0x1212, %%r12\n\tmov $0x1313, %%r13\n\t"
                     "mov $0x1414, %%r14\n\tmov $0x1515, %%r15\n\tmov $0xbbbb, %%ebx\n\t"
                     "movq %%r12, %%xmm7\n\tsyscall\n\t"
                     "mov %%r9, %1\n\txor $0x9999, %1\n\txor $0x1212, %%r12\n\tor %%r12, %1\n\t"
                     "xor $0x1313, %%r13\n\tor %%r13, %1\n\txor $0x1414, %%r14\n\tor %%r14, %1\n\t"
                     "xor $0x1515, %%r15\n\tor %%r15, %1\n\txor $0xbbbb, %%rbx\n\tor %%rbx, %1\n\t"
                     "movq %%xmm7, %%r12\n\txor $0x1212, %%r12\n\tor %%r12, %1"
                     : "=a"(r), "=&S"(diff)
                     : "a"((long)__NR_clone), "D"((long)SIGCHLD), "1"(0L), "d"(0L), "r"(r10), "r"(r8)
                     : "rcx", "r11", "rbx", "r9", "r12", "r13", "r14", "r15", "xmm7", "memory", "cc");
    *bad = diff;
    return r;
}
#else
static unsigned long fp_control(void)
{
    unsigned long v;

    __asm__ volatile("mrs %0, fpcr" : "=r"(v));
    return v & 0xc00000;
}

static void fp_set_control(unsigned long mode)
{
    __asm__ volatile("msr fpcr, %0" ::"r"(mode));
}
#define FP_MODE 0xc00000UL

static void test_arch(void)
{
    unsigned long flags, x7, x15;
    register long x8 __asm__("x8") = __NR_getpid;
    register long x0 __asm__("x0") = 0;

    __asm__ volatile("mov x7, #0x77\n\tmov x15, #0x1515\n\tcmp xzr, xzr\n\tsvc #0\n\t"
                     "mrs %1, nzcv\n\tmov %2, x7\n\tmov %3, x15"
                     : "+r"(x0), "=&r"(flags), "=&r"(x7), "=&r"(x15)
                     : "r"(x8)
                     : "x7", "x15", "memory", "cc");
    EQ("regs.flags_kept", flags, 0x60000000);
    EQ("regs.call_keeps", x7 == 0x77 && x15 == 0x1515, 1);
}

/* fork with a pattern in registers; returns the child's pid or 0, and what differs in *bad. */
static long fork_with_pattern(unsigned long *bad)
{
    register long x0 __asm__("x0") = SIGCHLD;
    register long x1 __asm__("x1") = 0;
    register long x2 __asm__("x2") = 0;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    register long x8 __asm__("x8") = __NR_clone;

    __asm__ volatile(".irp n, 5,6,7,9,10,11,12,13,14,15,16,17,19,20,21,22,23,24,25,26,27,28\n\t"
                     "mov x\\n, #(0x100 + \\n)\n\t.endr\n\tfmov d9, x9\n\tsvc #0\n\tmov x1, #0\n\t"
                     "fmov x2, d9\n\tsub x2, x2, #0x109\n\torr x1, x1, x2\n\t"
                     ".irp n, 5,6,7,9,10,11,12,13,14,15,16,17,19,20,21,22,23,24,25,26,27,28\n\t"
                     "sub x2, x\\n, #(0x100 + \\n)\n\torr x1, x1, x2\n\t.endr"
                     : "+r"(x0), "+r"(x1), "+r"(x2)
                     : "r"(x3), "r"(x4), "r"(x8)
                     : "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
                       "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "d9",
                       "memory", "cc");
    *bad = (unsigned long)x1;
    return x0;
}
#endif

static void on_fp(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
    order[0] = fp_control() == 0;
    fp_set_control(0);
}

static int fp_child(void *arg)
{
    int i;
    unsigned long mode = (unsigned long)arg & FP_MODE;

    fp_set_control(mode);
    for (i = 0; i < 20; i++) {
        if (fp_control() != mode)
            return 1;
        sleep_ms(1);
    }
    return 0;
}

static void test_regs(void)
{
    unsigned long bad = 1;
    long pids[4], i, pid;
    bool good = true;

    pid = fork_with_pattern(&bad); /* scenario 7 */
    if (pid == 0)
        exit_now(bad ? 1 : 0);
    EQ("regs.fork_parent", bad, 0);
    EQ("regs.fork_child", wait_status(pid), 0);
    EQ("regs.plain", regs_check(0x1122334400000000UL, 1000), 0);
    /* Several processes with patterns of their own share the CPU (scenario 42). */
    for (i = 0; i < 4; i++)
        pids[i] = fork_child(regs_child, (void *)i);
    for (i = 0; i < 4; i++)
        good = wait_status(pids[i]) == 0 && good;
    CHECK("regs.preempted", good);
    EQ("regs.handler", child_result(regs_with_signals, (void *)1L), 0);
    for (good = true, i = 0; i < 4; i++)
        pids[i] = fork_child(i & 1 ? regs_with_signals : regs_child, (void *)(i + 7));
    for (i = 0; i < 4; i++)
        good = wait_status(pids[i]) == 0 && good;
    CHECK("regs.handler_preempted", good);
    for (good = true, i = 0; i < 4; i++)
        pids[i] = fork_child(regs_sleep, (void *)(i + 1));
    for (i = 0; i < 4; i++)
        good = wait_status(pids[i]) == 0 && good;
    CHECK("regs.blocking", good);
    fp_set_control(FP_MODE);
    sig_install(SIGUSR1, on_fp, 0);
    kill_me(SIGUSR1);
    EQ("regs.fp_control", fp_control(), FP_MODE);
    for (i = 0; i < 2; i++)
        pids[i] = fork_child(fp_child, (void *)(i ? FP_MODE : 0));
    EQ("regs.fp_control_apart", wait_status(pids[0]) | wait_status(pids[1]), 0);
    fp_set_control(0);
    test_arch();
}

/* ---- forged frames ---- */

#define UC ((struct ucontext *)ctx)
#if ARCH_IS_X86
#define MC (UC->uc_mcontext)
enum { FORGE_PC_NONCANON, FORGE_PC_KERNEL, FORGE_SP_NONCANON, FORGE_FLAGS, FORGE_CS, FORGE_SS,
       FORGE_CS_NULL, FORGE_FP_KERNEL, FORGE_FP_UNALIGNED, FORGE_FP_UNMAPPED, FORGE_FP_NULL,
       FORGE_FP_BITS, FORGE_FP_MXCSR, FORGE_MASK, NR_FORGE };
static const struct {
    const char *name;
    int want, emulator, emulator_too; /* emulator: what QEMU 7.2 makes of it where it checks less */
} forged[NR_FORGE] = {
    [FORGE_PC_NONCANON] = { "forge.pc_noncanonical", KILLED(SIGSEGV) },
    [FORGE_PC_KERNEL] = { "forge.pc_kernel", KILLED(SIGSEGV) },
    [FORGE_SP_NONCANON] = { "forge.sp_noncanonical", KILLED(SIGBUS), KILLED(SIGSEGV), 1 },
    [FORGE_FLAGS] = { "forge.flags", 0 },
    [FORGE_CS] = { "forge.cs_kernel", KILLED(SIGSEGV) },
    [FORGE_SS] = { "forge.ss_null", KILLED(SIGSEGV) },
    [FORGE_CS_NULL] = { "forge.cs_null", KILLED(SIGSEGV) },
    [FORGE_FP_KERNEL] = { "forge.fp_kernel", KILLED(SIGSEGV) },
    [FORGE_FP_UNALIGNED] = { "forge.fp_unaligned", KILLED(SIGSEGV) },
    [FORGE_FP_UNMAPPED] = { "forge.fp_unmapped", KILLED(SIGSEGV) },
    [FORGE_FP_NULL] = { "forge.fp_null", 0 },
    [FORGE_FP_BITS] = { "forge.fp_xfeatures", KILLED(SIGSEGV) },
    [FORGE_FP_MXCSR] = { "forge.fp_mxcsr", KILLED(SIGSEGV), 0, 1 },
    [FORGE_MASK] = { "forge.mask", 0 },
};

static void forge(int kind, void *ctx)
{
    switch (kind) {
    case FORGE_PC_NONCANON: MC.rip = 0x8000000000000000UL; break;
    case FORGE_PC_KERNEL: MC.rip = 0xffffffff80000000UL; break;
    case FORGE_SP_NONCANON: MC.rsp = 0x8000000000000000UL; break;
    case FORGE_FLAGS: MC.eflags |= 0x3000 | 0x4000 | 0x20000 | 0x100000 | 0x80000; break;
    case FORGE_CS: MC.cs = 0x10; break;
    case FORGE_SS: MC.ss = 0; break;
    case FORGE_CS_NULL: MC.cs = 0; break;
    case FORGE_FP_KERNEL: MC.fpstate = (void *)0xffffffff80000000UL; break;
    case FORGE_FP_UNALIGNED: MC.fpstate = (void *)((char *)MC.fpstate + 4); break;
    case FORGE_FP_UNMAPPED: MC.fpstate = (void *)0x1000; break;
    case FORGE_FP_NULL: MC.fpstate = NULL; break;
    case FORGE_FP_BITS: memset((char *)MC.fpstate + 512, 0xff, 64); break;
    case FORGE_FP_MXCSR: *(unsigned *)(void *)((char *)MC.fpstate + 24) = 0xffffffff; break;
    default: memset(&UC->uc_sigmask, 0xff, 8);
    }
}
#else
#define MC (UC->uc_mcontext)
enum { FORGE_PC_HIGH, FORGE_PC_KERNEL, FORGE_PC_UNALIGNED, FORGE_EL1, FORGE_EL1T, FORGE_AARCH32,
       FORGE_DAIF, FORGE_SP_KERNEL, FORGE_FP_MAGIC, FORGE_FP_SIZE, FORGE_FP_NONE, FORGE_BAD_RECORD,
       FORGE_UNALIGNED_RECORD, FORGE_MASK, NR_FORGE };
static const struct {
    const char *name;
    int want, emulator, emulator_too; /* emulator: what QEMU 7.2 makes of it where it checks less */
} forged[NR_FORGE] = {
    [FORGE_PC_HIGH] = { "forge.pc_noncanonical", KILLED(SIGSEGV) },
    [FORGE_PC_KERNEL] = { "forge.pc_kernel", KILLED(SIGSEGV) },
    [FORGE_PC_UNALIGNED] = { "forge.pc_unaligned", KILLED(SIGBUS) },
    [FORGE_EL1] = { "forge.el1h", KILLED(SIGSEGV) },
    [FORGE_EL1T] = { "forge.el1t", KILLED(SIGSEGV) },
    [FORGE_AARCH32] = { "forge.aarch32", KILLED(SIGSEGV) },
    [FORGE_DAIF] = { "forge.daif", KILLED(SIGSEGV) },
    [FORGE_SP_KERNEL] = { "forge.sp_kernel", KILLED(SIGSEGV) },
    [FORGE_FP_MAGIC] = { "forge.fp_magic", KILLED(SIGSEGV) },
    [FORGE_FP_SIZE] = { "forge.fp_size", KILLED(SIGSEGV) },
    [FORGE_FP_NONE] = { "forge.fp_none", KILLED(SIGSEGV) },
    [FORGE_BAD_RECORD] = { "forge.record_size", KILLED(SIGSEGV) },
    [FORGE_UNALIGNED_RECORD] = { "forge.record_unaligned", KILLED(SIGSEGV) },
    [FORGE_MASK] = { "forge.mask", 0 },
};

static void forge(int kind, void *ctx)
{
    unsigned *rec = (unsigned *)(void *)MC.__reserved;

    switch (kind) {
    case FORGE_PC_HIGH: MC.pc = 0x8000000000000000UL; break;
    case FORGE_PC_KERNEL: MC.pc = 0xffff800000000000UL; break;
    case FORGE_PC_UNALIGNED: MC.pc += 2; break;
    case FORGE_EL1: MC.pstate = 5; break;
    case FORGE_EL1T: MC.pstate = 4; break;
    case FORGE_AARCH32: MC.pstate = 0x10; break;
    case FORGE_DAIF: MC.pstate |= 0x3c0; break;
    case FORGE_SP_KERNEL: MC.sp = 0xffff800000000000UL; break;
    case FORGE_FP_MAGIC: rec[0] = 0x12345678; break;
    case FORGE_FP_SIZE: rec[1] = 0x40; break;
    case FORGE_FP_NONE: rec[0] = rec[1] = 0; break;
    case FORGE_BAD_RECORD: rec[1] = 0x7fffff00; break;
    case FORGE_UNALIGNED_RECORD: rec[1] = 0x211; break;
    default: memset(&UC->uc_sigmask, 0xff, 8);
    }
}
#endif

static volatile int forge_kind;

static void on_forge(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    forge(forge_kind, ctx);
}

static int forge_child(void *arg)
{
    uint64_t now = 0;

    forge_kind = (int)(long)arg;
    sig_default(SIGSEGV);
    sig_default(SIGBUS);
    sig_install(SIGUSR1, on_forge, 0);
    kill_me(SIGUSR1);
    sys(rt_sigprocmask, SIG_BLOCK, 0, &now, 8);
    if (forge_kind == FORGE_MASK && now != ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP)))
        return 1;
    return 0;
}

static NOINLINE int return_nowhere(void *arg)
{
    sig_default(SIGSEGV);
#if ARCH_IS_X86
    __asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall\n\thlt" ::"r"(arg) : "memory");
#else
    __asm__ volatile("mov sp, %0\n\tmov x8, #139\n\tsvc #0\n\tbrk #1" ::"r"(arg) : "memory");
#endif
    return 0;
}

static uint64_t random_state;

static void on_random(int sig, siginfo_t *info, void *ctx)
{
    unsigned char *p = ctx;
    size_t i, n = sizeof(struct ucontext);

    (void)sig;
    (void)info;
    for (i = 0; i < 12; i++) {
        random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
        p[(random_state >> 33) % n] = (unsigned char)(random_state >> 20);
    }
}

static int random_child(void *arg)
{
    random_state = (uint64_t)(long)arg;
    /* Where the frame leads into a test of this program, that is not to print its line. */
    sys(close, 1);
    sig_install(SIGUSR1, on_random, 0);
    kill_me(SIGUSR1);
    return 0;
}

static void test_forge(void)
{
    long i, pid;
    char *hole = map_anon(3 * PAGE, RW);

    for (i = 0; i < NR_FORGE; i++) {
        int r = child_result(forge_child, (void *)i);

        if (r != forged[i].emulator || !forged[i].emulator_too)
            EQ(forged[i].name, r, forged[i].want);
        else
            CHECK(forged[i].name, true);
    }
    sys(mprotect, hole + PAGE, PAGE, PROT_NONE);
    memset(hole, 0x41, PAGE);
    EQ("forge.return_null", child_result(return_nowhere, (void *)0L), KILLED(SIGSEGV));
    EQ("forge.return_kernel", child_result(return_nowhere, (void *)0xffffffff80000000UL),
       KILLED(SIGSEGV));
    EQ("forge.return_hole", child_result(return_nowhere, hole + PAGE - 64), KILLED(SIGSEGV));
    EQ("forge.return_unaligned", child_result(return_nowhere, hole + 8 + 1), KILLED(SIGSEGV));
    EQ("forge.return_wrap", child_result(return_nowhere, (void *)(~0UL - 15)), KILLED(SIGSEGV));
    for (i = 0; i < 150; i++) { /* any end is right, as long as there is one */
        pid = fork_child(random_child, (void *)(i * 77 + 1));
        if (pid < 0)
            break;
        sleep_ms(1);
        sys(kill, pid, SIGKILL);
        wait_status(pid);
    }
    EQ("forge.random", i, 150);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } groups[] = {
        { "info", test_info },   { "mask", test_mask },       { "queue", test_queue },
        { "wait", test_wait },   { "restart", test_restart }, { "stop", test_stop },
        { "timer", test_timer }, { "stack", test_stack },     { "group", test_group },
        { "regs", test_regs },   { "forge", test_forge },
    };
    struct rlimit64 no_core = { 0, 0 };
    size_t i;

    (void)envp;
    (void)auxv;
    sys(prlimit64, 0, RLIMIT_CORE, &no_core, 0);
    for (i = 0; i < ARRAY_LEN(groups); i++) {
        if (test_wanted(argc, argv, groups[i].name))
            groups[i].fn();
    }
    return test_end();
}
