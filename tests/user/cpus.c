/*
 * Who runs on which CPU: affinity, which holds when sched_setaffinity(2) returns, the time that each
 * CPU tells of, and equal shares where there are more threads than CPUs. With one CPU the same rows
 * run, only less is at stake.
 */
#include "test.h"

#include <linux/time_types.h>

#define MAX_CPUS 8
#define MAX_USERS (MAX_CPUS + 3)
#define NR_ROAMERS 4
#define NR_ERAS 1000

static unsigned long all[16];
static unsigned cpu_list[MAX_CPUS];
static unsigned long listed; /* the mask of cpu_list */
static unsigned nr_cpus;

static bool find_cpus(void)
{
    CHECK("affinity.get", sys(sched_getaffinity, 0, sizeof(all), all) > 0 && all[0] != 0);
    for (unsigned cpu = 0; cpu < 64 && nr_cpus < MAX_CPUS; cpu++) {
        if ((all[0] >> cpu & 1) != 0) {
            cpu_list[nr_cpus++] = cpu;
            listed |= 1UL << cpu;
        }
    }
    return nr_cpus > 0;
}

static long set_mask(long tid, unsigned long cpus)
{
    unsigned long mask[16] = { cpus };

    return sys(sched_setaffinity, tid, sizeof(mask), mask);
}

static long pin(long tid, unsigned cpu)
{
    return set_mask(tid, 1UL << cpu);
}

static unsigned cpu_now(void)
{
    unsigned cpu = 99;

    sys(getcpu, &cpu, 0, 0);
    return cpu;
}

/* Pinned to each CPU in turn: there at once, and there after a sleep. */
static void test_affinity(void)
{
    unsigned long none[16] = { 0 };
    int wrong = 0, refused = 0;

    for (unsigned i = 0; i < nr_cpus; i++) {
        refused += pin(0, cpu_list[i]) != 0;
        wrong += cpu_now() != cpu_list[i];
        for (int n = 0; n < 20; n++)
            sys(sched_yield);
        sleep_ms(1);
        wrong += cpu_now() != cpu_list[i];
    }
    EQ("affinity.set", refused, 0);
    EQ("affinity.obeyed", wrong, 0);
    EQ("affinity.none", sys(sched_setaffinity, 0, sizeof(none), none), -EINVAL);
    EQ("affinity.restore", sys(sched_setaffinity, 0, sizeof(all), all), 0);
}

/* Ticks of user time in the line `cpuN` of /proc/stat, or -1. */
static long user_ticks(unsigned cpu)
{
    static char stat[65536], name[16];
    size_t len = text_format(name, sizeof(name), "cpu%u ", cpu);

    if (file_read("/proc/stat", stat, sizeof(stat)) <= 0)
        return -1;
    for (const char *at = stat; *at != 0; at++) {
        if ((at == stat || at[-1] == '\n') && memcmp(at, name, len) == 0) {
            long ticks = 0;

            for (at += len; *at >= '0' && *at <= '9'; at++)
                ticks = ticks * 10 + *at - '0';
            return ticks;
        }
    }
    return -1;
}

static uint64_t thread_ns(void)
{
    struct __kernel_timespec ts;

    sys(clock_gettime, CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000UL + (uint64_t)ts.tv_nsec;
}

static void compute(void)
{
    for (int i = 0; i < 300000; i++)
        __asm__ volatile("" ::: "memory");
}

static void test_user_time(void)
{
    int without = 0;

    for (unsigned i = 0; i < nr_cpus; i++) {
        long before = user_ticks(cpu_list[i]);
        uint64_t end = thread_ns() + 60 * 1000000UL;

        pin(0, cpu_list[i]);
        while (thread_ns() < end)
            compute();
        without += before < 0 || user_ticks(cpu_list[i]) < before + 3;
    }
    sys(sched_setaffinity, 0, sizeof(all), all);
    EQ("affinity.user_time", without, 0);
}

/*
 * In era 2n a roamer is pinned to cpu_list[n % nr_cpus]; in an odd one that changes. It is where it
 * may be whatever it does meanwhile: it spins, yields, sleeps, waits for a word that main wakes.
 */
static int eras[NR_ROAMERS];
static int words[NR_ROAMERS];
static int strayed, stop;

static int roam(void *arg)
{
    long me = (long)arg;
    struct __kernel_timespec soon = { 0, 50000 };

    while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) == 0) {
        int era = __atomic_load_n(&eras[me], __ATOMIC_SEQ_CST);
        unsigned cpu = cpu_now();

        if (era % 2 == 0 && __atomic_load_n(&eras[me], __ATOMIC_SEQ_CST) == era &&
            cpu != cpu_list[(unsigned)era / 2 % nr_cpus])
            __atomic_fetch_add(&strayed, 1, __ATOMIC_RELAXED);
        if (me == 1)
            sys(sched_yield);
        if (me == 2)
            sys(nanosleep, &soon, 0);
        if (me == 3)
            sys(futex, &words[me], FUTEX_WAIT, 0, &soon, 0, 0);
    }
    return 0;
}

static void test_kept(void)
{
    struct thread threads[NR_ROAMERS];
    int tids[NR_ROAMERS], refused = 0;

    stop = strayed = 0;
    for (long i = 0; i < NR_ROAMERS; i++) {
        eras[i] = -1;
        tids[i] = (int)thread_start(&threads[i], roam, (void *)i);
    }
    for (int era = 1; era < 2 * NR_ERAS; era += 2) {
        for (int i = 0; i < NR_ROAMERS; i++) {
            __atomic_store_n(&eras[i], era, __ATOMIC_SEQ_CST);
            refused += pin(tids[i], cpu_list[(unsigned)(era + 1) / 2 % nr_cpus]) != 0;
            __atomic_store_n(&eras[i], era + 1, __ATOMIC_SEQ_CST);
            sys(futex, &words[i], FUTEX_WAKE, 1, 0, 0, 0);
        }
        if (era % 16 == 1)
            sleep_ms(1);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < NR_ROAMERS; i++)
        thread_join(&threads[i]);
    EQ("affinity.others", refused, 0);
    EQ("affinity.kept", strayed, 0);
}

static uint64_t used_ns[MAX_USERS];

static int use_cpu(void *arg)
{
    uint64_t start;

    while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) == 0)
        ;
    start = thread_ns();
    while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) == 1)
        ;
    used_ns[(long)arg] = thread_ns() - start;
    return 0;
}

/* Threads that use CPU time, each where its place says for a start, then where its mask lets it. */
struct user {
    unsigned place;
    unsigned long mask;
};

#define MEASURE_MS 1000

static void measure(const char *name, const struct user *users, unsigned nr)
{
    struct thread threads[MAX_USERS];
    long tids[MAX_USERS];
    int refused = 0;

    stop = 0;
    for (unsigned i = 0; i < nr; i++) {
        tids[i] = thread_start(&threads[i], use_cpu, (void *)(long)i);
        refused += set_mask(tids[i], 1UL << users[i].place) != 0;
    }
    sleep_ms(20);
    for (unsigned i = 0; i < nr; i++)
        refused += set_mask(tids[i], users[i].mask) != 0;
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    sleep_ms(MEASURE_MS);
    __atomic_store_n(&stop, 2, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < nr; i++)
        thread_join(&threads[i]);
    EQ(name, refused, 0);
}

/* None of the threads may get less than two fifths of another: a third is what three on one CPU get. */
static void check_shares(const char *name, unsigned nr)
{
    unsigned long least = ~0UL, most = 0;

    for (unsigned i = 0; i < nr; i++) {
        least = used_ns[i] < least ? used_ns[i] : least;
        most = used_ns[i] > most ? used_ns[i] : most;
    }
    print("# %u threads on %u CPUs: %lu to %lu ms\n", nr, nr_cpus, least / 1000000, most / 1000000);
    test_ok(least * 5 >= most * 2, name, "%lu ms and %lu ms", least / 1000000, most / 1000000);
}

/* Several begin on one CPU and one on each other. */
static void test_shares(void)
{
    struct user users[MAX_USERS];

    for (unsigned i = 0; i < nr_cpus + 2; i++)
        users[i] = (struct user){ cpu_list[i < 3 ? 0 : i - 2], listed };
    measure("balance.started", users, nr_cpus + 2);
    check_shares("balance.shares", nr_cpus + 2);

    /* The first of four must stay. */
    for (unsigned i = 0; i < nr_cpus + 3; i++)
        users[i] = (struct user){ cpu_list[i < 4 ? 0 : i - 3], listed };
    users[0].mask = 1UL << cpu_list[0];
    measure("balance.started_one_pinned", users, nr_cpus + 3);
    check_shares("balance.one_pinned", nr_cpus + 3);
}

/* One is pinned; the other may also use the last CPU, and does, though others are idle as well. */
static void test_idle_taker(void)
{
    unsigned long first = 1UL << cpu_list[0], last = 1UL << cpu_list[nr_cpus - 1];
    struct user users[] = { { cpu_list[0], first }, { cpu_list[0], first | last } };
    uint64_t wanted = nr_cpus > 1 ? MEASURE_MS * 7 / 10 : MEASURE_MS / 4;

    measure("balance.started_two", users, 2);
    test_ok(used_ns[1] / 1000000 >= wanted, "balance.idle_taker", "%lu of %d ms",
            used_ns[1] / 1000000, MEASURE_MS);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    (void)envp;
    (void)auxv;
    if (!find_cpus())
        return test_end();
    if (test_wanted(argc, argv, "affinity")) {
        test_affinity();
        test_user_time();
        test_kept();
    }
    if (test_wanted(argc, argv, "balance")) {
        test_shares();
        test_idle_taker();
    }
    return test_end();
}
