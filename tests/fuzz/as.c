/*
 * The steps of tests/model as libFuzzer makes them: three CPUs, few tags, the hardware's freedoms
 * chosen by the first byte. The model, the machine's oracle and the reference counts find the rest.
 */
#include "model.h"

#include "hal/sim/internal.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "tests/fuzz/fuzz.h"

#define CPUS 3u

static const uint8_t freedoms[] = {0, 0, 0, SIM_SPECULATE, SIM_IN_FLIGHT, SIM_DELAY, SIM_EVICT,
                                   SIM_SPECULATE | SIM_IN_FLIGHT | SIM_DELAY};

static void start(uint32_t chaos)
{
    static bool booted;

    if (!booted) {
        model_boot(&(struct sim_options){.ram_bytes = MIB(32), .nr_cpus = CPUS, .asid_bits = 8,
                                         .asid_limit = 6, .chaos = chaos}, 1);
        booted = true;
    }
    sim_options.chaos = chaos;
    sim_forget();
    sim_seed(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    start(freedoms[fuzz_below(&input, ARRAY_SIZE(freedoms))]);
    uint64_t nr_steps = model.nr_steps, nr_changed = model.nr_changed;

    while (input.left >= sizeof(struct model_step)) {
        struct model_step step;

        fuzz_bytes(&input, &step, sizeof(step));
        model_step(&step);
    }
    model_check_everything();
    fuzz_nr_ops += model.nr_steps - nr_steps;
    fuzz_nr_changed += model.nr_changed - nr_changed;
    model_clear();
    return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Random bytes seldom meet what is there; steps of the model's own making do. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    uint64_t rng = seed * 0x9e3779b97f4a7c15ull + 1;

    if (seed % 4 == 0 || max_size < 1 + 64 * sizeof(struct model_step)) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    size_t nr = (MAX(size, (size_t)1) - 1) / sizeof(struct model_step);
    size_t at = nr == 0 ? 0 : (seed >> 8) % (nr + 1);
    size_t more = 1 + (seed >> 3) % 48;

    size = size == 0 ? 1 : size;
    more = MIN(more, (max_size - 1) / sizeof(struct model_step) - at);
    for (size_t i = 0; i < more; i++) {
        struct model_step step = model_random_step(&rng);

        memcpy(data + 1 + (at + i) * sizeof(step), &step, sizeof(step));
    }
    return MAX(size, 1 + (at + more) * sizeof(struct model_step));
}
