/*
 * The pointer matrix: every pointer argument of every call, with every kind of bad address, one
 * child process per case. Prints `call.argN.kind = result`, compared with Linux's answers
 * (expected/ARCH/pointers.txt), and fails if a byte changed that the call had no right to.
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/prctl.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define TOP "/tmp/pointers.d"
#define CANARY 0x5a

/* Descriptors that every child has. */
enum { FD_NULL = 200, FD_ZERO, FD_PIPE_R, FD_PIPE_W, FD_FILE, FD_DIR };

enum arg_kind { VALUE, INPUT, OUTPUT, BOTH };

struct arg {
    enum arg_kind kind;
    long value;       /* VALUE; else the object's size */
    const void *data; /* what INPUT and BOTH start with; NULL: zeros */
    int len_arg;      /* 1 + index of the argument with its length, 0: none */
};

#define V(x) { VALUE, (long)(x), 0, 0 }
#define IN(obj) { INPUT, sizeof(obj), &(obj), 0 }
#define IN_LEN(obj, n) { INPUT, sizeof(obj), &(obj), (n) + 1 }
#define STR(s) { INPUT, sizeof(s), s, 0 }
#define OUT(size) { OUTPUT, (long)(size), 0, 0 }
#define OUT_LEN(size, n) { OUTPUT, (long)(size), 0, (n) + 1 }
#define INOUT(obj) { BOTH, sizeof(obj), &(obj), 0 }
#define MAX_ARGS 6

enum { ANY = 1, CHILD = 2, PENDING = 4, TIMER = 8, GROUPS = 16, FORKS = 32 };

struct call {
    const char *name;
    long nr;
    int flags; /* ANY: a result >= 0 is not compared; the others name what to prepare */
    struct arg args[MAX_ARGS];
};

/* ---- what the arguments point at ---- */

static const char bytes64[64] = "sixty-four bytes of data";
static char iov_target[2][16];
static struct iov iov[2] = { { iov_target[0], 16 }, { iov_target[1], 16 } };
static const uint64_t mask_usr1 = SIGBIT(SIGUSR1), mask_none;
static const struct __kernel_timespec short_time = { 0, 1000000 }, bad_time = { 0, 2000000000 };
static const struct __kernel_timespec two_times[2] = { { 1, 0 }, { 2, 0 } };
static const long bad_tv[2] = { 0, 5000000 };
static const struct __kernel_old_itimerval itimer = { { 0, 0 }, { 0, 0 } };
static const struct __kernel_itimerspec itimerspec = { { 0, 0 }, { 0, 0 } };
static const struct ksigaction action = { (void (*)(int, siginfo_t *, void *))1, 0, 0, 0 };
static const stack_t no_stack = { 0, SS_DISABLE, 0 };
static struct pollfd one_fd = { FD_PIPE_W, POLLOUT, 0 };
static const unsigned long fd_set1[16] = { 0 };
static const struct flock read_lock = { .l_type = F_RDLCK };
static const int zero_int, one_word[1] = { 1 };
static const unsigned group_list[2] = { 7, 8 };
static const struct rlimit64 limits = { 512, 512 };
static const unsigned long cpu_mask = 1;
static const int64_t offset0;
static const siginfo_t queued = { .si_code = SI_QUEUE };
static sigevent_t event = { .sigev_notify = SIGEV_NONE };
static const struct __user_cap_header_struct cap_header = { 0x20080522, 0 };
static const struct __user_cap_data_struct cap_data[2];
static const uint64_t words8[8];
static char *const no_strings[1];
#ifdef __NR_open
static const long zero_tv[2], old_times[4] = { 1, 0, 2, 0 };
#endif
static const char prog[] = TOP "/none";

static const struct call calls[] = {
#define C(name, flags, ...) { #name, __NR_##name, flags, { __VA_ARGS__ } }
    C(read, 0, V(FD_ZERO), OUT_LEN(64, 2), V(64)),
    { "read_pipe", __NR_read, 0, { V(FD_PIPE_R), OUT(64), V(64) } },
    { "read_file", __NR_read, 0, { V(FD_FILE), OUT_LEN(64, 2), V(64) } },
    C(write, 0, V(FD_FILE), IN_LEN(bytes64, 2), V(64)),
    { "write_pipe", __NR_write, 0, { V(FD_PIPE_W), IN(bytes64), V(64) } },
    C(pread64, 0, V(FD_FILE), OUT_LEN(64, 2), V(64), V(0)),
    C(pwrite64, 0, V(FD_FILE), IN_LEN(bytes64, 2), V(64), V(0)),
    C(readv, 0, V(FD_FILE), IN_LEN(iov, 2), V(2)),
    C(writev, 0, V(FD_FILE), IN_LEN(iov, 2), V(2)),
    C(preadv, 0, V(FD_FILE), IN_LEN(iov, 2), V(2), V(0), V(0)),
    C(pwritev, 0, V(FD_FILE), IN_LEN(iov, 2), V(2), V(0), V(0)),
    C(sendfile, 0, V(FD_PIPE_W), V(FD_FILE), INOUT(offset0), V(16)),
    C(copy_file_range, 0, V(FD_FILE), INOUT(offset0), V(FD_FILE), V(0), V(0), V(0)),
    C(truncate, 0, STR("file"), V(10)),
    C(openat, ANY, V(AT_FDCWD), STR("file"), V(O_RDONLY), V(0)),
    C(memfd_create, ANY, STR("name"), V(0)),
    C(pipe2, 0, OUT(8), V(0)),
    { "fcntl_getlk", __NR_fcntl, 0, { V(FD_FILE), V(F_GETLK), INOUT(read_lock) } },
    { "fcntl_setlk", __NR_fcntl, 0, { V(FD_FILE), V(F_SETLK), IN(read_lock) } },
    { "ioctl_fionread", __NR_ioctl, 0, { V(FD_PIPE_R), V(0x541b), OUT(4) } },
    { "ioctl_fionbio", __NR_ioctl, 0, { V(FD_PIPE_R), V(0x5421), IN(zero_int) } },
    C(getdents64, ANY, V(FD_DIR), OUT_LEN(1024, 2), V(1024)),
    C(getcwd, 0, OUT(64), V(64)),
    C(chdir, 0, STR("dir")),
    C(chroot, 0, STR("dir")),
    C(mkdirat, 0, V(AT_FDCWD), STR("made"), V(0755)),
    C(mknodat, 0, V(AT_FDCWD), STR("node"), V(S_IFIFO | 0644), V(0)),
    C(unlinkat, 0, V(AT_FDCWD), STR("spare"), V(0)),
    C(linkat, 0, V(AT_FDCWD), STR("file"), V(AT_FDCWD), STR("made"), V(0)),
    C(symlinkat, 0, STR("target"), V(AT_FDCWD), STR("made")),
    C(renameat2, 0, V(AT_FDCWD), STR("spare"), V(AT_FDCWD), STR("made"), V(0)),
    C(readlinkat, 0, V(AT_FDCWD), STR("link"), OUT_LEN(64, 3), V(64)),
    C(newfstatat, 0, V(AT_FDCWD), STR("file"), OUT(sizeof(struct stat)), V(0)),
    C(fstat, 0, V(FD_FILE), OUT(sizeof(struct stat))),
    C(statx, 0, V(AT_FDCWD), STR("file"), V(0), V(STATX_BASIC_STATS), OUT(256)),
    C(statfs, 0, STR("file"), OUT(sizeof(struct statfs))),
    C(fstatfs, 0, V(FD_FILE), OUT(sizeof(struct statfs))),
    C(faccessat, 0, V(AT_FDCWD), STR("file"), V(R_OK)),
    C(faccessat2, 0, V(AT_FDCWD), STR("file"), V(R_OK), V(0)),
    C(fchmodat, 0, V(AT_FDCWD), STR("file"), V(0600)),
    C(fchownat, 0, V(AT_FDCWD), STR("file"), V(1), V(1), V(0)),
    C(utimensat, 0, V(AT_FDCWD), STR("file"), IN(two_times), V(0)),
    C(getxattr, 0, STR("file"), STR("user.none"), OUT(64), V(64)),
    C(setxattr, 0, STR("file"), STR("user.none"), IN(bytes64), V(64), V(0)),
    C(mount, 0, STR("none"), STR("dir"), STR("nofs"), V(0), STR("mode=0700")),
    C(umount2, 0, STR("dir"), V(0)),
    C(ppoll, 0, INOUT(one_fd), V(1), IN(short_time), IN(mask_none), V(8)),
    C(pselect6, 0, V(64), INOUT(fd_set1), INOUT(fd_set1), INOUT(fd_set1), IN(short_time), V(0)),
    C(mincore, 0, V(0), V(4096), OUT(1)),
    C(clone, ANY | FORKS, V(SIGCHLD | CLONE_PARENT_SETTID), V(0), OUT(4), V(0), V(0)),
    C(set_tid_address, ANY, OUT(4)),
    C(wait4, ANY | CHILD, V(-1), OUT(4), V(0), OUT(sizeof(struct rusage))),
    C(waitid, CHILD, V(P_ALL), V(0), OUT(128), V(WEXITED), OUT(sizeof(struct rusage))),
    C(execve, 0, STR(prog), IN(no_strings), IN(no_strings)),
    { "prctl_get_name", __NR_prctl, 0, { V(PR_GET_NAME), OUT(16), V(0), V(0), V(0) } },
    { "prctl_set_name", __NR_prctl, 0, { V(PR_SET_NAME), STR("a name"), V(0), V(0), V(0) } },
    { "prctl_pdeathsig", __NR_prctl, 0, { V(PR_GET_PDEATHSIG), OUT(4), V(0), V(0), V(0) } },
    C(rt_sigaction, 0, V(SIGUSR2), IN(action), OUT(32), V(8)),
    C(rt_sigprocmask, 0, V(SIG_BLOCK), IN(mask_usr1), OUT_LEN(8, 3), V(8)),
    C(rt_sigpending, 0, OUT_LEN(8, 1), V(8)),
    C(rt_sigsuspend, PENDING, IN_LEN(mask_none, 1), V(8)),
    C(rt_sigtimedwait, PENDING, IN(mask_usr1), OUT(128), IN(short_time), V(8)),
    C(rt_sigqueueinfo, 0, V(-7), V(SIGCHLD), IN(queued)),
    C(sigaltstack, 0, IN(no_stack), OUT(sizeof(stack_t))),
    { "futex_wait", __NR_futex, 0, { IN(one_word), V(FUTEX_WAIT), V(1), IN(short_time), V(0), V(0) } },
    { "futex_wait_private", __NR_futex, 0,
      { IN(one_word), V(FUTEX_WAIT_PRIVATE), V(1), IN(short_time), V(0), V(0) } },
    { "futex_wake", __NR_futex, 0, { IN(one_word), V(FUTEX_WAKE), V(1), V(0), V(0), V(0) } },
    { "futex_requeue", __NR_futex, 0,
      { IN(one_word), V(FUTEX_CMP_REQUEUE), V(1), V(1), IN(one_word), V(1) } },
    C(set_robust_list, 0, OUT(24), V(24)),
    C(get_robust_list, 0, V(0), OUT(8), OUT(8)),
    C(clock_gettime, 0, V(CLOCK_MONOTONIC), OUT(16)),
    C(clock_getres, 0, V(CLOCK_MONOTONIC), OUT(16)),
    C(clock_settime, 0, V(CLOCK_REALTIME), IN(bad_time)),
    C(clock_nanosleep, 0, V(CLOCK_MONOTONIC), V(0), IN(short_time), OUT(16)),
    C(nanosleep, 0, IN(short_time), OUT(16)),
    C(gettimeofday, 0, OUT(16), OUT(8)),
    C(settimeofday, 0, IN(bad_tv), V(0)),
    C(getitimer, 0, V(0), OUT(32)),
    C(setitimer, 0, V(0), IN(itimer), OUT(32)),
    C(timer_create, 0, V(CLOCK_MONOTONIC), IN(event), OUT(4)),
    C(timer_settime, TIMER, V(0), V(0), IN(itimerspec), OUT(32)),
    C(timer_gettime, TIMER, V(0), OUT(32)),
    C(times, ANY, OUT(32)),
    C(getresuid, 0, OUT(4), OUT(4), OUT(4)),
    C(getresgid, 0, OUT(4), OUT(4), OUT(4)),
    C(getgroups, GROUPS, V(2), OUT(8)),
    C(setgroups, 0, V(2), IN(group_list)),
    C(capget, 0, INOUT(cap_header), OUT(24)),
    C(capset, 0, INOUT(cap_header), IN(cap_data)),
    C(prlimit64, 0, V(0), V(RLIMIT_NOFILE), IN(limits), OUT(16)),
    C(getrusage, 0, V(0), OUT(sizeof(struct rusage))),
    C(sched_getaffinity, 0, V(0), V(8), OUT(8)),
    C(sched_setaffinity, 0, V(0), V(8), IN(cpu_mask)),
    C(sched_getparam, 0, V(0), OUT(4)),
    C(sched_setparam, 0, V(0), IN(zero_int)),
    C(sched_setscheduler, 0, V(0), V(0), IN(zero_int)),
    C(sched_rr_get_interval, 0, V(0), OUT(16)),
    C(getcpu, 0, OUT(4), OUT(4), V(0)),
    C(uname, 0, OUT(390)),
    C(sethostname, 0, IN_LEN(words8, 1), V(0)),
    C(sysinfo, 0, OUT(112)),
    C(getrandom, ANY, OUT(64), V(64), V(0)),
#ifdef __NR_getrlimit
    C(getrlimit, 0, V(RLIMIT_NOFILE), OUT(16)),
    C(setrlimit, 0, V(RLIMIT_NOFILE), IN(limits)),
#endif
#ifdef __NR_open
    C(open, ANY, STR("file"), V(O_RDONLY), V(0)),
    C(creat, ANY, STR("made"), V(0644)),
    C(stat, 0, STR("file"), OUT(sizeof(struct stat))),
    C(lstat, 0, STR("file"), OUT(sizeof(struct stat))),
    C(access, 0, STR("file"), V(R_OK)),
    C(mkdir, 0, STR("made"), V(0755)),
    C(mknod, 0, STR("node"), V(S_IFIFO | 0644), V(0)),
    C(rmdir, 0, STR("dir")),
    C(unlink, 0, STR("spare")),
    C(link, 0, STR("file"), STR("made")),
    C(symlink, 0, STR("target"), STR("made")),
    C(rename, 0, STR("spare"), STR("made")),
    C(readlink, 0, STR("link"), OUT(64), V(64)),
    C(chmod, 0, STR("file"), V(0600)),
    C(chown, 0, STR("file"), V(1), V(1)),
    C(lchown, 0, STR("file"), V(1), V(1)),
    C(getdents, ANY, V(FD_DIR), OUT(1024), V(1024)),
    C(utime, 0, STR("file"), IN(zero_tv)),
    C(utimes, 0, STR("file"), IN(old_times)),
    C(futimesat, 0, V(AT_FDCWD), STR("file"), IN(old_times)),
    C(pipe, 0, OUT(8)),
    C(poll, 0, INOUT(one_fd), V(1), V(0)),
    C(select, 0, V(64), INOUT(fd_set1), INOUT(fd_set1), INOUT(fd_set1), INOUT(zero_tv)),
    C(time, ANY, OUT(8)),
    { "arch_prctl_get_fs", __NR_arch_prctl, 0, { V(0x1003), OUT(8) } },
#endif
#ifdef __NR_renameat
    C(renameat, 0, V(AT_FDCWD), STR("spare"), V(AT_FDCWD), STR("made")),
#endif
};

/* ---- bad places ---- */

enum place { GOOD, NONE_NULL, LAST, KERNEL1, KERNEL2, KERNEL3, NONCANON, UNREADABLE, READONLY, SPLIT,
             WRAP, WRAP_LEN, NR_PLACES };

static const char *const place_names[NR_PLACES] = {
    "good", "null", "user_end", "kernel_text", "direct_map", "kernel_low", "noncanonical", "none",
    "read_only", "split", "wrap", "wrap_len",
};

/*
 * The arena, page by page: 0 PROT_NONE, 1 good copies of the other arguments, 2 PROT_NONE,
 * 3 accessible, 4 unmapped after SPLIT's object, 5 the read-only page, 6 the PROT_NONE page of
 * the case, 7 PROT_NONE. Canaries fill 3, 5 and 6.
 */
static char *arena;
#define PAGE_AT(n) (arena + (n)*PAGE)

static void arena_make(void)
{
    arena = map_anon(8 * PAGE, RW);
    memset(arena, CANARY, 8 * PAGE);
    sys(mprotect, PAGE_AT(0), PAGE, PROT_NONE);
    sys(mprotect, PAGE_AT(2), PAGE, PROT_NONE);
    sys(munmap, PAGE_AT(4), PAGE);
    sys(mprotect, PAGE_AT(7), PAGE, PROT_NONE);
}

static void fill_object(char *to, const struct arg *a, size_t n)
{
    if (a->kind == OUTPUT)
        return;
    if (a->data)
        memcpy(to, a->data, n);
    else
        memset(to, 0, n);
}

static unsigned long place_object(const struct arg *a, enum place place)
{
    size_t size = (size_t)a->value, part = size > 1 ? size / 2 : 1;

    switch (place) {
    case NONE_NULL:
        return 0;
    case LAST:
        return USER_TOP;
    case KERNEL1:
        return 0xffffffff80001000UL;
    case KERNEL2:
        return 0xffff888000100000UL;
    case KERNEL3:
        return 0xffff000000100000UL;
    case NONCANON:
        return 0x0080000000000000UL;
    case UNREADABLE:
        fill_object(PAGE_AT(6) + 64, a, size);
        sys(mprotect, PAGE_AT(6), PAGE, PROT_NONE);
        return (unsigned long)PAGE_AT(6) + 64;
    case READONLY:
        fill_object(PAGE_AT(5) + 64, a, size);
        sys(mprotect, PAGE_AT(5), PAGE, PROT_READ);
        return (unsigned long)PAGE_AT(5) + 64;
    case SPLIT:
        if (size == 4 || size == 8) /* stay aligned: the whole object is beyond */
            return (unsigned long)PAGE_AT(4);
        part = (part + 7) & ~7UL;
        if (part >= size)
            part = size - 1;
        fill_object(PAGE_AT(4) - part, a, part);
        return (unsigned long)PAGE_AT(4) - part;
    case WRAP:
        return ~0UL - 7;
    default:
        fill_object(PAGE_AT(3) + 64, a, size);
        return (unsigned long)PAGE_AT(3) + 64;
    }
}

/* Did the call change what it may not? */
static bool damaged(const struct arg *a, enum place place)
{
    size_t i, size = (size_t)a->value;
    const char *p;

    if (place == UNREADABLE)
        sys(mprotect, PAGE_AT(6), PAGE, PROT_READ);
    for (i = 0; i < PAGE; i++) {
        bool inside = i >= 64 && i < 64 + size;

        if (PAGE_AT(5)[i] != CANARY && !(place == READONLY && inside))
            return true;
        if (PAGE_AT(6)[i] != CANARY && !(place == UNREADABLE && inside))
            return true;
        if (place != SPLIT && !(place == GOOD && inside) && place != WRAP_LEN &&
            PAGE_AT(3)[i] != CANARY)
            return true;
    }
    p = place == READONLY ? PAGE_AT(5) + 64 : place == UNREADABLE ? PAGE_AT(6) + 64 : NULL;
    for (i = 0; p && i < size; i++) {
        char want = a->kind == OUTPUT ? CANARY : a->data ? ((const char *)a->data)[i] : 0;

        if (p[i] != want)
            return true;
    }
    if (place == SPLIT) { /* below the object's first byte */
        for (i = 0; i < PAGE - (size > 1 ? size / 2 + 8 : 8) && i < PAGE; i++) {
            if (PAGE_AT(3)[i] != CANARY)
                return true;
        }
    }
    return false;
}

/* ---- one case ---- */

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
}

static int exit_now_child(void *arg)
{
    (void)arg;
    return 0;
}

static void prepare(int flags)
{
    struct __kernel_old_itimerval limit = { { 0, 0 }, { 3, 0 } };
    long me = sys(getpid);
    int id;

    sys(setitimer, 0, &limit, 0);
    sys(unlinkat, AT_FDCWD, "made", 0);
    sys(unlinkat, AT_FDCWD, "made", AT_REMOVEDIR);
    sys(unlinkat, AT_FDCWD, "node", 0);
    sys(mkdirat, AT_FDCWD, "dir", 0755);
    sys(fchmodat, AT_FDCWD, "file", 0644);
    file_write("spare", "x", 1);
    file_write("file", bytes64, 64);
    if (flags & CHILD) {
        long pid = fork_child(exit_now_child, 0);
        siginfo_t info;

        sys(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, 0);
    }
    if (flags & PENDING) {
        sig_install(SIGUSR1, on_signal, 0);
        sig_block(SIGBIT(SIGUSR1));
        sys(kill, me, SIGUSR1);
    }
    if (flags & TIMER)
        sys(timer_create, CLOCK_MONOTONIC, 0, &id);
    if (flags & GROUPS)
        sys(setgroups, 2, group_list);
}

struct outcome {
    long result;
    int damage, done;
};

static volatile struct outcome *outcome;

static void run_case(const struct call *c, int bad, enum place place)
{
    long v[MAX_ARGS] = { 0 }, r;
    char *next;
    int i;

    prepare(c->flags);
    arena_make();
    next = PAGE_AT(1);
    for (i = 0; i < MAX_ARGS; i++) {
        const struct arg *a = &c->args[i];

        if (a->kind == VALUE) {
            v[i] = a->value == -7 && c->nr == __NR_rt_sigqueueinfo ? sys(getpid) : a->value;
        } else if (i == bad) {
            v[i] = (long)place_object(a, place);
        } else {
            fill_object(next, a, (size_t)a->value);
            v[i] = (long)next;
            next += (a->value + 63) & ~63L;
        }
    }
    if (c->nr == __NR_mincore)
        v[0] = (long)PAGE_AT(3);
    if (place == WRAP_LEN)
        v[c->args[bad].len_arg - 1] = -1;
    r = sys_call6(c->nr, v[0], v[1], v[2], v[3], v[4], v[5]);
    if (r == 0 && (c->flags & FORKS))
        exit_now(0);
    outcome->result = r;
    outcome->damage = damaged(&c->args[bad], place);
    outcome->done = 1;
    exit_now(0);
}

static void report(const struct call *c, int bad, enum place place)
{
    char name[80];
    long pid;
    int status;

    if (place == WRAP_LEN && !c->args[bad].len_arg)
        return;
    text_format(name, sizeof(name), "%s.arg%d.%s", c->name, bad, place_names[place]);
    outcome->done = outcome->damage = 0;
    pid = fork_now();
    if (pid == 0)
        run_case(c, bad, place);
    status = wait_status(pid);
    if (!outcome->done)
        print("%s = killed %d\n", name, WTERMSIG(status));
    else if (outcome->result >= 0 && (c->flags & ANY))
        print("%s = ok\n", name);
    else
        print("%s = %ld\n", name, outcome->result);
    if (outcome->done && outcome->damage)
        test_ok(false, name, "a byte changed that the call had no right to");
}

static void open_as(long fd, int to)
{
    sys(dup3, fd, to, 0);
    sys(close, fd);
}

static void setup(void)
{
    sys(mkdirat, AT_FDCWD, TOP, 0755);
    sys(chdir, TOP);
    sys(symlinkat, "file", AT_FDCWD, "link");
    file_write("file", bytes64, 64);
    sys(mkdirat, AT_FDCWD, "dir", 0755);
    open_as(sys_call6(__NR_openat, AT_FDCWD, (long)"/dev/null", O_RDWR, 0, 0, 0), FD_NULL);
    open_as(sys_call6(__NR_openat, AT_FDCWD, (long)"/dev/zero", O_RDWR, 0, 0, 0), FD_ZERO);
    open_as(sys_call6(__NR_openat, AT_FDCWD, (long)"file", O_RDWR, 0, 0, 0), FD_FILE);
    open_as(sys_call6(__NR_openat, AT_FDCWD, (long)".", O_RDONLY, 0, 0, 0), FD_DIR);
}

/* A pipe with 64 bytes in it and descriptors at their beginnings, new for every case. */
static void refresh(void)
{
    int p[2];

    sys(close, FD_PIPE_R);
    sys(close, FD_PIPE_W);
    sys(pipe2, p, O_NONBLOCK);
    open_as(p[0], FD_PIPE_R);
    open_as(p[1], FD_PIPE_W);
    sys(write, FD_PIPE_W, bytes64, 64);
    sys(lseek, FD_FILE, 0, SEEK_SET);
    sys(lseek, FD_DIR, 0, SEEK_SET);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    struct rlimit64 no_core = { 0, 0 };
    size_t i;
    int arg, place;

    (void)envp;
    (void)auxv;
    sys(prlimit64, 0, RLIMIT_CORE, &no_core, 0);
    outcome = (volatile struct outcome *)sys(mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setup();
    for (i = 0; i < ARRAY_LEN(calls); i++) {
        if (argc > 1 && strcmp(argv[1], calls[i].name))
            continue;
        for (arg = 0; arg < MAX_ARGS; arg++) {
            for (place = 0; calls[i].args[arg].kind != VALUE && place < NR_PLACES; place++) {
                refresh();
                report(&calls[i], arg, (enum place)place);
            }
        }
    }
    sys(chdir, "/");
    return test_end();
}
