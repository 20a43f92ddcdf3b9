/*
 * Several at one thing: names that are renamed, removed and made at the same moment, a FIFO that is
 * opened from both ends, a file whose owner and mode change, record locks, descriptors that are looked
 * at while their process executes. Whoever is first, the results must fit one order of the calls.
 */
#include <linux/fs.h>
#include <linux/stat.h>

#include "test.h"

#define TOP "/tmp/contend.d"
#define USER 1000

static char self[256];

static long open_file(const char *path, long flags)
{
    return sys(openat, AT_FDCWD, path, flags, 0644);
}

static void make(const char *path)
{
    file_write(path, path, strlen(path));
}

static long move(const char *from, const char *to)
{
    return sys(renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static long erase(const char *path)
{
    return sys(unlinkat, AT_FDCWD, path, 0);
}

static long erase_dir(const char *path)
{
    return sys(unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

/* Whether the file is there and was made under the name `made_as`. */
static bool holds(const char *path, const char *made_as)
{
    char text[32];

    return file_read(path, text, sizeof(text)) >= 0 && strcmp(text, made_as) == 0;
}

static bool is_there(const char *path)
{
    struct stat st;

    return sys(newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * A duel: two processes, the first of them an unprivileged user, make one call each at the same
 * moment, hundreds of times over.
 */
#define ROUNDS 300

struct duel {
    const char *name;
    void (*set_up)(void);
    long (*calls[2])(void);
    bool (*is_fair)(long first, long second);
};

static void set_up_claim(void)
{
    erase("job.a");
    erase("job.b");
    make("job");
}

static long claim_a(void)
{
    return move("job", "job.a");
}

static long claim_b(void)
{
    return move("job", "job.b");
}

static bool is_fair_claim(long a, long b)
{
    return (a == 0) != (b == 0) && a + b == -ENOENT && is_there("job.a") == (a == 0) &&
           is_there("job.b") == (b == 0);
}

static void set_up_take(void)
{
    erase("taken");
    make("job");
}

static long take_job(void)
{
    return move("job", "taken");
}

static long take_job_once(void)
{
    return sys(renameat2, AT_FDCWD, "job", AT_FDCWD, "taken", RENAME_NOREPLACE);
}

static bool is_fair_take(long first, long second)
{
    return (first == 0) != (second == 0) && first + second == -ENOENT && holds("taken", "job");
}

static void set_up_remove(void)
{
    erase("kept");
    make("temporary");
}

static long remove_temporary(void)
{
    return erase("temporary");
}

static long keep_temporary(void)
{
    return move("temporary", "kept");
}

static bool is_fair_remove(long removed, long kept)
{
    return (removed == 0) != (kept == 0) && removed + kept == -ENOENT && !is_there("temporary") &&
           is_there("kept") == (kept == 0);
}

static void set_up_replace(void)
{
    make("new");
    make("name");
}

static long replace_name(void)
{
    return move("new", "name");
}

static long remove_name(void)
{
    return erase("name");
}

static bool is_fair_replace(long replaced, long removed)
{
    return replaced == 0 && removed == 0 && !is_there("new");
}

static void set_up_displace(void)
{
    erase("old");
    make("new");
    make("name");
}

static long displace_name(void)
{
    return move("name", "old");
}

static bool is_fair_displace(long replaced, long displaced)
{
    return replaced == 0 && displaced == 0 && !is_there("new") &&
           (is_there("name") ? holds("name", "new") && holds("old", "name") : holds("old", "new"));
}

static void set_up_dir(void)
{
    erase_dir("dir/sub");
    erase_dir("dir");
    sys(mkdirat, AT_FDCWD, "dir", 0777);
}

static long remove_dir(void)
{
    return erase_dir("dir");
}

static long make_sub(void)
{
    return sys(mkdirat, AT_FDCWD, "dir/sub", 0777);
}

static bool is_fair_dir(long removed, long made)
{
    return removed == 0 ? made == -ENOENT && !is_there("dir")
                        : removed == -ENOTEMPTY && made == 0 && is_there("dir/sub");
}

static void set_up_create(void)
{
    erase("lock");
}

static long create_lock(void)
{
    long fd = open_file("lock", O_RDWR | O_CREAT | O_EXCL);

    if (fd >= 0)
        sys(close, fd);
    return fd >= 0 ? 0 : fd;
}

static bool is_fair_create(long first, long second)
{
    return (first == 0) != (second == 0) && first + second == -EEXIST;
}

static void set_up_exchange(void)
{
    make("left");
    make("right");
}

static long exchange(void)
{
    return sys(renameat2, AT_FDCWD, "left", AT_FDCWD, "right", RENAME_EXCHANGE);
}

static bool is_fair_exchange(long first, long second)
{
    return first == 0 && second == 0 && holds("left", "left") && holds("right", "right");
}

static void set_up_settle(void)
{
    erase("new.b");
    erase("name");
    make("new");
    make("new.b");
}

static long settle_a(void)
{
    return sys(renameat2, AT_FDCWD, "new", AT_FDCWD, "name", RENAME_NOREPLACE);
}

static long settle_b(void)
{
    return sys(renameat2, AT_FDCWD, "new.b", AT_FDCWD, "name", RENAME_NOREPLACE);
}

static bool is_fair_settle(long a, long b)
{
    return (a == 0) != (b == 0) && a + b == -EEXIST && holds("name", a == 0 ? "new" : "new.b");
}

static void set_up_link(void)
{
    erase("second");
    make("name");
}

static long link_name(void)
{
    return sys(linkat, AT_FDCWD, "name", AT_FDCWD, "second", 0);
}

static bool is_fair_link(long removed, long linked)
{
    return removed == 0 && !is_there("name") &&
           (linked == 0 ? holds("second", "name") : linked == -ENOENT && !is_there("second"));
}

static void set_up_nest(void)
{
    erase_dir("one/two");
    erase_dir("two/one");
    erase_dir("one");
    erase_dir("two");
    sys(mkdirat, AT_FDCWD, "one", 0777);
    sys(mkdirat, AT_FDCWD, "two", 0777);
}

static long nest_one(void)
{
    return move("one", "two/one");
}

static long nest_two(void)
{
    return move("two", "one/two");
}

/* The later one finds its target's directory, or nothing, below what it is to move. */
static bool is_fair_nest(long one, long two)
{
    long other = one == 0 ? two : one;

    return (one == 0) != (two == 0) && (other == -EINVAL || other == -ENOENT) &&
           is_there("two/one") == (one == 0) && is_there("one/two") == (two == 0);
}

static void set_up_append(void)
{
    erase("journal");
    make("journal");
    sys(fchmodat, AT_FDCWD, "journal", 0666);
}

static long append(void)
{
    long fd = open_file("journal", O_WRONLY | O_APPEND), done = sys(write, fd, "0123456789", 10);

    sys(close, fd);
    return done;
}

static bool is_fair_append(long first, long second)
{
    return first == 10 && second == 10 && holds("journal", "journal01234567890123456789");
}

static void set_up_owner(void)
{
    erase("program");
    make("program");
    sys(fchownat, AT_FDCWD, "program", USER, USER, 0);
    sys(fchmodat, AT_FDCWD, "program", 0755);
}

static long set_id(void)
{
    return sys(fchmodat, AT_FDCWD, "program", 04755);
}

static long take_over(void)
{
    return sys(fchownat, AT_FDCWD, "program", 0, 0, 0);
}

/* The user's program must not run as root. */
static bool is_fair_owner(long set, long taken)
{
    struct stat st;

    return taken == 0 && (set == 0 || set == -EPERM) &&
           sys(newfstatat, AT_FDCWD, "program", &st, 0) == 0 && st.st_uid == 0 &&
           (st.st_mode & S_ISUID) == 0;
}

static void set_up_mounts(void)
{
    sys(mkdirat, AT_FDCWD, "mount", 0755);
    sys(mount, "none", "mount", "tmpfs", 0, 0);
}

static long read_mounts(void)
{
    static char text[8192];
    long len = file_read("/proc/self/mounts", text, sizeof(text));

    return len > 0 ? 0 : len;
}

static long unmount(void)
{
    return sys(umount2, "mount", 0);
}

static bool is_fair_unmount(long looked, long unmounted)
{
    return looked == 0 && unmounted == 0;
}

static void set_up_rights(void)
{
    erase_dir("open/new");
    sys(mkdirat, AT_FDCWD, "open", 0777);
    sys(fchmodat, AT_FDCWD, "open", 0777);
}

static long make_new(void)
{
    return sys(mkdirat, AT_FDCWD, "open/new", 0777);
}

static long shut(void)
{
    sys(fchmodat, AT_FDCWD, "open", 0755);
    return is_there("open/new");
}

/* What is not there once nobody may write does not come afterwards. */
static bool is_fair_rights(long made, long seen)
{
    return seen ? made == 0 : made == -EACCES;
}

static const struct duel duels[] = {
    { "claim", set_up_claim, { claim_a, claim_b }, is_fair_claim },
    { "take", set_up_take, { take_job, take_job }, is_fair_take },
    { "take_once", set_up_take, { take_job_once, take_job_once }, is_fair_take },
    { "remove", set_up_remove, { remove_temporary, keep_temporary }, is_fair_remove },
    { "replace", set_up_replace, { replace_name, remove_name }, is_fair_replace },
    { "displace", set_up_displace, { replace_name, displace_name }, is_fair_displace },
    { "dir", set_up_dir, { remove_dir, make_sub }, is_fair_dir },
    { "create", set_up_create, { create_lock, create_lock }, is_fair_create },
    { "exchange", set_up_exchange, { exchange, exchange }, is_fair_exchange },
    { "settle", set_up_settle, { settle_a, settle_b }, is_fair_settle },
    { "link", set_up_link, { remove_name, link_name }, is_fair_link },
    { "nest", set_up_nest, { nest_one, nest_two }, is_fair_nest },
    { "append", set_up_append, { append, append }, is_fair_append },
    { "rights", set_up_rights, { make_new, shut }, is_fair_rights },
    { "mounts", set_up_mounts, { read_mounts, unmount }, is_fair_unmount },
    { "owner", set_up_owner, { set_id, take_over }, is_fair_owner },
};

static struct arena {
    unsigned round, ready, done;
    long results[2];
} *arena;

static unsigned wait_word(unsigned *word, unsigned old)
{
    unsigned now;

    while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == old)
        sys(futex, word, FUTEX_WAIT, old, 0, 0, 0);
    return now;
}

static void wake_word(unsigned *word)
{
    sys(futex, word, FUTEX_WAKE, 2, 0, 0, 0);
}

static int fight(const struct duel *duel, int side)
{
    if (side == 0)
        sys(setresuid, USER, USER, USER);
    for (unsigned round = 0; round < ROUNDS;) {
        round = wait_word(&arena->round, round);
        /* The last steps awake, so that both start at once if there are CPUs for it. */
        __atomic_fetch_add(&arena->ready, 1, __ATOMIC_ACQ_REL);
        for (unsigned i = 1; __atomic_load_n(&arena->ready, __ATOMIC_ACQUIRE) < 2 * round; i++) {
            if (i % 1024 == 0)
                sys(sched_yield);
        }
        arena->results[side] = duel->calls[side]();
        __atomic_fetch_add(&arena->done, 1, __ATOMIC_ACQ_REL);
        wake_word(&arena->done);
    }
    return 0;
}

static void test_duel(const struct duel *duel)
{
    unsigned unfair = 0, done = 0;
    long pids[2], first = 0, second = 0;
    char name[32];

    *arena = (struct arena){ 0 };
    for (int side = 0; side < 2; side++) {
        pids[side] = fork_now();
        if (pids[side] == 0)
            exit_now(fight(duel, side));
    }
    for (unsigned round = 1; round <= ROUNDS; round++) {
        duel->set_up();
        __atomic_store_n(&arena->round, round, __ATOMIC_RELEASE);
        wake_word(&arena->round);
        while (done < 2 * round)
            done = wait_word(&arena->done, done);
        if (!duel->is_fair(arena->results[0], arena->results[1]) && unfair++ == 0) {
            first = arena->results[0];
            second = arena->results[1];
        }
    }
    wait_status(pids[0]);
    wait_status(pids[1]);
    text_format(name, sizeof(name), "names.%s", duel->name);
    test_ok(unfair == 0, name, "%u rounds of %d, in the first of them %ld and %ld", unfair, ROUNDS,
            first, second);
}

/* Pairs of processes that open and close a FIFO: who comes first waits, and may go again at once. */
#define NR_PAIRS 4
#define MEETINGS 4000

static int meet(const char *name, long go, int flags)
{
    struct itimerval limit = { { 0, 0 }, { 60, 0 } };
    char c = 'x';

    sys(setitimer, ITIMER_REAL, &limit, 0);
    for (int i = 0; i < MEETINGS; i++) {
        long fd = open_file(name, flags);

        if (flags == O_RDONLY && sys(read, fd, &c, 1) != 0)
            return 1;
        sys(close, fd);
        if (flags == O_RDONLY ? sys(write, go, &c, 1) != 1 : sys(read, go, &c, 1) != 1)
            return 2;
    }
    return 0;
}

static int meet_in_pair(void *arg)
{
    char name[16];
    int go[2], result;
    long pid;

    text_format(name, sizeof(name), "fifo%d", (int)(long)arg);
    sys(mknodat, AT_FDCWD, name, S_IFIFO | 0644, 0);
    sys(pipe2, go, 0);
    pid = fork_now();
    if (pid == 0)
        exit_now(meet(name, go[0], O_WRONLY));
    result = meet(name, go[1], O_RDONLY);
    return result != 0 ? result : wait_status(pid);
}

static void test_fifo(void)
{
    long pids[NR_PAIRS];
    int bad = 0;

    for (long i = 0; i < NR_PAIRS; i++)
        pids[i] = fork_child(meet_in_pair, (void *)i);
    for (long i = 0; i < NR_PAIRS; i++)
        bad += wait_status(pids[i]) != 0;
    EQ("fifo.meet", bad, 0);
}

/* A process keeps its record locks over execve, whoever looks at its descriptors meanwhile. */
#define EXECS   200
#define LOCKED  20
#define TOLD    21
#define READERS 3

static NORETURN void exec_held(long left)
{
    char count[16];
    char *argv[] = { self, (char *)"held", count, 0 };

    if (left == 0) {
        sys(write, TOLD, "x", 1);
        for (;;)
            sleep_ms(1000);
    }
    text_format(count, sizeof(count), "%d", (int)left - 1);
    sys(execve, self, argv, 0);
    exit_now(1);
}

static int hold(void *arg)
{
    struct flock lock = { .l_type = F_WRLCK };
    int *told = arg;

    sys(dup3, open_rw("locked"), LOCKED, 0);
    sys(dup3, told[1], TOLD, 0);
    if (sys(fcntl, LOCKED, F_SETLK, &lock) != 0)
        return 1;
    exec_held(EXECS);
}

static NORETURN void look(long pid)
{
    static char entries[4096];
    char path[64], target[64];

    for (;;) {
        long dir;

        text_format(path, sizeof(path), "/proc/%d/fd", (int)pid);
        dir = open_file(path, O_RDONLY | O_DIRECTORY);
        while (sys(getdents64, dir, entries, sizeof(entries)) > 0)
            ;
        sys(close, dir);
        text_format(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, LOCKED);
        sys(readlinkat, AT_FDCWD, path, target, sizeof(target));
    }
}

static void test_look(void)
{
    struct flock lock = { .l_type = F_WRLCK };
    long fd = open_rw("locked"), pid, readers[READERS];
    int told[2];
    char c;

    sys(pipe2, told, 0);
    pid = fork_child(hold, told);
    for (int i = 0; i < READERS; i++) {
        readers[i] = fork_now();
        if (readers[i] == 0) {
            sys(close, told[1]); /* so that a failure of the execs ends the read below */
            look(pid);
        }
    }
    sys(close, told[1]);
    EQ("look.execs", sys(read, told[0], &c, 1), 1);
    for (int i = 0; i < READERS; i++) {
        sys(kill, readers[i], SIGKILL);
        wait_status(readers[i]);
    }
    sys(fcntl, fd, F_GETLK, &lock);
    EQ("look.lock_kept", lock.l_type == F_WRLCK ? lock.l_pid : 0, pid);
    sys(kill, pid, SIGKILL);
    wait_status(pid);
    sys(close, told[0]);
    sys(close, fd);
}

static long lock_byte(long fd, int cmd, short type, long byte)
{
    struct flock lock = { .l_type = type, .l_start = byte, .l_len = 1 };

    return sys(fcntl, fd, cmd, &lock);
}

/* Has byte 0, and waits for byte 1. */
static int lock_both(void *arg)
{
    long fd = open_rw("locked");

    if (lock_byte(fd, F_SETLK, F_WRLCK, 0) != 0)
        return 1;
    sys(write, *(int *)arg, "x", 1);
    return lock_byte(fd, F_SETLKW, F_WRLCK, 1) == 0 ? 0 : 2;
}

/* Who was waited for and lets go may wait in turn; who does not lets all wait for ever. */
static void test_deadlock(void)
{
    long fd = open_rw("locked"), pid;
    int told[2];
    char c;

    for (int let_go = 0; let_go < 2; let_go++) {
        lock_byte(fd, F_SETLK, F_WRLCK, 1);
        sys(pipe2, told, 0);
        pid = fork_child(lock_both, &told[1]);
        sys(close, told[1]);
        sys(read, told[0], &c, 1);
        wait_asleep(pid);
        if (let_go)
            lock_byte(fd, F_SETLK, F_UNLCK, 1);
        EQ(let_go ? "deadlock.none" : "deadlock.seen", lock_byte(fd, F_SETLKW, F_WRLCK, 0),
           let_go ? 0 : -EDEADLK);
        lock_byte(fd, F_SETLK, F_UNLCK, 1);
        EQ("deadlock.other", wait_status(pid), 0);
        sys(close, told[0]);
    }
    sys(close, fd);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    (void)envp;
    (void)auxv;
    sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1);
    if (argc == 3 && strcmp(argv[1], "held") == 0)
        exec_held(parse_long(argv[2]));
    sys(umask, 0);
    sys(mkdirat, AT_FDCWD, TOP, 0777);
    sys(umount2, TOP, 0);
    EQ("contend.top", sys(mount, "none", TOP, "tmpfs", 0, "mode=0777"), 0);
    EQ("contend.chdir", sys(chdir, TOP), 0);
    arena = (void *)sys(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (test_wanted(argc, argv, "names")) {
        for (size_t i = 0; i < ARRAY_LEN(duels); i++)
            test_duel(&duels[i]);
    }
    if (test_wanted(argc, argv, "fifo"))
        test_fifo();
    if (test_wanted(argc, argv, "look"))
        test_look();
    if (test_wanted(argc, argv, "deadlock"))
        test_deadlock();
    sys(chdir, "/");
    EQ("contend.umount", sys(umount2, TOP, 2), 0);
    return test_end();
}
