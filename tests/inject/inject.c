/*
 * Failure injection: for each step the n-th allocation fails, for every n until the step succeeds.
 * After each failure the space is what it was (hash and model), nothing is lost, and every oracle is
 * content. The states come from fixed scenes and from random walks. usage: inject [seeds [steps]]
 */
#include <asm/mman.h>
#include <linux/mman.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/assert.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "model.h"

#define FAILURES_MAX 400u
#define SCENE_MAX    12u

static uint64_t nr_failures[MODEL_NR_OPS], nr_steps[MODEL_NR_OPS];

/* Steps whose failure Linux lets be partial, too: they are run without one. */
static bool is_atomic(const struct model_step *step)
{
    switch ((enum model_op)(step->op % MODEL_NR_OPS)) {
    case OP_ADVISE:
    case OP_LOCK:
    case OP_TRUNCATE:
    case OP_LAZY:
    case OP_EXIT:
        return false;
    default:
        return true;
    }
}

/* Whether the failure was used up. If not, what is left of the count is worn off here. */
static bool was_reached(void)
{
    for (unsigned i = 0; i < 4 * FAILURES_MAX; i++) {
        if (frame_should_fail()) {
            return false;
        }
    }
    return true;
}

static void step_with_failures(struct model_step step)
{
    unsigned op = step.op % MODEL_NR_OPS, space = step.space % MODEL_SPACES;

    if (op == OP_MAP || op == OP_MAP_ANYWHERE) {
        step.c &= 0x9f; /* AS_POPULATE is best effort */
    }
    if (!is_atomic(&step) || model.space[space].as == NULL) {
        model_step(&step);
        return;
    }
    nr_steps[op]++;
    for (uint64_t n = 1;; n++) {
        struct address_space *as = model.space[space].as;
        uint64_t before = model_hash(as), changed = model.nr_changed;

        kverify(n < FAILURES_MAX);
        model.injecting = true;
        frame_fail_nth(n);
        model_step(&step);
        model.injecting = false;
        if (!was_reached()) {
            return;
        }
        nr_failures[op]++;
        if (model.space[space].as == as && model.nr_changed == changed && model_hash(as) != before) {
            panic("%s changed the space though its allocation %lu failed", model_op_names[op],
                  (unsigned long)n);
        }
        if (model.nr_changed != changed) {
            return; /* it did without */
        }
    }
}

struct scene {
    const char *name;
    struct model_step steps[SCENE_MAX];
};

/* Each begins with a new program: code at page 0, data at 4, bss at 6, a stack at 70. */
static const struct scene scenes[] = {
    {"map over parts", {{OP_MAP, 0, 0, 7, 1, 0, 0, 0}}},
    {"map over a shared table", {{OP_STORE, 0, 0, 6, 0, 0, 0, 0}, {OP_FORK, 0, 0, 1, 0, 0, 0, 0},
                                 {OP_MAP, 0, 0, 7, 1, 0, 0, 0}}},
    {"unmap the middle", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_UNMAP, 0, 0, 7, 1, 0, 0, 0}}},
    {"unmap in shared tables", {{OP_MAP, 0, 0, 20, 23, 0, 0, 0}, {OP_STORE, 0, 0, 22, 0, 0, 0, 0},
                                {OP_STORE, 0, 0, 40, 0, 0, 0, 0}, {OP_FORK, 0, 0, 1, 0, 0, 0, 0},
                                {OP_UNMAP, 0, 0, 25, 10, 0, 0, 0}}},
    {"protect the middle", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_PROTECT, 0, 0, 7, 1, 1, 0, 0}}},
    {"protect in shared tables", {{OP_MAP, 0, 0, 20, 23, 0, 0, 0}, {OP_STORE, 0, 0, 30, 0, 0, 0, 0},
                                  {OP_STORE, 0, 0, 34, 0, 0, 0, 0}, {OP_FORK, 0, 0, 1, 0, 0, 0, 0},
                                  {OP_PROTECT, 0, 0, 25, 15, 1, 0, 0}}},
    {"move onto a mapping", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_MAP, 0, 0, 40, 3, 0, 0, 0},
                             {OP_STORE, 0, 0, 41, 0, 0, 0, 0}, {OP_REMAP, 0, 0, 7, 1, 1, 41, 0}}},
    {"move with shared tables", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_MAP, 0, 0, 40, 3, 0, 0, 0},
                                 {OP_STORE, 0, 0, 41, 0, 0, 0, 0}, {OP_FORK, 0, 0, 1, 0, 0, 0, 0},
                                 {OP_REMAP, 0, 0, 7, 1, 1, 41, 0}}},
    {"move to new tables", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_REMAP, 0, 0, 7, 1, 1, 40, 0}}},
    {"move and shrink", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_REMAP, 0, 0, 6, 3, 1, 40, 0}}},
    {"grow by moving", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_MAP, 0, 0, 10, 0, 0, 0, 0},
                        {OP_REMAP, 0, 0, 6, 3, 7, 0, 3}}},
    {"heap appears", {{OP_BRK, 0, 0, 3, 0, 0, 0, 0}}},
    {"heap shrinks in a shared table", {{OP_BRK, 0, 0, 4, 0, 0, 0, 0}, {OP_STORE, 0, 0, 44, 0, 0, 0, 0},
                                        {OP_STORE, 0, 0, 47, 0, 0, 0, 0}, {OP_FORK, 0, 0, 1, 0, 0, 0, 0},
                                        {OP_BRK, 0, 0, 2, 0, 0, 0, 0}}},
    {"fork", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_STORE, 0, 0, 71, 0, 0, 0, 0},
              {OP_FORK, 0, 0, 1, 0, 0, 0, 0}}},
    {"fork with pages left out", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_STORE, 0, 0, 6, 0, 0, 0, 0},
                                  {OP_ADVISE, 0, 0, 7, 0, 3, 0, 0}, {OP_FORK, 0, 0, 1, 0, 0, 0, 0}}},
    {"fork of a fork with pages left out",
     {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_STORE, 0, 0, 6, 0, 0, 0, 0},
      {OP_FORK, 0, 0, 1, 0, 0, 0, 0}, {OP_ADVISE, 0, 0, 7, 0, 5, 0, 0},
      {OP_FORK, 0, 0, 2, 0, 0, 0, 0}}},
    {"exec", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_EXEC, 0, 0, 0, 0, 0, 0, 0}}},
    {"read fault", {{OP_MAP, 0, 0, 40, 0, 0, 0, 0}, {OP_LOAD, 0, 0, 40, 0, 0, 0, 0}}},
    {"write fault", {{OP_MAP, 0, 0, 40, 0, 0, 0, 0}, {OP_STORE, 0, 0, 40, 0, 0, 0, 0}}},
    {"write fault on the zero page", {{OP_LOAD, 0, 0, 7, 0, 0, 0, 0}, {OP_STORE, 0, 0, 7, 0, 0, 0, 0}}},
    {"write fault after fork", {{OP_STORE, 0, 0, 7, 0, 0, 0, 0}, {OP_FORK, 0, 0, 1, 0, 0, 0, 0},
                                {OP_STORE, 0, 0, 7, 1, 0, 0, 0}}},
    {"object fault", {{OP_MAP, 0, 0, 40, 3, 0, 3, 60}, {OP_STORE, 0, 0, 40, 0, 0, 0, 0}}},
    {"private object fault", {{OP_MAP, 0, 0, 40, 3, 0, 2, 60}, {OP_STORE, 0, 0, 40, 0, 0, 0, 0}}},
    {"private object copied later", {{OP_MAP, 0, 0, 40, 3, 0, 2, 60}, {OP_LOAD, 0, 0, 40, 0, 0, 0, 0},
                                     {OP_STORE, 0, 0, 40, 0, 0, 0, 0}}},
    {"stack grows", {{OP_STORE, 0, 0, 66, 0, 0, 0, 0}}},
    {"copy out to a hole", {{OP_COPY_OUT, 0, 0, 8, 0, 0, 0, 0}}},
};

static void run_scenes(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(scenes); i++) {
        uint64_t before = 0;
        const struct model_step spawn = {OP_SWITCH, 0, 0, 0, 0, 0, 0, 0};

        for (unsigned op = 0; op < MODEL_NR_OPS; op++) {
            before += nr_failures[op];
        }
        model_step(&spawn);
        for (unsigned j = 0; j < SCENE_MAX; j++) {
            const struct model_step *step = &scenes[i].steps[j];
            bool is_empty = step->op == 0 && step->a == 0;

            if (!is_empty) {
                step_with_failures(*step);
            }
        }
        model_check_everything();
        model_clear();
        sim_check();
        for (unsigned op = 0; op < MODEL_NR_OPS; op++) {
            before -= nr_failures[op];
        }
        printf("ok %s: %lu allocations failed\n", scenes[i].name, (unsigned long)-before);
    }
}

static void run_walk(uint64_t seed, unsigned steps)
{
    uint64_t rng = seed * 0x9e3779b97f4a7c15ull + 1;

    for (unsigned i = 0; i < steps; i++) {
        step_with_failures(model_random_step(&rng));
    }
    model_check_everything();
    model_clear();
}

int main(int argc, char **argv)
{
    static const enum model_op required[] = {OP_MAP,  OP_UNMAP, OP_PROTECT, OP_REMAP, OP_BRK,
                                             OP_FORK, OP_EXEC,  OP_LOAD,    OP_STORE};
    unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 2;
    unsigned steps = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 3000;
    int status = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    model_boot(&(struct sim_options){.ram_bytes = MIB(16), .nr_cpus = 2, .asid_bits = 16,
                                     .asid_limit = 8, .chaos = SIM_SPECULATE}, 1);
    run_scenes();
    for (unsigned seed = 1; seed <= seeds; seed++) {
        run_walk(seed, steps);
    }
    model_finish();
    for (unsigned i = 0; i < ARRAY_SIZE(required); i++) {
        bool good = nr_failures[required[i]] != 0;

        printf("%s %s: %lu steps, %lu failed allocations\n", good ? "ok" : "not ok",
               model_op_names[required[i]], (unsigned long)nr_steps[required[i]],
               (unsigned long)nr_failures[required[i]]);
        status |= !good;
    }
    return status;
}
