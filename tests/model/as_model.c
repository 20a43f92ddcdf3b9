/*
 * Model test of mm/: random operations on several address spaces on the simulated
 * machine, against a model that knows for every page what it must hold. usage: as_model [seed [ops]]
 */
#include <asm/mman.h>
#include <linux/mman.h>
#include <sim/machine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/assert.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/page_store.h"
#include "mm/slab.h"
#include "mm/space.h"

#define SPACES 6u
#define PAGES 64u /* of each space's window */
/* Two stretches of pages around a 2 MiB and a 1 GiB boundary, so that tables begin and end inside. */
#define WINDOW_LOW 0x3ffe0000ull
#define NR_OBJECTS 3u
#define OBJECT_PAGES 48u
#define NR_CPUS 3u

enum kind { ABSENT, ANON, PRIVATE, SHARED };

struct page {
    enum kind kind;
    uint32_t prot;
    uint32_t flags; /* AS_DONTFORK, AS_WIPEONFORK */
    unsigned object, index;
    bool copied; /* PRIVATE: holds `value`, not the object's */
    uint64_t value;
};

struct space {
    struct address_space *as;
    struct page page[PAGES];
};

static struct space spaces[SPACES];
static struct vm_object *objects[NR_OBJECTS];
static uint64_t object_value[NR_OBJECTS][OBJECT_PAGES];
static uint64_t rng;
static uint64_t done[16], changed;

static uint64_t next_random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

static unsigned below(unsigned n)
{
    return (unsigned)((next_random() >> 16) % n);
}

static vaddr_t address(unsigned page)
{
    return WINDOW_LOW + (vaddr_t)page * PAGE_SIZE;
}

static uint64_t *model_word(struct page *page)
{
    if (page->kind == SHARED || (page->kind == PRIVATE && !page->copied)) {
        return &object_value[page->object][page->index];
    }
    return &page->value;
}

static void range(unsigned *first, unsigned *nr)
{
    *first = below(PAGES);
    *nr = 1 + below(below(3) == 0 ? PAGES - *first : 1 + (PAGES - *first) / 8);
}

static uint32_t random_prot(void)
{
    static const uint32_t prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                     PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};

    return prots[below(ARRAY_SIZE(prots))];
}

static void run_on(struct space *space)
{
    irqflags_t flags;

    sim_set_cpu(below(NR_CPUS));
    flags = cpu_irq_save();
    as_activate(space->as);
    cpu_irq_restore(flags);
}

static void op_map(struct space *space)
{
    struct as_map_request request = {.prot = random_prot(), .max_prot = 7, .flags = AS_FIXED};
    unsigned first, nr, object = below(NR_OBJECTS), kind = below(4);
    vaddr_t got;

    range(&first, &nr);
    request.addr = address(first);
    request.len = nr * PAGE_SIZE;
    unsigned index = below(OBJECT_PAGES);

    if (kind >= 2) {
        nr = MIN(nr, OBJECT_PAGES - index);
        request.len = nr * PAGE_SIZE;
        request.object = objects[object];
        request.offset = index * PAGE_SIZE;
        request.flags |= kind == 3 ? AS_SHARED : 0;
    }
    if (as_map(space->as, &request, &got) != 0) {
        return;
    }
    changed++;
    kverify(got == request.addr);
    for (unsigned i = 0; i < nr; i++) {
        space->page[first + i] = (struct page){
            .kind = kind < 2 ? ANON : kind == 2 ? PRIVATE : SHARED,
            .prot = request.prot,
            .object = object,
            .index = index + i,
        };
    }
}

static void op_unmap(struct space *space)
{
    unsigned first, nr;

    range(&first, &nr);
    if (as_unmap(space->as, address(first), nr * PAGE_SIZE) == 0) {
        memset(&space->page[first], 0, nr * sizeof(struct page));
        changed++;
    }
}

static void op_protect(struct space *space)
{
    unsigned first, nr;
    uint32_t prot = random_prot();

    range(&first, &nr);
    int error = as_protect(space->as, address(first), nr * PAGE_SIZE, prot);
    unsigned i = first;

    for (; i < first + nr && space->page[i].kind != ABSENT; i++) {
        space->page[i].prot = prot;
    }
    kverify((error == 0) == (i == first + nr));
    changed += error == 0;
}

static void op_discard(struct space *space)
{
    unsigned first, nr;

    range(&first, &nr);
    int error = as_advise(space->as, address(first), nr * PAGE_SIZE, MADV_DONTNEED);

    kverify(error == 0 || error == -12);
    for (unsigned i = first; i < first + nr; i++) {
        space->page[i].copied = false;
        space->page[i].value = 0;
    }
    changed++;
}

static void op_flag(struct space *space)
{
    static const int advices[] = {MADV_DONTFORK, MADV_DOFORK, MADV_KEEPONFORK, MADV_DOFORK};
    unsigned first, nr;
    int advice = advices[below(ARRAY_SIZE(advices))];

    range(&first, &nr);
    if (as_advise(space->as, address(first), nr * PAGE_SIZE, advice) == -22) {
        return;
    }
    for (unsigned i = first; i < first + nr; i++) {
        if (advice == MADV_DONTFORK) {
            space->page[i].flags |= AS_DONTFORK;
        } else if (advice == MADV_DOFORK) {
            space->page[i].flags &= ~(uint32_t)AS_DONTFORK;
        }
    }
}

static void op_remap(struct space *space)
{
    unsigned from = below(PAGES), to = below(PAGES);
    unsigned old_nr = 1 + below(MIN(8u, PAGES - from)), new_nr = 1 + below(MIN(8u, PAGES - to));
    struct page moved[8] = {0};
    vaddr_t got;
    int error = as_remap(space->as, address(from), old_nr * PAGE_SIZE, new_nr * PAGE_SIZE,
                         MREMAP_MAYMOVE | MREMAP_FIXED, address(to), &got);

    if (error != 0) {
        return; /* a failed MREMAP_FIXED may have unmapped the target: seen by the full check below */
    }
    changed++;
    for (unsigned i = 0; i < new_nr; i++) {
        moved[i] = space->page[from + MIN(i, old_nr - 1)];
        if (i >= old_nr) {
            moved[i].copied = false;
            moved[i].value = 0;
            moved[i].index = moved[old_nr - 1].index + (i - old_nr + 1);
        }
    }
    memset(&space->page[from], 0, old_nr * sizeof(struct page));
    memcpy(&space->page[to], moved, new_nr * sizeof(struct page));
}

static void op_fork(struct space *space)
{
    struct space *child = &spaces[below(SPACES)];

    if (child == space) {
        return;
    }
    as_put(child->as);
    if (as_fork(space->as, &child->as) != 0) {
        panic("fork failed");
    }
    memcpy(child->page, space->page, sizeof(child->page));
    for (unsigned i = 0; i < PAGES; i++) {
        if ((child->page[i].flags & AS_DONTFORK) != 0) {
            child->page[i] = (struct page){0};
        }
    }
    changed++;
}

static uint32_t needed(uint32_t access)
{
    return access == PTE_WRITE ? PROT_WRITE : access == PTE_EXEC ? PROT_EXEC
                                                                 : PROT_READ | PROT_WRITE | PROT_EXEC;
}

/* A user access with faults served, as the trap code does. Returns NULL where a signal would come. */
static uint8_t *user_access(struct space *space, vaddr_t va, uint32_t access)
{
    for (unsigned round = 0; round < 8; round++) {
        struct as_fault_signal signal;
        uint8_t *byte = sim_access(va, access);

        if (byte != NULL) {
            return byte;
        }
        int error = as_fault(space->as, va, access, &signal);

        if (error != 0) {
            kverify(error == -14);
            return NULL;
        }
    }
    panic("access %u to %#lx faults for ever", access, (unsigned long)va);
}

static void op_access(struct space *space, uint32_t access)
{
    unsigned at = below(PAGES);
    struct page *page = &space->page[at];
    vaddr_t va = address(at) + 8 * below(512);
    uint8_t *byte = user_access(space, va, access);
    bool allowed = page->kind != ABSENT && (page->prot & needed(access)) != 0 &&
                   (page->kind == ANON || page->index < OBJECT_PAGES);

    if ((byte != NULL) != allowed) {
        panic("access %u to %#lx: %s, the model says otherwise", access, (unsigned long)va,
              byte != NULL ? "allowed" : "refused");
    }
    if (byte == NULL) {
        return;
    }
    uint64_t *word = (uint64_t *)(void *)((uintptr_t)byte & ~(PAGE_SIZE - 1));

    if (*word != *model_word(page)) {
        panic("%#lx holds %lx, the model %lx", (unsigned long)va, (unsigned long)*word,
              (unsigned long)*model_word(page));
    }
    if (access == PTE_WRITE) {
        uint64_t value = next_random();

        *word = value;
        page->copied |= page->kind == PRIVATE;
        *model_word(page) = value;
        changed++;
    }
}

static void op_copy(struct space *space)
{
    unsigned at = below(PAGES - 1);
    struct page *page = &space->page[at];
    uint64_t value = next_random();
    bool write = below(2) == 0;
    bool allowed = page->kind != ABSENT &&
                   (page->prot & (write ? PROT_WRITE : 7u)) != 0 &&
                   (page->kind == ANON || page->index < OBJECT_PAGES);
    int error = write ? as_copy_out(space->as, address(at), &value, sizeof(value))
                      : as_copy_in(space->as, &value, address(at), sizeof(value));

    kverify((error == 0) == allowed);
    if (error == 0 && write) {
        page->copied |= page->kind == PRIVATE;
        *model_word(page) = value;
        changed++;
    } else if (error == 0 && value != *model_word(page)) {
        panic("copy from page %u gives %lx, the model %lx", at, (unsigned long)value,
              (unsigned long)*model_word(page));
    }
}

static void check_space(struct space *space)
{
    mutex_lock(&space->as->lock);
    as_check_locked(space->as, 0, USER_VA_END);
    mutex_unlock(&space->as->lock);
    for (unsigned i = 0; i < PAGES; i++) {
        struct vma *vma = vma_containing(&space->as->vmas, address(i));

        if ((vma != NULL) != (space->page[i].kind != ABSENT) ||
            (vma != NULL && vma->prot != space->page[i].prot)) {
            panic("page %u: VMA and model differ", i);
        }
    }
}

static void step(void)
{
    static const uint8_t weights[] = {8, 5, 6, 4, 2, 3, 2, 24, 24, 6, 10};
    static unsigned last; /* one space for a while, so that its TLB entries get old */
    unsigned pick = below(94), op = 0;

    if (below(8) == 0) {
        last = below(SPACES);
    }
    struct space *space = &spaces[last];

    while (pick >= weights[op]) {
        pick -= weights[op++];
    }
    run_on(space);
    done[op]++;
    switch (op) {
    case 0: op_map(space); break;
    case 1: op_unmap(space); break;
    case 2: op_protect(space); break;
    case 3: op_discard(space); break;
    case 4: op_flag(space); break;
    case 5: op_fork(space); break;
    case 6: op_remap(space); break;
    case 7: op_access(space, PTE_READ); break;
    case 8: op_access(space, PTE_WRITE); break;
    case 9: op_access(space, PTE_EXEC); break;
    default: op_copy(space); break;
    }
    sim_check();
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t ops = argc > 2 ? strtoull(argv[2], NULL, 0) : 200000;
    struct frame_stats before, after;

    setvbuf(stdout, NULL, _IOLBF, 0);
    sim_boot(&(struct sim_options){
        .ram_bytes = MIB(32), .nr_cpus = NR_CPUS, .asid_bits = 8, .asid_limit = 6});
    rng = seed * 0x9e3779b97f4a7c15ull + 1;
    frame_get_stats(&before);
    for (unsigned i = 0; i < NR_OBJECTS; i++) {
        objects[i] = anon_object_create(OBJECT_PAGES * PAGE_SIZE);
        kverify(objects[i] != NULL);
    }
    for (unsigned i = 0; i < SPACES; i++) {
        kverify(as_create(&spaces[i].as) == 0);
    }
    for (uint64_t i = 0; i < ops; i++) {
        step();
        if (i % 64 == 0) {
            for (unsigned s = 0; s < SPACES; s++) {
                check_space(&spaces[s]);
            }
        }
    }
    for (unsigned i = 0; i < SPACES; i++) {
        as_put(spaces[i].as);
    }
    for (unsigned i = 0; i < NR_OBJECTS; i++) {
        vm_object_put(objects[i]);
    }
    slab_drain();
    frame_get_stats(&after);
    if (after.nr_free != before.nr_free) {
        panic("%lu frames before, %lu after", (unsigned long)before.nr_free,
              (unsigned long)after.nr_free);
    }
    printf("ok as_model seed %lu: %lu operations, %lu changed state; %lu TLB hits, %lu walks, "
           "%lu shots\n",
           (unsigned long)seed, (unsigned long)ops, (unsigned long)changed,
           (unsigned long)sim_counts.tlb_hits, (unsigned long)sim_counts.walks,
           (unsigned long)sim_counts.shots);
    return 0;
}
