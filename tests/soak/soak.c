/*
 * The soak's guest: rounds of random jobs, up to NR_LANES at once, some of them stopped, signalled
 * and killed on the way. After each round all processes are gone, all files removed, and the free
 * frames are what they were after the first. soak SEED SECONDS FIRST_ROUND; a round depends on the
 * seed and its number only. Lines for the host: `beat`, `round`, `bad` with what is wrong, `end`.
 */

#include "test.h"

#define NR_LANES 4
#define JOBS_MIN 5
#define JOBS_MAX 10
#define BEAT_NS (2 * 1000000000UL)
#define LINGER_NS (10 * 1000000000UL)
#define LIMIT_NS (900 * 1000000000UL) /* for a job; virtual CPUs may get little of a busy host */
#define IDLE_NS (40 * 1000000000UL)   /* as long as that no job sleeps */
#define SETTLE_TRIES 40
#define SLACK_FRAMES 32
#define MASTERS 24
#define TASKS 320
#define TAIL 1500

enum {
    ALONE = 1,   /* measures memory, or takes all of it: others' calls would give ENOMEM */
    TWICE = 2,   /* may run beside itself */
    DOOMABLE = 4 /* leaves nothing behind when it is killed */
};

static const struct kind {
    const char *name, *program, *arg;
    int flags;
} kinds[] = {
    { "threads", "/t/threads", 0, DOOMABLE },
    { "cpus", "/t/cpus", "affinity", DOOMABLE },
    { "process", "/t/process", 0, DOOMABLE },
    { "signals", "/t/signals", 0, DOOMABLE },
    { "memory", "/t/memory", 0, DOOMABLE },
    { "files", "/t/files", 0, 0 },
    { "faults", "/t/faults", 0, DOOMABLE },
    { "elf", "/t/elf", 0, DOOMABLE },
    { "pointers", "/t/pointers", 0, DOOMABLE },
    { "stress", "/t/stress", "--exact", ALONE },
    { "pipeline", "/bin/sh", "/s/pipeline.sh", DOOMABLE | TWICE },
    { "tree", "/bin/sh", "/s/tree.sh", DOOMABLE | TWICE },
    { "exec", "/bin/sh", "/s/exec.sh", DOOMABLE | TWICE },
    { "proc", "/bin/sh", "/s/proc.sh", DOOMABLE | TWICE },
    { "shells", "/bin/sh", "/s/shells.sh", DOOMABLE | TWICE },
    { "churn", "/t/soak_work", "churn", DOOMABLE | TWICE },
    { "bomb", "/t/soak_work", "bomb", DOOMABLE | TWICE },
    { "limit", "/t/soak_work", "limit", DOOMABLE | TWICE },
    { "hog", "/t/soak_work", "hog", DOOMABLE | ALONE },
    { "ring", "/t/soak_work", "ring", DOOMABLE | TWICE },
    { "siblings", "/t/soak_work", "siblings", DOOMABLE | TWICE },
    { "names", "/t/soak_work", "names", DOOMABLE | TWICE },
    { "counter", "/t/soak_work", "counter", DOOMABLE | TWICE },
    { "terminal", "/t/soak_work", "terminal", DOOMABLE | TWICE },
    { "timers", "/t/soak_work", "timers", DOOMABLE | TWICE },
    { "pinned", "/t/soak_work", "pinned", DOOMABLE | TWICE },
    { "stops", "/t/soak_work", "stops", DOOMABLE | TWICE },
};

static const char *const stress_rows[] = {
    "stress.fork",   "stress.killed", "stress.crash",     "stress.threads",   "stress.group_exit",
    "stress.cow",    "stress.shared", "stress.files",     "stress.signals",   "stress.proc",
    "stress.failed_exec", "stress.fail_fork", "stress.fail_exec", "stress.fail_calls",
};

static struct job {
    const struct kind *kind;
    long pid;
    int number;
    bool doomed, shot;
    uint64_t started, next_blow;
} lanes[NR_LANES];

static uint64_t rng, next_beat, start_ns;
static long seed;
static int round_nr, failed, nr_jobs, first_processes;

static uint64_t random_next(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng >> 11;
}

static uint64_t below(uint64_t n)
{
    return random_next() % n;
}

static void beat(void)
{
    uint64_t now = now_ns();

    if (now < next_beat)
        return;
    next_beat = now + BEAT_NS;
    print("beat %lu round %d jobs %d\n", (now - start_ns) / 1000000000UL, round_nr, nr_jobs);
}

static void bad(const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    text_vformat(text, sizeof(text), fmt, ap);
    va_end(ap);
    failed++;
    print("bad round %d: %s\n", round_nr, text);
}

static void output_name(char *out, size_t cap, const struct job *job)
{
    text_format(out, cap, "/tmp/soak.out/%d.%s", job->number, job->kind->name);
}

/* The last of what a job wrote, and what it complained of. */
static void show_output(const struct job *job)
{
    static char text[1 << 20];
    char name[64], *line, *end;
    long len;

    output_name(name, sizeof(name), job);
    len = file_read(name, text, sizeof(text));
    if (len < 0)
        return;
    for (line = text; *line; line = end) {
        for (end = line; *end && *end != '\n'; end++)
            ;
        if (*end)
            *end++ = 0;
        if (!strncmp(line, "not ok", 6) || end > text + len - TAIL)
            print("| %s\n", line);
    }
}

static NORETURN void become(const struct job *job)
{
    char number[24], name[64], directory[64];
    const struct kind *kind = job->kind;
    char *argv[] = { (char *)kind->program, (char *)kind->arg, number, 0 };
    char *envp[] = { (char *)"PATH=/bin:/sbin:/usr/bin:/usr/sbin", (char *)"LC_ALL=C", 0 };
    long fd;

    if (!kind->arg)
        argv[1] = 0;
    if ((kind->flags & ALONE) && !(kind->flags & DOOMABLE))
        argv[2] = (char *)stress_rows[below(ARRAY_LEN(stress_rows))];
    sys(setpgid, 0, 0);
    file_write("/proc/self/oom_score_adj", "0", 1);
    text_format(number, sizeof(number), "%ld", (long)below(1 << 30));
    text_format(directory, sizeof(directory), "/tmp/soak.%d", job->number);
    output_name(name, sizeof(name), job);
    sys(mkdirat, AT_FDCWD, directory, 0755);
    sys(chdir, directory);
    fd = sys(openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    sys(dup3, fd, 1, 0);
    sys(dup3, fd, 2, 0);
    fd = sys(openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
    sys(dup3, fd, 0, 0);
    sys(close_range, 3, ~0U, 0);
    sys(execve, kind->program, argv, envp);
    exit_now(126);
}

static void start(struct job *job, const struct kind *kind, int number, bool doomed)
{
    uint64_t now = now_ns();

    *job = (struct job){ .kind = kind, .number = number, .doomed = doomed, .started = now };
    job->next_blow = now + below(900) * 1000000;
    random_next();
    job->pid = fork_now();
    if (job->pid == 0)
        become(job);
    if (job->pid < 0) {
        bad("job %d, %s: fork gives %ld", number, kind->name, job->pid);
        job->pid = 0;
    }
    sys(setpgid, job->pid, job->pid);
    nr_jobs++;
}

/*
 * A doomed job's group is stopped, continued and interrupted a few times before the end. Only a stop
 * is nothing to it: busybox's sh catches SIGCHLD without SA_RESTART, and the applets that it runs
 * without exec then end with EINTR.
 */
static void strike(struct job *job)
{
    static const int blows[] = { SIGSTOP, SIGCONT, SIGTERM, SIGINT, SIGUSR1, SIGKILL, SIGALRM,
                                 SIGCHLD, SIGKILL, SIGHUP };
    int sig = blows[below(ARRAY_LEN(blows))];
    uint64_t now = now_ns();

    if (!job->doomed || now < job->next_blow)
        return;
    if (now > job->started + LINGER_NS)
        sig = SIGKILL;
    sys(kill, -job->pid, sig);
    if (sig != SIGSTOP && sig != SIGCONT)
        job->shot = true;
    job->next_blow = now + below(300) * 1000000;
}

static void finish(struct job *job, int status)
{
    if (!job->shot && status != 0) {
        bad("job %d, %s: status 0x%x", job->number, job->kind->name, (unsigned)status);
        show_output(job);
    }
    print("job %d %s status 0x%x after %lu ms%s\n", job->number, job->kind->name, (unsigned)status,
          (now_ns() - job->started) / 1000000, job->doomed ? ", doomed" : "");
    /* What is left of its group is nobody's any more. */
    sys(kill, -job->pid, SIGKILL);
    job->pid = 0;
}

/* The first line of /proc/stat: user, nice, system, idle, ... in ticks. */
static void read_cpu_times(uint64_t *busy, uint64_t *idle)
{
    static char text[8192];
    uint64_t field[4] = { 0 };
    char *at = text;

    if (file_read("/proc/stat", text, sizeof(text)) <= 0)
        return;
    for (int i = 0; i < 4; i++) {
        while (*at && *at != ' ')
            at++;
        while (*at == ' ')
            at++;
        field[i] = (uint64_t)parse_long(at);
    }
    *busy = field[0] + field[1] + field[2];
    *idle = field[3];
}

static void show_tasks(void)
{
    char *argv[] = { (char *)"/bin/sh", (char *)"/s/tasks.sh", 0 };
    char *envp[] = { (char *)"PATH=/bin:/sbin:/usr/bin:/usr/sbin", 0 };
    long pid = fork_now();

    if (pid == 0) {
        sys(execve, argv[0], argv, envp);
        exit_now(126);
    }
    wait_status(pid);
}

/* Something hangs. The machine stays as it is, for the host to look at. */
static NORETURN void give_up(void)
{
    show_tasks();
    print("end stuck\n");
    for (;;)
        sleep_ms(1000);
}

/* True if the CPUs have been idle for IDLE_NS, but for our own looking around. */
static bool nothing_runs(uint64_t now)
{
    static uint64_t since, busy_then, idle_then;
    uint64_t busy = 0, idle = 0;

    if (since && now < since + IDLE_NS)
        return false;
    read_cpu_times(&busy, &idle);
    busy -= busy_then;
    idle -= idle_then;
    busy_then += busy;
    idle_then += idle;
    since = now;
    return busy * 20 < idle;
}

static void check_limits(void)
{
    bool all_asleep = nothing_runs(now_ns()), hangs = false;
    uint64_t now = now_ns();

    for (int i = 0; i < NR_LANES; i++) {
        struct job *job = &lanes[i];

        if (!job->pid)
            continue;
        strike(job);
        if (now < job->started + LIMIT_NS && !all_asleep)
            continue;
        bad("job %d, %s: stuck, %lu s old%s%s", job->number, job->kind->name,
            (now - job->started) / 1000000000UL, job->doomed ? ", killed" : "",
            all_asleep ? ", all CPUs are idle" : "");
        show_output(job);
        hangs = true;
    }
    if (hangs)
        give_up();
}

/* Waits a little for any child; takes those that other jobs left to us too. */
static void reap(void)
{
    int status;
    long pid;

    while ((pid = sys(wait4, -1, &status, WNOHANG, 0)) > 0) {
        for (int i = 0; i < NR_LANES; i++) {
            if (lanes[i].pid == pid)
                finish(&lanes[i], status);
        }
    }
    check_limits();
    beat();
    sleep_ms(10);
}

static int nr_running(void)
{
    int n = 0;

    for (int i = 0; i < NR_LANES; i++)
        n += lanes[i].pid != 0;
    return n;
}

static bool may_start(const struct kind *kind)
{
    if ((kind->flags & ALONE) && nr_running() > 0)
        return false;
    for (int i = 0; i < NR_LANES; i++) {
        if (!lanes[i].pid)
            continue;
        if ((lanes[i].kind->flags & ALONE) || (lanes[i].kind == kind && !(kind->flags & TWICE)))
            return false;
    }
    return true;
}

static void run_job(const struct kind *kind, int number, bool doomed)
{
    int i = 0;

    while (nr_running() == NR_LANES || !may_start(kind))
        reap();
    while (lanes[i].pid)
        i++;
    start(&lanes[i], kind, number, doomed);
}

static void run_jobs(int nr)
{
    for (int n = 0; n < nr; n++) {
        const struct kind *kind = &kinds[below(ARRAY_LEN(kinds))];

        run_job(kind, n, (kind->flags & DOOMABLE) && below(3) == 0);
    }
    while (nr_running())
        reap();
}

/* Processes in /proc. Those beside us and init's are somebody's that got away. */
static int count_processes(void)
{
    static char entries[32768];
    long fd = sys(openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0), len;
    int n = 0;

    while ((len = sys(getdents64, fd, entries, sizeof(entries))) > 0) {
        for (long at = 0; at < len; at += *(unsigned short *)(entries + at + 16)) {
            char first = entries[at + 19];

            n += first >= '0' && first <= '9';
        }
    }
    sys(close, fd);
    return n;
}

/* Ends whoever the jobs left behind. They are init's children by now. */
static void end_orphans(void)
{
    uint64_t end = now_ns() + 60 * 1000000000UL;
    int n;

    while ((n = count_processes()) > first_processes && now_ns() < end) {
        sys(kill, -1, SIGKILL); /* everybody but init and us */
        beat();
        sleep_ms(10);
    }
    if (n == first_processes)
        return;
    bad("%d processes, %d at first: SIGKILL does not end them", n, first_processes);
    give_up();
}

static void run_shell(const char *line)
{
    char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)line, 0 };
    char *envp[] = { (char *)"PATH=/bin:/sbin:/usr/bin:/usr/sbin", 0 };
    long pid = fork_now();
    int status;

    if (pid == 0) {
        sys(execve, argv[0], argv, envp);
        exit_now(126);
    }
    status = wait_status(pid);
    if (status != 0)
        bad("%s: status 0x%x", line, (unsigned)status);
}

/*
 * Frames of slabs count as free, since one long-lived object that moved to another slab keeps that,
 * and so do pages that init and we touched meanwhile for the first time.
 */
struct usage {
    long free, slab, own, objects; /* frames; bytes of live objects */
};

static char frames[2048];

static long field(const char *name)
{
    const char *at = strstr(frames, name);

    return at ? parse_long(at + strlen(name)) : -1;
}

/* proc(5), statm: the second number is what is resident. */
static long resident(const char *path)
{
    char text[128], *at = text;

    if (file_read(path, text, sizeof(text)) <= 0)
        return -1;
    while (*at && *at++ != ' ')
        ;
    return parse_long(at);
}

static struct usage usage_now(void)
{
    long own = 0;

    file_write("/proc/sys/vm/drop_caches", "3\n", 2);
    for (int i = 0; i < 3; i++) { /* reading may itself allocate once */
        file_read("/proc/quoin/frames", frames, sizeof(frames));
        own = resident("/proc/1/statm") + resident("/proc/self/statm");
    }
    file_write("/proc/sys/vm/drop_caches", "3\n", 2);
    file_read("/proc/quoin/frames", frames, sizeof(frames));
    return (struct usage){ field("\nfree "), field("\nslab "), own,
                           field("\nslab_live ") };
}

static bool same(const struct usage *a, const struct usage *b)
{
    return a->free + a->slab + a->own == b->free + b->slab + b->own &&
           a->objects == b->objects && a->free + SLACK_FRAMES >= b->free;
}

/* What the system is like between two rounds. */
static void check_quiet(void)
{
    static struct usage first;
    static char first_frames[sizeof(frames)];
    char map[64];
    struct usage now = usage_now();

    for (int i = 0; i < SETTLE_TRIES && (first.free == 0 || !same(&now, &first)); i++) {
        sleep_ms(50); /* somebody's last stack may still be on its way back */
        now = usage_now();
    }
    if (file_read("/proc/quoin/kernel_map", map, sizeof(map)) <= 0)
        bad("the kernel's own map cannot be walked");
    if (first.free == 0) {
        first = now;
        memcpy(first_frames, frames, sizeof(frames));
    }
    print("round %d free %ld slab %ld own %ld objects %ld jobs %d\n", round_nr, now.free, now.slab,
          now.own, now.objects, nr_jobs);
    if (!same(&now, &first)) {
        bad("memory is lost: %ld frames, %ld bytes of objects",
            first.free + first.slab + first.own - now.free - now.slab - now.own,
            now.objects - first.objects);
        print("| before: %s\n| now: %s\n", first_frames, frames);
        file_write("/proc/quoin/slab", "1\n", 2);
    }
}

static void run_round(void)
{
    rng = ((uint64_t)seed << 20 ^ (uint64_t)round_nr) * 0x9e3779b97f4a7c15UL + 1;
    random_next();
    random_next();
    sys(mkdirat, AT_FDCWD, "/tmp/soak.out", 0755);
    if (round_nr == 0) {
        for (unsigned k = 0; k < ARRAY_LEN(kinds); k++)
            run_job(&kinds[k], (int)k, false);
    }
    run_jobs(JOBS_MIN + (int)below(JOBS_MAX - JOBS_MIN + 1));
    end_orphans();
    run_shell("cd /tmp && rm -rf .[!.]* *; left=$(ls -lA /tmp); [ \"$left\" = 'total 0' ] || "
              "{ echo \"| $left\"; exit 1; }");
    end_orphans();
    check_quiet();
}

/* The kernel keeps for good: pairs of terminals, and the tables of the most stacks at once. */
static void fill_what_stays(void)
{
    long masters[MASTERS];

    for (int i = 0; i < MASTERS; i++)
        masters[i] = sys(openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
    for (int i = 0; i < MASTERS; i++)
        sys(close, masters[i]);
    for (int i = 0; i < TASKS; i++) {
        if (fork_now() == 0) {
            for (;;)
                sleep_ms(1000);
        }
    }
    sys(kill, -1, SIGKILL);
    while (sys(wait4, -1, 0, 0, 0) > 0)
        ;
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    uint64_t seconds;

    (void)envp;
    (void)auxv;
    if (argc != 4)
        return 2;
    seed = parse_long(argv[1]);
    seconds = (uint64_t)parse_long(argv[2]);
    file_write("/proc/self/oom_score_adj", "-1000", 5);
    first_processes = count_processes();
    start_ns = now_ns();
    fill_what_stays();
    run_round();
    for (round_nr = (int)parse_long(argv[3]); !failed; round_nr++) {
        if (now_ns() - start_ns > seconds * 1000000000UL)
            break;
        run_round();
    }
    print("end %s\n", failed ? "failed" : "well");
    return failed ? 1 : 0;
}
