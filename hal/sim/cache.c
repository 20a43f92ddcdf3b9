/*
 * Instruction caches by physical line, for machines where they are not coherent: a fetch reads the
 * CPU's own copy; a new copy is made from the point of unification, which sees a store only after
 * the line was cleaned. Maintenance takes effect at the DSB (Arm ARM B2.4.4); what is issued
 * without one in between may take effect in the worst order. Nothing is refreshed by itself.
 */
#include <arch/cpu.h>
#include <string.h>
#include <sys/mman.h>

#include "hal/sim/internal.h"
#include "kernel/assert.h"
#include "mm/frame.h"

#define LINE        64u
#define PENDING_MAX 256u

static uint8_t *unified;                 /* what the point of unification holds */
static uint8_t *copies[SIM_CPUS_MAX];    /* what each instruction cache holds */
static uint8_t *is_valid[SIM_CPUS_MAX];  /* by line */
static uint64_t ram, nr_lines;
static paddr_t cleaning[PENDING_MAX], invalidating[PENDING_MAX];
static uint32_t nr_cleaning, nr_invalidating;
static bool invalidating_all;

static uint8_t *reserve(uint64_t len)
{
    void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);

    kverify(at != MAP_FAILED);
    return at;
}

void sim_cache_init(uint64_t ram_bytes)
{
    ram = ram_bytes;
    nr_lines = ram_bytes / LINE;
    unified = reserve(ram);
    for (uint32_t i = 0; i < SIM_CPUS_MAX; i++) {
        copies[i] = reserve(ram);
        is_valid[i] = reserve(nr_lines);
    }
}

void sim_cache_forget(void)
{
    for (uint32_t i = 0; i < sim_options.nr_cpus; i++) {
        memset(is_valid[i], 0, nr_lines);
    }
}

void sim_cache_clean(paddr_t pa)
{
    kverify(nr_cleaning < PENDING_MAX && pa < ram);
    cleaning[nr_cleaning++] = pa & ~(paddr_t)(LINE - 1);
}

void sim_cache_invalidate(paddr_t pa)
{
    kverify(nr_invalidating < PENDING_MAX && pa < ram);
    invalidating[nr_invalidating++] = pa & ~(paddr_t)(LINE - 1);
}

void sim_cache_invalidate_all(void)
{
    invalidating_all = true;
}

static void refill(uint32_t cpu, paddr_t line)
{
    memcpy(copies[cpu] + line, unified + line, LINE);
    is_valid[cpu][line / LINE] = 1;
}

/* Invalidations first, then refills from what is not clean yet: no barrier forbids it. */
void sim_cache_complete(void)
{
    bool mixed = nr_cleaning != 0 && (nr_invalidating != 0 || invalidating_all);

    for (uint32_t cpu = 0; cpu < sim_options.nr_cpus; cpu++) {
        for (uint32_t i = 0; i < nr_invalidating; i++) {
            is_valid[cpu][invalidating[i] / LINE] = 0;
        }
        if (invalidating_all) {
            memset(is_valid[cpu], 0, nr_lines);
        }
        for (uint32_t i = 0; mixed && i < nr_cleaning; i++) {
            refill(cpu, cleaning[i]);
        }
    }
    for (uint32_t i = 0; i < nr_cleaning; i++) {
        memcpy(unified + cleaning[i], phys_to_virt(cleaning[i]), LINE);
    }
    nr_cleaning = 0;
    nr_invalidating = 0;
    invalidating_all = false;
}

uint64_t sim_cache_fetch(uint32_t cpu, paddr_t pa)
{
    paddr_t line = pa & ~(paddr_t)(LINE - 1);
    uint64_t value;

    if (!is_valid[cpu][line / LINE]) {
        refill(cpu, line);
    }
    memcpy(&value, copies[cpu] + (pa & ~7ull), sizeof(value));
    return value;
}
