/*
 * The soak's jobs that no shell script can do: soak_work NAME NUMBER. Each is random by its number,
 * takes some seconds beside others, and has an oracle: contents, statuses, counts. Exit status 0 is
 * good. A job may be killed at any moment and leaves nothing but children and files in its folder.
 */

#include <asm/ioctls.h>
#include <linux/time_types.h>

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define OOM_VICTIM "1000"

static uint64_t rng;
static char self[256];

static uint64_t below(uint64_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (rng >> 11) % n;
}

static NORETURN void fail(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    text_vformat(text, sizeof(text), fmt, ap);
    va_end(ap);
    print("not ok %s\n", text);
    sys(exit_group, 1);
    for (;;)
        ;
}

static int leave(void *arg)
{
    (void)arg;
    return 0;
}

static void want(long got, long wanted, const char *what)
{
    if (got != wanted)
        fail("%s: %ld, not %ld", what, got, wanted);
}

static void want_exit(long pid, const char *what)
{
    int status = pid > 0 ? wait_status(pid) : -1;

    if (status != 0)
        fail("%s: pid %ld, status 0x%x", what, pid, (unsigned)status);
}

/* Memory: slots of pages, each full of its own stamp; threads and forked children look at them. */
#define SLOTS 24
struct slot {
    char *at;
    size_t pages;
    unsigned long stamp;
    bool writable;
};

static void slot_check(const struct slot *slot, const char *who)
{
    for (size_t i = 0; i < slot->pages; i++) {
        unsigned long got = *(volatile unsigned long *)(slot->at + i * PAGE + 8 * (i % 512));

        if (got != slot->stamp + i)
            fail("churn, %s: page %lu of %p holds 0x%lx, not 0x%lx", who, i, slot->at, got,
                 slot->stamp + i);
    }
}

static void slot_fill(struct slot *slot)
{
    slot->stamp = below(~0UL) << 12;
    for (size_t i = 0; i < slot->pages; i++)
        *(volatile unsigned long *)(slot->at + i * PAGE + 8 * (i % 512)) = slot->stamp + i;
}

static void slot_step(struct slot *slot)
{
    size_t pages;
    long moved;

    if (!slot->pages) {
        slot->pages = 1 + below(below(8) == 0 ? 700 : 20);
        slot->at = (char *)sys(mmap, 0, slot->pages * PAGE, RW,
                               (below(4) ? MAP_PRIVATE : MAP_SHARED) | MAP_ANONYMOUS, -1, 0);
        if (is_err((long)slot->at))
            fail("churn: mmap gives %ld", (long)slot->at);
        slot->writable = true;
        slot_fill(slot);
        return;
    }
    slot_check(slot, "owner");
    switch (below(6)) {
    case 0:
        want(sys(munmap, slot->at, slot->pages * PAGE), 0, "churn: munmap");
        slot->pages = 0;
        break;
    case 1:
        slot->writable = !slot->writable;
        want(sys(mprotect, slot->at, slot->pages * PAGE, slot->writable ? RW : PROT_READ), 0,
             "churn: mprotect");
        break;
    case 2: /* only what shrinks keeps all its stamps */
        pages = 1 + below(slot->pages);
        moved = sys(mremap, slot->at, slot->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
        if (is_err(moved))
            fail("churn: mremap gives %ld", moved);
        slot->at = (char *)moved;
        slot->pages = pages;
        break;
    default:
        if (slot->writable)
            slot_fill(slot);
    }
}

static int churn_thread(void *arg)
{
    struct slot slots[SLOTS];
    long steps = (long)arg;

    memset(slots, 0, sizeof(slots));
    for (long n = 0; n < steps; n++) {
        slot_step(&slots[below(SLOTS)]);
        if (n % 200 == 199) {
            long pid = fork_now();

            if (pid == 0) {
                for (int i = 0; i < SLOTS; i++)
                    slot_check(&slots[i], "child");
                for (int i = 0; i < SLOTS; i++) {
                    if (slots[i].pages && slots[i].writable && below(2))
                        sys(munmap, slots[i].at, slots[i].pages * PAGE);
                }
                exit_now(0);
            }
            want_exit(pid, "churn: child");
        }
    }
    for (int i = 0; i < SLOTS; i++) {
        if (slots[i].pages)
            sys(munmap, slots[i].at, slots[i].pages * PAGE);
    }
    return 0;
}

/* The generator is shared by the threads without a lock: any value of it will do. */
static void job_churn(void)
{
    struct thread threads[3];

    for (int i = 0; i < 3; i++)
        want(thread_start(&threads[i], churn_thread, (void *)1000L) > 0, true, "churn: thread");
    churn_thread((void *)1000L);
    for (int i = 0; i < 3; i++)
        thread_join(&threads[i]);
}

/* Everybody forks until RLIMIT_NPROC says no; then one signal to all of that user's processes. */
static void bomb_child(long uid)
{
    struct rlimit64 limit = { 40, 40 };

    if (sys(setresuid, uid, uid, uid) || sys(prlimit64, 0, RLIMIT_NPROC, &limit, 0))
        exit_now(2);
    for (int refused = 0; refused < 20;) {
        long pid = fork_now();

        if (pid == -EAGAIN)
            refused++;
        else if (pid < 0)
            exit_now(3);
    }
    sleep_ms(1000);
    exit_now(0);
}

static void job_bomb(void)
{
    long uid = 5000 + (long)below(1 << 20);

    for (int n = 0; n < 4; n++) {
        long bomb = fork_now(), killer;

        if (bomb == 0)
            bomb_child(uid);
        sleep_ms((long)below(300));
        killer = fork_now();
        if (killer == 0) {
            sys(setresuid, uid, uid, uid);
            for (int i = 0; i < 20; i++) /* those that fork meanwhile need another one */
                sys(kill, -1, SIGKILL);
            exit_now(0);
        }
        wait_status(killer);
        if (bomb < 0 || wait_status(bomb) < 0)
            fail("bomb: pid %ld", bomb);
    }
}

/* RLIMIT_AS: what is taken is there, what is too much is refused, fork copies the limit. */
static void job_limit(void)
{
    struct rlimit64 limit = { 48UL << 20, 48UL << 20 };

    want(sys(prlimit64, 0, RLIMIT_AS, &limit, 0), 0, "limit: prlimit64");
    for (int n = 0; n < 6; n++) {
        char *parts[64];
        int nr = 0;
        long pid;

        while (nr < 64 && !is_err((long)(parts[nr] = map_anon(1UL << 20, RW))))
            nr++;
        if (nr < 40 || nr == 64)
            fail("limit: %d MiB of 48", nr);
        for (int i = 0; i < nr; i += 4)
            memset(parts[i], i, 1UL << 20);
        pid = fork_now();
        if (pid == 0) {
            for (int i = 0; i < nr; i += 4) {
                if (parts[i][PAGE * 7] != (char)i)
                    exit_now(1);
                parts[i][PAGE * 9] = 1;
            }
            exit_now(is_err((long)map_anon(8UL << 20, RW)) ? 0 : 2);
        }
        want_exit(pid, "limit: child");
        for (int i = 0; i < nr; i++)
            sys(munmap, parts[i], 1UL << 20);
    }
}

/* Takes memory until it is killed for it. */
static void job_hog(void)
{
    for (int n = 0; n < 2; n++) {
        long pid = fork_now();
        int status;

        if (pid == 0) {
            file_write("/proc/self/oom_score_adj", OOM_VICTIM, 4);
            for (;;) {
                char *p = map_anon(4UL << 20, RW);

                if (is_err((long)p))
                    exit_now(12);
                for (size_t k = 0; k < 4UL << 20; k += PAGE)
                    p[k] = 1;
            }
        }
        status = pid > 0 ? wait_status(pid) : -1;
        if (status != 12 << 8 && status != SIGKILL)
            fail("hog: pid %ld, status 0x%x", pid, (unsigned)status);
    }
}

/* Bytes go round a ring of processes in pieces of random size and come back as they were. */
#define RING_BYTES (300 * 1000L)
#define RING_STOPS 5

static unsigned char ring_byte(long at)
{
    return (unsigned char)(at * 7 + at / 251);
}

static NORETURN void ring_pass(long in, long out)
{
    static char buffer[20000];
    long got;

    while ((got = sys(read, in, buffer, 1 + below(sizeof(buffer)))) > 0) {
        for (long sent = 0, r; sent < got; sent += r) {
            r = sys(write, out, buffer + sent, got - sent);
            if (r <= 0)
                exit_now(1);
        }
    }
    exit_now(got == 0 ? 0 : 2);
}

static NORETURN void ring_feed(long out)
{
    static unsigned char buffer[9000];

    for (long at = 0, got; at < RING_BYTES; at += got) {
        long len = 1 + (long)below(sizeof(buffer));

        len = len < RING_BYTES - at ? len : RING_BYTES - at;
        for (long k = 0; k < len; k++)
            buffer[k] = ring_byte(at + k);
        got = sys(write, out, buffer, len);
        if (got <= 0)
            exit_now(3);
    }
    exit_now(0);
}

static void job_ring(void)
{
    static unsigned char buffer[9000];
    int pipes[RING_STOPS][2];
    long pids[RING_STOPS], at = 0, got;

    for (int i = 0; i < RING_STOPS; i++) {
        want(sys(pipe2, pipes[i], O_CLOEXEC), 0, "ring: pipe2");
        pids[i] = fork_now();
        if (pids[i] == 0) {
            rng += (uint64_t)i;
            sys(close, pipes[i][0]);
            if (i == 0)
                ring_feed(pipes[0][1]);
            ring_pass(pipes[i - 1][0], pipes[i][1]);
        }
        sys(close, pipes[i][1]);
        if (i > 0)
            sys(close, pipes[i - 1][0]);
    }
    while ((got = sys(read, pipes[RING_STOPS - 1][0], buffer, sizeof(buffer))) > 0) {
        for (long k = 0; k < got; k++) {
            if (buffer[k] != ring_byte(at + k))
                fail("ring: byte %ld is 0x%x", at + k, buffer[k]);
        }
        at += got;
    }
    sys(close, pipes[RING_STOPS - 1][0]);
    want(at, RING_BYTES, "ring: bytes");
    for (int i = 0; i < RING_STOPS; i++)
        want_exit(pids[i], "ring: stop");
}

/* exec, exit_group and kill end siblings that are busy in all ways. */
static NORETURN int exec_self(void *arg)
{
    char *argv[] = { self, (char *)"exit", (char *)"42", 0 };

    (void)arg;
    exit_now(sys(execve, self, argv, 0));
}

static void job_siblings(void)
{
    for (int n = 0; n < 60; n++) {
        struct thread threads[6];
        int way = (int)below(4), status, wanted;
        long pid = fork_now();

        if (pid == 0) {
            for (long i = 0; i < 5; i++)
                thread_start(&threads[i], busy, (void *)(long)below(BUSY_WAYS));
            sleep_ms((long)below(5));
            if (way == 0)
                exec_self(0);
            if (way == 1)
                thread_start(&threads[5], exec_self, 0); /* another one than the first */
            if (way == 2)
                sys(exit_group, 42);
            busy((void *)(long)BUSY_FUTEX);
        }
        if (way == 3) {
            sleep_ms((long)below(20));
            sys(kill, pid, SIGKILL);
        }
        wanted = way == 3 ? SIGKILL : 42 << 8;
        status = pid > 0 ? wait_status(pid) : -1;
        if (status != wanted)
            fail("siblings, way %d: pid %ld, status 0x%x", way, pid, (unsigned)status);
    }
}

/* Names in one folder: several processes create, link, rename, open and remove them. */
static NORETURN void names_work(int steps)
{
    char a[32], b[32];

    for (int n = 0; n < steps; n++) {
        long fd, r;

        text_format(a, sizeof(a), "n/%d", (int)below(12));
        text_format(b, sizeof(b), "n/%d", (int)below(12));
        switch (below(8)) {
        case 0:
        case 1:
            fd = sys(openat, AT_FDCWD, a, O_RDWR | O_CREAT, 0600);
            if (fd >= 0) {
                sys(write, fd, a, sizeof(a));
                sys(close, fd);
            }
            r = fd < 0 && fd != -EISDIR && fd != -ENOENT && fd != -ELOOP ? fd : 0;
            break;
        case 2:
            r = sys(linkat, AT_FDCWD, a, AT_FDCWD, b, 0);
            r = r == -EEXIST || r == -ENOENT || r == -EPERM ? 0 : r;
            break;
        case 3:
        case 4:
            r = sys(renameat, AT_FDCWD, a, AT_FDCWD, b);
            r = r == -ENOENT || r == -EISDIR || r == -ENOTDIR || r == -ENOTEMPTY ? 0 : r;
            break;
        case 5:
            r = sys(mkdirat, AT_FDCWD, a, 0700);
            r = r == -EEXIST ? 0 : r;
            break;
        case 6:
            r = sys(unlinkat, AT_FDCWD, a, AT_REMOVEDIR);
            r = r == -ENOENT || r == -ENOTDIR ? 0 : r;
            break;
        default:
            r = sys(unlinkat, AT_FDCWD, a, 0);
            r = r == -ENOENT || r == -EISDIR ? 0 : r;
        }
        if (r != 0) {
            print("not ok names: %s and %s: %ld\n", a, b, r);
            exit_now(1);
        }
    }
    exit_now(0);
}

static void job_names(void)
{
    long pids[4];
    char name[32];

    sys(mkdirat, AT_FDCWD, "n", 0700);
    for (int i = 0; i < 4; i++) {
        below(2);
        pids[i] = fork_now();
        if (pids[i] == 0) {
            rng += (uint64_t)i * 977;
            names_work(3000);
        }
    }
    for (int i = 0; i < 4; i++)
        want_exit(pids[i], "names: worker");
    for (int i = 0; i < 12; i++) {
        text_format(name, sizeof(name), "n/%d", i);
        if (sys(unlinkat, AT_FDCWD, name, 0) == -EISDIR)
            want(sys(unlinkat, AT_FDCWD, name, AT_REMOVEDIR), 0, "names: rmdir");
    }
    want(sys(unlinkat, AT_FDCWD, "n", AT_REMOVEDIR), 0, "names: nothing is left");
}

/* A counter in a file behind flock() and behind a record lock: no step may be lost. */
static NORETURN void count_up(int steps, bool record)
{
    long fd = sys(openat, AT_FDCWD, "counter", O_RDWR, 0);

    for (int n = 0; n < steps; n++) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 8 };
        unsigned long value = 0;

        if (record ? sys(fcntl, fd, F_SETLKW, &lock) : sys(flock, fd, 2 /* LOCK_EX */))
            exit_now(2);
        sys(pread64, fd, &value, 8, 0);
        if (below(4) == 0)
            sys(sched_yield);
        value++;
        sys(pwrite64, fd, &value, 8, 0);
        lock.l_type = F_UNLCK;
        if (record ? sys(fcntl, fd, F_SETLKW, &lock) : sys(flock, fd, 8 /* LOCK_UN */))
            exit_now(3);
    }
    exit_now(0);
}

static void job_counter(void)
{
    for (int record = 0; record < 2; record++) {
        unsigned long value = 0;
        long pids[4], fd;

        file_write("counter", &value, 8);
        for (int i = 0; i < 4; i++) {
            pids[i] = fork_now();
            if (pids[i] == 0)
                count_up(500, record);
        }
        for (int i = 0; i < 4; i++)
            want_exit(pids[i], "counter: worker");
        fd = open_rw("counter");
        sys(pread64, fd, &value, 8, 0);
        sys(close, fd);
        want((long)value, 4 * 500, record ? "counter: record lock" : "counter: flock");
    }
}

/* A shell on a terminal of its own answers; then the terminal hangs up. */
static void job_terminal(void)
{
    for (int n = 0; n < 8; n++) {
        static char text[8192];
        int number = 0, unlock = 0, status;
        char name[32];
        size_t len = 0;
        long master = sys(openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0), pid, got;

        if (master < 0)
            fail("terminal: ptmx gives %ld", master);
        sys(ioctl, master, TIOCSPTLCK, &unlock);
        sys(ioctl, master, TIOCGPTN, &number);
        text_format(name, sizeof(name), "/dev/pts/%d", number);
        pid = fork_now();
        if (pid == 0) {
            char *argv[] = { (char *)"/bin/sh", (char *)"-i", 0 };
            char *envp[] = { (char *)"PATH=/bin", (char *)"PS1=$ ", 0 };
            long fd;

            sys(setsid);
            fd = sys(openat, AT_FDCWD, name, O_RDWR, 0);
            for (int i = 0; i < 3; i++)
                sys(dup3, fd, i, 0);
            sys(close_range, 3, ~0U, 0);
            sys(execve, argv[0], argv, envp);
            exit_now(126);
        }
        sys(write, master, "echo x$((6*7))x | cat\n", 22);
        text[0] = 0;
        while (!strstr(text, "x42x") && len < sizeof(text) - 1) {
            got = sys(read, master, text + len, sizeof(text) - 1 - len);
            if (got <= 0)
                fail("terminal: read gives %ld after %lu bytes", got, len);
            len += (size_t)got;
            text[len] = 0;
        }
        if (n % 3 == 0)
            sys(write, master, "sleep 1000\n", 11);
        if (n % 3 == 1)
            sys(write, master, "exit 3\n", 7);
        if (n % 3 == 2)
            sys(kill, pid, SIGKILL);
        sleep_ms((long)below(30));
        if (n % 3 == 0)
            sys(close, master);
        status = wait_status(pid);
        if (n % 3 != 0)
            sys(close, master);
        if (n % 3 == 1 && status != 3 << 8)
            fail("terminal: status 0x%x of exit 3", (unsigned)status);
    }
}

/* Timers of all kinds go off in processes that fork, sleep and compute. */
static volatile int ticks;

static void on_tick(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    (void)context;
    ticks++;
}

static int timers_work(void *arg)
{
    struct { struct { long sec, usec; } interval, value; } it = { { 0, 1500 }, { 0, 1500 } };
    struct __kernel_itimerspec ts = { { 0, 1100000 }, { 0, 1100000 } };
    unsigned long seen = 0;
    int id = 0;

    (void)arg;
    sig_install(SIGALRM, on_tick, 0);
    sig_install(SIGVTALRM, on_tick, 0);
    sys(setitimer, 0, &it, 0);
    sys(setitimer, 1, &it, 0);
    want(sys(timer_create, CLOCK_MONOTONIC, 0, &id), 0, "timers: create");
    want(sys(timer_settime, id, 0, &ts, 0), 0, "timers: settime");
    for (int n = 0; n < 60; n++) {
        unsigned long regs = below(1UL << 40);

        if (n % 15 == 0)
            want_exit(fork_child(leave, 0), "timers: child");
        if (regs_check(regs, 2000) != 0)
            fail("timers: a register changed");
        if (n % 10 == 0)
            sleep_ms(2);
        seen += (unsigned long)ticks;
    }
    sys(timer_delete, id);
    while (ticks == 0)
        ;
    return seen == ~0UL;
}

static void job_timers(void)
{
    long pids[3];

    for (int i = 0; i < 3; i++)
        pids[i] = fork_child(timers_work, 0);
    for (int i = 0; i < 3; i++)
        want_exit(pids[i], "timers: worker");
}

/* Who is pinned to a CPU runs there, from the call's return on. */
static int pinned_work(void *arg)
{
    (void)arg;
    for (int n = 0; n < 400; n++) {
        uint64_t mask = 1UL << below(4), got = 0;
        unsigned cpu = 99;
        long r = sys(sched_setaffinity, 0, 8, &mask);

        if (r == -EINVAL)
            continue; /* a machine with fewer CPUs */
        want(r, 0, "pinned: setaffinity");
        sys(getcpu, &cpu, 0, 0);
        if (cpu > 63 || (mask >> cpu & 1) == 0)
            fail("pinned: on cpu %u with mask 0x%lx", cpu, mask);
        if (n % 7 == 0)
            sleep_ms(1);
        sys(getcpu, &cpu, 0, 0);
        sys(sched_getaffinity, 0, 8, &got);
        if ((mask >> cpu & 1) == 0 || got != mask)
            fail("pinned: later on cpu %u with mask 0x%lx", cpu, got);
    }
    return 0;
}

static void job_pinned(void)
{
    struct thread threads[3];
    long pid = fork_child(pinned_work, 0);

    for (int i = 0; i < 3; i++)
        want(thread_start(&threads[i], pinned_work, 0) > 0, true, "pinned: thread");
    for (int i = 0; i < 3; i++)
        thread_join(&threads[i]);
    want_exit(pid, "pinned: child");
}

/* A child with threads is stopped and continued; each change is told once. */
static void job_stops(void)
{
    long pid = fork_now();
    int status;

    if (pid == 0) {
        struct thread threads[3];

        thread_start(&threads[0], busy, (void *)(long)BUSY_FUTEX);
        thread_start(&threads[1], busy, (void *)(long)BUSY_FORK);
        thread_start(&threads[2], busy, (void *)(long)BUSY_MAP);
        busy((void *)(long)BUSY_SPIN);
    }
    for (int n = 0; n < 60; n++) {
        sys(kill, pid, SIGSTOP);
        want(sys(wait4, pid, &status, WUNTRACED, 0), pid, "stops: stopped");
        want(status, SIGSTOP << 8 | 0x7f, "stops: status");
        sys(kill, pid, SIGCONT);
        want(sys(wait4, pid, &status, WCONTINUED, 0), pid, "stops: continued");
        want(status, 0xffff, "stops: continued status");
    }
    if (below(2))
        sys(kill, pid, SIGSTOP);
    sys(kill, pid, SIGKILL);
    want(wait_status(pid), SIGKILL, "stops: end");
}

static const struct {
    const char *name;
    void (*run)(void);
} jobs[] = {
    { "churn", job_churn },       { "bomb", job_bomb },         { "limit", job_limit },
    { "hog", job_hog },           { "ring", job_ring },         { "siblings", job_siblings },
    { "names", job_names },       { "counter", job_counter },   { "terminal", job_terminal },
    { "timers", job_timers },     { "pinned", job_pinned },     { "stops", job_stops },
};

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    (void)envp;
    (void)auxv;
    if (argc != 3)
        return 2;
    if (!strcmp(argv[1], "exit"))
        return (int)parse_long(argv[2]);
    sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1);
    rng = (uint64_t)parse_long(argv[2]) * 0x9e3779b97f4a7c15UL + 1;
    for (unsigned i = 0; i < ARRAY_LEN(jobs); i++) {
        if (!strcmp(argv[1], jobs[i].name)) {
            jobs[i].run();
            return 0;
        }
    }
    print("not ok no job %s\n", argv[1]);
    return 2;
}
