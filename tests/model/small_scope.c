/*
 * Every sequence of steps in a small scope: four pages across a table boundary, a list of steps, all
 * sequences up to a length. A prefix is checked once, when it is new; between sequences every process
 * exits, while TLBs keep what they hold. usage: small-scope [depth [fork-depth [part parts]]]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kernel/assert.h"
#include "model.h"

#define STEPS     24u
#define DEPTH_MAX 6u
#define FIRST     30u /* pages 30 to 33: the table ends after 31 */

/* op, cpu, space, a = page, b = count - 1, c = rights or advice, d, e. */
static const struct model_step single[STEPS] = {
    {OP_MAP, 0, 0, 30, 3, 0, 0, 0},     {OP_MAP, 0, 0, 31, 1, 0, 0, 0},
    {OP_MAP, 0, 0, 30, 3, 0, 2, 2},     {OP_MAP, 1, 0, 30, 3, 0, 3, 0},
    {OP_MAP, 0, 0, 31, 0, 5, 0, 0},     {OP_UNMAP, 0, 0, 30, 3, 0, 0, 0},
    {OP_UNMAP, 0, 0, 31, 0, 0, 0, 0},   {OP_UNMAP, 1, 0, 32, 1, 0, 0, 0},
    {OP_PROTECT, 0, 0, 30, 3, 2, 0, 0}, {OP_PROTECT, 0, 0, 30, 1, 1, 0, 0},
    {OP_PROTECT, 1, 0, 30, 3, 0, 0, 0}, {OP_PROTECT, 0, 0, 31, 0, 3, 0, 0},
    {OP_REMAP, 0, 0, 30, 0, 0, 32, 0},  {OP_REMAP, 1, 0, 32, 0, 1, 30, 0},
    {OP_REMAP, 0, 0, 31, 0, 1, 0, 2},   {OP_ADVISE, 0, 0, 30, 1, 0, 0, 0},
    {OP_STORE, 0, 0, 30, 0, 0, 0, 0},   {OP_STORE, 1, 0, 31, 0, 0, 0, 0},
    {OP_STORE, 0, 0, 32, 0, 0, 0, 0},   {OP_LOAD, 1, 0, 30, 0, 0, 0, 0},
    {OP_LOAD, 0, 0, 31, 0, 0, 0, 0},    {OP_FETCH, 1, 0, 31, 0, 0, 0, 0},
    {OP_COPY_OUT, 0, 0, 31, 0, 0, 0, 0}, {OP_LAZY, 1, 0, 0, 0, 0, 0, 0},
};

static const struct model_step forking[STEPS] = {
    {OP_MAP, 0, 0, 30, 3, 0, 0, 0},     {OP_MAP, 0, 0, 30, 3, 0, 2, 2},
    {OP_MAP, 0, 0, 31, 1, 0, 3, 0},     {OP_UNMAP, 0, 0, 31, 0, 0, 0, 0},
    {OP_UNMAP, 1, 1, 30, 3, 0, 0, 0},   {OP_PROTECT, 0, 0, 30, 3, 1, 0, 0},
    {OP_PROTECT, 1, 1, 30, 3, 0, 0, 0}, {OP_REMAP, 0, 0, 30, 0, 0, 32, 0},
    {OP_ADVISE, 0, 0, 30, 1, 0, 0, 0},  {OP_ADVISE, 0, 0, 30, 0, 3, 0, 0},
    {OP_ADVISE, 0, 0, 31, 0, 5, 0, 0},  {OP_STORE, 0, 0, 30, 0, 0, 0, 0},
    {OP_STORE, 1, 1, 30, 0, 0, 0, 0},   {OP_STORE, 0, 0, 32, 0, 0, 0, 0},
    {OP_STORE, 1, 0, 31, 0, 0, 0, 0},   {OP_LOAD, 0, 1, 30, 0, 0, 0, 0},
    {OP_LOAD, 1, 0, 32, 0, 0, 0, 0},    {OP_FORK, 0, 0, 1, 0, 0, 0, 0},
    {OP_FORK, 1, 1, 2, 0, 0, 0, 0},     {OP_EXIT, 0, 0, 0, 0, 0, 0, 0},
    {OP_EXIT, 1, 1, 0, 0, 0, 0, 0},     {OP_EXEC, 0, 1, 0, 0, 0, 0, 0},
    {OP_SWITCH, 0, 2, 0, 0, 0, 0, 0},   {OP_LAZY, 0, 0, 0, 0, 0, 0, 0},
};

static uint64_t nr_sequences;
static unsigned current[DEPTH_MAX], current_depth;
static const struct model_step *current_steps;

/* All sequences of exactly `depth`; shorter ones are their prefixes, checked on the way. */
static void run_all(const struct model_step *steps, unsigned depth,
                    unsigned first_step, unsigned end_step)
{
    unsigned at[DEPTH_MAX] = {first_step}, fresh = 0;

    current_steps = steps;
    while (at[0] < end_step) {
        for (unsigned i = 0; i < depth; i++) {
            current[i] = at[i];
            current_depth = i + 1;
            if (i < fresh) {
                model_step_unchecked(&steps[at[i]]);
            } else {
                model_step(&steps[at[i]]);
                nr_sequences++;
            }
        }
        model_clear();
        fresh = depth - 1;
        while (fresh > 0 && at[fresh] == STEPS - 1) {
            at[fresh--] = 0;
        }
        at[fresh]++;
    }
    sim_check();
}

/* The sequence that failed, as a case for as-model --replay. */
static void print_current(void)
{
    fprintf(stderr, "options cpus=2 asids=8 bits=16 chaos=0 invpcid=1 vipt=0 seed=1\n");
    for (unsigned i = 0; i < current_depth; i++) {
        struct model_step s = current_steps[current[i]];

        fprintf(stderr, "%s cpu=%u space=%u %u %u %u %u %u\n", model_op_names[s.op], s.cpu, s.space,
                s.a, s.b, s.c, s.d, s.e);
    }
}

static void on_abort(int signal)
{
    (void)signal;
    print_current();
    _exit(1);
}

int main(int argc, char **argv)
{
    unsigned depth = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 3;
    unsigned fork_depth = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 3;
    unsigned part = argc > 4 ? (unsigned)strtoul(argv[3], NULL, 0) : 0;
    unsigned parts = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 0) : 1;
    unsigned from = STEPS * part / parts, to = STEPS * (part + 1) / parts;
    struct timespec time;

    kverify(depth >= 1 && depth <= DEPTH_MAX && fork_depth >= 1 && fork_depth <= DEPTH_MAX);
    signal(SIGABRT, on_abort);
    model_boot(&(struct sim_options){.ram_bytes = MIB(8), .nr_cpus = 2, .asid_bits = 16,
                                     .asid_limit = 8}, 1);
    model.first = FIRST;
    model.nr = 4;
    run_all(single, depth, from, to);
    uint64_t first = nr_sequences;

    run_all(forking, fork_depth, from, to);
    model_finish();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    printf("ok small scope: %lu sequences up to %u steps in one space, %lu up to %u with fork; "
           "%lu steps in %.1f s of CPU\n",
           (unsigned long)first, depth, (unsigned long)(nr_sequences - first), fork_depth,
           (unsigned long)model.nr_steps,
           (double)time.tv_sec + (double)time.tv_nsec * 1e-9);
    return 0;
}
