/*
 * Leaks: many rounds of fork, exec, failed exec, killed children, threads, mappings and files, with
 * the free memory before and after. With --exact frames and live slab objects must be no worse, to the byte
 * (/proc/quoin/frames, caches drained); frames of slabs count as free, since one long-lived object
 * that moved to another slab keeps that. Without it some slack is left for Linux's caches.
 * --oom adds children that die because memory ends. A fork bomb must end in EAGAIN.
 */

#include <linux/time_types.h>

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define SLACK_KB 4096

static char self[256];
static bool exact, with_oom;
static const char *only; /* the one row to run */
static volatile int *volatile nowhere = (int *)8;

/* What is measured: free memory; with --exact frames that are neither free nor slab, and live objects. */
struct usage {
    long kb, object_bytes;
};

static long field(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    for (at += strlen(name); *at == ' '; at++)
        ;
    return parse_long(at);
}

static struct usage usage_now(void)
{
    static char text[4096];
    const char *path = exact ? "/proc/quoin/frames" : "/proc/meminfo";
    int i;

    file_write("/proc/sys/vm/drop_caches", "3\n", 2);
    for (i = 0; i < 3; i++) { /* reading may itself allocate once */
        if (file_read(path, text, sizeof(text)) <= 0)
            return (struct usage){ -1, -1 };
    }
    file_write("/proc/sys/vm/drop_caches", "3\n", 2);
    file_read(path, text, sizeof(text));
    if (!exact)
        return (struct usage){ field(text, "MemFree:"), 0 };
    return (struct usage){ 4 * (field(text, "free ") + field(text, "slab ")),
                           field(text, "slab_live ") };
}

static bool same(struct usage a, struct usage b)
{
    return a.kb == b.kb && a.object_bytes == b.object_bytes;
}

/* What somebody else still had before and gave back meanwhile is no loss. */
static bool nothing_lost(struct usage before, struct usage after)
{
    return after.kb >= before.kb && after.object_bytes <= before.object_bytes;
}

/* Waits until nobody else is about to allocate or free: a dead child's stack, a reader of our output. */
static struct usage usage_settled(void)
{
    struct usage now = usage_now(), last;

    for (int i = 0; exact && i < 20; i++) {
        last = now;
        sleep_ms(10);
        now = usage_now();
        if (same(last, now))
            break;
    }
    return now;
}

/* Runs some rounds first, to fill what stays filled, then measures over the rounds. */
static void measure_warm(const char *name, bool (*round)(int), int rounds, int warm)
{
    struct usage before, after;
    bool good = true;
    long i;

    if (only && strcmp(only, name))
        return;
    for (i = 0; i < warm && good; i++)
        good = round((int)i);
    test_ok(good, name, "warm-up round %ld failed", i - 1);
    before = usage_settled();
    for (i = 0; i < rounds && good; i++)
        good = round((int)i);
    after = usage_settled();
    test_ok(good, name, "round %ld failed", i - 1);
    for (i = 0; exact && i < 20 && !nothing_lost(before, after); i++) {
        sleep_ms(50);
        after = usage_now();
    }
    test_ok(exact ? nothing_lost(before, after) : after.kb + SLACK_KB >= before.kb, name,
            "%ld kB free and %ld bytes of objects before, %ld and %ld after %d rounds", before.kb,
            before.object_bytes, after.kb, after.object_bytes, rounds);
}

static void measure(const char *name, bool (*round)(int), int rounds)
{
    measure_warm(name, round, rounds, 3);
}

static bool round_fork(int i)
{
    long pid = fork_now();

    if (pid == 0)
        exit_now(i & 0x7f);
    return pid > 0 && wait_status(pid) == (i & 0x7f) << 8;
}

static bool round_exec(int i)
{
    char *argv[] = { self, (char *)"@exit", NULL };
    long pid = fork_now();

    (void)i;
    if (pid == 0)
        exit_now(sys(execve, self, argv, 0));
    return pid > 0 && wait_status(pid) == 7 << 8;
}

static bool round_failed_exec(int i)
{
    char *argv[] = { self, NULL };
    long pid = fork_now();
    const char *path = i % 3 == 0 ? "/tmp/none" : i % 3 == 1 ? "/tmp/stress.bad" : "/tmp";

    if (pid == 0)
        exit_now(sys(execve, path, argv, 0) < 0 ? 9 : 1);
    return pid > 0 && wait_status(pid) == 9 << 8;
}

static bool round_killed(int i)
{
    long pid = fork_now();

    if (pid == 0) {
        char *p = map_anon(64 * PAGE, RW);

        memset(p, 1, 64 * PAGE);
        for (;;)
            sleep_ms(1000);
    }
    if (i % 4 == 0)
        sleep_ms(2);
    sys(kill, pid, SIGKILL);
    return pid > 0 && (wait_status(pid) & 0x7f) == SIGKILL;
}

static bool round_crash(int i)
{
    struct rlimit64 no_core = { 0, 0 };
    long pid = fork_now();

    (void)i;
    if (pid == 0) {
        sys(prlimit64, 0, RLIMIT_CORE, &no_core, 0);
        sig_default(SIGSEGV);
        *nowhere = 1;
    }
    return pid > 0 && (wait_status(pid) & 0x7f) == SIGSEGV;
}

static int thread_body(void *arg)
{
    char *p = map_anon(8 * PAGE, RW);

    memset(p, (int)(long)arg, 8 * PAGE);
    sys(munmap, p, 8 * PAGE);
    return 0;
}

static bool round_threads(int i)
{
    struct thread t[4];
    int k;

    for (k = 0; k < 4; k++) {
        if (thread_start(&t[k], thread_body, (void *)(long)i) < 0)
            return false;
    }
    for (k = 0; k < 4; k++)
        thread_join(&t[k]);
    return true;
}

static int thread_sleep(void *arg)
{
    (void)arg;
    sleep_ms(100000);
    return 0;
}

/* A process with threads ends while they sleep. */
static bool round_group_exit(int i)
{
    long pid = fork_now();

    if (pid == 0) {
        struct thread t[3];
        int k;

        for (k = 0; k < 3; k++)
            thread_start(&t[k], thread_sleep, 0);
        exit_now(i & 3);
    }
    return pid > 0 && wait_status(pid) == (i & 3) << 8;
}

static bool round_cow(int i)
{
    char *p = map_anon(700 * PAGE, RW); /* over a border of a table */
    long pid;
    size_t k;

    memset(p, i, 700 * PAGE);
    pid = fork_now();
    if (pid == 0) {
        for (k = 0; k < 700; k += 2)
            p[k * PAGE] = 1;
        sys(munmap, p + 100 * PAGE, 100 * PAGE);
        exit_now(0);
    }
    for (k = 0; k < 700; k += 3)
        p[k * PAGE] = 2;
    sys(mprotect, p + 50 * PAGE, 300 * PAGE, PROT_READ);
    sys(mremap, p + 400 * PAGE, 10 * PAGE, 5 * PAGE, 0);
    k = (size_t)wait_status(pid);
    sys(munmap, p, 700 * PAGE);
    return k == 0;
}

static bool round_shared(int i)
{
    long fd = open_rw("/tmp/stress.map"), pid;
    char *s, *v, *a;

    sys(ftruncate, fd, 40 * 4096);
    s = (char *)sys(mmap, 0, 40 * PAGE, RW, MAP_SHARED, fd, 0);
    v = (char *)sys(mmap, 0, 40 * PAGE, RW, MAP_PRIVATE, fd, 0);
    a = (char *)sys(mmap, 0, 40 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(s, i, 20 * PAGE);
    memset(v, i, 30 * PAGE);
    pid = fork_now();
    if (pid == 0) {
        memset(a, i, 40 * PAGE);
        memset(v + 25 * PAGE, 1, 15 * PAGE);
        exit_now(0);
    }
    if (wait_status(pid) != 0)
        return false;
    sys(unlinkat, AT_FDCWD, "/tmp/stress.map", 0);
    sys(close, fd);
    sys(munmap, s, 40 * PAGE);
    sys(munmap, v, 40 * PAGE);
    sys(munmap, a, 40 * PAGE);
    return true;
}

static bool round_files(int i)
{
    static char data[20000];
    int p[2];
    long fd;

    sys(mkdirat, AT_FDCWD, "/tmp/stress.dir", 0755);
    if (file_write("/tmp/stress.dir/file", data, sizeof(data)) != sizeof(data))
        return false;
    sys(symlinkat, "file", AT_FDCWD, "/tmp/stress.dir/link");
    sys(mknodat, AT_FDCWD, "/tmp/stress.dir/fifo", S_IFIFO | 0600, 0);
    fd = sys(openat, AT_FDCWD, "/tmp/stress.dir/fifo", O_RDWR, 0);
    sys(write, fd, data, 5000);
    sys(close, fd);
    sys(pipe2, p, 0);
    sys(write, p[1], data, 20000);
    sys(close, p[0]);
    sys(close, p[1]);
    sys(renameat, AT_FDCWD, "/tmp/stress.dir/file", AT_FDCWD, "/tmp/stress.dir/moved");
    sys(unlinkat, AT_FDCWD, "/tmp/stress.dir/moved", 0);
    sys(unlinkat, AT_FDCWD, "/tmp/stress.dir/link", 0);
    sys(unlinkat, AT_FDCWD, "/tmp/stress.dir/fifo", 0);
    (void)i;
    return sys(unlinkat, AT_FDCWD, "/tmp/stress.dir", AT_REMOVEDIR) == 0;
}

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
}

/* Timers, queued signals and a blocked reader that a kill ends. */
static bool round_signals(int i)
{
    long pid = fork_now();
    int p[2], id, k;

    if (pid == 0) {
        struct __kernel_itimerspec ts = { { 0, 1000000 }, { 0, 1000000 } };
        siginfo_t info;
        long me = sys(getpid);
        uint64_t all = ~0UL;

        sig_install(40, on_signal, 0);
        sys(rt_sigprocmask, SIG_BLOCK, &all, 0, 8);
        sys(timer_create, CLOCK_MONOTONIC, 0, &id);
        sys(timer_settime, id, 0, &ts, 0);
        memset(&info, 0, sizeof(info));
        info.si_code = SI_QUEUE;
        for (k = 0; k < 10; k++)
            sys(rt_sigqueueinfo, me, 40, &info);
        sys(pipe2, p, 0);
        sys(read, p[0], &k, 4);
        exit_now(1);
    }
    if (i % 8 == 0)
        sleep_ms(3);
    sys(kill, pid, SIGKILL);
    return pid > 0 && (wait_status(pid) & 0x7f) == SIGKILL;
}

static bool round_proc(int i)
{
    static char text[8192];
    long pid = fork_now();
    char path[40];

    (void)i;
    if (pid == 0)
        for (;;)
            sleep_ms(1000);
    text_format(path, sizeof(path), "/proc/%d/maps", (int)pid);
    if (file_read(path, text, sizeof(text)) <= 0)
        return false;
    text_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (file_read(path, text, sizeof(text)) <= 0)
        return false;
    sys(kill, pid, SIGKILL);
    return (wait_status(pid) & 0x7f) == SIGKILL;
}

/* Takes memory until it ends: killed, or told ENOMEM. */
static bool round_oom(int i)
{
    long pid = fork_now();
    int status;

    (void)i;
    if (pid == 0) {
        for (;;) {
            char *p = map_anon(4UL << 20, RW);
            size_t k;

            if (is_err((long)p))
                exit_now(12);
            for (k = 0; k < 4UL << 20; k += PAGE)
                p[k] = 1;
        }
    }
    status = wait_status(pid);
    return (status & 0x7f) == SIGKILL || status == 12 << 8;
}

/* Quoin: the n-th allocation of this task from now on fails; 0: none. Elsewhere there is no such file. */
static long fail_fd = -1;

static void fail_nth(int n)
{
    char text[16];

    if (fail_fd >= 0)
        sys(write, fail_fd, text, text_format(text, sizeof(text), "%d\n", n));
}

/* Round i lets allocation i fail; what a call cannot do without it refuses, and keeps nothing. */
static bool round_fail_fork(int i)
{
    long pid;

    fail_nth(i + 1);
    pid = fork_now();
    if (pid == 0)
        exit_now(5);
    fail_nth(0);
    return pid == -ENOMEM || (pid > 0 && wait_status(pid) == 5 << 8);
}

static bool round_fail_exec(int i)
{
    char *argv[] = { self, (char *)"@exit", NULL };
    long pid = fork_now();
    int status;

    if (pid == 0) {
        long error;

        fail_nth(i + 1);
        error = sys(execve, self, argv, 0);
        exit_now(error == -ENOMEM ? 9 : 1);
    }
    status = wait_status(pid);
    fail_nth(0);
    return status == 7 << 8 || status == 9 << 8;
}

/* Makes and removes a directory while its parent has allocations fail. Returns what was refused. */
static int make_directories(void *arg)
{
    volatile int *running = arg;
    int refused = 0;

    for (running[0] = 1; running[0]; running[1]++) {
        refused += sys(mkdirat, AT_FDCWD, "/tmp/stress.child", 0700) != 0;
        sys(unlinkat, AT_FDCWD, "/tmp/stress.child", AT_REMOVEDIR);
    }
    return refused != 0;
}

/* A failure hits the task that asked for it, each time, and no other. */
static void test_fail_own(void)
{
    volatile int *running = (int *)sys(mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int hits = 0, round;
    long pid;

    if (fail_fd < 0 || (only && strcmp(only, "stress.fail_own")))
        return;
    pid = fork_child(make_directories, (void *)running);
    for (int i = 0; i < 100; i++) {
        round = running[1];
        fail_nth(1);
        while (running[1] < round + 2)
            sys(sched_yield);
        hits += sys(mkdirat, AT_FDCWD, "/tmp/stress.parent", 0700) == -ENOMEM;
    }
    fail_nth(0);
    *running = 0;
    EQ("stress.fail_own", hits, 100);
    EQ("stress.fail_others", wait_status(pid), 0);
    sys(munmap, running, PAGE);
}

static bool round_fail_calls(int i)
{
    char *p;
    struct thread t;
    long fd, r;
    int fds[2];

    fail_nth(i % 30 + 1);
    switch (i / 30) {
    case 0:
        r = sys(mmap, 0, 8 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        fail_nth(0);
        return is_err(r) ? r == -ENOMEM : sys(munmap, r, 8 * PAGE) == 0;
    case 1:
        r = sys(pipe2, fds, 0);
        fail_nth(0);
        return r == 0 ? sys(close, fds[0]) + sys(close, fds[1]) == 0
                      : r == -ENOMEM;
    case 2:
        fd = sys(openat, AT_FDCWD, "/tmp/stress.fail", O_RDWR | O_CREAT, 0600);
        r = fd < 0 ? fd : sys(write, fd, "abc", 3);
        fail_nth(0);
        if (fd >= 0)
            sys(close, fd);
        sys(unlinkat, AT_FDCWD, "/tmp/stress.fail", 0);
        return r == 3 || r == -ENOMEM || r == -ENOSPC;
    case 3:
        r = sys(mkdirat, AT_FDCWD, "/tmp/stress.fail", 0700);
        fail_nth(0);
        sys(unlinkat, AT_FDCWD, "/tmp/stress.fail", AT_REMOVEDIR);
        return r == 0 || r == -ENOMEM || r == -ENOSPC;
    case 4:
        fail_nth(0);
        p = map_anon(8 * PAGE, RW);
        memset(p, 1, 8 * PAGE);
        fail_nth(i % 30 + 1);
        r = sys(mremap, p, 2 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
        fail_nth(0);
        sys(munmap, p, 8 * PAGE);
        return is_err(r) ? r == -ENOMEM : sys(munmap, r, 600 * PAGE) == 0;
    default:
        fail_nth(0);
        p = map_anon(THREAD_STACK, RW);
        fail_nth(i % 30 + 1);
        t.stack = p;
        t.tid = 1;
        r = thread_clone(THREAD_FLAGS, p + THREAD_STACK, &t.tid, &t.tid, 0, thread_body, 0);
        fail_nth(0);
        if (r < 0)
            return sys(munmap, p, THREAD_STACK) == 0 && r == -ENOMEM;
        thread_join(&t);
        return true;
    }
}

static int bomb(void *arg)
{
    struct rlimit64 lim = { 30, 30 };
    int *refused = arg, n;

    if (sys(setresuid, 4321, 4321, 4321) || sys(prlimit64, 0, RLIMIT_NPROC, &lim, 0))
        return 1;
    for (n = 0; n < 6; n++) { /* everybody forks: up to 64 processes without the limit */
        long r = fork_now();

        if (r == -EAGAIN)
            __atomic_add_fetch(refused, 1, __ATOMIC_SEQ_CST);
        else if (r < 0)
            return 2;
    }
    sleep_ms(50);
    while (sys(wait4, -1, 0, 0, 0) > 0)
        ;
    return *refused ? 0 : 3;
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    void *shared;
    int i;

    (void)envp;
    (void)auxv;
    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "@exit"))
            return 7;
        exact = exact || !strcmp(argv[i], "--exact");
        with_oom = with_oom || !strcmp(argv[i], "--oom");
        if (argv[i][0] != '-')
            only = argv[i];
    }
    sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1);
    file_write("/tmp/stress.bad", "\177ELFgarbage", 11);
    sys(fchmodat, AT_FDCWD, "/tmp/stress.bad", 0755);
    measure("stress.fork_exec_1000", round_exec, 1000);
    measure("stress.fork", round_fork, 300);
    measure("stress.failed_exec", round_failed_exec, 100);
    measure("stress.killed", round_killed, 100);
    measure("stress.crash", round_crash, 100);
    measure("stress.threads", round_threads, 100);
    measure("stress.group_exit", round_group_exit, 100);
    measure("stress.cow", round_cow, 30);
    measure("stress.shared", round_shared, 50);
    measure("stress.files", round_files, 100);
    measure("stress.signals", round_signals, 100);
    measure("stress.proc", round_proc, 50);
    fail_fd = sys(openat, AT_FDCWD, "/proc/quoin/fail", O_WRONLY | O_CLOEXEC, 0);
    test_fail_own();
    measure_warm("stress.fail_fork", round_fail_fork, 120, 120); /* scenarios 22, 70 */
    measure_warm("stress.fail_exec", round_fail_exec, 250, 250);
    measure_warm("stress.fail_calls", round_fail_calls, 180, 180);
    shared = (void *)sys(mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EQ("stress.fork_bomb", child_result(bomb, shared), 0);
    if (with_oom)
        measure("stress.oom", round_oom, 100);
    CHECK("stress.alive", round_exec(0));
    return test_end();
}
