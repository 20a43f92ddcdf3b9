/*
 * The oracle of the machine: what no CPU may be able to use, and what may not happen at a moment.
 * Between steps sim_check() looks at every CPU. Break before make is checked at each store, and
 * that nobody can reach it at each freeing of a frame, by a wrapper that the linker puts round
 * frame_put(). Only what the tag in the register reaches counts: the rest is dropped before use,
 * which the next check after an activation proves.
 */
#include <arch/cpu.h>
#include <string.h>

#include "hal/sim/internal.h"
#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/space.h"

#define CLEARED_MAX 256u

static paddr_t cleared[CLEARED_MAX]; /* slots that lost a valid entry in this step */
static uint32_t nr_cleared;
static paddr_t idle_root;

void __real_frame_put(struct frame *frame);
void __wrap_frame_put(struct frame *frame);

void sim_oracle_init(void)
{
    nr_cleared = 0;
}

void sim_arch_set_idle_root(paddr_t root)
{
    idle_root = root;
}

void sim_step_done(void)
{
    nr_cleared = 0;
}

struct search {
    paddr_t pa, slot;
    const struct cached *found;
};

static void match_pa(const struct cached *cached, void *arg)
{
    struct search *search = arg;

    if (cached->pa == search->pa) {
        search->found = cached;
    }
}

static void match_slot(const struct cached *cached, void *arg)
{
    struct search *search = arg;

    if (cached->slot == search->slot && cached->pa != search->pa) {
        search->found = cached;
    }
}

static const struct cached *find_usable(const struct sim_cpu_state *cpu, bank_visit_t match,
                                        struct search *search)
{
    search->found = NULL;
    sim_bank_for_each(cpu->bank[cpu->tag], match, search);
    sim_bank_for_each(&cpu->global, match, search);
    return search->found;
}

static void check_make(paddr_t slot, uint64_t after)
{
    struct search search = {sim_decode(after, 1).pa, slot, NULL};

    for (uint32_t cpu = 0; cpu < sim_options.nr_cpus; cpu++) {
        const struct cached *old = find_usable(&sim_cpus[cpu], match_slot, &search);

        if (old != NULL) {
            panic("break before make: cpu %u still uses %#lx -> %#lx (level %u) when the entry "
                  "becomes %#lx",
                  cpu, (unsigned long)old->va, (unsigned long)old->pa, old->level,
                  (unsigned long)after);
        }
    }
}

static bool was_cleared(paddr_t slot)
{
    for (uint32_t i = 0; i < MIN(nr_cleared, CLEARED_MAX); i++) {
        if (cleared[i] == slot) {
            return true;
        }
    }
    return false;
}

void sim_pte_stored(pte_t *entry, pte_t before, pte_t after)
{
    paddr_t slot = virt_to_phys(entry);
    bool was = (before.raw & 1) != 0, is = (after.raw & 1) != 0;

    if (was && is && sim_decode(before.raw, 1).pa != sim_decode(after.raw, 1).pa) {
        panic("break before make: entry %#lx went from %#lx to %#lx", (unsigned long)slot,
              (unsigned long)before.raw, (unsigned long)after.raw);
    }
    if (was && !is) {
        cleared[nr_cleared++ % CLEARED_MAX] = slot;
    }
    if (!was && is && was_cleared(slot)) {
        check_make(slot, after.raw);
    }
    if (before.raw != after.raw && was) {
        sim_store_begun(slot, before.raw);
    }
    sim_speculate();
}

/* The last reference goes: nobody may be able to reach the frame any more. */
void __wrap_frame_put(struct frame *frame)
{
    paddr_t pa = frame_pa(frame);

    if (frame_refs(frame) == 1 && (frame->owner == FRAME_TABLE || sim_nr_cached(pa) != 0)) {
        sim_counts.frees_checked++;
        for (uint32_t cpu = 0; cpu < sim_options.nr_cpus; cpu++) {
            struct search search = {pa, 0, NULL};

            if (sim_cpus[cpu].root == pa || sim_cpus[cpu].kernel_root == pa) {
                panic("early free: cpu %u has root %#lx in its register", cpu, (unsigned long)pa);
            }
            if (sim_nr_cached(pa) != 0 && find_usable(&sim_cpus[cpu], match_pa, &search) != NULL) {
                panic("early free: cpu %u still reaches frame %#lx by %#lx (level %u%s)", cpu,
                      (unsigned long)pa, (unsigned long)search.found->va, search.found->level,
                      search.found->table ? ", a table" : "");
            }
        }
    }
    __real_frame_put(frame);
}

/* The path to va as the tables are now, kept for the next entry of the same 2 MiB. */
struct path {
    uint32_t cpu;
    vaddr_t block;
    paddr_t table[PT_LEVELS];   /* table[n]: the table whose entries are of level n; 0: none */
    uint32_t rights[PT_LEVELS]; /* what the entries above let through */
};

static void path_find(struct path *path, vaddr_t va)
{
    const struct sim_cpu_state *cpu = &sim_cpus[path->cpu];

    path->block = va >> 21;
    memset(path->table, 0, sizeof(path->table));
    path->table[PT_LEVELS - 1] = va >= KERNEL_VA_BASE ? cpu->kernel_root : cpu->root;
    path->rights[PT_LEVELS - 1] = ~0u;
    for (unsigned level = PT_LEVELS - 1; level > 0 && path->table[level] != 0; level--) {
        paddr_t slot = path->table[level] + ((va >> (12 + 9 * level)) & 511) * sizeof(uint64_t);
        struct sim_entry entry = sim_decode(sim_load_entry(slot), level);

        if (!entry.valid || !entry.table) {
            return;
        }
        path->table[level - 1] = entry.pa;
        path->rights[level - 1] = path->rights[level] & entry.rights;
    }
}

static void check_cached(const struct cached *cached, void *arg)
{
    struct path *path = arg;
    unsigned level = cached->level;

    if (path->block != cached->va >> 21) {
        path_find(path, cached->va);
    }
    paddr_t table = path->table[level];
    struct sim_entry entry = {0};

    if (table != 0) {
        paddr_t slot = table + ((cached->va >> (12 + 9 * level)) & 511) * sizeof(uint64_t);

        entry = sim_decode(sim_load_entry(slot), level);
    }
    uint32_t rights = entry.rights & path->rights[level];

    if (!entry.valid || entry.table != cached->table || entry.pa != cached->pa ||
        (cached->rights & ~rights) != 0) {
        panic("stale: cpu %u tag %u can use %#lx -> %#lx rights %x (level %u%s); the tables say "
              "%s %#lx rights %x",
              path->cpu, sim_cpus[path->cpu].tag, (unsigned long)cached->va,
              (unsigned long)cached->pa, cached->rights, level, cached->table ? ", a table" : "",
              entry.valid ? "valid" : "not valid,", (unsigned long)entry.pa, rights);
    }
}

void sim_check_tlbs(void)
{
    for (uint32_t i = 0; i < sim_options.nr_cpus; i++) {
        struct path path = {.cpu = i, .block = ~0ull};

        sim_bank_for_each(sim_cpus[i].bank[sim_cpus[i].tag], check_cached, &path);
        if (sim_cpus[i].global.nr != 0) {
            path.block = ~0ull;
            sim_bank_for_each(&sim_cpus[i].global, check_cached, &path);
        }
    }
}

void sim_check_registers(void)
{
    for (uint32_t i = 0; i < sim_options.nr_cpus; i++) {
        const struct address_space *as = cpus[i].active_as;
        asid_t tag = {0};

        if (as == NULL) {
            if (sim_cpus[i].root != 0 && sim_cpus[i].root != idle_root &&
                frame_refs(frame_of(sim_cpus[i].root)) == 0) {
                panic("I5: cpu %u has a freed root %#lx", i, (unsigned long)sim_cpus[i].root);
            }
            continue;
        }
        if (sim_cpus[i].root != as->root || !asid_of(as, &tag) || tag.value != sim_cpus[i].tag) {
            panic("I5: cpu %u has root %#lx tag %u, its space %#lx tag %u", i,
                  (unsigned long)sim_cpus[i].root, sim_cpus[i].tag, (unsigned long)as->root,
                  tag.value);
        }
    }
}

void sim_check(void)
{
    sim_step_done();
    sim_check_registers();
    sim_check_tlbs();
}
