/*
 * The machine round the virtual CPUs: hal/sim's CPUs and decoders, and TLBs that at any moment hold
 * everything that the root in the register led to since the last invalidation. A real TLB holds a
 * part of it, so whoever is safe here is safe there, and no walk is a choice of its own.
 * After each step the oracle looks at every CPU, and less closely in the middle of a switch.
 */
#include <hal/board.h>
#include <hal/boot.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "hal/sim/internal.h"
#include "kernel/cpu.h"
#include "mm/asid.h"
#include "mm/pagetable.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/tlb.h"
#include "tests/explore/explore.h"

#define RAM_BYTES MIB(4)
#define FRAMES    (RAM_BYTES >> PAGE_SHIFT)

struct entry {
    bool valid;
    uint32_t rights;
    paddr_t pa, slot;
};

/* What one CPU holds under one tag: the scenarios' addresses share their tables. */
struct tlb_bank {
    struct entry leaf[MACHINE_VAS];
    struct entry table[PT_LEVELS];
};

struct cpu cpus[CPU_MAX];
uint32_t nr_cpus;
struct sim_cpu_state sim_cpus[SIM_CPUS_MAX];
struct sim_options sim_options;
struct sim_counts sim_counts;

static struct tlb_bank tlb[VCPUS_MAX][MACHINE_TAGS];
static struct entry kernel_leaf[VCPUS_MAX]; /* global */
static bool kernel_is_dead;
bool machine_lets_walker;
static struct space {
    struct address_space *as;
    paddr_t table[PT_LEVELS];
    paddr_t page[MACHINE_VAS], dead[MACHINE_VAS];
    bool freed;
} spaces[SPACES_MAX];
static unsigned nr_spaces;
static bool is_freed[FRAMES];
static uintptr_t counters_start, counters_end;

static const struct hal_board board = {.name = "explorer", .ipi = vcpu_ipi};
const struct hal_board *hal_board = &board;

void *machine_ram(size_t *len)
{
    *len = RAM_BYTES;
    return (void *)DIRECT_MAP_BASE;
}

/* The TLB's primitives, as hal/sim/internal.h names them. */

static struct tlb_bank *bank_of(const struct sim_cpu_state *cpu, uint16_t tag)
{
    kverify(tag < MACHINE_TAGS);
    return &tlb[cpu - sim_cpus][tag];
}

static void drop_leaf(struct tlb_bank *bank, vaddr_t va)
{
    for (unsigned n = 0; n < MACHINE_VAS; n++) {
        if (MACHINE_VA(n) == va) {
            bank->leaf[n] = (struct entry){0};
        }
    }
}

static void drop_tables(struct tlb_bank *bank)
{
    memset(bank->table, 0, sizeof(bank->table));
}

void sim_drop_va(struct sim_cpu_state *cpu, uint16_t tag, vaddr_t va)
{
    drop_leaf(bank_of(cpu, tag), va);
    if (va >> 21 == MACHINE_VA(0) >> 21) {
        drop_tables(bank_of(cpu, tag));
    }
}

void sim_drop_va_all_tags(struct sim_cpu_state *cpu, vaddr_t va)
{
    for (uint16_t tag = 0; tag < MACHINE_TAGS; tag++) {
        sim_drop_va(cpu, tag, va);
    }
    sim_drop_global_va(cpu, va);
}

void sim_drop_global_va(struct sim_cpu_state *cpu, vaddr_t va)
{
    if (va == MACHINE_KERNEL_VA) {
        kernel_leaf[cpu - sim_cpus] = (struct entry){0};
    }
}

void sim_drop_tables(struct sim_cpu_state *cpu, uint16_t tag)
{
    drop_tables(bank_of(cpu, tag));
}

void sim_drop_tag(struct sim_cpu_state *cpu, uint16_t tag)
{
    memset(bank_of(cpu, tag), 0, sizeof(struct tlb_bank));
}

void sim_drop_all_tags(struct sim_cpu_state *cpu)
{
    memset(&tlb[cpu - sim_cpus], 0, sizeof(tlb[0]));
}

void sim_drop_everything(struct sim_cpu_state *cpu)
{
    sim_drop_all_tags(cpu);
    sim_drop_global_va(cpu, MACHINE_KERNEL_VA);
}

void sim_speculate(void)
{
}

void sim_stores_done(void)
{
}

void sim_instruction(void)
{
}

void sim_pte_stored(pte_t *entry, pte_t before, pte_t after)
{
    (void)entry;
    (void)before;
    (void)after;
}

uint8_t *sim_access(vaddr_t va, uint32_t access)
{
    (void)va;
    (void)access;
    return NULL;
}

uint64_t sim_load_entry(paddr_t slot)
{
    return *(const uint64_t *)phys_to_virt(slot);
}

static void fill(const struct sim_cpu_state *cpu, struct tlb_bank *bank, unsigned n)
{
    paddr_t table = cpu->root;
    uint32_t rights = ~0u;
    unsigned level = PT_LEVELS - 1;

    for (unsigned at = 1; at < PT_LEVELS; at++) {
        if (bank->table[at].valid) {
            table = bank->table[at].pa;
            rights = bank->table[at].rights;
            level = at - 1;
            break;
        }
    }
    for (;; level--) {
        paddr_t slot = table + pt_index(MACHINE_VA(n), level) * sizeof(uint64_t);
        struct sim_entry entry = sim_decode(sim_load_entry(slot), level);

        if (!entry.valid) {
            return;
        }
        rights &= entry.rights;
        struct entry new = {true, rights, entry.pa, slot};

        if (!entry.table) {
            bank->leaf[n] = new;
            return;
        }
        bank->table[level] = new;
        table = entry.pa;
    }
}

static pte_t *kernel_slot(paddr_t root)
{
    paddr_t table = root;

    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        const pte_t *entries = phys_to_virt(table);

        table = pte_addr(entries[pt_index(MACHINE_KERNEL_VA, level)], level);
    }
    return (pte_t *)phys_to_virt(table) + pt_index(MACHINE_KERNEL_VA, 0);
}

static void fill_kernel(uint32_t cpu)
{
    const pte_t *slot = kernel_slot(sim_cpus[cpu].kernel_root);
    struct sim_entry entry = sim_decode(slot->raw, 0);

    if (entry.valid) {
        kverify(entry.global);
        kernel_leaf[cpu] = (struct entry){true, entry.rights, entry.pa, virt_to_phys(slot)};
    }
}

void machine_refill(void)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        if (!kernel_leaf[i].valid && !explore_direct) {
            fill_kernel(i);
        }
        struct tlb_bank *bank = bank_of(&sim_cpus[i], sim_cpus[i].tag);

        for (unsigned n = 0; n < MACHINE_VAS && sim_cpus[i].root != 0; n++) {
            if (!bank->leaf[n].valid) {
                fill(&sim_cpus[i], bank, n);
            }
        }
    }
}

/* The oracle. */

static struct space *space_of_root(paddr_t root)
{
    for (unsigned i = 0; i < nr_spaces; i++) {
        if (spaces[i].table[PT_LEVELS - 1] == root) {
            return &spaces[i];
        }
    }
    return NULL;
}

static bool owns_slot(const struct space *space, paddr_t slot)
{
    for (unsigned level = 0; level < PT_LEVELS; level++) {
        if (space->table[level] == ALIGN_DOWN(slot, PAGE_SIZE)) {
            return true;
        }
    }
    return false;
}

static char finding[256];

static bool leads_to_freed(const struct entry *entry)
{
    return entry->valid &&
           (is_freed[entry->pa >> PAGE_SHIFT] || is_freed[entry->slot >> PAGE_SHIFT]);
}

static const char *check_entry(uint32_t cpu, const struct space *space, const struct entry *entry,
                               const char *what)
{
    const char *wrong = NULL;

    if (!entry->valid) {
        return NULL;
    }
    if (leads_to_freed(entry)) {
        wrong = "leads to a freed frame";
    } else if (space == NULL || !owns_slot(space, entry->slot)) {
        wrong = "is another space's";
    }
    if (wrong == NULL) {
        return NULL;
    }
    snprintf(finding, sizeof(finding), "cpu %u, tag %u: the cached %s (to %#lx) %s", cpu,
             sim_cpus[cpu].tag, what, (unsigned long)entry->pa, wrong);
    return finding;
}

/* In a switch only the walker uses the TLB: it may meet other spaces' tables, not freed ones. */
static const char *check_walker(uint32_t cpu)
{
    const struct tlb_bank *bank = bank_of(&sim_cpus[cpu], sim_cpus[cpu].tag);
    bool wrong = false;

    for (unsigned level = 1; level < PT_LEVELS; level++) {
        wrong |= leads_to_freed(&bank->table[level]);
    }
    for (unsigned n = 0; n < MACHINE_VAS; n++) {
        wrong |= leads_to_freed(&bank->leaf[n]);
    }
    if (!wrong) {
        return NULL;
    }
    snprintf(finding, sizeof(finding),
             "cpu %u, tag %u: in a switch, the walker can reach a freed frame", cpu,
             sim_cpus[cpu].tag);
    return finding;
}

static const char *check_tlb(uint32_t cpu)
{
    const struct tlb_bank *bank = bank_of(&sim_cpus[cpu], sim_cpus[cpu].tag);
    const struct space *space = space_of_root(sim_cpus[cpu].root);
    const char *wrong = NULL;

    for (unsigned level = 1; level < PT_LEVELS && wrong == NULL; level++) {
        wrong = check_entry(cpu, space, &bank->table[level], "table entry");
    }
    for (unsigned n = 0; n < MACHINE_VAS && wrong == NULL; n++) {
        wrong = check_entry(cpu, space, &bank->leaf[n], "translation");
        if (wrong == NULL && bank->leaf[n].valid && bank->leaf[n].pa == space->dead[n]) {
            snprintf(finding, sizeof(finding),
                     "cpu %u, tag %u: page %u is still translated to what a completed shot took",
                     cpu, sim_cpus[cpu].tag, n);
            wrong = finding;
        }
    }
    return wrong;
}

/* I5, on the way back to user mode. */
static const char *check_user(uint32_t cpu)
{
    const struct address_space *as = vcpu_view[cpu].user;

    if (as == NULL) {
        return NULL;
    }
    uint16_t tag = hal_caps.asid_bits == 0 ? 0 : (uint16_t)vcpu_latest(&as->asid_tag);

    if (sim_cpus[cpu].root == as->root && sim_cpus[cpu].tag == tag) {
        return NULL;
    }
    snprintf(finding, sizeof(finding), "I5: cpu %u has root %#lx tag %u in user mode, not %#lx, %u",
             cpu, (unsigned long)sim_cpus[cpu].root, sim_cpus[cpu].tag, (unsigned long)as->root,
             tag);
    return finding;
}

static const char *check_tags(void)
{
    for (unsigned i = 0; i < nr_spaces; i++) {
        for (unsigned j = i + 1; j < nr_spaces && hal_caps.asid_bits != 0; j++) {
            uint64_t one, other;

            if (spaces[i].freed || spaces[j].freed) {
                continue;
            }
            one = vcpu_latest(&spaces[i].as->asid_tag);
            other = vcpu_latest(&spaces[j].as->asid_tag);
            if (one != 0 && one == other) {
                snprintf(finding, sizeof(finding), "two live spaces have tag %#lx",
                         (unsigned long)one);
                return finding;
            }
        }
    }
    return NULL;
}

const char *machine_check(void)
{
    const char *wrong = check_tags();

    for (uint32_t i = 0; i < nr_cpus && wrong == NULL; i++) {
        if (is_freed[sim_cpus[i].root >> PAGE_SHIFT]) {
            snprintf(finding, sizeof(finding), "cpu %u has a freed root in its register", i);
            return finding;
        }
        if (kernel_is_dead && kernel_leaf[i].valid) {
            snprintf(finding, sizeof(finding), "cpu %u still translates the kernel's page", i);
            return finding;
        }
        if (!vcpu_view[i].switching) {
            wrong = check_tlb(i);
        } else if (!machine_lets_walker) {
            wrong = check_walker(i);
        }
        if (wrong == NULL && !vcpu_view[i].switching) {
            wrong = check_user(i);
        }
    }
    return wrong;
}

void machine_page_is_dead(struct address_space *as, unsigned va)
{
    struct space *space = space_of_root(as->root);

    space->dead[va] = space->page[va];
}

pte_t *machine_kernel_slot(void)
{
    return kernel_slot(sim_cpus[sim_cpu].kernel_root);
}

void machine_kernel_page_is_dead(void)
{
    kernel_is_dead = true;
}

static bool is_inside(const volatile void *at, uintptr_t start, uintptr_t end)
{
    return (uintptr_t)at >= start && (uintptr_t)at < end;
}

void machine_touched(const volatile void *at)
{
    for (unsigned i = 0; i < nr_spaces; i++) {
        if (spaces[i].freed &&
            is_inside(at, (uintptr_t)spaces[i].as, (uintptr_t)(spaces[i].as + 1))) {
            panic("use of an address space after it was freed");
        }
    }
}

bool machine_ignores(const volatile void *at)
{
    return is_inside(at, counters_start, counters_end) ||
           is_inside(at, (uintptr_t)frame_records,
                     (uintptr_t)(frame_records + (frame_end - frame_first)));
}

void machine_forget_counts(void)
{
    memset((void *)counters_start, 0, nr_cpus * sizeof(struct tlb_counters));
    memset(&sim_counts, 0, sizeof(sim_counts));
}

/* The linker puts these round frame_put() and slab_free(). */
void __real_frame_put(struct frame *frame);
void __wrap_frame_put(struct frame *frame);
void __real_slab_free(struct slab_cache *cache, void *object);
void __wrap_slab_free(struct slab_cache *cache, void *object);

void __wrap_frame_put(struct frame *frame)
{
    if (frame_refs(frame) == 1) {
        is_freed[frame_pa(frame) >> PAGE_SHIFT] = true;
    }
    __real_frame_put(frame);
}

void __wrap_slab_free(struct slab_cache *cache, void *object)
{
    for (unsigned i = 0; i < nr_spaces; i++) {
        for (uint32_t cpu = 0; spaces[i].as == object && cpu < nr_cpus; cpu++) {
            if (cpus[cpu].active_as == object) {
                panic("cpu %u still holds the space that is freed", cpu);
            }
            spaces[i].freed = true;
        }
    }
    __real_slab_free(cache, object);
}

/* Setting up. */

/* The counters are static in mm/tlb.c; a switch to nothing counts one and does nothing else. */
static void learn_counters(void)
{
    sim_irqs_off = true;
    as_activate(NULL);
    sim_irqs_off = false;
    counters_start = (uintptr_t)explore_stored - offsetof(struct tlb_counters, switches);
    counters_end = counters_start + CPU_MAX * sizeof(struct tlb_counters);
}

/* One page of the kernel's own, in tables that every root shares. */
static void map_kernel_page(paddr_t root)
{
    paddr_t table = root;

    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        struct frame *next = frame_alloc_zeroed(FRAME_KERNEL);
        pte_t *entries = phys_to_virt(table);

        kverify(next != NULL);
        entries[pt_index(MACHINE_KERNEL_VA, level)] = pte_table(frame_pa(next), true);
        table = frame_pa(next);
    }
    pte_t *leaf = (pte_t *)phys_to_virt(table) + pt_index(MACHINE_KERNEL_VA, 0);

    *leaf = pte_leaf(table, 0, PTE_READ | PTE_WRITE, MEM_NORMAL);
}

void machine_boot(uint32_t nr, uint32_t tags)
{
    static struct boot_info boot;
    struct frame *kernel_root;

    kverify(mmap((void *)DIRECT_MAP_BASE, RAM_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                 0) == (void *)DIRECT_MAP_BASE);
    nr_cpus = nr;
    sim_options = (struct sim_options){
        .ram_bytes = RAM_BYTES, .nr_cpus = nr, .asid_bits = tags == 0 ? 0 : 16};
    sim_arch_init();
    for (uint32_t i = 0; i < nr; i++) {
        cpus[i].id = i;
    }
    boot.ram[0] = (struct boot_range){0, RAM_BYTES};
    boot.nr_ram = 1;
    boot.early_map_end = RAM_BYTES;
    frame_init(&boot);
    kernel_root = frame_alloc_zeroed(FRAME_KERNEL);
    kverify(kernel_root != NULL);
    map_kernel_page(frame_pa(kernel_root));
    for (sim_cpu = nr; sim_cpu-- > 0;) {
        sim_irqs_off = true;
        hal_mmu.cpu_init();
        hal_mmu.kernel_activate(frame_pa(kernel_root));
        sim_irqs_off = false;
    }
    sim_cpu = 0;
    slab_init();
    learn_counters();
    as_init();
    asid_init(tags);
}

struct address_space *machine_space(void)
{
    struct space *space = &spaces[nr_spaces++];
    struct tlb_batch batch;
    pte_t *slot;

    kverify(nr_spaces <= SPACES_MAX && as_create(&space->as) == 0);
    tlb_batch_begin(&batch, space->as);
    for (unsigned n = 0; n < MACHINE_VAS; n++) {
        struct frame *page = frame_alloc_zeroed(FRAME_ANON);

        kverify(page != NULL && pt_own(space->as, MACHINE_VA(n), &batch, &slot) == 0);
        space->page[n] = frame_pa(page);
        pt_store_new(slot,
                     pte_leaf(space->page[n], 0, PTE_READ | PTE_WRITE | PTE_USER, MEM_NORMAL));
        space->as->resident++;
    }
    space->table[PT_LEVELS - 1] = space->as->root;
    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        const pte_t *table = phys_to_virt(space->table[level]);

        space->table[level - 1] = pte_addr(table[pt_index(MACHINE_VA(0), level)], level);
    }
    return space->as;
}

void machine_name(const volatile void *at, char *out, size_t size)
{
    for (unsigned i = 0; i < nr_spaces; i++) {
        uintptr_t base = (uintptr_t)spaces[i].as;

        if (is_inside(at, base, base + sizeof(struct address_space))) {
            size_t offset = (uintptr_t)at - base;

            snprintf(out, size, "%c.%s", 'A' + (int)i,
                     offset == offsetof(struct address_space, refs)         ? "refs"
                     : offset == offsetof(struct address_space, asid_tag)   ? "asid_tag"
                     : offset == offsetof(struct address_space, cpus_on)    ? "cpus_on"
                     : offset == offsetof(struct address_space, cpus_stale) ? "cpus_stale"
                                                                            : "?");
            return;
        }
        if (owns_slot(&spaces[i], (paddr_t)((uintptr_t)at - DIRECT_MAP_BASE))) {
            snprintf(out, size, "an entry of %c", 'A' + (int)i);
            return;
        }
    }
    snprintf(out, size, "%p", (void *)(uintptr_t)at);
}
