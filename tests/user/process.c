/*
 * Processes and threads as Linux does them: fork, vfork, clone, wait, exec, groups and sessions,
 * exit with threads, futexes, robust lists, thread-local storage. Exec tests run this program
 * again with a first argument that starts with '@'.
 */

#include <linux/auxvec.h>
#include <linux/capability.h>
#include <linux/elf.h>
#include <linux/prctl.h>
#include <linux/sysinfo.h>
#include <linux/times.h>
#include <linux/utsname.h>

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define DIR "/tmp/process."

static char self[256];
static volatile int *shared; /* one page that survives fork */

static int exit_with(void *arg)
{
    return (int)(long)arg;
}

static NORETURN int kill_self(void *arg)
{
    long pid = sys(getpid);

    sys(kill, pid, (long)arg);
    for (;;)
        sleep_ms(1000);
}

static int stop_once(void *arg)
{
    long pid = sys(getpid);

    sys(kill, pid, SIGSTOP);
    return (int)(long)arg;
}

static NORETURN int sleep_forever(void *arg)
{
    (void)arg;
    for (;;)
        sleep_ms(1000);
}

static void test_fork(void)
{
    long me = sys(getpid), pid, i;
    int status = 0;
    bool good = true;

    pid = fork_now();
    if (pid == 0) {
        shared[0] = (int)sys(getpid);
        shared[1] = (int)sys(getppid);
        exit_now(33);
    }
    CHECK("fork.pid", pid > 0 && pid != me);
    EQ("fork.wait", sys(wait4, pid, &status, 0, 0), pid);
    EQ("fork.status", status, 33 << 8); /* scenario 33 */
    EQ("fork.child_pid", shared[0], pid);
    EQ("fork.child_ppid", shared[1], me);
    EQ("fork.wait_again", sys(wait4, pid, &status, 0, 0), -ECHILD);
#ifdef __NR_fork
    pid = sys(fork);
    if (pid == 0)
        exit_now(1);
    EQ("fork.call", wait_status(pid), 0x100);
#endif
    for (i = 0; i < 256; i++)
        good = good && child_result(exit_with, (void *)i) == i;
    CHECK("fork.all_statuses", good);
    for (i = 1; i < 32; i++) { /* every default action that kills (scenario 60) */
        if (i == SIGCHLD || i == SIGCONT || i == SIGURG || i == SIGWINCH ||
            (i >= SIGSTOP && i <= SIGTTOU))
            continue;
        sig_default((int)i);
        if (child_result(kill_self, (void *)i) != KILLED((int)i)) {
            test_ok(false, "fork.killed_by", "signal %ld", i);
            good = false;
        }
    }
    CHECK("fork.killed_statuses", good);
    /* Preemption: a spinning parent sees what the child writes. */
    shared[0] = 0;
    pid = fork_now();
    if (pid == 0) {
        shared[0] = 1;
        while (shared[0] != 2)
            cpu_relax();
        exit_now(0);
    }
    while (shared[0] != 1)
        cpu_relax();
    shared[0] = 2;
    EQ("fork.preempt", wait_status(pid), 0);
}

static void test_many(void)
{
    int pipes[2], i, bad = 0;
    char *p = map_anon(PAGE, RW);
    static long pids[300];

    sys(pipe2, pipes, 0);
    for (i = 0; i < 300; i++) { /* scenarios 4 and 82 */
        pids[i] = fork_now();
        if (pids[i] == 0) {
            char c;

            *(int *)(void *)p = i;
            sys(close, pipes[1]);
            sys(read, pipes[0], &c, 1);
            exit_now(*(int *)(void *)p == i && sys(getpid) > 1 ? 0 : 1);
        }
        if (pids[i] < 0)
            break;
    }
    EQ("many.started", i, 300);
    sys(close, pipes[0]);
    sys(close, pipes[1]);
    for (i = 0; i < 300 && pids[i] > 0; i++)
        bad += wait_status(pids[i]) != 0;
    EQ("many.own_bytes", bad, 0);
    sys(munmap, p, PAGE);
}

static void test_wait(void)
{
    long me = sys(getpid), pid, other;
    int status = 0;
    siginfo_t info;
    struct rusage ru;

    EQ("wait.none", sys(wait4, -1, &status, 0, 0), -ECHILD);
    EQ("wait.none_nohang", sys(wait4, -1, &status, WNOHANG, 0), -ECHILD);
    EQ("wait.bad_options", sys(wait4, -1, &status, 0x100, 0), -EINVAL);
    EQ("wait.self", sys(wait4, me, &status, 0, 0), -ECHILD);
    EQ("wait.int_min", sys(wait4, -2147483647 - 1, &status, 0, 0), -ESRCH);
    pid = fork_child(sleep_forever, 0);
    status = 77;
    EQ("wait.nohang", sys(wait4, pid, &status, WNOHANG, 0), 0);
    EQ("wait.nohang_status", status, 77);
    sys(kill, pid, SIGSTOP);
    EQ("wait.stopped", sys(wait4, pid, &status, WUNTRACED, 0), pid);
    EQ("wait.stopped_status", status, SIGSTOP << 8 | 0x7f);
    EQ("wait.stopped_once", sys(wait4, pid, &status, WUNTRACED | WNOHANG, 0), 0);
    sys(kill, pid, SIGCONT);
    EQ("wait.continued", sys(wait4, pid, &status, WCONTINUED, 0), pid);
    EQ("wait.continued_status", status, 0xffff);
    memset(&info, 0, sizeof(info));
    sys(kill, pid, SIGTERM);
    EQ("wait.id_nowait", sys(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, 0), 0);
    EQ("wait.id_signo", info.si_signo, SIGCHLD);
    EQ("wait.id_code", info.si_code, CLD_KILLED);
    EQ("wait.id_pid", info.si_pid, pid);
    EQ("wait.id_status", info.si_status, SIGTERM);
    EQ("wait.id_uid", info.si_uid, sys(getuid));
    EQ("wait.still_there", sys(wait4, pid, &status, 0, &ru), pid);
    EQ("wait.term", status & 0x7f, SIGTERM);
    pid = fork_child(exit_with, (void *)5L);
    EQ("wait.id_exited", sys(waitid, P_ALL, 0, &info, WEXITED, 0), 0);
    EQ("wait.id_exit_code", info.si_code, CLD_EXITED);
    EQ("wait.id_exit_status", info.si_status, 5);
    EQ("wait.id_no_options", sys(waitid, P_ALL, 0, &info, 0, 0), -EINVAL);
    EQ("wait.id_none", sys(waitid, P_ALL, 0, &info, WEXITED, 0), -ECHILD);
    EQ("wait.id_bad_type", sys(waitid, 9, 0, &info, WEXITED, 0), -EINVAL);
    pid = fork_child(stop_once, (void *)6L);
    EQ("wait.id_stop", sys(waitid, P_PID, pid, &info, WSTOPPED, 0), 0);
    EQ("wait.id_stop_code", info.si_code, CLD_STOPPED);
    EQ("wait.id_stop_status", info.si_status, SIGSTOP);
    info.si_pid = 55;
    EQ("wait.id_nohang", sys(waitid, P_PID, pid, &info, WEXITED | WNOHANG, 0), 0);
    EQ("wait.id_nohang_pid", info.si_pid, 0);
    sys(kill, pid, SIGCONT);
    EQ("wait.after_stop", wait_status(pid), 6 << 8);
    /* By group. */
    pid = fork_child(exit_with, (void *)1L);
    sys(setpgid, pid, pid);
    other = fork_child(exit_with, (void *)2L);
    EQ("wait.own_group", sys(wait4, 0, &status, 0, 0), other);
    EQ("wait.other_group", sys(wait4, -pid, &status, 0, 0), pid);
    EQ("wait.group_status", status, 1 << 8);
    EQ("wait.no_group", sys(wait4, -pid, &status, 0, 0), -ECHILD);
    EQ("wait.bad_ptr", (pid = fork_child(exit_with, 0), sys(wait4, pid, 8, 0, 0)), -EFAULT);
    EQ("wait.bad_ptr_reaps", sys(wait4, pid, 0, 0, 0), -ECHILD);
    /* Ignored SIGCHLD: no zombies. */
    sig_ignore(SIGCHLD);
    pid = fork_child(exit_with, 0);
    EQ("wait.ignored", sys(wait4, pid, &status, 0, 0), -ECHILD);
    sig_default(SIGCHLD);
}

static int orphan_child(void *arg)
{
    long parent = sys(getpid);
    int *fds = arg;

    if (fork_now() == 0) {
        long now;

        while ((now = sys(getppid)) == parent)
            sleep_ms(1);
        sys(write, fds[1], &now, sizeof(now));
    }
    return 0;
}

static void on_hup(int sig, siginfo_t *info, void *ctx)
{
    char c = 'H';

    (void)info;
    (void)ctx;
    sys(write, shared[8], &c, sig == SIGHUP);
}

static int orphan_stopped(void *arg)
{
    int status;
    long pid;

    (void)arg;
    sys(setsid);
    pid = fork_now();
    if (pid == 0) { /* the group's only link to the session's other group dies with it */
        sys(setpgid, 0, 0);
        pid = fork_now();
        if (pid == 0) {
            sig_install(SIGHUP, on_hup, 0);
            stop_once(0);
            exit_now(0);
        }
        sys(wait4, pid, &status, WUNTRACED, 0);
        exit_now(WIFSTOPPED(status) ? 0 : 1);
    }
    return wait_status(pid) == 0 ? 0 : 1;
}

static void test_orphan(void)
{
    int fds[2];
    long parent = 0;
    char c = 0;

    sys(pipe2, fds, 0);
    EQ("orphan.parent", child_result(orphan_child, fds), 0);
    EQ("orphan.read", sys(read, fds[0], &parent, sizeof(parent)), 8);
    EQ("orphan.to_init", parent, 1);
    shared[8] = fds[1];
    EQ("orphan.stopped", child_result(orphan_stopped, 0), 0);
    EQ("orphan.hup", sys(read, fds[0], &c, 1), 1);
    EQ("orphan.hup_byte", c, 'H');
    sys(close, fds[0]);
    sys(close, fds[1]);
}

static int group_child(void *arg)
{
    long me = sys(getpid), old = sys(getpgid, 0);

    (void)arg;
    if (old == me || sys(setpgid, 0, 0) != 0 || sys(getpgid, 0) != me)
        return 1;
    if (sys(setsid) != -EPERM) /* already a group leader */
        return 2;
    if (sys(setpgid, 0, old) != 0 || sys(getpgid, me) != old)
        return 3;
    if (sys(setsid) != me || sys(getsid, 0) != me || sys(getpgid, 0) != me)
        return 4;
    if (sys(setpgid, 0, 0) != -EPERM) /* session leader */
        return 5;
    return 0;
}

static int group_in_session(void *arg)
{
    sys(setsid);
    return child_result(group_child, arg);
}

static void test_group(void)
{
    long me = sys(getpid), pid, pgid = sys(getpgid, 0);
    char *argv[] = { self, (char *)"@sleep", NULL };
    int fds[2];
    char c;

    EQ("group.child", child_result(group_in_session, 0), 0);
    EQ("group.negative", sys(setpgid, 0, -1), -EINVAL);
    EQ("group.no_process", sys(setpgid, 0x3ffffff, 0), -ESRCH);
    EQ("group.get_no_process", sys(getpgid, 0x3ffffff), -ESRCH);
    EQ("group.getsid_no_process", sys(getsid, 0x3ffffff), -ESRCH);
    EQ("group.parent", sys(setpgid, sys_call6(__NR_getppid, 0, 0, 0, 0, 0, 0), 0), -ESRCH);
#ifdef __NR_getpgrp
    EQ("group.getpgrp", sys(getpgrp), pgid);
#endif
    pid = fork_child(sleep_forever, 0);
    EQ("group.inherit", sys(getpgid, pid), pgid);
    EQ("group.set_child", sys(setpgid, pid, pid), 0);
    EQ("group.child_set", sys(getpgid, pid), pid);
    EQ("group.missing", sys(setpgid, pid, me + 100000), -EPERM);
    EQ("group.back", sys(setpgid, pid, pgid), 0);
    sys(kill, pid, SIGKILL);
    EQ("group.killed", wait_status(pid) & 0x7f, SIGKILL);
    sys(pipe2, fds, O_CLOEXEC);
    pid = fork_now();
    if (pid == 0)
        exit_now(sys(execve, self, argv, 0));
    sys(close, fds[1]);
    sys(read, fds[0], &c, 1); /* end of file: the child has executed */
    sys(close, fds[0]);
    EQ("group.after_exec", sys(setpgid, pid, 0), -EACCES);
    sys(kill, pid, SIGKILL);
    wait_status(pid);
}

/* ---- clone ---- */

struct clone_work {
    int value, fd;
    long tid;
    unsigned long tls;
    char cwd[64];
};

static struct clone_work work;
static unsigned long tls_a[2] = { 0xaaaa, 0 }, tls_b[2] = { 0xbbbb, 0 };

static int clone_body(void *arg)
{
    struct clone_work *w = arg;

    w->value = 7;
    w->tid = sys(gettid);
    w->fd = (int)sys(openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
    sys(chdir, "/proc");
    sys(umask, 0);
    return 9;
}

static long clone_run(unsigned long flags, int *ptid, int *ctid, void *tls, int (*fn)(void *))
{
    static char stack[32768] __attribute__((aligned(16)));

    memset(&work, 0, sizeof(work));
    return thread_clone(flags, stack + sizeof(stack), ptid, ctid, tls, fn, &work);
}

static int tls_body(void *arg)
{
    struct clone_work *w = arg;
    int i;

    for (i = 0; i < 20; i++) {
        w->tls = tls_word();
        if (w->tls != 0xbbbb)
            break;
        sys(sched_yield);
    }
    return 0;
}

static int slow_body(void *arg)
{
    sleep_ms(50);
    ((struct clone_work *)arg)->value = 1;
    return 0;
}

static int tid_body(void *arg)
{
    (void)arg;
    return shared[3] == sys(gettid) ? 0 : 1;
}

static int parent_body(void *arg)
{
    (void)arg;
    shared[4] = (int)sys(getppid);
    return 3;
}

static int clone_parent(void *arg)
{
    long pid = clone_run(CLONE_PARENT | SIGCHLD, 0, 0, 0, parent_body);

    (void)arg;
    shared[5] = (int)pid;
    return pid > 0 ? 0 : 1;
}

static void test_clone(void)
{
    char cwd[64];
    int status, ptid = 0;
    long pid, mask = sys(umask, 022);
    uint64_t t0;

    pid = clone_run(CLONE_VM | SIGCHLD, 0, 0, 0, clone_body);
    EQ("clone.vm_status", wait_status(pid), 9 << 8);
    EQ("clone.vm_shared", work.value, 7);
    EQ("clone.vm_tid", work.tid, pid);
    EQ("clone.files_apart", sys(fcntl, work.fd, F_GETFD, 0), -EBADF); /* scenario 10 */
    sys(getcwd, cwd, sizeof(cwd));
    CHECK("clone.fs_apart", strcmp(cwd, "/proc") != 0);
    pid = clone_run(CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, clone_body);
    EQ("clone.files_status", wait_status(pid), 9 << 8);
    EQ("clone.files_shared", sys(fcntl, work.fd, F_GETFD, 0), 0);
    sys(close, work.fd);
    sys(getcwd, cwd, sizeof(cwd));
    CHECK("clone.fs_shared", !strcmp(cwd, "/proc"));
    EQ("clone.umask_shared", sys(umask, 022), 0);
    sys(chdir, "/tmp");
    pid = clone_run(SIGCHLD, 0, 0, 0, clone_body);
    EQ("clone.plain_status", wait_status(pid), 9 << 8);
    EQ("clone.plain_apart", work.value, 0);
    /* Tids: where they are written, and nowhere else (scenario 74). */
    shared[3] = 0;
    pid = clone_run(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &ptid,
                    (int *)(uintptr_t)&shared[3], 0, tid_body);
    EQ("clone.ptid", ptid, pid);
    EQ("clone.ctid", wait_status(pid), 0);
    work.value = 0;
    ptid = 0;
    {
        static int cleartid = 0x1234;

        pid = clone_run(CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, 0, &cleartid, 0, slow_body);
        EQ("clone.cleartid_before", cleartid, 0x1234);
        EQ("clone.cleartid_status", wait_status(pid), 0);
        EQ("clone.cleartid_after", cleartid, 0);
    }
    /* The order of clone's arguments differs by architecture (scenario 9). */
    tls_set(tls_a);
    EQ("clone.tls_own", tls_word(), 0xaaaa);
    pid = clone_run(CLONE_VM | CLONE_SETTLS | SIGCHLD, 0, 0, tls_b, tls_body);
    status = wait_status(pid);
    EQ("clone.tls_child", work.tls, 0xbbbb);
    EQ("clone.tls_kept", tls_word(), 0xaaaa);
    pid = fork_now(); /* scenario 12 */
    if (pid == 0)
        exit_now(tls_word() == 0xaaaa ? 0 : 1);
    EQ("clone.tls_fork", wait_status(pid), 0);
    t0 = now_ns();
    pid = clone_run(CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, slow_body);
    CHECK("clone.vfork_waits", now_ns() - t0 >= 45000000);
    EQ("clone.vfork_done", work.value, 1);
    EQ("clone.vfork_status", wait_status(pid), 0);
    EQ("clone.parent", child_result(clone_parent, 0), 0);
    EQ("clone.parent_ours", wait_status(shared[5]), 3 << 8);
    EQ("clone.parent_ppid", shared[4], sys(getpid));
    /* A child without an exit signal is seen by __WALL or __WCLONE only. */
    pid = clone_run(0, 0, 0, 0, clone_body);
    EQ("clone.no_signal_hidden", sys(wait4, pid, &status, 0, 0), -ECHILD);
    EQ("clone.no_signal_wall", sys(wait4, pid, &status, __WALL, 0), pid);
    EQ("clone.sighand_alone", sys(clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), -EINVAL);
    EQ("clone.thread_alone", sys(clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), -EINVAL);
    EQ("clone.fs_newns", sys(clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0), -EINVAL);
    sys(umask, mask);
#ifdef __NR_vfork
    t0 = now_ns();
    pid = sys(vfork);
    if (pid == 0)
        sys_call6(__NR_exit_group, 4, 0, 0, 0, 0, 0);
    EQ("clone.vfork_call", wait_status(pid), 4 << 8);
#endif
}

/* ---- exec ---- */

static int fail(const char *what)
{
    print("# exec: %s\n", what);
    return 1;
}

static unsigned long aux(unsigned long *auxv, unsigned long key)
{
    for (; auxv[0] != AT_NULL; auxv += 2) {
        if (auxv[0] == key)
            return auxv[1];
    }
    return ~0UL;
}

extern char _start[];

static int exec_aux(unsigned long *auxv, const char *fn)
{
    const unsigned char *rnd = (const unsigned char *)aux(auxv, AT_RANDOM);
    const char *vdso = (const char *)aux(auxv, AT_SYSINFO_EHDR);
    size_t i;
    unsigned sum = 0;

    if (aux(auxv, AT_PAGESZ) != PAGE || aux(auxv, AT_CLKTCK) != 100)
        return fail("pagesz clktck");
    if (aux(auxv, AT_ENTRY) != (unsigned long)_start)
        return fail("entry");
    if (aux(auxv, AT_PHENT) != sizeof(Elf64_Phdr) || aux(auxv, AT_PHNUM) < 2)
        return fail("phent phnum");
    if (((Elf64_Phdr *)aux(auxv, AT_PHDR))->p_type == 0 || aux(auxv, AT_BASE) > 0)
        return fail("phdr base");
    if (aux(auxv, AT_UID) != 0 || aux(auxv, AT_EUID) != 0 || aux(auxv, AT_GID) != 0 ||
        aux(auxv, AT_EGID) != 0 || aux(auxv, AT_SECURE) != 0)
        return fail("ids secure");
    if (aux(auxv, AT_HWCAP) == ~0UL || aux(auxv, AT_HWCAP) == 0)
        return fail("hwcap");
    if (strcmp((const char *)aux(auxv, AT_EXECFN), fn))
        return fail("execfn");
    if (strcmp((const char *)aux(auxv, AT_PLATFORM), ARCH_NAME))
        return fail("platform");
    if (aux(auxv, AT_MINSIGSTKSZ) == ~0UL || aux(auxv, AT_MINSIGSTKSZ) < 600)
        return fail("minsigstksz");
    if (memcmp(vdso, "\177ELF", 4))
        return fail("vdso");
    for (i = 0; i < 16; i++)
        sum += rnd[i];
    if (sum == 0)
        return fail("random is zero");
    for (i = 0; i < 16; i++)
        shared[i] = rnd[i];
    return 0;
}

static int exec_regs(void)
{
    size_t i;

    if (entry_sp & 15)
        return fail("stack alignment");
    for (i = 0; i < 32; i++) {
        if (entry_regs[i]) {
            print("# register %lu = %lx\n", i, entry_regs[i]);
            return 1;
        }
    }
    return 0;
}

static int exec_signals(void)
{
    struct ksigaction sa;
    uint64_t set = 0;
    stack_t ss;

    sys(rt_sigaction, SIGUSR1, 0, &sa, 8);
    if (sa.handler)
        return fail("handler not reset");
    sys(rt_sigaction, SIGUSR2, 0, &sa, 8);
    if ((long)sa.handler != 1)
        return fail("ignored not kept");
    sys(rt_sigprocmask, SIG_BLOCK, 0, &set, 8);
    if (set != SIGBIT(SIGHUP))
        return fail("mask");
    sys(rt_sigpending, &set, 8);
    if (set != SIGBIT(SIGHUP))
        return fail("pending");
    sys(sigaltstack, 0, &ss);
    if (ss.ss_flags != SS_DISABLE)
        return fail("alternate stack");
    return 0;
}

static int is_locked(void *arg)
{
    struct flock lock = { .l_type = F_WRLCK };

    (void)arg;
    sys(fcntl, 20, F_GETLK, &lock);
    return lock.l_type == F_WRLCK;
}

/* What the executed program checks; its exit status is 0 if all is right. */
static int exec_mode(int argc, char **argv, char **envp, unsigned long *auxv)
{
    const char *mode = argv[1];
    char name[16];

    if (!strcmp(mode, "@exit"))
        return (int)parse_long(argv[2]);
    if (!strcmp(mode, "@sleep"))
        return sleep_forever(0);
    if (!strcmp(mode, "@args")) {
        if (argc != 5 || strcmp(argv[2], "two words") || argv[3][0] || strcmp(argv[4], "x") || argv[5])
            return fail("argv");
        if (!envp[0] || strcmp(envp[0], "A=1") || strcmp(envp[1], "B=") || envp[2])
            return fail("envp");
        return 0;
    }
    if (!strcmp(mode, "@aux")) {
        const unsigned char *rnd = (const unsigned char *)aux(auxv, AT_RANDOM);

        (void)exec_aux; /* keeps the page's bytes for the parent through standard output's place */
        sys(write, 9, rnd, 16);
        return exec_aux(auxv, argv[0]);
    }
    if (!strcmp(mode, "@regs"))
        return exec_regs();
    if (!strcmp(mode, "@signals"))
        return exec_signals();
    if (!strcmp(mode, "@fds")) /* 20 was close-on-exec, 21 was not */
        return sys(fcntl, 20, F_GETFD, 0) == -EBADF && sys(fcntl, 21, F_GETFD, 0) == 0 ? 0 : 1;
    if (!strcmp(mode, "@pid"))
        return sys(getpid) == parse_long(argv[2]) && sys(gettid) == parse_long(argv[2]) ? 0 : 1;
    if (!strcmp(mode, "@locked"))
        return child_result(is_locked, 0) == 1 ? 7 : 1;
    if (!strcmp(mode, "@name")) {
        sys(prctl, PR_GET_NAME, name, 0, 0, 0);
        return strcmp(name, "process");
    }
    if (!strcmp(mode, "@count"))
        return argc == 2 + 2000 && strlen(argv[2001]) == 50 ? 0 : 1;
    if (!strcmp(mode, "@mmap")) { /* scenario 2 */
        char *p = map_anon(PAGE, RW);

        p[0] = 1;
        return 0;
    }
    return 99;
}

/* Script form: argv is {program, "@script a b", script path, argument}. */
static int script_mode(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[0], self) || strcmp(argv[2], DIR "script") || strcmp(argv[3], "arg"))
        return fail("script argv");
    return 44;
}

struct exec_call {
    const char *path;
    char **argv, **envp;
};

static int exec_body(void *arg)
{
    struct exec_call *c = arg;

    return (int)-sys(execve, c->path, c->argv, c->envp);
}

/* Exit status of the program, or the errno of a failed exec. */
static int exec_run(const char *path, char **argv, char **envp)
{
    struct exec_call c = { path, argv, envp };

    return child_result(exec_body, &c);
}

static int exec_one(const char *mode, const char *arg)
{
    char *argv[] = { self, (char *)(uintptr_t)mode, (char *)(uintptr_t)arg, NULL };

    return exec_run(self, argv, NULL);
}

static void on_signal(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
}

static int exec_with_signals(void *arg)
{
    static char stack[16384];
    stack_t ss = { stack, 0, sizeof(stack) };
    long me = sys(getpid);

    (void)arg;
    sys(sigaltstack, &ss, 0);
    sig_install(SIGUSR1, on_signal, 0);
    sig_ignore(SIGUSR2);
    sig_install(SIGHUP, on_signal, 0);
    sig_setmask(SIGBIT(SIGHUP));
    sys(kill, me, SIGHUP);
    {
        char *argv[] = { self, (char *)"@signals", NULL };

        return (int)-sys(execve, self, argv, 0);
    }
}

static int exec_with_fds(void *arg)
{
    char *argv[] = { self, (char *)"@fds", NULL };
    long fd = sys(openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);

    (void)arg;
    sys(dup3, fd, 20, O_CLOEXEC);
    sys(dup3, fd, 21, 0);
    /* A failed exec closes nothing (scenario 70). */
    if (sys(execve, "/tmp/none", argv, 0) != -ENOENT || sys(fcntl, 20, F_GETFD, 0) != FD_CLOEXEC)
        return 50;
    return (int)-sys(execve, self, argv, 0);
}

static int exec_thread_body(void *arg)
{
    char pid[16];
    char *argv[] = { self, arg, pid, NULL };

    text_format(pid, sizeof(pid), "%d", (int)sys(getpid));
    return (int)-sys(execve, self, argv, 0);
}

static int exec_from_thread(void *arg)
{
    struct thread t[3];

    thread_start(&t[0], sleep_forever, 0);
    thread_start(&t[1], sleep_forever, 0);
    thread_start(&t[2], exec_thread_body, arg);
    return sleep_forever(0);
}

/* The new program inherits the locked file as 20 and, as the same process, the lock on it. */
static int exec_with_lock(void *arg)
{
    struct flock lock = { .l_type = F_WRLCK };
    long fd = open_rw(DIR "locked");

    sys(dup3, fd, 20, 0);
    sys(fcntl, 20, F_SETLK, &lock);
    return exec_from_thread(arg);
}

static int vfork_exec(void *arg)
{
    struct clone_work *w = arg;
    char *argv[] = { self, (char *)"@exit", (char *)"12", NULL };

    w->value = 1;
    sys(execve, self, argv, 0);
    return 1;
}

static int put_file(const char *path, const char *text, unsigned mode)
{
    sys(unlinkat, AT_FDCWD, path, 0);
    if (file_write(path, text, strlen(text)) < 0)
        return -1;
    return (int)sys(fchmodat, AT_FDCWD, path, mode);
}

static void exec_scripts(void)
{
    char text[512], path[64];
    char *argv[] = { (char *)"ignored", (char *)"arg", NULL };
    int i;

    text_format(text, sizeof(text), "#! %s  @script a b \t\nrest\n", self);
    put_file(DIR "script", text, 0755);
    EQ("exec.script", exec_run(DIR "script", argv, 0), 44);
    put_file(DIR "noint", "#!/tmp/none\n", 0755);
    EQ("exec.script_missing", exec_run(DIR "noint", argv, 0), ENOENT);
    put_file(DIR "dirint", "#!/tmp\n", 0755);
    EQ("exec.script_dir", exec_run(DIR "dirint", argv, 0), EACCES);
    put_file(DIR "empty_int", "#!\n", 0755);
    EQ("exec.script_empty", exec_run(DIR "empty_int", argv, 0), ENOEXEC);
    put_file(DIR "blank_int", "#!   \n", 0755);
    EQ("exec.script_blank", exec_run(DIR "blank_int", argv, 0), ENOEXEC);
    text_format(text, sizeof(text), "#!%s", self); /* no newline at the end of the file */
    put_file(DIR "nonl", text, 0755);
    {
        char *a[] = { (char *)"x", (char *)"@exit", (char *)"3", NULL };
        char *b[] = { (char *)"x", NULL };

        /* argv becomes {self, path, "@exit", "3"}: no mode in the first argument. */
        EQ("exec.script_nonl", exec_run(DIR "nonl", a, 0), 77);
        EQ("exec.script_nonl2", exec_run(DIR "nonl", b, 0), 77);
    }
    /* Interpreters may be scripts, up to a depth. */
    for (i = 1; i < 8; i++) {
        text_format(path, sizeof(path), DIR "chain%d", i);
        if (i == 1)
            text_format(text, sizeof(text), "#!%s @exit", self);
        else
            text_format(text, sizeof(text), "#!" DIR "chain%d\n", i - 1);
        put_file(path, text, 0755);
    }
    EQ("exec.chain1", exec_run(DIR "chain1", argv, 0), 0);
    EQ("exec.chain5", exec_run(DIR "chain5", argv, 0), 0);
    EQ("exec.chain6", exec_run(DIR "chain6", argv, 0), ELOOP);
    put_file(DIR "loop", "#!" DIR "loop\n", 0755);
    EQ("exec.script_loop", exec_run(DIR "loop", argv, 0), ELOOP);
}

static void exec_limits(void)
{
    static char *argv[2100];
    static char word[140000];
    char *huge = map_anon(4UL << 20, RW);
    char *one[] = { self, (char *)"@exit", (char *)"0", word, NULL };
    int i;

    memset(word, 'w', sizeof(word) - 1);
    EQ("exec.arg_too_long", exec_run(self, one, 0), E2BIG); /* scenario 79 */
    word[131071] = 0;
    EQ("exec.arg_longest", exec_run(self, one, 0), 0);
    argv[0] = self;
    argv[1] = (char *)"@count";
    memset(huge, 'c', 50);
    for (i = 2; i < 2002; i++)
        argv[i] = huge;
    argv[i] = NULL;
    EQ("exec.many_args", exec_run(self, argv, 0), 0);
    word[100000] = 0;
    for (i = 2; i < 102; i++)
        argv[i] = word;
    argv[i] = NULL;
    EQ("exec.total_too_long", exec_run(self, argv, 0), E2BIG);
    EQ("exec.envp_too_long", exec_run(self, one, argv), E2BIG);
    argv[0] = (char *)8;
    argv[1] = NULL;
    EQ("exec.bad_argv_string", exec_run(self, argv, 0), EFAULT);
    EQ("exec.bad_argv", exec_run(self, (char **)8, 0), EFAULT);
    EQ("exec.bad_path", exec_run((char *)8, one, 0), EFAULT);
    one[3] = NULL;
    EQ("exec.bad_envp", exec_run(self, one, (char **)8), EFAULT);
    sys(munmap, huge, 4UL << 20);
}

static void test_exec(void)
{
    char *args[] = { self, (char *)"@args", (char *)"two words", (char *)"", (char *)"x", NULL };
    char *env[] = { (char *)"A=1", (char *)"B=", NULL };
    char *plain[] = { self, (char *)"@exit", (char *)"0", NULL };
    unsigned char rnd[2][16];
    int fds[2], i;
    long pid;

    EQ("exec.args", exec_run(self, args, env), 0);
    EQ("exec.exit", exec_one("@exit", "23"), 23);
    EQ("exec.registers", exec_one("@regs", 0), 0);
    EQ("exec.signals", child_result(exec_with_signals, 0), 0);
    EQ("exec.cloexec", child_result(exec_with_fds, 0), 0);
    EQ("exec.thread", child_result(exec_from_thread, (char *)"@pid"), 0); /* scenario 48 */
    EQ("exec.thread_keeps_locks", child_result(exec_with_lock, (char *)"@locked"), 7);
    EQ("exec.name", exec_one("@name", 0), 0);
    EQ("exec.mmap", exec_one("@mmap", 0), 0);
    EQ("exec.no_argv", exec_run(self, 0, 0), 55);
    pid = clone_run(CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, vfork_exec);
    EQ("exec.vfork_shared", work.value, 1);
    EQ("exec.vfork", wait_status(pid), 12 << 8);
    sys(pipe2, fds, 0);
    sys(dup3, fds[1], 9, 0);
    for (i = 0; i < 2; i++) {
        char name[16];

        text_format(name, sizeof(name), "exec.aux%d", i);
        EQ(name, exec_one("@aux", 0), 0);
        sys(read, fds[0], rnd[i], 16);
    }
    CHECK("exec.random_differs", memcmp(rnd[0], rnd[1], 16) != 0);
    sys(close, 9);
    sys(close, fds[0]);
    sys(close, fds[1]);
    EQ("exec.missing", exec_run("/tmp/none", plain, 0), ENOENT);
    EQ("exec.empty_path", exec_run("", plain, 0), ENOENT);
    EQ("exec.not_dir", exec_run("/dev/null/x", plain, 0), ENOTDIR);
    EQ("exec.directory", exec_run("/tmp", plain, 0), EACCES);
    EQ("exec.device", exec_run("/dev/null", plain, 0), EACCES);
    put_file(DIR "noexec", "#!/bin/sh\n", 0644);
    EQ("exec.no_x", exec_run(DIR "noexec", plain, 0), EACCES);
    put_file(DIR "text", "hello world, no program\n", 0755);
    EQ("exec.text", exec_run(DIR "text", plain, 0), ENOEXEC);
    put_file(DIR "empty", "", 0755);
    EQ("exec.empty", exec_run(DIR "empty", plain, 0), ENOEXEC);
    sys(unlinkat, AT_FDCWD, DIR "link", 0);
    sys(symlinkat, self, AT_FDCWD, DIR "link");
    EQ("exec.symlink", exec_run(DIR "link", plain, 0), 0); /* scenario 81 */
    sys(unlinkat, AT_FDCWD, DIR "link", 0);
    sys(symlinkat, DIR "link", AT_FDCWD, DIR "link");
    EQ("exec.symlink_loop", exec_run(DIR "link", plain, 0), ELOOP);
    exec_scripts();
    exec_limits();
}

/* ---- exit with threads ---- */

static NORETURN int spin(void *arg)
{
    (void)arg;
    for (;;)
        cpu_relax();
}

static int exit_group_body(void *arg)
{
    sleep_ms(10);
    exit_now((long)arg);
}

static int exit_from_thread(void *arg)
{
    struct thread t[4];

    thread_start(&t[0], spin, 0);
    thread_start(&t[1], sleep_forever, 0);
    thread_start(&t[2], spin, 0);
    thread_start(&t[3], exit_group_body, arg);
    return sleep_forever(0);
}

static int leader_leaves(void *arg)
{
    struct thread t;

    thread_start(&t, exit_group_body, arg);
    sys(exit, 1);
    return 2;
}

static int last_thread_body(void *arg)
{
    sleep_ms(10);
    sys(exit, arg);
    return 0;
}

static int leader_then_thread(void *arg)
{
    struct thread t;

    thread_start(&t, last_thread_body, arg);
    sys(exit, 21);
    return 2;
}

static int crash_body(void *arg)
{
    sleep_ms(10);
    *(volatile int *)arg = 0;
    return 0;
}

static int crash_in_thread(void *arg)
{
    struct thread t[2];

    sig_default(SIGSEGV);
    thread_start(&t[0], spin, 0);
    thread_start(&t[1], crash_body, arg);
    return sleep_forever(0);
}

static void test_exit(void)
{
    long pid;

    EQ("exit.group_from_thread", child_result(exit_from_thread, (void *)9L), 9);
    EQ("exit.leader_first", child_result(leader_leaves, (void *)8L), 8);
    EQ("exit.last_thread", child_result(leader_then_thread, (void *)22L), 22);
    EQ("exit.crash_in_thread", child_result(crash_in_thread, (void *)8L), KILLED(SIGSEGV));
    pid = fork_child(exit_from_thread, 0);
    EQ("exit.kill_with_threads", (sys(kill, pid, SIGKILL), wait_status(pid) & 0x7f), SIGKILL);
    pid = fork_now();
    if (pid == 0)
        exit_now(0x1234);
    EQ("exit.low_byte", wait_status(pid), 0x34 << 8);
}

/* ---- threads and futexes ---- */

#define WORDS 8
static int word[WORDS];
static volatile int woken;

static int futex_waiter(void *arg)
{
    int *w = arg;
    long r = sys(futex, w, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0);

    if (r == 0)
        __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int futex_bits(void *arg)
{
    long r = sys(futex, &word[1], FUTEX_WAIT_BITSET_PRIVATE, 0, 0, 0, arg);

    if (r == 0)
        __atomic_add_fetch(&woken, (int)(long)arg, __ATOMIC_SEQ_CST);
    return 0;
}

static int futex_ping(void *arg)
{
    int *w = arg, i;

    for (i = 0; i < 200; i++) {
        while (__atomic_load_n(&w[0], __ATOMIC_SEQ_CST) == 0)
            sys(futex, &w[0], FUTEX_WAIT, 0, 0, 0, 0);
        __atomic_store_n(&w[0], 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&w[1], 1, __ATOMIC_SEQ_CST);
        sys(futex, &w[1], FUTEX_WAKE, 1, 0, 0, 0);
    }
    return 0;
}

static bool futex_pong(int *w)
{
    int i;

    for (i = 0; i < 200; i++) {
        __atomic_store_n(&w[0], 1, __ATOMIC_SEQ_CST);
        sys(futex, &w[0], FUTEX_WAKE, 1, 0, 0, 0);
        while (__atomic_load_n(&w[1], __ATOMIC_SEQ_CST) == 0)
            sys(futex, &w[1], FUTEX_WAIT, 0, 0, 0, 0);
        __atomic_store_n(&w[1], 0, __ATOMIC_SEQ_CST);
    }
    return true;
}

static void test_futex(void)
{
    struct __kernel_timespec ts = { 0, 20000000 }, abs;
    struct thread t[4];
    uint64_t t0;
    int *sh = (int *)sys(mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long r, pid;
    int i;

    EQ("futex.mismatch", sys(futex, word, FUTEX_WAIT, 1, 0, 0, 0), -EAGAIN);
    t0 = now_ns();
    EQ("futex.timeout", sys(futex, word, FUTEX_WAIT, 0, &ts, 0, 0), -ETIMEDOUT);
    CHECK("futex.timeout_time", now_ns() - t0 >= 20000000);
    sys(clock_gettime, CLOCK_MONOTONIC, &abs);
    EQ("futex.abs_past", sys(futex, word, FUTEX_WAIT_BITSET, 0, &abs, 0, -1), -ETIMEDOUT);
    abs.tv_nsec += 20000000;
    if (abs.tv_nsec >= 1000000000) {
        abs.tv_nsec -= 1000000000;
        abs.tv_sec++;
    }
    EQ("futex.abs", sys(futex, word, FUTEX_WAIT_BITSET, 0, &abs, 0, -1), -ETIMEDOUT);
    EQ("futex.realtime", (sys(clock_gettime, CLOCK_REALTIME, &abs),
                          sys(futex, word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &abs, 0, -1)),
       -ETIMEDOUT);
    EQ("futex.bad_time", (ts.tv_nsec = -1, sys(futex, word, FUTEX_WAIT, 0, &ts, 0, 0)), -EINVAL);
    EQ("futex.bad_ptr", sys(futex, 0, FUTEX_WAIT, 0, 0, 0, 0), -EFAULT);
    EQ("futex.bad_ptr_kernel", sys(futex, 0xffffffff80000000UL, FUTEX_WAIT, 0, 0, 0, 0), -EFAULT);
    EQ("futex.unaligned", sys(futex, (char *)word + 1, FUTEX_WAIT, 0, 0, 0, 0), -EINVAL);
    EQ("futex.bits0", sys(futex, word, FUTEX_WAIT_BITSET, 0, 0, 0, 0), -EINVAL);
    EQ("futex.bad_op", sys(futex, word, 99, 0, 0, 0, 0), -ENOSYS);
    EQ("futex.wake_none", sys(futex, word, FUTEX_WAKE, 5, 0, 0, 0), 0);
    for (i = 0; i < 4; i++)
        thread_start(&t[i], futex_waiter, &word[0]);
    sleep_ms(30);
    EQ("futex.wake2", sys(futex, word, FUTEX_WAKE_PRIVATE, 2, 0, 0, 0), 2);
    EQ("futex.cmp_requeue_mismatch",
       sys(futex, word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &word[2], 5), -EAGAIN);
    EQ("futex.requeue", sys(futex, word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &word[2], 0), 2);
    EQ("futex.old_empty", sys(futex, word, FUTEX_WAKE_PRIVATE, 9, 0, 0, 0), 0);
    EQ("futex.requeued", sys(futex, &word[2], FUTEX_WAKE_PRIVATE, 9, 0, 0, 0), 1);
    for (i = 0; i < 4; i++)
        thread_join(&t[i]);
    EQ("futex.woken", woken, 4);
    woken = 0;
    thread_start(&t[0], futex_bits, (void *)1L);
    thread_start(&t[1], futex_bits, (void *)2L);
    sleep_ms(30);
    EQ("futex.wake_bits", sys(futex, &word[1], FUTEX_WAKE_BITSET_PRIVATE, 9, 0, 0, 2), 1);
    thread_join(&t[1]);
    EQ("futex.woken_bits", woken, 2);
    EQ("futex.wake_rest", sys(futex, &word[1], FUTEX_WAKE_PRIVATE, 9, 0, 0, 0), 1);
    thread_join(&t[0]);
    thread_start(&t[0], futex_waiter, &word[3]);
    thread_start(&t[1], futex_waiter, &word[4]);
    sleep_ms(30);
    r = sys(futex, &word[3], FUTEX_WAKE_OP_PRIVATE, 1, 1, &word[4],
            FUTEX_OP(FUTEX_OP_ADD, 7, FUTEX_OP_CMP_EQ, 0));
    EQ("futex.wake_op", r, 2);
    EQ("futex.wake_op_value", word[4], 7);
    thread_join(&t[0]);
    thread_join(&t[1]);
    /* Between threads, then between processes through shared memory. */
    word[5] = word[6] = 0;
    thread_start(&t[0], futex_ping, &word[5]);
    CHECK("futex.ping", futex_pong(&word[5]));
    thread_join(&t[0]);
    pid = fork_child(futex_ping, sh);
    CHECK("futex.ping_shared", futex_pong(sh));
    EQ("futex.ping_status", wait_status(pid), 0);
    sys(munmap, sh, PAGE);
}

struct robust {
    struct robust_list_head head;
    struct robust_list node;
    int lock;
};

static struct robust robust;

static int robust_body(void *arg)
{
    struct robust *r = arg;

    r->head.list.next = &r->node;
    r->node.next = &r->head.list;
    r->head.futex_offset = (long)offsetof(struct robust, lock) - (long)offsetof(struct robust, node);
    r->lock = (int)sys(gettid) | (int)FUTEX_WAITERS;
    if (sys(set_robust_list, &r->head, sizeof(r->head)))
        return 1;
    sleep_ms(30);
    return 0;
}

static int thread_tls_body(void *arg)
{
    unsigned long block[2] = { (unsigned long)arg, 0 };
    int i;

    if (tls_set(block))
        return 0;
    for (i = 0; i < 50; i++) {
        volatile int spin_count;

        for (spin_count = 0; spin_count < 20000; spin_count++)
            ;
        if (tls_word() != (unsigned long)arg)
            return 0;
        sys(sched_yield);
    }
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static void test_thread(void)
{
    struct thread t[8];
    int i, value;

    thread_start(&t[0], robust_body, &robust);
    sleep_ms(10);
    /* Its death may have come already: then nobody wakes any more. */
    while (((value = __atomic_load_n(&robust.lock, __ATOMIC_ACQUIRE)) & (int)FUTEX_OWNER_DIED) == 0)
        sys(futex, &robust.lock, FUTEX_WAIT, value, 0, 0, 0);
    CHECK("robust.died", (robust.lock & (int)FUTEX_OWNER_DIED) != 0);
    EQ("robust.tid_gone", robust.lock & (int)FUTEX_TID_MASK, 0);
    thread_join(&t[0]);
    EQ("robust.bad_len", sys(set_robust_list, &robust.head, 5), -EINVAL);
    {
        void *head = NULL;
        size_t len = 0;

        EQ("robust.set", sys(set_robust_list, &robust.head, sizeof(robust.head)), 0);
        EQ("robust.get", sys(get_robust_list, 0, &head, &len), 0);
        CHECK("robust.get_value", head == &robust.head && len == sizeof(robust.head));
        sys(set_robust_list, 0, sizeof(robust.head));
    }
    woken = 0;
    for (i = 0; i < 8; i++)
        thread_start(&t[i], thread_tls_body, (void *)(long)(i + 100));
    for (i = 0; i < 8; i++)
        thread_join(&t[i]);
    EQ("thread.tls", woken, 8); /* scenario 11 */
    EQ("thread.set_tid_address", sys(set_tid_address, &value), sys(gettid));
    for (i = 0; i < 300; i++) { /* start and end, stacks unmapped at once */
        if (thread_start(&t[0], exit_with, 0) < 0)
            break;
        thread_join(&t[0]);
    }
    EQ("thread.rounds", i, 300);
}

/* ---- small calls ---- */

static void test_info(void)
{
    struct new_utsname u;
    struct sysinfo si;
    struct rusage ru;
    struct tms tms;
    struct rlimit64 lim;
    struct __user_cap_header_struct cap = { 0x20080522, 0 };
    struct __user_cap_data_struct caps[2];
    unsigned char random[2][32];
    unsigned long mask[16];
    char name[16] = "";
    unsigned cpu = 99;

    EQ("info.uname", sys(uname, &u), 0);
    CHECK("info.sysname", !strcmp(u.sysname, "Linux"));
    CHECK("info.machine", !strcmp(u.machine, ARCH_NAME));
    CHECK("info.release", u.release[0] >= '6' && u.release[1] == '.');
    EQ("info.sysinfo", sys(sysinfo, &si), 0);
    CHECK("info.sysinfo_ram", si.totalram * si.mem_unit > (16UL << 20) && si.freeram <= si.totalram);
    CHECK("info.sysinfo_procs", si.procs > 0);
    EQ("info.rusage", sys(getrusage, 0, &ru), 0);
    EQ("info.rusage_children", sys(getrusage, -1, &ru), 0);
    EQ("info.rusage_bad", sys(getrusage, 5, &ru), -EINVAL);
    CHECK("info.times", sys(times, &tms) > 0);
    EQ("info.rlimit", sys(prlimit64, 0, RLIMIT_NOFILE, 0, &lim), 0);
    CHECK("info.rlimit_order", lim.rlim_cur <= lim.rlim_max && lim.rlim_cur >= 256);
    EQ("info.rlimit_bad", sys(prlimit64, 0, 99, 0, &lim), -EINVAL);
    lim.rlim_cur = lim.rlim_max + 1;
    EQ("info.rlimit_over", lim.rlim_max == ~0ULL ? -EINVAL :
       sys(prlimit64, 0, RLIMIT_NOFILE, &lim, 0), -EINVAL);
    EQ("info.capget", sys(capget, &cap, caps), 0);
    CHECK("info.caps", caps[0].effective & 1);
    cap.version = 1; /* scenario 74 */
    EQ("info.capget_version", sys(capget, &cap, caps), -EINVAL);
    EQ("info.capget_says", cap.version, 0x20080522);
    EQ("info.getrandom", sys(getrandom, random[0], 32, 0), 32);
    EQ("info.getrandom2", sys(getrandom, random[1], 32, 1), 32);
    CHECK("info.random_differs", memcmp(random[0], random[1], 32) != 0);
    EQ("info.getrandom_bad", sys(getrandom, random[0], 32, 0x100), -EINVAL);
    CHECK("info.affinity", sys(sched_getaffinity, 0, sizeof(mask), mask) > 0 && (mask[0] & 1));
    EQ("info.getcpu", sys(getcpu, &cpu, 0, 0), 0);
    CHECK("info.cpu", cpu < 64);
    EQ("info.yield", sys(sched_yield), 0);
    EQ("info.set_name", sys(prctl, PR_SET_NAME, "0123456789abcdefXYZ", 0, 0, 0), 0);
    EQ("info.get_name", sys(prctl, PR_GET_NAME, name, 0, 0, 0), 0);
    CHECK("info.name", !strcmp(name, "0123456789abcde"));
    EQ("info.prctl_bad", sys(prctl, 12345, 0, 0, 0, 0), -EINVAL);
    EQ("info.unknown_call", sys_call6(700, 0, 0, 0, 0, 0, 0), -ENOSYS);
    EQ("info.unknown_call2", sys_call6(-1, 0, 0, 0, 0, 0, 0), -ENOSYS);
    EQ("info.unknown_call3", sys_call6(0x7fffffff, 0, 0, 0, 0, 0, 0), -ENOSYS);
    EQ("info.personality", sys(personality, 0xffffffff), 0);
    EQ("info.priority", sys(getpriority, 0, 0), 20);
    CHECK("info.gettid", sys(gettid) == sys(getpid));
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } groups[] = {
        { "fork", test_fork },     { "many", test_many },   { "wait", test_wait },
        { "orphan", test_orphan }, { "group", test_group }, { "clone", test_clone },
        { "exec", test_exec },     { "exit", test_exit },   { "futex", test_futex },
        { "thread", test_thread }, { "info", test_info },
    };
    struct rlimit64 no_core = { 0, 0 };
    long n = sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1);
    size_t i;

    if (n < 0)
        print("not ok self.exe: errno %ld\n", -n);
    shared = (volatile int *)sys(mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (argc == 1 && !argv[0][0])
        return 55;
    if (argc > 1 && !strncmp(argv[1], "@script", 7))
        return script_mode(argc, argv);
    if (argc > 1 && argv[1][0] == '@')
        return argc == 2 || argv[2][0] != '/' ? exec_mode(argc, argv, envp, auxv) : 0;
    if (argc > 1 && argv[1][0] == '/')
        return 77;
    sys(prlimit64, 0, RLIMIT_CORE, &no_core, 0);
    for (i = 0; i < ARRAY_LEN(groups); i++) {
        if (test_wanted(argc, argv, groups[i].name))
            groups[i].fn();
    }
    return test_end();
}
