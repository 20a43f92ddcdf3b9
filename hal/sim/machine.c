/*
 * The machine: see sim/machine.h. TLBs are arrays that are searched whole; slow, but nothing is
 * hidden. Entries leave only by an invalidation that names them, by a drop, or when full by chance.
 */
#include <arch/cpu.h>
#include <sim/machine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "mm/frame.h"

#define TLB_ENTRIES 256u
#define WALK_ENTRIES 64u
#define SPACES_MAX 64u

struct tlb_entry {
    bool used;
    asid_t asid;
    vaddr_t va; /* page */
    paddr_t pa;
    uint32_t rights;
    paddr_t root; /* of the walk that made it, for the oracle */
};

/* A cached level-1 table entry: where the leaves of 2 MiB are, and what the path lets through. */
struct walk_entry {
    bool used;
    asid_t asid;
    vaddr_t va;
    paddr_t table;
    uint32_t rights;
    paddr_t root;
};

static struct sim_cpu_state {
    paddr_t root;
    asid_t asid;
    struct tlb_entry tlb[TLB_ENTRIES];
    struct walk_entry walk[WALK_ENTRIES];
    uint32_t next_tlb, next_walk;
} states[CPU_MAX];

struct cpu cpus[CPU_MAX];
uint32_t nr_cpus;
uint32_t sim_cpu;
bool sim_irqs_off;
struct hal_caps hal_caps;
struct sim_counts sim_counts;
static paddr_t live_roots[SPACES_MAX];

void sim_init(uint64_t ram_bytes, uint32_t nr, uint8_t asid_bits)
{
    void *at = (void *)DIRECT_MAP_BASE;

    if (mmap(at, ram_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at) {
        perror("sim: RAM arena");
        exit(2);
    }
    nr_cpus = nr;
    for (uint32_t i = 0; i < nr; i++) {
        cpus[i].id = i;
    }
    hal_caps.asid_bits = asid_bits;
    hal_caps.pa_bits = 40;
    static struct boot_info boot;

    boot.ram[0] = (struct boot_range){0, ram_bytes};
    boot.nr_ram = 1;
    boot.early_map_end = ram_bytes;
    frame_init(&boot);
}

void sim_set_cpu(uint32_t cpu)
{
    sim_cpu = cpu;
}

void sim_pte_stored(pte_t *entry, pte_t before, pte_t after)
{
    /* Break before make: a present entry changes its frame only by way of an absent one. */
    if (pte_present(before) && pte_present(after) && pte_addr(before, 0) != pte_addr(after, 0)) {
        panic("break-before-make: entry %p went from %#lx to %#lx", (void *)entry,
              (unsigned long)before.raw, (unsigned long)after.raw);
    }
}

static uint64_t load_entry(paddr_t table, vaddr_t va, unsigned level)
{
    const uint64_t *entries = phys_to_virt(table);

    return entries[(va >> (12 + 9 * level)) & 511];
}

/* Walks from the given table down; true with the page in *pa. */
static bool walk_from(paddr_t table, unsigned level, vaddr_t va, uint32_t *rights, paddr_t *pa,
                      paddr_t *level0)
{
    for (;; level--) {
        struct sim_entry entry = sim_decode(load_entry(table, va, level), level);

        if (!entry.valid) {
            return false;
        }
        *rights &= entry.rights;
        if (!entry.table) {
            kverify(level == 0 && !entry.global);
            *pa = entry.pa;
            *level0 = table;
            return true;
        }
        table = entry.pa;
    }
}

static bool may(uint32_t rights, uint32_t access)
{
    return (rights & PTE_USER) != 0 && (rights & access) != 0;
}

static struct tlb_entry *tlb_find(struct sim_cpu_state *cpu, vaddr_t page)
{
    for (uint32_t i = 0; i < TLB_ENTRIES; i++) {
        struct tlb_entry *entry = &cpu->tlb[i];

        if (entry->used && entry->asid.value == cpu->asid.value && entry->va == page) {
            return entry;
        }
    }
    return NULL;
}

static struct walk_entry *walk_find(struct sim_cpu_state *cpu, vaddr_t block)
{
    for (uint32_t i = 0; i < WALK_ENTRIES; i++) {
        struct walk_entry *entry = &cpu->walk[i];

        if (entry->used && entry->asid.value == cpu->asid.value && entry->va == block) {
            return entry;
        }
    }
    return NULL;
}

uint8_t *sim_access(vaddr_t va, uint32_t access)
{
    struct sim_cpu_state *cpu = &states[sim_cpu];
    vaddr_t page = va & ~(PAGE_SIZE - 1), block = va & ~((1ull << 21) - 1);
    struct tlb_entry *hit = tlb_find(cpu, page);
    uint32_t rights = ~0u;
    paddr_t pa, level0;

    if (va >= USER_VA_END) {
        return NULL;
    }
    if (hit != NULL) {
        sim_counts.tlb_hits++;
        if (may(hit->rights, access)) {
            return (uint8_t *)phys_to_virt(hit->pa) + (va & (PAGE_SIZE - 1));
        }
        sim_counts.stale_faults++;
#if !HAL_TLB_BROADCAST
        hit->used = false; /* the fault itself drops the entry (SDM 3A 4.10.4.1) */
        if (walk_find(cpu, block) != NULL) {
            walk_find(cpu, block)->used = false;
        }
#endif
        return NULL;
    }
    sim_counts.walks++;
    struct walk_entry *cached = walk_find(cpu, block);

    if (cached != NULL) {
        rights = cached->rights;
        if (!walk_from(cached->table, 0, va, &rights, &pa, &level0)) {
            return NULL;
        }
    } else {
        if (!walk_from(cpu->root, 3, va, &rights, &pa, &level0)) {
            return NULL;
        }
        uint32_t path = ~0u;
        paddr_t table = cpu->root;

        for (unsigned level = 3; level > 0; level--) {
            struct sim_entry entry = sim_decode(load_entry(table, va, level), level);

            path &= entry.rights;
            table = entry.pa;
        }
        cpu->walk[cpu->next_walk++ % WALK_ENTRIES] =
            (struct walk_entry){true, cpu->asid, block, level0, path, cpu->root};
    }
    cpu->tlb[cpu->next_tlb++ % TLB_ENTRIES] =
        (struct tlb_entry){true, cpu->asid, page, pa, rights, cpu->root};
    if (!may(rights, access)) {
#if !HAL_TLB_BROADCAST
        tlb_find(cpu, page)->used = false;
        if (walk_find(cpu, block) != NULL) {
            walk_find(cpu, block)->used = false;
        }
#endif
        return NULL;
    }
    return (uint8_t *)phys_to_virt(pa) + (va & (PAGE_SIZE - 1));
}

static void drop_entries(struct sim_cpu_state *cpu, bool all, asid_t asid, vaddr_t start,
                         vaddr_t end, bool tables)
{
    for (uint32_t i = 0; i < TLB_ENTRIES; i++) {
        struct tlb_entry *entry = &cpu->tlb[i];

        if ((all || entry->asid.value == asid.value) && entry->va >= start && entry->va < end) {
            entry->used = false;
        }
    }
    for (uint32_t i = 0; tables && i < WALK_ENTRIES; i++) {
        struct walk_entry *entry = &cpu->walk[i];

        if ((all || entry->asid.value == asid.value) && entry->va < end &&
            entry->va + (1ull << 21) > start) {
            entry->used = false;
        }
    }
}

static void sim_activate(paddr_t root, asid_t asid, enum tlb_drop drop)
{
    struct sim_cpu_state *cpu = &states[sim_cpu];

    kverify(sim_irqs_off);
    sim_counts.activations++;
    cpu->root = root;
    cpu->asid = asid;
    if (drop != TLB_KEEP) {
        drop_entries(cpu, drop == TLB_DROP_ALL, asid, 0, UINT64_MAX, true);
    }
}

/* A broadcast machine reaches every CPU; another only those that the caller names. */
static void sim_shoot(const struct tlb_shot *shot)
{
    bool all = shot->scope == TLB_ALL || shot->scope == TLB_GLOBAL;
    vaddr_t start = shot->scope == TLB_SPACE ? 0 : shot->start;
    vaddr_t end = shot->scope == TLB_SPACE ? UINT64_MAX : shot->end;

    sim_counts.shots++;
    for (uint32_t i = 0; i < nr_cpus; i++) {
        if (HAL_TLB_BROADCAST || ((shot->cpus >> i) & 1) != 0) {
            drop_entries(&states[i], all, shot->asid, start, end, shot->tables);
        }
    }
}

static void sim_root_init(paddr_t root)
{
    (void)root;
}

static void sim_icache_sync(paddr_t pa, size_t len)
{
    (void)pa;
    (void)len;
}

static paddr_t sim_active_root(asid_t *out)
{
    *out = states[sim_cpu].asid;
    return states[sim_cpu].root;
}

const struct hal_mmu hal_mmu = {
    .root_init = sim_root_init,
    .activate = sim_activate,
    .shoot = sim_shoot,
    .icache_sync = sim_icache_sync,
    .active_root = sim_active_root,
};

void sim_space_born(paddr_t root)
{
    for (uint32_t i = 0; i < SPACES_MAX; i++) {
        if (live_roots[i] == 0) {
            live_roots[i] = root;
            return;
        }
    }
    abort();
}

void sim_space_gone(paddr_t root)
{
    for (uint32_t i = 0; i < SPACES_MAX; i++) {
        if (live_roots[i] == root) {
            live_roots[i] = 0;
        }
    }
}

/* Only what the CPU can use now: entries under the tag in its register. */
void sim_check_tlbs(void)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        struct sim_cpu_state *cpu = &states[i];

        for (uint32_t j = 0; j < TLB_ENTRIES; j++) {
            const struct tlb_entry *entry = &cpu->tlb[j];
            uint32_t rights = ~0u;
            paddr_t pa, level0;

            if (!entry->used || entry->asid.value != cpu->asid.value) {
                continue;
            }
            if (entry->root != cpu->root) {
                panic("cpu %u holds %#lx of another space under its tag %u", i,
                      (unsigned long)entry->va, entry->asid.value);
            }
            if (!walk_from(cpu->root, 3, entry->va, &rights, &pa, &level0) || pa != entry->pa ||
                (entry->rights & ~rights & (PTE_READ | PTE_WRITE | PTE_EXEC)) != 0) {
                panic("cpu %u can use a stale translation of %#lx", i, (unsigned long)entry->va);
            }
        }
        for (uint32_t j = 0; j < WALK_ENTRIES; j++) {
            const struct walk_entry *entry = &cpu->walk[j];

            if (entry->used && entry->asid.value == cpu->asid.value &&
                frame_of(entry->table)->owner != FRAME_TABLE) {
                panic("cpu %u can walk through freed table %#lx", i, (unsigned long)entry->table);
            }
        }
    }
}
