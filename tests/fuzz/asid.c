/*
 * The tag allocator alone, with few tags and several CPUs, against TLBs that keep every translation
 * until they are told to drop all: a tag must never name two spaces on one CPU, and the tag of a
 * space that runs must not change under it. The file under test is included for its state.
 */
#include "mm/asid.c"

#include <sim/machine.h>

#include "tests/fuzz/fuzz.h"

#define CPUS    4u
#define SPACES  24u
#define TAG_TOP 128u

static struct address_space spaces[SPACES];
static uint64_t identity[SPACES]; /* changes when a space dies and another takes its record */
static uint64_t last_identity;

static struct {
    bool running;
    unsigned space;
    uint16_t tag;
    uint64_t nr_rollovers; /* that this CPU has dropped for */
    uint64_t holds[TAG_TOP]; /* whose translations are there under each tag; 0: none */
} machine[CPUS];

static void reset(uint32_t cpus_wanted, uint8_t bits, uint32_t limit)
{
    atomic_store(&generation, GENERATION_ONE);
    nr_rollovers = 0;
    next_tag = 1;
    must_drop = 0;
    memset(used, 0, sizeof(used));
    memset((void *)active, 0, sizeof(active));
    memset(reserved, 0, sizeof(reserved));
    memset(machine, 0, sizeof(machine));
    memset(spaces, 0, sizeof(spaces));
    for (unsigned i = 0; i < SPACES; i++) {
        identity[i] = ++last_identity;
    }
    nr_cpus = cpus_wanted;
    hal_caps.asid_bits = bits;
    asid_init(limit);
    fuzz_require(nr_tags == (limit == 0 ? 1u << bits
                                        : MIN(1u << bits, MAX(limit, cpus_wanted + 2))),
                 "%u tags for a limit of %u", nr_tags, limit);
}

static void switch_to(uint32_t cpu, unsigned space)
{
    bool drop_all;

    sim_cpu = cpu;
    asid_t tag = asid_activate(&spaces[space], &drop_all);

    fuzz_require(tag.value != 0 && tag.value < nr_tags, "tag %u of %u", tag.value, nr_tags);
    fuzz_require(drop_all == (machine[cpu].nr_rollovers != asid_nr_rollovers()),
                 "cpu %u drops all %s a rollover", cpu, drop_all ? "without" : "not behind");
    machine[cpu].nr_rollovers = asid_nr_rollovers();
    if (drop_all) {
        memset(machine[cpu].holds, 0, sizeof(machine[cpu].holds));
    }
    fuzz_require(machine[cpu].holds[tag.value] == 0 ||
                     machine[cpu].holds[tag.value] == identity[space],
                 "cpu %u gets tag %u, under which it holds another space", cpu, tag.value);
    machine[cpu].running = true;
    machine[cpu].space = space;
    machine[cpu].tag = tag.value;
}

/* CPUs go on filling their TLBs all the time; the shooter's idea of each tag must hold. */
static void check_running(void)
{
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        asid_t tag;

        if (!machine[cpu].running) {
            continue;
        }
        machine[cpu].holds[machine[cpu].tag] = identity[machine[cpu].space];
        fuzz_require(asid_of(&spaces[machine[cpu].space], &tag) && tag.value == machine[cpu].tag,
                     "cpu %u runs under tag %u, a shot would name %u", cpu, machine[cpu].tag,
                     tag.value);
        for (uint32_t other = 0; other < cpu; other++) {
            fuzz_require(!machine[other].running || machine[other].tag != machine[cpu].tag ||
                             machine[other].space == machine[cpu].space,
                         "cpus %u and %u run two spaces under tag %u", other, cpu,
                         machine[cpu].tag);
        }
    }
}

/* The last reference goes: CPUs leave the space before, another takes its record after. */
static void replace(unsigned space)
{
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        if (machine[cpu].running && machine[cpu].space == space) {
            machine[cpu].running = false;
        }
    }
    atomic_store(&spaces[space].asid_tag, 0);
    identity[space] = ++last_identity;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint32_t cpus_wanted = 1 + fuzz_below(&input, CPUS);
    uint8_t bits = (uint8_t)(3 + fuzz_below(&input, 5));

    unsigned limit = fuzz_byte(&input);

    reset(cpus_wanted, bits, limit % 2 == 0 ? 0 : limit % 12);
    while (input.left > 0) {
        unsigned what = fuzz_byte(&input);
        unsigned space = what % SPACES;

        if (what >= 200) {
            replace(space);
        } else {
            switch_to(fuzz_below(&input, nr_cpus), space);
        }
        check_running();
        fuzz_done(true);
    }
    return 0;
}
