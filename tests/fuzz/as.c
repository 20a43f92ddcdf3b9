/*
 * Operation sequences over three address spaces on two CPUs of the simulated machine, against a model
 * that knows for every page what it must hold. The machine's own oracle runs after every operation.
 */
#include <asm/mman.h>
#include <linux/mman.h>
#include <sim/machine.h>

#include "hal/sim/internal.h"
#include "kernel/errno.h"
#include "mm/frame.h"
#include "mm/page_store.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "tests/fuzz/fuzz.h"

#define SPACES       3u
#define CPUS         2u
#define OBJECTS      2u
#define OBJECT_PAGES 40u
#define LOW_PAGES    64u /* around a 1 GiB boundary, so that tables begin and end inside */
#define HEAP_PAGES   16u
#define PAGES        (LOW_PAGES + HEAP_PAGES)
#define LOW_BASE     0x3ffe0000ull
#define HEAP_BASE    0x50000000ull
#define RWX          (PROT_READ | PROT_WRITE | PROT_EXEC)

enum kind { ABSENT, ANON, PRIVATE, SHARED };

struct page {
    enum kind kind;
    uint32_t prot;
    uint32_t flags; /* AS_DONTFORK, AS_WIPEONFORK */
    unsigned object, index;
    bool copied; /* PRIVATE: holds `value`, not the object's */
    uint64_t value; /* of the first and the last word */
};

struct space {
    struct address_space *as;
    struct page page[PAGES];
    vaddr_t brk;
};

struct range {
    unsigned first, nr;
};

static struct space spaces[SPACES];
static struct vm_object *objects[OBJECTS];
static uint64_t object_value[OBJECTS][OBJECT_PAGES];
static uint64_t next_value;

static vaddr_t address(unsigned page)
{
    return page < LOW_PAGES ? LOW_BASE + page * PAGE_SIZE
                            : HEAP_BASE + (page - LOW_PAGES) * PAGE_SIZE;
}

/* PAGES for an address outside of both windows. */
static unsigned page_at(vaddr_t va)
{
    if (va >= LOW_BASE && va < LOW_BASE + LOW_PAGES * PAGE_SIZE) {
        return (unsigned)((va - LOW_BASE) / PAGE_SIZE);
    }
    if (va >= HEAP_BASE && va < HEAP_BASE + HEAP_PAGES * PAGE_SIZE) {
        return LOW_PAGES + (unsigned)((va - HEAP_BASE) / PAGE_SIZE);
    }
    return PAGES;
}

/* Pages of one window. */
static struct range pick_range(struct fuzz_input *input, unsigned most)
{
    unsigned first = fuzz_below(input, PAGES);
    unsigned room = first < LOW_PAGES ? LOW_PAGES - first : PAGES - first;
    unsigned nr = fuzz_byte(input);

    nr = nr % 4 == 0 ? nr : nr % 8;
    return (struct range){first, 1 + nr % MIN(room, most)};
}

static uint32_t pick_prot(struct fuzz_input *input)
{
    static const uint32_t prots[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_READ | PROT_EXEC,
                                     PROT_READ | PROT_WRITE, PROT_NONE, PROT_WRITE, PROT_EXEC, RWX};
    unsigned pick = fuzz_byte(input);

    return pick < 128 ? PROT_READ | PROT_WRITE : prots[pick % ARRAY_SIZE(prots)];
}

static uint64_t *model_word(struct page *page)
{
    if (page->kind == SHARED || (page->kind == PRIVATE && !page->copied)) {
        return &object_value[page->object][page->index];
    }
    return &page->value;
}

static bool allowed(const struct page *page, uint32_t prot)
{
    return page->kind != ABSENT && (page->prot & prot) != 0 &&
           (page->kind == ANON || page->index < OBJECT_PAGES);
}

static void set_absent(struct space *space, struct range range)
{
    for (unsigned i = range.first; i < range.first + range.nr; i++) {
        space->page[i] = (struct page){.kind = ABSENT};
    }
}

static bool op_map(struct space *space, struct fuzz_input *input)
{
    struct range range = pick_range(input, LOW_PAGES);
    unsigned how = fuzz_byte(input), object = how % OBJECTS;
    unsigned index = fuzz_below(input, OBJECT_PAGES);
    enum kind kind = how < 128 ? ANON : how < 192 ? PRIVATE : SHARED;
    struct as_map_request request = {.addr = address(range.first),
                                     .len = range.nr * PAGE_SIZE,
                                     .prot = pick_prot(input),
                                     .max_prot = RWX,
                                     .flags = AS_FIXED};
    bool replace = how % 16 != 15, there = false;
    vaddr_t got;

    if (kind != ANON) {
        request.object = objects[object];
        request.offset = index * PAGE_SIZE;
        request.flags |= kind == SHARED ? AS_SHARED : 0;
    }
    request.flags |= replace ? 0 : AS_NOREPLACE;
    request.flags |= how % 32 == 7 ? AS_POPULATE : 0;
    for (unsigned i = range.first; i < range.first + range.nr; i++) {
        there |= space->page[i].kind != ABSENT;
    }
    int error = as_map(space->as, &request, &got);

    fuzz_require(error == (there && !replace ? -EEXIST : 0), "map: error %d", error);
    if (error != 0) {
        return false;
    }
    fuzz_require(got == request.addr, "map: at %#lx", (unsigned long)got);
    for (unsigned i = 0; i < range.nr; i++) {
        space->page[range.first + i] = (struct page){
            .kind = kind, .prot = request.prot, .object = object, .index = index + i};
    }
    return true;
}

static bool op_unmap(struct space *space, struct fuzz_input *input)
{
    struct range range = pick_range(input, PAGES);
    int error = as_unmap(space->as, address(range.first), range.nr * PAGE_SIZE);

    fuzz_require(error == 0, "unmap: error %d", error);
    set_absent(space, range);
    return true;
}

static bool op_protect(struct space *space, struct fuzz_input *input)
{
    struct range range = pick_range(input, PAGES);
    uint32_t prot = pick_prot(input);
    unsigned i = range.first, end = range.first + range.nr;
    int error = as_protect(space->as, address(range.first), range.nr * PAGE_SIZE, prot);

    for (; i < end && space->page[i].kind != ABSENT; i++) {
        space->page[i].prot = prot;
    }
    fuzz_require(error == (i == end ? 0 : -ENOMEM), "protect: error %d", error);
    return i != range.first;
}

/* What each page's kind makes of the advice; whether the call goes on behind it. */
static bool advise_page(struct page *page, int advice)
{
    if (page->kind == ABSENT) {
        return true;
    }
    if (page->kind != ANON && (advice == MADV_FREE || advice == MADV_WIPEONFORK)) {
        return false;
    }
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE:
        page->copied = false;
        page->value = 0;
        break;
    case MADV_DONTFORK:
        page->flags |= AS_DONTFORK;
        break;
    case MADV_DOFORK:
        page->flags &= ~(uint32_t)AS_DONTFORK;
        break;
    case MADV_WIPEONFORK:
        page->flags |= AS_WIPEONFORK;
        break;
    case MADV_KEEPONFORK:
        page->flags &= ~(uint32_t)AS_WIPEONFORK;
        break;
    default:
        break;
    }
    return true;
}

static bool op_advise(struct space *space, struct fuzz_input *input)
{
    static const int advices[] = {MADV_DONTNEED,  MADV_DONTNEED, MADV_FREE,       MADV_DONTFORK,
                                  MADV_DOFORK,    MADV_DONTNEED, MADV_WIPEONFORK, MADV_KEEPONFORK};
    struct range range = pick_range(input, PAGES);
    int advice = advices[fuzz_below(input, ARRAY_SIZE(advices))], expected = 0;
    int error = as_advise(space->as, address(range.first), range.nr * PAGE_SIZE, advice);

    for (unsigned i = range.first; i < range.first + range.nr; i++) {
        expected = space->page[i].kind == ABSENT ? -ENOMEM : expected;
        if (!advise_page(&space->page[i], advice)) {
            expected = -EINVAL;
            break;
        }
    }
    fuzz_require(error == expected, "advise %d: error %d, expected %d", advice, error, expected);
    return error == 0;
}

static bool op_brk(struct space *space, struct fuzz_input *input)
{
    unsigned pages = fuzz_below(input, HEAP_PAGES + 1);
    vaddr_t to = HEAP_BASE + pages * PAGE_SIZE, from = ALIGN_UP(space->brk, PAGE_SIZE);
    bool fits = true;

    for (vaddr_t va = from; va < to; va += PAGE_SIZE) {
        fits &= space->page[page_at(va)].kind == ABSENT;
    }
    vaddr_t got = as_brk(space->as, to - (pages > 0 ? fuzz_below(input, 9) : 0u));

    fuzz_require((ALIGN_UP(got, PAGE_SIZE) == to) || (!fits && got == space->brk),
                 "brk: %#lx for %#lx", (unsigned long)got, (unsigned long)to);
    fuzz_require(fits || got == space->brk, "brk: over a mapping");
    if (!fits) {
        return false;
    }
    for (vaddr_t va = from; va < to; va += PAGE_SIZE) {
        space->page[page_at(va)] = (struct page){.kind = ANON, .prot = PROT_READ | PROT_WRITE};
    }
    for (vaddr_t va = to; va < from; va += PAGE_SIZE) {
        space->page[page_at(va)] = (struct page){.kind = ABSENT};
    }
    space->brk = got;
    return to != from;
}

#define MOVE_MAX 8u

static bool op_remap(struct space *space, struct fuzz_input *input)
{
    struct range old = pick_range(input, MOVE_MAX), new = pick_range(input, MOVE_MAX);
    uint32_t flags = fuzz_below(input, 3) == 0 ? MREMAP_MAYMOVE | MREMAP_FIXED
                     : fuzz_below(input, 2) == 0 ? MREMAP_MAYMOVE : 0u;
    struct page moved[MOVE_MAX];
    vaddr_t got;
    int error = as_remap(space->as, address(old.first), old.nr * PAGE_SIZE, new.nr * PAGE_SIZE,
                         flags, address(new.first), &got);

    fuzz_require((flags & MREMAP_FIXED) == 0 || error != 0 || got == address(new.first), "remap");
    if (error != 0) {
        fuzz_require(error == -EFAULT || error == -EINVAL || error == -ENOMEM, "remap: %d", error);
        return false;
    }
    for (unsigned i = 0; i < new.nr; i++) {
        moved[i] = space->page[old.first + MIN(i, old.nr - 1)];
        if (i >= old.nr) {
            moved[i].copied = false;
            moved[i].value = 0;
            moved[i].index += i - old.nr + 1;
        }
    }
    if (got == address(old.first)) { /* in place; shrinking looks at the first page only */
        if (new.nr <= old.nr) {
            set_absent(space, (struct range){old.first + new.nr, old.nr - new.nr});
            return new.nr != old.nr;
        }
    } else {
        set_absent(space, old);
    }
    unsigned end = page_at(got + new.nr * PAGE_SIZE - PAGE_SIZE);

    if (page_at(got) == PAGES || end == PAGES || end != page_at(got) + new.nr - 1) {
        /* Beyond what the model knows: away with it, and with what it grew from. */
        fuzz_require(as_unmap(space->as, got, new.nr * PAGE_SIZE) == 0, "unmap");
        for (unsigned i = 0; i < new.nr; i++) {
            unsigned at = page_at(got + i * PAGE_SIZE);

            if (at != PAGES) {
                space->page[at] = (struct page){.kind = ABSENT};
            }
        }
        return true;
    }
    memcpy(&space->page[page_at(got)], moved, new.nr * sizeof(struct page));
    return true;
}

static void make_space(struct space *space)
{
    memset(space, 0, sizeof(*space));
    fuzz_require(as_create(&space->as) == 0, "no space");
    as_set_layout(space->as, HEAP_BASE, LOW_BASE + LOW_PAGES * PAGE_SIZE);
    space->brk = HEAP_BASE;
    /* Something to work on from the first operation. */
    struct as_map_request request = {.addr = LOW_BASE,
                                     .len = LOW_PAGES / 4 * 3 * PAGE_SIZE,
                                     .prot = PROT_READ | PROT_WRITE,
                                     .max_prot = RWX,
                                     .flags = AS_FIXED};
    vaddr_t got;

    fuzz_require(as_map(space->as, &request, &got) == 0, "no first mapping");
    for (unsigned i = 0; i < LOW_PAGES / 4 * 3; i++) {
        space->page[i] = (struct page){.kind = ANON, .prot = PROT_READ | PROT_WRITE};
    }
}

static bool op_fork(struct space *space)
{
    struct space *child = &spaces[(unsigned)(space - spaces + 1) % SPACES];

    as_put(child->as);
    fuzz_require(as_fork(space->as, &child->as) == 0, "fork failed");
    memcpy(child->page, space->page, sizeof(child->page));
    child->brk = space->brk;
    for (unsigned i = 0; i < PAGES; i++) {
        struct page *page = &child->page[i];

        if ((page->flags & AS_DONTFORK) != 0) {
            *page = (struct page){.kind = ABSENT};
        } else if ((page->flags & AS_WIPEONFORK) != 0) {
            page->value = 0;
        }
    }
    return true;
}

/* A user access with faults served, as the trap code does. Returns NULL where a signal would come. */
static uint8_t *user_access(struct space *space, vaddr_t va, uint32_t access, unsigned *nr_faults)
{
    *nr_faults = 0;
    for (unsigned round = 0; round < 8; round++) {
        struct as_fault_signal signal;
        uint8_t *byte = sim_access(va, access);

        if (byte != NULL) {
            return byte;
        }
        int error = as_fault(space->as, va, access, &signal);

        if (error != 0) {
            fuzz_require(error == -EFAULT, "fault: error %d", error);
            return NULL;
        }
        ++*nr_faults;
    }
    panic("access %u to %#lx faults for ever", access, (unsigned long)va);
}

static void check_page(struct page *page, const uint8_t *bytes, vaddr_t va)
{
    uint64_t first, last, expected = *model_word(page);

    memcpy(&first, bytes, 8);
    memcpy(&last, bytes + PAGE_SIZE - 8, 8);
    fuzz_require(first == expected && last == expected, "%#lx holds %lx and %lx, the model %lx",
                 (unsigned long)va, (unsigned long)first, (unsigned long)last,
                 (unsigned long)expected);
}

static bool op_access(struct space *space, struct fuzz_input *input, uint32_t access)
{
    static const uint32_t needed[] = {
        [PTE_READ] = RWX, [PTE_WRITE] = PROT_WRITE, [PTE_EXEC] = PROT_EXEC};
    unsigned at = fuzz_below(input, PAGES);
    struct page *page = &space->page[at];
    unsigned nr_faults;
    uint8_t *byte = user_access(space, address(at), access, &nr_faults);
    uint64_t fetched;

    fuzz_require((byte != NULL) == allowed(page, needed[access]),
                 "access %u to %#lx: %s, the model says otherwise", access,
                 (unsigned long)address(at), byte != NULL ? "allowed" : "refused");
    if (byte == NULL) {
        return false;
    }
    check_page(page, byte, address(at));
    if (access == PTE_EXEC) {
        fuzz_require(sim_fetch(address(at), &fetched) && fetched == *model_word(page),
                     "%#lx executes stale bytes", (unsigned long)address(at));
    }
    if (access != PTE_WRITE) {
        return nr_faults != 0; /* tables changed */
    }
    uint64_t value = ++next_value;

    memcpy(byte, &value, 8);
    memcpy(byte + PAGE_SIZE - 8, &value, 8);
    sim_user_icache_sync(byte, 8);
    page->copied |= page->kind == PRIVATE;
    *model_word(page) = value;
    return true;
}

/* Also over the end of a page, where only the first part may be there. */
static bool op_copy_out(struct space *space, struct fuzz_input *input)
{
    unsigned at = fuzz_below(input, PAGES);
    struct page *page = &space->page[at];
    uint64_t value = ++next_value;
    static uint8_t bytes[4096];

    memcpy(bytes, &value, 8);
    memcpy(bytes + PAGE_SIZE - 8, &value, 8);
    int error = as_copy_out(space->as, address(at), bytes, PAGE_SIZE);

    fuzz_require(error == (allowed(page, PROT_WRITE) ? 0 : -EFAULT), "copy out: error %d", error);
    if (error == 0) {
        page->copied |= page->kind == PRIVATE;
        *model_word(page) = value;
    }
    return error == 0;
}

static bool op_copy_in(struct space *space, struct fuzz_input *input)
{
    unsigned at = fuzz_below(input, PAGES);
    static uint8_t bytes[4096];
    int error = as_copy_in(space->as, bytes, address(at), PAGE_SIZE);

    fuzz_require(error == (allowed(&space->page[at], RWX) ? 0 : -EFAULT), "copy in: %d", error);
    if (error == 0) {
        check_page(&space->page[at], bytes, address(at));
    }
    return false;
}

static void switch_to(struct address_space *as)
{
    irqflags_t flags = cpu_irq_save();

    as_activate(as);
    cpu_irq_restore(flags);
}

static bool op_exit(struct space *space)
{
    switch_to(NULL); /* a kernel thread runs here now, with the root held lazily */
    as_put(space->as);
    make_space(space);
    return true;
}

static void check_space(struct space *space)
{
    mutex_lock(&space->as->lock);
    as_check_locked(space->as, 0, USER_VA_END);
    mutex_unlock(&space->as->lock);
    for (unsigned i = 0; i < PAGES; i++) {
        struct vma *vma = vma_containing(&space->as->vmas, address(i));

        fuzz_require((vma != NULL) == (space->page[i].kind != ABSENT) &&
                         (vma == NULL || vma->prot == space->page[i].prot),
                     "page %u: VMA and model differ", i);
    }
}

static bool step(struct fuzz_input *input)
{
    unsigned what = fuzz_byte(input);
    struct space *space = &spaces[what % SPACES];

    sim_set_cpu(what / SPACES % CPUS);
    switch_to(space->as);
    switch (what / (SPACES * CPUS) % 16) {
    case 0:
    case 1:
        return op_map(space, input);
    case 2:
        return op_unmap(space, input);
    case 3:
        return op_protect(space, input);
    case 4:
        return op_advise(space, input);
    case 5:
        return op_remap(space, input);
    case 6:
        return op_brk(space, input);
    case 7:
        return op_fork(space);
    case 8:
        return fuzz_below(input, 8) == 0 ? op_exit(space) : op_copy_out(space, input);
    case 9:
        return fuzz_below(input, 3) == 0 ? op_copy_in(space, input)
                                         : op_access(space, input, PTE_EXEC);
    case 10:
        return op_access(space, input, PTE_READ);
    default:
        return op_access(space, input, PTE_WRITE);
    }
}

static uint64_t nr_free_frames(void)
{
    struct frame_stats stats;

    slab_drain();
    frame_drain();
    frame_get_stats(&stats);
    return stats.nr_free;
}

static void start(uint32_t chaos)
{
    static bool booted;

    if (!booted) {
        sim_boot(&(struct sim_options){
            .ram_bytes = MIB(16), .nr_cpus = CPUS, .asid_bits = 8, .asid_limit = 5});
        booted = true;
    }
    sim_options.chaos = chaos;
    sim_forget();
    sim_seed(1);
    next_value = 0;
    memset(object_value, 0, sizeof(object_value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t chaos[] = {0, 0, 0, SIM_SPECULATE, SIM_IN_FLIGHT, SIM_DELAY, SIM_EVICT, 15};
    struct fuzz_input input = {data, size};

    start(chaos[fuzz_below(&input, ARRAY_SIZE(chaos))]);
    uint64_t nr_free = nr_free_frames();

    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = anon_object_create(OBJECT_PAGES * PAGE_SIZE);
    }
    for (unsigned i = 0; i < SPACES; i++) {
        make_space(&spaces[i]);
    }
    while (input.left > 0) {
        fuzz_done(step(&input));
        sim_check();
        if (fuzz_nr_ops % 64 == 0) {
            for (unsigned i = 0; i < SPACES; i++) {
                check_space(&spaces[i]);
            }
        }
    }
    for (unsigned i = 0; i < SPACES; i++) {
        check_space(&spaces[i]);
    }
    for (unsigned i = 0; i < SPACES; i++) {
        as_put(spaces[i].as);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        vm_object_put(objects[i]);
    }
    for (unsigned cpu = 0; cpu < CPUS; cpu++) { /* each has frames of its own at hand */
        sim_set_cpu(cpu);
        frame_drain();
    }
    sim_set_cpu(0);
    fuzz_require(nr_free_frames() == nr_free, "%ld frames leaked",
                 (long)(nr_free - nr_free_frames()));
    return 0;
}
