/*
 * What more CPUs bring: scale ROW|all WORKERS ROUNDS prints `ROW = N`, operations per second of all
 * the workers together. A round is a fixed amount of work for each worker, timed from the start
 * signal to the last one's end; the figure is the median round's. Runs on Linux unchanged.
 */

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define WORKERS_MAX 8
#define ROUNDS_MAX 64
#define FAULT_PAGES 8192u /* of one worker in one round */
#define EXEC_TIMES 400u

static char self[256];

struct control {
    int step; /* raised to start one: odd prepares, even works; below 0: the end */
    int nr_done;
    uint64_t end[WORKERS_MAX]; /* of the last step, ns */
};

static struct control *control; /* shared by processes too */

struct worker {
    unsigned number;
    void (*prepare)(struct worker *w);
    void (*work)(struct worker *w);
    char *area;
    struct thread thread;
    long pid;
};

static struct worker workers[WORKERS_MAX];

static void prepare_faults(struct worker *w)
{
    if (w->area)
        sys(munmap, w->area, FAULT_PAGES * PAGE);
    w->area = map_anon(FAULT_PAGES * PAGE, RW);
    sys(madvise, w->area, FAULT_PAGES * PAGE, MADV_NOHUGEPAGE);
}

static void work_faults(struct worker *w)
{
    size_t i;

    for (i = 0; i < FAULT_PAGES; i++)
        *(volatile char *)(w->area + i * PAGE) = 1;
}

static void prepare_nothing(struct worker *w)
{
    (void)w;
}

static void work_exec(struct worker *w)
{
    char *argv[] = { self, (char *)"-", NULL };
    unsigned i;

    (void)w;
    for (i = 0; i < EXEC_TIMES; i++) {
        long pid = sys(clone, SIGCHLD, 0, 0, 0, 0);

        if (pid == 0) {
            sys(execve, self, argv, 0);
            sys(exit_group, 1);
        }
        sys(wait4, pid, 0, 0, 0);
    }
}

static const struct row {
    const char *name;
    bool threads;
    unsigned operations; /* of one worker in one round */
    void (*prepare)(struct worker *w);
    void (*work)(struct worker *w);
} rows[] = {
    { "fork_exec_exit", false, EXEC_TIMES, prepare_nothing, work_exec },
    { "fault_processes", false, FAULT_PAGES, prepare_faults, work_faults },
    { "fault_threads", true, FAULT_PAGES, prepare_faults, work_faults },
};

static void wait_while(int *word, int value)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value)
        sys(futex, word, FUTEX_WAIT, value, 0, 0, 0);
}

static int worker_main(void *arg)
{
    struct worker *w = arg;
    int step = 0;

    for (;;) {
        wait_while(&control->step, step);
        step = __atomic_load_n(&control->step, __ATOMIC_SEQ_CST);
        if (step < 0)
            return 0;
        if (step % 2)
            w->prepare(w);
        else
            w->work(w);
        control->end[w->number] = now_ns();
        __atomic_add_fetch(&control->nr_done, 1, __ATOMIC_SEQ_CST);
        sys(futex, &control->nr_done, FUTEX_WAKE, 1, 0, 0, 0);
    }
}

/* Returns ns from the start signal to the end of the last worker's step. */
static uint64_t run_step(int step, unsigned n)
{
    uint64_t t0 = now_ns(), end = 0;
    unsigned i;
    int done;

    __atomic_store_n(&control->nr_done, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&control->step, step, __ATOMIC_SEQ_CST);
    sys(futex, &control->step, FUTEX_WAKE, WORKERS_MAX, 0, 0, 0);
    while (step > 0 && (done = __atomic_load_n(&control->nr_done, __ATOMIC_SEQ_CST)) != (int)n)
        wait_while(&control->nr_done, done);
    for (i = 0; i < n; i++) {
        if (control->end[i] > end)
            end = control->end[i];
    }
    return end - t0;
}

static void start_workers(const struct row *r, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++) {
        struct worker *w = &workers[i];

        w->number = i;
        w->prepare = r->prepare;
        w->work = r->work;
        if (r->threads)
            thread_start(&w->thread, worker_main, w);
        else if ((w->pid = sys(clone, SIGCHLD, 0, 0, 0, 0)) == 0)
            exit_now(worker_main(w));
    }
}

static void end_workers(const struct row *r, unsigned n)
{
    unsigned i;

    run_step(-1, n);
    for (i = 0; i < n; i++) {
        if (r->threads)
            thread_join(&workers[i].thread);
        else
            sys(wait4, workers[i].pid, 0, 0, 0);
    }
}

static void run_row(const struct row *r, unsigned n, unsigned rounds)
{
    uint64_t v[ROUNDS_MAX];
    unsigned i;

    start_workers(r, n);
    for (i = 0; i <= rounds; i++) {
        uint64_t ns;

        run_step((int)(2 * i + 1), n);
        ns = run_step((int)(2 * i + 2), n);
        if (i > 0)
            v[i - 1] = ns; /* the first one warms up */
    }
    end_workers(r, n);
    print("%s = %lu\n", r->name, r->operations * n * 1000000000ul / median(v, rounds));
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    size_t i;

    (void)envp;
    (void)auxv;
    if (argc == 2 && argv[1][0] == '-')
        return 0;
    if (argc < 4 || sys(readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof(self) - 1) < 0)
        return 1;
    for (i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned n = (unsigned)parse_long(argv[2]), rounds = (unsigned)parse_long(argv[3]);

        control = (struct control *)sys(mmap, 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (!strcmp(argv[1], "all") || !strcmp(argv[1], rows[i].name))
            run_row(&rows[i], n < WORKERS_MAX ? n : WORKERS_MAX,
                    rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX);
    }
    return 0;
}
