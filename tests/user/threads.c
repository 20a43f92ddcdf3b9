/*
 * Threads on several CPUs against each other: loads and stores while another thread unmaps, protects,
 * moves or discards the page; fork while others write; exec, exit_group and kill among busy siblings;
 * storms on futexes, pipes, queued signals, wait and mmap. Every row has an oracle that can fail.
 * With one CPU the same rows run, only less is at stake. scenarios 43, 46, 47, 48, 51, 76.
 */
#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define NR 4

static char self[256];

static int load(const int *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store(int *p, int v)
{
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void wait_until(const int *p, int v)
{
    while (load(p) < v)
        sys(sched_yield);
}

/* One thread touches the page in a loop; the main thread takes it away and says so. */
static struct {
    volatile char *page;
    int round, touched, gone, done, bad;
    bool reads;
} duel;

enum { BY_MUNMAP, BY_PROTECT, BY_NONE, BY_REMAP, BY_DISCARD, BY_FIXED, NR_WAYS };

static int toucher(void *arg)
{
    int rounds = (int)(long)arg;

    for (int r = 1; r <= rounds; r++) {
        int gone = 0;

        wait_until(&duel.round, r);
        while (gone < r) {
            gone = load(&duel.gone);
            if (duel.reads) {
                if (*duel.page != 0 && gone == r)
                    duel.bad++;
            } else if (probe_write(duel.page) == 0 && gone == r) {
                duel.bad++;
            }
            store(&duel.touched, r);
        }
        store(&duel.done, r);
    }
    return 0;
}

static bool take_away(int way, char *page, char *aside)
{
    switch (way) {
    case BY_MUNMAP:
        return sys(munmap, page, PAGE) == 0;
    case BY_PROTECT:
        return sys(mprotect, page, PAGE, PROT_READ) == 0;
    case BY_NONE:
        return sys(mprotect, page, PAGE, PROT_NONE) == 0;
    case BY_REMAP:
        return sys(mremap, page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, aside) == (long)aside;
    case BY_DISCARD:
        return sys(madvise, page, PAGE, MADV_DONTNEED) == 0;
    default:
        return sys(mmap, page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
               (long)page;
    }
}

static void test_duel(const char *name, int way, int rounds)
{
    struct thread thread;
    char *area = map_anon(4 * PAGE, RW);
    bool good = true;

    memset(&duel, 0, sizeof(duel));
    duel.reads = way == BY_DISCARD;
    duel.page = area + PAGE;
    if (thread_start(&thread, toucher, (void *)(long)rounds) < 0) {
        test_ok(false, name, "no thread");
        return;
    }
    for (int r = 1; r <= rounds; r++) {
        char *page = area + PAGE;

        sys(mmap, page, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        *page = 'm';
        store(&duel.round, r);
        wait_until(&duel.touched, r);
        good = take_away(way, page, area + 2 * PAGE) && good;
        store(&duel.gone, r);
        wait_until(&duel.done, r);
    }
    thread_join(&thread);
    sys(munmap, area, 4 * PAGE);
    test_ok(good && duel.bad == 0, name, "%d accesses after the call returned", duel.bad);
}

/* Writers raise the first word of their page, then the last: a snapshot has them equal or one apart. */
static volatile unsigned long *snapshot;
static int stop_writers;

static int page_writer(void *arg)
{
    volatile unsigned long *page = snapshot + (long)arg * 512;

    for (unsigned long n = 1; !load(&stop_writers); n++) {
        __atomic_store_n(&page[0], n, __ATOMIC_RELEASE);
        __atomic_store_n(&page[511], n, __ATOMIC_RELEASE);
    }
    return 0;
}

static int check_snapshot(void *arg)
{
    (void)arg;
    for (int i = 0; i < NR; i++) {
        volatile unsigned long *page = snapshot + i * 512;
        unsigned long last = page[511], first = page[0];

        if (first - last > 1)
            return 1 + i;
        page[100] = 7;
        sys(sched_yield);
        if (page[0] != first || page[511] != last)
            return 11 + i;
    }
    return 0;
}

static void test_fork(int rounds)
{
    struct thread threads[NR];
    int bad = 0, leaked = 0;

    snapshot = (void *)map_anon(NR * PAGE, RW);
    stop_writers = 0;
    for (long i = 0; i < NR; i++)
        thread_start(&threads[i], page_writer, (void *)i);
    for (int r = 0; r < rounds; r++)
        bad += child_result(check_snapshot, 0) != 0;
    store(&stop_writers, 1);
    for (int i = 0; i < NR; i++)
        thread_join(&threads[i]);
    for (int i = 0; i < NR; i++)
        leaked += snapshot[i * 512 + 100] != 0;
    EQ("fork.snapshot", bad, 0);
    EQ("fork.parent_unchanged", leaked, 0);
    sys(munmap, snapshot, NR * PAGE);
}

/* Siblings that are busy in different ways, in a child of their own. */
static void start_busy(struct thread *threads)
{
    for (long way = 0; way < BUSY_WAYS; way++)
        thread_start(&threads[way], busy, (void *)way);
}

static int exec_self(void *arg)
{
    char *argv[] = { self, (char *)"@exit", NULL };
    char *envp[] = { NULL };

    (void)arg;
    sys(execve, self, argv, envp);
    return 99;
}

static int exit_all(void *arg)
{
    sys(exit_group, (long)arg);
    return 99;
}

enum { END_EXEC, END_EXEC_THREAD, END_EXIT, END_EXIT_THREAD, END_RETURN };

static int end_among_busy(void *arg)
{
    struct thread threads[BUSY_WAYS + 1];

    start_busy(threads);
    switch ((long)arg) {
    case END_EXEC:
        return exec_self(0);
    case END_EXEC_THREAD:
        thread_start(&threads[BUSY_WAYS], exec_self, 0);
        break;
    case END_EXIT:
        return exit_all((void *)5L);
    case END_EXIT_THREAD:
        thread_start(&threads[BUSY_WAYS], exit_all, (void *)5L);
        break;
    default:
        sleep_ms(2);
        return 5;
    }
    busy((void *)(long)BUSY_FUTEX);
}

static void test_end_among(const char *name, long how, int rounds, int want)
{
    int bad = 0, last = want;

    for (int r = 0; r < rounds; r++) {
        int got = child_result(end_among_busy, (void *)how);

        if (got != want) {
            bad++;
            last = got;
        }
    }
    test_ok(bad == 0, name, "%d of %d ended with %d", bad, rounds, last);
}

static int busy_for_ever(void *arg)
{
    struct thread threads[BUSY_WAYS];

    (void)arg;
    start_busy(threads);
    busy((void *)(long)BUSY_FUTEX);
}

static void test_kill(int rounds)
{
    int bad = 0;

    for (int r = 0; r < rounds; r++) {
        long pid = fork_child(busy_for_ever, 0);

        sleep_ms(r % 4);
        sys(kill, pid, SIGKILL);
        bad += wait_status(pid) != SIGKILL;
    }
    EQ("end.kill", bad, 0);
}

/* A mutex of one word (0 free, 1 held, 2 held and waited for), and what it guards. */
static int lock_word;
static long guarded;

static void word_lock(void)
{
    int c = 0;

    if (__atomic_compare_exchange_n(&lock_word, &c, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
        sys(futex, &lock_word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0, 0, 0);
}

static void word_unlock(void)
{
    if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
        sys(futex, &lock_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
}

static int lock_storm(void *arg)
{
    for (long i = 0; i < (long)arg; i++) {
        word_lock();
        long seen = guarded;

        if (i % 64 == 0)
            sys(sched_yield);
        guarded = seen + 1;
        word_unlock();
    }
    return 0;
}

static int storm_pipe[2];
static long storm_sum[NR];

static int pipe_writer(void *arg)
{
    char block[100];
    long id = (long)arg;

    memset(block, (int)id + 1, sizeof(block));
    for (int i = 0; i < 300; i++)
        sys(write, storm_pipe[1], block, sizeof(block));
    return 0;
}

static int pipe_reader(void *arg)
{
    unsigned char block[77];
    long n;

    while ((n = sys(read, storm_pipe[0], block, sizeof(block))) > 0) {
        for (long i = 0; i < n; i++)
            storm_sum[(long)arg] += block[i];
    }
    return 0;
}

static int caught;

static void on_queued(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    (void)ctx;
    __atomic_fetch_add(&caught, 1, __ATOMIC_RELAXED);
}

#define SIG_QUEUED 40
static int victim_tid;

static int signal_sender(void *arg)
{
    long pid = sys(getpid);
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = SIG_QUEUED;
    info.si_code = SI_QUEUE;
    for (long i = 0; i < (long)arg; i++) {
        while (sys(rt_tgsigqueueinfo, pid, victim_tid, SIG_QUEUED, &info) == -EAGAIN)
            sys(sched_yield);
    }
    return 0;
}

static int wait_bad;

static int wait_storm(void *arg)
{
    for (long i = 0; i < 25; i++) {
        long pid = fork_now();

        if (pid == 0)
            exit_now((i + (long)arg) & 0x7f);
        if (pid < 0 || wait_status(pid) != ((i + (long)arg) & 0x7f) << 8)
            __atomic_fetch_add(&wait_bad, 1, __ATOMIC_RELAXED);
    }
    return 0;
}

static int map_storm(void *arg)
{
    long id = (long)arg;

    for (long i = 0; i < 150; i++) {
        unsigned long pages = (unsigned long)(i % 7 + 1);
        char *area = map_anon(pages * PAGE, RW);

        for (unsigned long p = 0; p < pages; p++) {
            if (area[p * PAGE] != 0)
                __atomic_fetch_add(&wait_bad, 1, __ATOMIC_RELAXED);
            area[p * PAGE] = (char)(id + 1);
        }
        for (unsigned long p = 0; p < pages; p++) {
            if (area[p * PAGE] != (char)(id + 1))
                __atomic_fetch_add(&wait_bad, 1, __ATOMIC_RELAXED);
        }
        sys(munmap, area, pages * PAGE);
    }
    return 0;
}

static void run_all(int (*fn)(void *), struct thread *threads, long arg, bool numbered)
{
    for (long i = 0; i < NR; i++)
        thread_start(&threads[i], fn, (void *)(numbered ? i : arg));
}

static void join_all(struct thread *threads)
{
    for (int i = 0; i < NR; i++)
        thread_join(&threads[i]);
}

static void test_storms(void)
{
    struct thread threads[NR], readers[NR];
    long sum = 0;

    run_all(lock_storm, threads, 2000, false);
    join_all(threads);
    EQ("storm.futex", guarded, NR * 2000);

    sys(pipe2, storm_pipe, 0);
    run_all(pipe_reader, readers, 0, true);
    run_all(pipe_writer, threads, 0, true);
    join_all(threads);
    sys(close, storm_pipe[1]);
    join_all(readers);
    sys(close, storm_pipe[0]);
    for (int i = 0; i < NR; i++)
        sum += storm_sum[i];
    EQ("storm.pipe", sum, 300 * 100 * (1 + 2 + 3 + 4));

    sig_install(SIG_QUEUED, on_queued, SA_RESTART);
    victim_tid = (int)sys(gettid);
    run_all(signal_sender, threads, 200, false);
    join_all(threads);
    sys(sched_yield);
    EQ("storm.signals", caught, NR * 200);

    wait_bad = 0;
    run_all(wait_storm, threads, 0, true);
    join_all(threads);
    EQ("storm.wait", wait_bad, 0);
    run_all(map_storm, threads, 0, true);
    join_all(threads);
    EQ("storm.mmap", wait_bad, 0);
}

/* Quoin's counters; -1 where there are none. */
static long counter(const char *name)
{
    static char text[1024];
    char *at;

    if (file_read("/proc/quoin/tlb", text, sizeof(text)) <= 0)
        return -1;
    at = strstr(text, name);
    return at ? parse_long(at + strlen(name) + 1) : -1;
}

static int ping[2], pong[2];
#define BALLS 500L

static int echo(void *arg)
{
    char c;

    for (long i = 0; i < (long)arg; i++) {
        sys(read, ping[0], &c, 1);
        sys(write, pong[1], &c, 1);
    }
    return 0;
}

static void play(void)
{
    char c = 'b';

    for (long i = 0; i < BALLS; i++) {
        sys(write, ping[1], &c, 1);
        sys(read, pong[0], &c, 1);
    }
}

static struct counters {
    long switches, roots, drops;
} counted;

static struct counters counters_now(void)
{
    return (struct counters){ counter("switches"), counter("root_writes"),
                              counter("drops_tag") + counter("drops_all") };
}

static void count_play(void)
{
    struct counters before = counters_now(), after;

    play();
    after = counters_now();
    counted.switches = after.switches - before.switches;
    counted.roots = after.roots - before.roots;
    counted.drops = after.drops - before.drops;
}

static void play_with_thread(void)
{
    struct thread thread;

    thread_start(&thread, echo, (void *)BALLS);
    count_play();
    thread_join(&thread);
}

static void play_with_process(void)
{
    long pid = fork_child(echo, (void *)BALLS);

    count_play();
    wait_status(pid);
}

/*
 * On one CPU: two threads of a space that take turns write no root, and two processes write one for
 * each switch and, where the machine has tags, drop nothing. The counters are the machine's: other
 * tasks cause the few that are let, and many only now and then.
 */
static void test_tags(void)
{
    unsigned long one[16] = { 1 }, all[16] = { 0 };
    long few = BALLS / 10;
    static char info[8192];
    bool tagged;

    if (counter("switches") < 0)
        return;
    sys(sched_getaffinity, 0, sizeof(all), all);
    sys(sched_setaffinity, 0, sizeof(one), one);
    sys(pipe2, ping, 0);
    sys(pipe2, pong, 0);

    for (int tries = 0; tries == 0 || (counted.roots > few && tries < 20); tries++)
        play_with_thread();
    test_ok(counted.switches >= BALLS, "tags.thread_switches", "%ld switches", counted.switches);
    test_ok(counted.roots <= few, "tags.thread_roots", "%ld root writes in %ld switches",
            counted.roots, counted.switches);

    /* Without tags every root write drops. */
    tagged = !ARCH_IS_X86 || (file_read("/proc/cpuinfo", info, sizeof(info)) > 0 &&
                              strstr(info, " pcid") != NULL);
    for (int tries = 0; tries == 0 || (tagged && counted.drops > few && tries < 20); tries++)
        play_with_process();
    test_ok(counted.roots >= BALLS, "tags.process_roots", "%ld root writes", counted.roots);
    test_ok(!tagged || counted.drops <= few, "tags.process_drops",
            "%ld drops in %ld root writes", counted.drops, counted.roots);
    sys(sched_setaffinity, 0, sizeof(all), all);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    (void)envp;
    (void)auxv;
    if (argc > 1 && !strcmp(argv[1], "@exit"))
        return 5;
    sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1);
    probe_init();
    if (test_wanted(argc, argv, "duel")) {
        test_duel("duel.munmap", BY_MUNMAP, 100);
        test_duel("duel.mprotect_read", BY_PROTECT, 100);
        test_duel("duel.mprotect_none", BY_NONE, 100);
        test_duel("duel.mremap", BY_REMAP, 100);
        test_duel("duel.dontneed", BY_DISCARD, 100);
        test_duel("duel.map_fixed", BY_FIXED, 100);
    }
    if (test_wanted(argc, argv, "fork"))
        test_fork(40);
    if (test_wanted(argc, argv, "end")) {
        test_end_among("end.exec", END_EXEC, 15, 5);
        test_end_among("end.exec_thread", END_EXEC_THREAD, 15, 5);
        test_end_among("end.exit_group", END_EXIT, 15, 5);
        test_end_among("end.exit_group_thread", END_EXIT_THREAD, 15, 5);
        test_end_among("end.return", END_RETURN, 15, 5);
        test_kill(15);
    }
    if (test_wanted(argc, argv, "storm"))
        test_storms();
    if (test_wanted(argc, argv, "tags"))
        test_tags();
    return test_end();
}
