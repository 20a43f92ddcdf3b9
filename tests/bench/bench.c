/*
 * The bench: one line `row = N` per row of docs' speed table, N in ns of CLOCK_MONOTONIC, which is
 * the instruction count under `-icount shift=0,sleep=off`. Each figure is the median of batches.
 * Rows that are "per page" say so in the table. It runs on Linux unchanged.
 */

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MAX_BATCHES 15

static char self[256];

struct row {
    const char *name;
    void (*setup)(void);
    uint64_t (*run)(unsigned n); /* ns for n operations */
    void (*finish)(void);
    unsigned batches, n;
};

static uint64_t timed_null(unsigned n)
{
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++)
        sys(getppid);
    return now_ns() - t0;
}

static uint64_t timed_clock(unsigned n)
{
    struct __kernel_timespec ts;
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++)
        sys(clock_gettime, CLOCK_MONOTONIC, &ts);
    return now_ns() - t0;
}

static uint64_t timed_fork(unsigned n)
{
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++) {
        long pid = sys(clone, SIGCHLD, 0, 0, 0, 0);

        if (pid == 0)
            sys(exit_group, 0);
        sys(wait4, pid, 0, 0, 0);
    }
    return now_ns() - t0;
}

static uint64_t timed_exec(unsigned n)
{
    char *argv[] = { self, (char *)"-", NULL };
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++) {
        long pid = sys(clone, SIGCHLD, 0, 0, 0, 0);

        if (pid == 0) {
            sys(execve, self, argv, 0);
            sys(exit_group, 1);
        }
        sys(wait4, pid, 0, 0, 0);
    }
    return now_ns() - t0;
}

static char *area;
static size_t area_len;

static void area_drop(void)
{
    sys(munmap, area, area_len);
}

static void area_new(size_t len)
{
    area_len = len;
    area = map_anon(len, RW);
    sys(madvise, area, len, MADV_NOHUGEPAGE);
}

static void area_touch(void)
{
    size_t i;

    for (i = 0; i < area_len; i += PAGE)
        area[i] = 1;
}

static void setup_64m(void)
{
    area_new(64UL << 20);
    area_touch();
}

static uint64_t timed_mmap(unsigned n)
{
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++) {
        long p = sys(mmap, 0, 16384, RW, ANON, -1, 0);

        sys(munmap, p, 16384);
    }
    return now_ns() - t0;
}

static uint64_t timed_mmap_touch(unsigned n)
{
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++) {
        long p = sys(mmap, 0, 16384, RW, ANON, -1, 0);

        *(volatile char *)p = 1;
        sys(munmap, p, 16384);
    }
    return now_ns() - t0;
}

/* n pages touched for the first time, in order. */
static uint64_t timed_anon_fault(unsigned n)
{
    uint64_t t0;
    unsigned i;

    area_new(n * PAGE);
    t0 = now_ns();
    for (i = 0; i < n; i++)
        *(volatile char *)(area + i * PAGE) = 1;
    t0 = now_ns() - t0;
    area_drop();
    return t0;
}

static uint64_t timed_munmap(unsigned n)
{
    uint64_t t0;

    area_new(n * PAGE);
    area_touch();
    t0 = now_ns();
    area_drop();
    return now_ns() - t0;
}

/* n pages shared with a living child are written. */
static uint64_t timed_cow(unsigned n)
{
    int fds[2];
    char c;
    uint64_t t0;
    unsigned i;
    long pid;

    area_new(n * PAGE);
    area_touch();
    sys(pipe2, fds, 0);
    pid = sys(clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        sys(close, fds[1]);
        sys(read, fds[0], &c, 1);
        sys(exit_group, 0);
    }
    t0 = now_ns();
    for (i = 0; i < n; i++)
        *(volatile char *)(area + i * PAGE) = 2;
    t0 = now_ns() - t0;
    sys(close, fds[0]);
    sys(close, fds[1]);
    sys(wait4, pid, 0, 0, 0);
    area_drop();
    return t0;
}

static void setup_protect_1(void)
{
    area_new(PAGE);
    area_touch();
}

static void setup_protect_256(void)
{
    area_new(256 * PAGE);
    area_touch();
}

static uint64_t timed_protect(unsigned n)
{
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++)
        sys(mprotect, area, area_len, i & 1 ? RW : PROT_READ);
    return now_ns() - t0;
}

static uint64_t timed_brk(unsigned n)
{
    long start = sys(brk, 0);
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++) {
        sys(brk, start + 4096);
        sys(brk, start);
    }
    return now_ns() - t0;
}

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
}

static void setup_signal(void)
{
    sig_install(SIGUSR1, on_signal, 0);
}

static uint64_t timed_signal(unsigned n)
{
    long me = sys(getpid), tid = sys(gettid);
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++)
        sys(tgkill, me, tid, SIGUSR1);
    return now_ns() - t0;
}

static int turn;
static struct thread partner;

static int futex_partner(void *arg)
{
    (void)arg;
    for (;;) {
        int t;

        while ((t = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) == 0)
            sys(futex, &turn, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);
        if (t == 2)
            return 0;
        __atomic_store_n(&turn, 0, __ATOMIC_SEQ_CST);
        sys(futex, &turn, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    }
}

static void setup_futex(void)
{
    turn = 0;
    thread_start(&partner, futex_partner, 0);
    sleep_ms(1);
}

static uint64_t timed_futex(unsigned n)
{
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++) {
        __atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
        sys(futex, &turn, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
        while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) == 1)
            sys(futex, &turn, FUTEX_WAIT_PRIVATE, 1, 0, 0, 0);
    }
    return now_ns() - t0;
}

static void finish_futex(void)
{
    __atomic_store_n(&turn, 2, __ATOMIC_SEQ_CST);
    sys(futex, &turn, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    thread_join(&partner);
}

static int there[2], back[2];
static long echo_pid;

static void setup_pipe(void)
{
    char c;

    sys(pipe2, there, 0);
    sys(pipe2, back, 0);
    echo_pid = sys(clone, SIGCHLD, 0, 0, 0, 0);
    if (echo_pid == 0) {
        sys(close, there[1]);
        while (sys(read, there[0], &c, 1) == 1)
            sys(write, back[1], &c, 1);
        sys(exit_group, 0);
    }
}

static uint64_t timed_pipe(unsigned n)
{
    char c = 0;
    uint64_t t0 = now_ns();
    unsigned i;

    for (i = 0; i < n; i++) {
        sys(write, there[1], &c, 1);
        sys(read, back[0], &c, 1);
    }
    return now_ns() - t0;
}

static void finish_pipe(void)
{
    sys(close, there[0]);
    sys(close, there[1]);
    sys(close, back[0]);
    sys(close, back[1]);
    sys(wait4, echo_pid, 0, 0, 0);
}

static const struct row rows[] = {
    { "null_syscall", 0, timed_null, 0, 9, 1000 },
    { "clock_syscall", 0, timed_clock, 0, 9, 1000 },
    { "fork_exit_wait", 0, timed_fork, 0, 9, 20 },
    { "fork_64m", setup_64m, timed_fork, area_drop, 5, 2 },
    { "fork_exec_wait", 0, timed_exec, 0, 9, 10 },
    { "mmap_munmap", 0, timed_mmap, 0, 9, 200 },
    { "mmap_touch_munmap", 0, timed_mmap_touch, 0, 9, 200 },
    { "anon_fault", 0, timed_anon_fault, 0, 9, 1024 },
    { "cow_copy", 0, timed_cow, 0, 9, 512 },
    { "munmap_page", 0, timed_munmap, 0, 9, 1024 },
    { "mprotect_1", setup_protect_1, timed_protect, area_drop, 9, 200 },
    { "mprotect_256", setup_protect_256, timed_protect, area_drop, 9, 100 },
    { "brk_4k", 0, timed_brk, 0, 9, 200 },
    { "sig_deliver", setup_signal, timed_signal, 0, 9, 200 },
    { "futex_roundtrip", setup_futex, timed_futex, finish_futex, 9, 200 },
    { "pipe_roundtrip", setup_pipe, timed_pipe, finish_pipe, 9, 200 },
};

static void run_row(const struct row *r)
{
    uint64_t v[MAX_BATCHES];
    unsigned i;

    if (r->setup)
        r->setup();
    r->run(r->n > 100 ? r->n / 10 : 2); /* warm */
    for (i = 0; i < r->batches; i++)
        v[i] = r->run(r->n) / r->n;
    if (r->finish)
        r->finish();
    print("%s = %lu\n", r->name, median(v, r->batches));
}

static long meminfo_kb(const char *key)
{
    static char text[4096];
    char *at;

    if (file_read("/proc/meminfo", text, sizeof(text)) <= 0 || !(at = strstr(text, key)))
        return 0;
    for (at += strlen(key); *at == ' '; at++)
        ;
    return parse_long(at);
}

/* What the machine has idled, in whole hundredths of a second: a late host's emulated timers run on. */
static unsigned long idle_ns(void)
{
    static char text[64];
    char *at;

    if (file_read("/proc/uptime", text, sizeof(text)) <= 0 || !(at = strstr(text, " ")))
        return 0;
    at++;
    return (unsigned long)parse_long(at) * 1000000000 +
           (unsigned long)parse_long(strstr(at, ".") + 1) * 10000000;
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    unsigned long boot_ns;
    size_t i;

    (void)envp;
    (void)auxv;
    if (argc == 2 && argv[1][0] == '-')
        return 0;
    boot_ns = machine_ns() - idle_ns();
    i = (size_t)meminfo_kb("MemTotal:");
    print("boot_to_program = %lu\n", boot_ns);
    print("memory_in_use_kb = %lu\n", i - (size_t)meminfo_kb("MemFree:"));
    if (sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1) < 0)
        return 1;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        if (test_wanted(argc, argv, rows[i].name))
            run_row(&rows[i]);
    }
    return 0;
}
