/*
 * Runs the model: random steps from a seed, or a case from a file. What fails is shrunk in child
 * processes to the fewest steps that still fail, and written to a file that the suite can replay.
 * usage: as-model [--seed N] [--steps N] [--cpus N] [--asids N] [--bits N] [--chaos N] [--vipt]
 *                 [--no-invpcid] [--keep FILE] [--replay FILE]...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model.h"

struct run {
    struct sim_options options;
    uint64_t seed;
    struct model_step *step;
    size_t nr;
};

/* Shared with the children: how far they came. */
static volatile size_t *progress;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void run_here(const struct run *run)
{
    model_boot(&run->options, run->seed);
    for (size_t i = 0; i < run->nr; i++) {
        *progress = i + 1;
        model_step(&run->step[i]);
    }
    model_check_everything();
    model_finish();
}

/* Returns whether the run fails, in a child with its output dropped. */
static bool fails(const struct run *run)
{
    fflush(NULL);
    pid_t child = fork();

    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(0);
        }
        alarm(60);
        run_here(run);
        _exit(0);
    }
    int status = 0;

    waitpid(child, &status, 0);
    return status != 0;
}

static bool fails_without(const struct run *run, size_t start, size_t len, struct run *less)
{
    memcpy(less->step, run->step, start * sizeof(*run->step));
    memcpy(less->step + start, run->step + start + len,
           (run->nr - start - len) * sizeof(*run->step));
    less->nr = run->nr - len;
    return fails(less);
}

static void shrink(struct run *run)
{
    struct run less = *run;

    less.step = malloc((run->nr + 1) * sizeof(*run->step));
    for (size_t len = run->nr / 2; len > 0; len /= 2) {
        for (size_t start = 0; start + len <= run->nr;) {
            if (fails_without(run, start, len, &less)) {
                memcpy(run->step, less.step, less.nr * sizeof(*run->step));
                run->nr = less.nr;
            } else {
                start += len;
            }
        }
    }
    free(less.step);
}

static void write_case(const struct run *run, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        perror(path);
        exit(2);
    }
    fprintf(file, "options cpus=%u asids=%u bits=%u chaos=%u invpcid=%u vipt=%u seed=%lu\n",
            run->options.nr_cpus, run->options.asid_limit, run->options.asid_bits,
            run->options.chaos, !run->options.no_invpcid, run->options.vipt,
            (unsigned long)run->seed);
    for (size_t i = 0; i < run->nr; i++) {
        struct model_step s = run->step[i];

        fprintf(file, "%s cpu=%u space=%u %u %u %u %u %u\n", model_op_names[s.op % MODEL_NR_OPS],
                s.cpu, s.space, s.a, s.b, s.c, s.d, s.e);
    }
    fclose(file);
}

static uint8_t op_named(const char *name)
{
    for (unsigned i = 0; i < MODEL_NR_OPS; i++) {
        if (strcmp(name, model_op_names[i]) == 0) {
            return (uint8_t)i;
        }
    }
    fprintf(stderr, "no step is called %s\n", name);
    exit(2);
}

static void read_case(struct run *run, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[256], name[32];
    unsigned cpus, asids, bits, chaos, invpcid, vipt;
    unsigned long seed;

    if (file == NULL) {
        perror(path);
        exit(2);
    }
    run->step = malloc(100000 * sizeof(*run->step));
    run->nr = 0;
    while (fgets(line, sizeof(line), file) != NULL && run->nr < 100000) {
        unsigned cpu, space, f[5];

        if (sscanf(line, "options cpus=%u asids=%u bits=%u chaos=%u invpcid=%u vipt=%u seed=%lu",
                   &cpus, &asids, &bits, &chaos, &invpcid, &vipt, &seed) == 7) {
            run->options = (struct sim_options){MIB(16), cpus, (uint8_t)bits, asids, chaos,
                                                invpcid == 0, vipt != 0};
            run->seed = seed;
        } else if (sscanf(line, "%31s cpu=%u space=%u %u %u %u %u %u", name, &cpu, &space, &f[0],
                          &f[1], &f[2], &f[3], &f[4]) == 8) {
            run->step[run->nr++] = (struct model_step){
                op_named(name), (uint8_t)cpu,  (uint8_t)space, (uint8_t)f[0],
                (uint8_t)f[1],  (uint8_t)f[2], (uint8_t)f[3],  (uint8_t)f[4]};
        }
    }
    fclose(file);
}

static int replay(const char *path)
{
    struct run run = {.nr = 0};

    read_case(&run, path);
    bool bad = run.nr == 0 || fails(&run);

    printf("%s %s: %zu steps\n", bad ? "not ok" : "ok", path, run.nr);
    free(run.step);
    return bad;
}

static int report_failure(struct run *run, const char *keep)
{
    size_t all = run->nr, reached = *progress;

    run->nr = reached == 0 ? run->nr : reached;
    shrink(run);
    write_case(run, keep);
    printf("not ok as_model seed %lu: fails at step %zu of %zu; %zu steps suffice: %s\n",
           (unsigned long)run->seed, reached, all, run->nr, keep);
    fflush(NULL);
    run_here(run); /* once more, with what it says */
    return 1;
}

static int run_random(struct run *run, const char *keep)
{
    uint64_t rng = run->seed * 0x9e3779b97f4a7c15ull + 1;

    run->step = malloc(run->nr * sizeof(*run->step));
    for (size_t i = 0; i < run->nr; i++) {
        run->step[i] = model_random_step(&rng);
    }
    fflush(NULL);
    pid_t child = fork();

    if (child == 0) {
        run_here(run);
        double seconds = now();

        printf("ok as_model seed %lu cpus %u chaos %u: %lu steps, %lu changed state; %.0f steps/s of CPU, "
               "%lu TLB hits, %lu walks, %lu speculative, %lu interrupts, %lu frees checked\n",
               (unsigned long)run->seed, run->options.nr_cpus, run->options.chaos,
               (unsigned long)model.nr_steps, (unsigned long)model.nr_changed,
               (double)model.nr_steps / seconds, (unsigned long)sim_counts.tlb_hits,
               (unsigned long)sim_counts.walks, (unsigned long)sim_counts.speculations,
               (unsigned long)sim_counts.ipis, (unsigned long)sim_counts.frees_checked);
        for (unsigned i = 0; i < MODEL_NR_OPS; i++) {
            printf("# %s: %lu of %lu\n", model_op_names[i], (unsigned long)model.nr_per_op[i],
                   (unsigned long)model.nr_tried[i]);
        }
        fflush(NULL);
        _exit(0);
    }
    int status = 0;

    waitpid(child, &status, 0);
    status = status == 0 ? 0 : report_failure(run, keep);
    free(run->step);
    return status;
}

static uint64_t number(char **argv, int *i)
{
    return argv[*i + 1] == NULL ? 0 : strtoull(argv[++*i], NULL, 0);
}

int main(int argc, char **argv)
{
    struct run run = {.options = {MIB(16), 3, 16, 8, 0, false, false}, .seed = 1, .nr = 20000};
    const char *keep = "as_model_failed.txt";
    int failed = 0;
    bool replayed = false;

    progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0) {
            run.seed = number(argv, &i);
        } else if (strcmp(argv[i], "--steps") == 0) {
            run.nr = number(argv, &i);
        } else if (strcmp(argv[i], "--cpus") == 0) {
            run.options.nr_cpus = (uint32_t)number(argv, &i);
        } else if (strcmp(argv[i], "--asids") == 0) {
            run.options.asid_limit = (uint32_t)number(argv, &i);
        } else if (strcmp(argv[i], "--bits") == 0) {
            run.options.asid_bits = (uint8_t)number(argv, &i);
        } else if (strcmp(argv[i], "--chaos") == 0) {
            run.options.chaos = (uint32_t)number(argv, &i);
        } else if (strcmp(argv[i], "--vipt") == 0) {
            run.options.vipt = true;
        } else if (strcmp(argv[i], "--no-invpcid") == 0) {
            run.options.no_invpcid = true;
        } else if (strcmp(argv[i], "--keep") == 0 && i + 1 < argc) {
            keep = argv[++i];
        } else if (strcmp(argv[i], "--replay") == 0) {
            replayed = true;
            while (i + 1 < argc) {
                failed |= replay(argv[++i]);
            }
        } else {
            fprintf(stderr, "as-model: what is %s?\n", argv[i]);
            return 2;
        }
    }
    return replayed ? failed : run_random(&run, keep);
}
