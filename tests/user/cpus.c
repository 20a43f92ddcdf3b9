/*
 * Who runs on which CPU: affinity, which holds when sched_setaffinity(2) returns, the time that each
 * CPU tells of, and equal shares where there are more threads than CPUs. With one CPU the same rows
 * run, only less is at stake.
 */
#include "test.h"

#include <linux/time_types.h>

#define MAX_CPUS 8
#define NR_ROAMERS 4
#define NR_ERAS 1000

static unsigned long all[16];
static unsigned cpu_list[MAX_CPUS];
static unsigned nr_cpus;

static void find_cpus(void)
{
    CHECK("affinity.get", sys(sched_getaffinity, 0, sizeof(all), all) > 0 && all[0] != 0);
    for (unsigned cpu = 0; cpu < 64 && nr_cpus < MAX_CPUS; cpu++) {
        if ((all[0] >> cpu & 1) != 0)
            cpu_list[nr_cpus++] = cpu;
    }
}

static long pin(long tid, unsigned cpu)
{
    unsigned long one[16] = { 1UL << cpu };

    return sys(sched_setaffinity, tid, sizeof(one), one);
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

static uint64_t used_ns[MAX_CPUS + 2];

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

/* Three begin on one CPU and one on each other: left to the kernel, none gets less than half of another. */
static void test_shares(void)
{
    struct thread threads[MAX_CPUS + 2];
    unsigned nr = nr_cpus + 2;
    uint64_t least = ~0UL, most = 0;
    long tids[MAX_CPUS + 2];

    stop = 0;
    for (unsigned i = 0; i < nr; i++) {
        tids[i] = thread_start(&threads[i], use_cpu, (void *)(long)i);
        pin(tids[i], cpu_list[i < 3 ? 0 : i - 2]);
    }
    sleep_ms(20);
    for (unsigned i = 0; i < nr; i++)
        sys(sched_setaffinity, tids[i], sizeof(all), all);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    sleep_ms(1000);
    __atomic_store_n(&stop, 2, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < nr; i++)
        thread_join(&threads[i]);
    for (unsigned i = 0; i < nr; i++) {
        least = used_ns[i] < least ? used_ns[i] : least;
        most = used_ns[i] > most ? used_ns[i] : most;
    }
    print("# %u threads on %u CPUs: %lu to %lu ms\n", nr, nr_cpus, least / 1000000, most / 1000000);
    test_ok(least * 2 >= most, "balance.shares", "%lu ms and %lu ms", least / 1000000, most / 1000000);
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    (void)envp;
    (void)auxv;
    find_cpus();
    if (test_wanted(argc, argv, "affinity")) {
        test_affinity();
        test_user_time();
        test_kept();
    }
    if (test_wanted(argc, argv, "balance"))
        test_shares();
    return test_end();
}
