/*
 * TLBs and walk caches. What one CPU holds under one tag is a bank: a hash by address and level of
 * translations and of table entries. Nothing leaves a bank but by an invalidation that names it, or
 * by chance where the options say so. A walk begins at the deepest table entry that is cached.
 */
#include <arch/cpu.h>
#include <stdlib.h>
#include <string.h>

#include "hal/sim/internal.h"
#include "kernel/assert.h"
#include "mm/frame.h"

#define BANK_FIRST 32u
#define BANK_LAST  2048u
#define RECENT     32u
#define UNSYNCED   64u

struct sim_cpu_state sim_cpus[SIM_CPUS_MAX];
static uint16_t *nr_cached; /* by frame */
static vaddr_t recent[RECENT]; /* pages that were used lately: what a speculating CPU goes for */
static uint32_t nr_recent;
static struct unsynced {
    paddr_t slot;
    uint64_t before;
} unsynced[UNSYNCED];
static uint32_t nr_unsynced;

static uint64_t span_of(unsigned level)
{
    return 1ull << (12 + 9 * level);
}

static unsigned hash_of(vaddr_t va, unsigned level, bool table)
{
    uint64_t n = va >> (12 + 9 * level);

    return (unsigned)(n ^ (n >> 7) ^ (level * 37) ^ (table ? 64 : 0)) % BANK_HEADS;
}

void sim_tlb_init(uint64_t ram_bytes, uint32_t nr)
{
    nr_cached = calloc(ram_bytes >> PAGE_SHIFT, sizeof(*nr_cached));
    kverify(nr_cached != NULL && nr <= SIM_CPUS_MAX);
    for (uint32_t i = 0; i < nr; i++) {
        sim_cpus[i].bank = calloc(SIM_TAGS_MAX, sizeof(struct bank *));
        sim_cpus[i].listed = calloc(SIM_TAGS_MAX, sizeof(uint16_t));
        kverify(sim_cpus[i].bank != NULL && sim_cpus[i].listed != NULL);
    }
}

uint32_t sim_nr_cached(paddr_t pa)
{
    return nr_cached[pa >> PAGE_SHIFT];
}

struct bank *sim_bank(struct sim_cpu_state *cpu, uint16_t tag)
{
    return cpu->bank[tag];
}

static struct bank *bank_make(struct sim_cpu_state *cpu, uint16_t tag)
{
    if (cpu->bank[tag] == NULL) {
        cpu->bank[tag] = calloc(1, sizeof(struct bank));
        kverify(cpu->bank[tag] != NULL);
        cpu->bank[tag]->tag = tag;
        cpu->listed[cpu->nr_listed++] = tag;
    }
    return cpu->bank[tag];
}

static struct cached *bank_find(const struct bank *bank, vaddr_t va, unsigned level, bool table)
{
    if (bank == NULL || bank->nr == 0) {
        return NULL;
    }
    va &= ~(span_of(level) - 1);
    for (unsigned i = bank->head[hash_of(va, level, table)]; i != 0; i = bank->cached[i - 1].next) {
        struct cached *cached = &bank->cached[i - 1];

        if (cached->va == va && cached->level == level && cached->table == table) {
            return cached;
        }
    }
    return NULL;
}

static void counted(const struct cached *cached, int by)
{
    paddr_t frames = cached->table ? 1 : span_of(cached->level) >> PAGE_SHIFT;

    if (frames == 1 && cached->pa >> PAGE_SHIFT < frame_end) {
        nr_cached[cached->pa >> PAGE_SHIFT] = (uint16_t)(nr_cached[cached->pa >> PAGE_SHIFT] + by);
    }
}

static void bank_remove(struct bank *bank, struct cached *gone)
{
    unsigned index = (unsigned)(gone - bank->cached) + 1;
    uint16_t *link = &bank->head[hash_of(gone->va, gone->level, gone->table)];

    while (*link != index) {
        link = &bank->cached[*link - 1].next;
    }
    *link = gone->next;
    gone->next = bank->free;
    bank->free = (uint16_t)index;
    bank->nr--;
    bank->nr_tables = (uint16_t)(bank->nr_tables - gone->table);
    bank->nr_blocks = (uint16_t)(bank->nr_blocks - (!gone->table && gone->level > 0));
    counted(gone, -1);
}

static void remove_if_there(struct bank *bank, vaddr_t va, unsigned level, bool table)
{
    struct cached *cached = bank_find(bank, va, level, table);

    if (cached != NULL) {
        bank_remove(bank, cached);
    }
}

static void bank_drop(struct bank *bank, bool tables_only)
{
    if (bank == NULL || bank->nr == 0 || (tables_only && bank->nr_tables == 0)) {
        return;
    }
    for (unsigned i = 0; i < BANK_HEADS; i++) {
        for (unsigned at = bank->head[i], next; at != 0; at = next) {
            next = bank->cached[at - 1].next;
            if (!tables_only || bank->cached[at - 1].table) {
                bank_remove(bank, &bank->cached[at - 1]);
            }
        }
    }
}

static void bank_drop_va(struct bank *bank, vaddr_t va)
{
    remove_if_there(bank, va, 0, false);
    for (unsigned level = 1; level < PT_LEVELS && bank != NULL && bank->nr != 0; level++) {
        remove_if_there(bank, va, level, false);
        remove_if_there(bank, va, level, true);
    }
}

void sim_bank_for_each(const struct bank *bank, bank_visit_t visit, void *arg)
{
    for (unsigned i = 0; bank != NULL && bank->nr != 0 && i < BANK_HEADS; i++) {
        for (unsigned at = bank->head[i]; at != 0; at = bank->cached[at - 1].next) {
            visit(&bank->cached[at - 1], arg);
        }
    }
}

static void bank_grow(struct bank *bank)
{
    unsigned size = bank->size == 0 ? BANK_FIRST : bank->size * 2u;

    if (size > BANK_LAST) {
        bank_drop(bank, false); /* hardware has an end too */
        return;
    }
    bank->cached = realloc(bank->cached, size * sizeof(struct cached));
    kverify(bank->cached != NULL);
    for (unsigned i = bank->size; i < size; i++) {
        bank->cached[i].next = bank->free;
        bank->free = (uint16_t)(i + 1);
    }
    bank->size = (uint16_t)size;
}

/* Arm ARM D8.13.3, SDM 3A 4.10.2: two sizes for one address are the software's fault. */
static void check_sizes(const struct bank *bank, const struct cached *new)
{
    for (unsigned level = 0; level < PT_LEVELS - 1 && !new->table; level++) {
        if (level > new->level && bank_find(bank, new->va, level, false) != NULL) {
            panic("TLB conflict: %#lx is cached at levels %u and %u", (unsigned long)new->va,
                  new->level, level);
        }
    }
}

static void bank_add(struct bank *bank, const struct cached *new)
{
    struct cached *cached = bank_find(bank, new->va, new->level, new->table);

    if (cached != NULL) {
        uint16_t next = cached->next;

        counted(cached, -1);
        *cached = *new;
        cached->next = next;
        counted(cached, 1);
        return;
    }
    if (bank->nr_blocks != 0) {
        check_sizes(bank, new);
    }
    if (bank->free == 0) {
        bank_grow(bank);
    }
    unsigned index = bank->free;
    uint16_t *head = &bank->head[hash_of(new->va, new->level, new->table)];

    cached = &bank->cached[index - 1];
    bank->free = cached->next;
    *cached = *new;
    cached->next = *head;
    *head = (uint16_t)index;
    bank->nr++;
    bank->nr_tables = (uint16_t)(bank->nr_tables + new->table);
    bank->nr_blocks = (uint16_t)(bank->nr_blocks + (!new->table && new->level > 0));
    counted(new, 1);
}

void sim_drop_va(struct sim_cpu_state *cpu, uint16_t tag, vaddr_t va)
{
    bank_drop_va(cpu->bank[tag], va);
}

void sim_drop_global_va(struct sim_cpu_state *cpu, vaddr_t va)
{
    bank_drop_va(&cpu->global, va);
}

void sim_drop_va_all_tags(struct sim_cpu_state *cpu, vaddr_t va)
{
    for (uint32_t i = 0; i < cpu->nr_listed; i++) {
        bank_drop_va(cpu->bank[cpu->listed[i]], va);
    }
    sim_drop_global_va(cpu, va);
}

void sim_drop_tables(struct sim_cpu_state *cpu, uint16_t tag)
{
    bank_drop(cpu->bank[tag], true);
}

void sim_drop_tag(struct sim_cpu_state *cpu, uint16_t tag)
{
    bank_drop(cpu->bank[tag], false);
}

void sim_drop_all_tags(struct sim_cpu_state *cpu)
{
    for (uint32_t i = 0; i < cpu->nr_listed; i++) {
        bank_drop(cpu->bank[cpu->listed[i]], false);
    }
}

void sim_drop_everything(struct sim_cpu_state *cpu)
{
    sim_drop_all_tags(cpu);
    bank_drop(&cpu->global, false);
}

void sim_store_begun(paddr_t slot, uint64_t before)
{
    if (nr_unsynced < UNSYNCED) {
        unsynced[nr_unsynced++] = (struct unsynced){slot, before};
    }
}

void sim_stores_done(void)
{
    nr_unsynced = 0;
}

uint64_t sim_load_entry(paddr_t slot)
{
    return *(const uint64_t *)phys_to_virt(slot);
}

/* What a walker reads: perhaps what was there before a store that is not yet visible to it. */
static uint64_t walker_load(paddr_t slot)
{
    for (uint32_t i = 0; i < nr_unsynced; i++) {
        if (unsynced[i].slot == slot && sim_chance(SIM_IN_FLIGHT, 2)) {
            return unsynced[i].before;
        }
    }
    return sim_load_entry(slot);
}

static bool may(uint32_t rights, uint32_t access, bool user)
{
    return (!user || (rights & PTE_USER) != 0) && (rights & access) != 0;
}

static const struct cached *tlb_find(struct sim_cpu_state *cpu, vaddr_t va)
{
    const struct bank *bank = cpu->bank[cpu->tag];
    const struct cached *hit = bank_find(bank, va, 0, false);

    if (hit == NULL && cpu->global.nr != 0) {
        hit = bank_find(&cpu->global, va, 0, false);
    }
    for (unsigned level = 1; level < PT_LEVELS - 1 && hit == NULL; level++) {
        if (bank != NULL && bank->nr_blocks != 0) {
            hit = bank_find(bank, va, level, false);
        }
        if (hit == NULL && cpu->global.nr_blocks != 0) {
            hit = bank_find(&cpu->global, va, level, false);
        }
    }
    return hit;
}

/* The table to begin at: the deepest that is cached, or by chance a higher one. */
static paddr_t walk_start(struct sim_cpu_state *cpu, vaddr_t va, unsigned *level, uint32_t *rights)
{
    const struct bank *bank = cpu->bank[cpu->tag];

    for (unsigned at = 1; at < PT_LEVELS && bank != NULL && bank->nr_tables != 0; at++) {
        const struct cached *cached = bank_find(bank, va, at, true);

        if (cached != NULL && !sim_chance(SIM_EVICT, 4)) {
            *level = at - 1;
            *rights = cached->rights;
            return cached->pa;
        }
    }
    *level = PT_LEVELS - 1;
    *rights = ~0u;
    return va >= KERNEL_VA_BASE ? cpu->kernel_root : cpu->root;
}

/* Walks and caches what it meets. Returns the leaf, or NULL where there is none. */
static const struct cached *walk(struct sim_cpu_state *cpu, vaddr_t va)
{
    unsigned level;
    uint32_t rights;
    paddr_t table = walk_start(cpu, va, &level, &rights);

    for (;; level--) {
        paddr_t slot = table + ((va >> (12 + 9 * level)) & 511) * sizeof(uint64_t);

        if (table == 0 || table >> PAGE_SHIFT >= frame_end) {
            return NULL;
        }
        struct sim_entry entry = sim_decode(walker_load(slot), level);

        if (!entry.valid) {
            return NULL; /* what is not valid is never cached (Arm ARM D8.13, SDM 4.10.2.3) */
        }
        rights &= entry.rights;
        struct cached new = {va & ~(span_of(level) - 1), entry.pa, slot,
                             rights, (uint8_t)level, entry.table, 0};
        struct bank *bank = entry.global ? &cpu->global : bank_make(cpu, cpu->tag);

        bank_add(bank, &new);
        if (!entry.table) {
            if (va < USER_VA_END && entry.global) {
                panic("the user's %#lx is global", (unsigned long)va);
            }
            return bank_find(bank, va, level, false);
        }
        table = entry.pa;
    }
}

static void evict_some(struct sim_cpu_state *cpu)
{
    if (sim_chance(SIM_EVICT, 8)) {
        bank_drop_va(cpu->bank[cpu->tag], recent[sim_random() % RECENT]);
    }
}

void sim_speculate(void)
{
    if (!sim_chance(SIM_SPECULATE, 3) || nr_recent == 0) {
        return;
    }
    struct sim_cpu_state *cpu = &sim_cpus[sim_random() % sim_options.nr_cpus];
    vaddr_t va = recent[sim_random() % MIN(nr_recent, RECENT)];

    if (cpu->root != 0 && tlb_find(cpu, va) == NULL) {
        sim_counts.speculations++;
        (void)walk(cpu, va);
    }
}

static uint8_t *translate(vaddr_t va, uint32_t access, bool user)
{
    struct sim_cpu_state *cpu = &sim_cpus[sim_cpu];

    evict_some(cpu);
    const struct cached *hit = tlb_find(cpu, va);

    if (user) {
        recent[nr_recent++ % RECENT] = va & ~(PAGE_SIZE - 1);
    }
    if (hit != NULL) {
        sim_counts.tlb_hits++;
    } else {
        sim_counts.walks++;
        hit = walk(cpu, va);
    }
    if (hit == NULL || !may(hit->rights, access, user)) {
        sim_counts.stale_faults += hit != NULL;
        sim_arch_fault(va);
        return NULL;
    }
    return (uint8_t *)phys_to_virt(hit->pa) + (va & (span_of(hit->level) - 1));
}

uint8_t *sim_access(vaddr_t va, uint32_t access)
{
    return va < USER_VA_END ? translate(va, access, true) : NULL;
}

uint8_t *sim_kernel_access(vaddr_t va, uint32_t access)
{
    return va >= KERNEL_VA_BASE ? translate(va, access, false) : NULL;
}

bool sim_tlb_holds(uint32_t cpu, vaddr_t va)
{
    return tlb_find(&sim_cpus[cpu], va) != NULL;
}
