/* Result lines, children, threads and small files for the test programs. */

#include "test.h"

static int failures;

static size_t put_number(char *out, unsigned long v, unsigned base)
{
    char tmp[24];
    size_t n = 0, i;

    do {
        tmp[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    for (i = 0; i < n; i++)
        out[i] = tmp[n - 1 - i];
    out[n] = 0;
    return n;
}

size_t text_vformat(char *buf, size_t cap, const char *fmt, va_list ap)
{
    size_t n = 0;

    for (; *fmt; fmt++) {
        char tmp[32] = { *fmt, 0 };
        const char *piece = tmp;

        if (*fmt == '%') {
            bool wide = *++fmt == 'l';
            unsigned long v;

            if (wide)
                fmt++;
            switch (*fmt) {
            case 's':
                piece = va_arg(ap, const char *);
                break;
            case 'c':
                tmp[0] = (char)va_arg(ap, int);
                break;
            case 'd': {
                long s = wide ? va_arg(ap, long) : va_arg(ap, int);

                tmp[0] = '-';
                put_number(tmp + (s < 0), s < 0 ? 0UL - (unsigned long)s : (unsigned long)s, 10);
                break;
            }
            default:
                v = wide || *fmt == 'p' ? va_arg(ap, unsigned long) : va_arg(ap, unsigned);
                put_number(tmp, v, *fmt == 'u' ? 10 : 16);
            }
        }
        for (; *piece && n + 1 < cap; piece++)
            buf[n++] = *piece;
    }
    buf[n] = 0;
    return n;
}

size_t text_format(char *buf, size_t cap, const char *fmt, ...)
{
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = text_vformat(buf, cap, fmt, ap);
    va_end(ap);
    return n;
}

void print(const char *fmt, ...)
{
    char buf[1024];
    va_list ap;
    size_t n;

    va_start(ap, fmt);
    n = text_vformat(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    sys(write, 1, buf, n);
}

void test_ok(bool good, const char *name, const char *fmt, ...)
{
    char buf[512];
    va_list ap;

    if (good) {
        print("ok %s\n", name);
        return;
    }
    va_start(ap, fmt);
    text_vformat(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    failures++;
    print("not ok %s: %s\n", name, buf);
}

void test_equal(const char *name, long got, long want)
{
    if (got == want)
        print("ok %s\n", name);
    else
        test_ok(false, name, "got %ld (0x%lx), want %ld (0x%lx)", got, got, want, want);
}

/* Quoin's count of how often the address spaces' tags ran out. */
static void print_rollovers(void)
{
    static char text[1024];
    char *at;

    if (file_read("/proc/quoin/tlb", text, sizeof(text)) <= 0)
        return;
    at = strstr(text, "rollovers ");
    if (at)
        print("# rollovers %ld\n", parse_long(at + 10));
}

int test_end(void)
{
    if (failures)
        print("# %d failed\n", failures);
    print_rollovers();
    print("# end\n");
    return failures ? 1 : 0;
}

bool test_wanted(int argc, char **argv, const char *name)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], name))
            return true;
    }
    if (argc == 1)
        print("# %s\n", name);
    return argc == 1;
}

long fork_now(void)
{
    return sys(clone, SIGCHLD, 0, 0, 0, 0);
}

long fork_child(int (*fn)(void *), void *arg)
{
    long pid = fork_now();

    if (pid == 0)
        exit_now(fn(arg));
    return pid;
}

int wait_status(long pid)
{
    int status = -1;
    long r;

    do {
        r = sys(wait4, pid, &status, 0, 0);
    } while (r == -EINTR);
    return r == pid ? status : -1;
}

int child_result(int (*fn)(void *), void *arg)
{
    long pid = fork_child(fn, arg);
    int status;

    if (pid < 0)
        return (int)pid;
    status = wait_status(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED(WTERMSIG(status));
}

long thread_start(struct thread *t, int (*fn)(void *), void *arg)
{
    long r;

    t->stack = map_anon(THREAD_STACK, PROT_READ | PROT_WRITE);
    t->tid = 1;
    r = thread_clone(THREAD_FLAGS, (char *)t->stack + THREAD_STACK, &t->tid, &t->tid, 0, fn, arg);
    if (r < 0)
        t->tid = 0;
    return r;
}

void thread_join(struct thread *t)
{
    int tid;

    while ((tid = __atomic_load_n(&t->tid, __ATOMIC_ACQUIRE)) != 0)
        sys(futex, &t->tid, FUTEX_WAIT, tid, 0, 0, 0);
    sys(munmap, t->stack, THREAD_STACK);
}

#if ARCH_IS_X86
void sig_restorer(void);
#define RESTORER_FLAG 0x04000000UL
#else
#define sig_restorer ((void (*)(void))0)
#define RESTORER_FLAG 0UL
#endif

long sig_install(int sig, void (*handler)(int, siginfo_t *, void *), unsigned long flags)
{
    struct ksigaction sa = { handler, flags | SA_SIGINFO | RESTORER_FLAG, sig_restorer, 0 };

    return sys(rt_sigaction, sig, &sa, 0, 8);
}

long sig_default(int sig)
{
    struct ksigaction sa = { 0, 0, 0, 0 };

    return sys(rt_sigaction, sig, &sa, 0, 8);
}

long sig_ignore(int sig)
{
    struct ksigaction sa = { (void (*)(int, siginfo_t *, void *))1, 0, 0, 0 };

    return sys(rt_sigaction, sig, &sa, 0, 8);
}

uint64_t sig_block(uint64_t set)
{
    uint64_t old = 0;

    sys(rt_sigprocmask, SIG_BLOCK, &set, &old, 8);
    return old;
}

void sig_setmask(uint64_t set)
{
    sys(rt_sigprocmask, SIG_SETMASK, &set, 0, 8);
}

char *map_anon(size_t len, int prot)
{
    return (char *)sys(mmap, 0, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

long file_write(const char *path, const void *data, size_t len)
{
    long fd = sys(openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    long r;

    if (fd < 0)
        return fd;
    r = sys(write, fd, data, len);
    sys(close, fd);
    return r;
}

long file_read(const char *path, char *buf, size_t cap)
{
    long fd = sys(openat, AT_FDCWD, path, O_RDONLY, 0);
    size_t n = 0;
    long r;

    if (fd < 0)
        return fd;
    while ((r = sys(read, fd, buf + n, cap - 1 - n)) > 0)
        n += (size_t)r;
    buf[n] = 0;
    sys(close, fd);
    return r < 0 ? r : (long)n;
}

long open_rw(const char *path)
{
    return sys(openat, AT_FDCWD, path, O_RDWR | O_CREAT, 0644);
}

void sleep_ms(long ms)
{
    struct __kernel_timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    while (sys(nanosleep, &ts, &ts) == -EINTR)
        ;
}

uint64_t now_ns(void)
{
    struct __kernel_timespec ts = { 0, 0 };

    sys(clock_gettime, CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000UL + (uint64_t)ts.tv_nsec;
}

uint64_t median(uint64_t *v, unsigned n)
{
    unsigned i, j;

    for (i = 1; i < n; i++) {
        uint64_t x = v[i];

        for (j = i; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
    return v[n / 2];
}

void wait_asleep(long pid)
{
    char path[32], stat[512];
    const char *state;

    text_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
    do {
        sleep_ms(10);
        state = file_read(path, stat, sizeof(stat)) > 0 ? strstr(stat, ") ") : 0;
    } while (state && state[2] != 'S' && state[2] != 'Z');
}
