/*
 * The steps: each does what a program asks for and foretells the answer. Where the answer hangs on
 * the VMAs' bounds, which the model does not know, only its consequence is held against the model.
 */
#include <asm/mman.h>
#include <linux/mman.h>
#include <string.h>

#include "kernel/assert.h"
#include "kernel/errno.h"
#include "mm/frame.h"
#include "mm/page_store.h"
#include "mm/space.h"
#include "mm/vm_object.h"
#include "model.h"

#define EVERY_PROT (PROT_READ | PROT_WRITE | PROT_EXEC)

static const uint32_t prots[] = {
    PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE, PROT_READ | PROT_EXEC,
    PROT_READ | PROT_WRITE, EVERY_PROT, PROT_READ | PROT_WRITE, PROT_EXEC,
    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
    PROT_READ | PROT_WRITE, EVERY_PROT, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
};

static bool out_of_memory(int error)
{
    return model.injecting && (error == -ENOMEM || error == -EFAULT);
}

static bool is_object(const struct model_page *page)
{
    return page->kind == PAGE_PRIVATE || page->kind == PAGE_SHARED;
}

static void page_copied(struct model_page *page)
{
    if (page->kind == PAGE_PRIVATE && !page->copied) {
        memcpy(page->value, model_words(page), sizeof(page->value));
        page->copied = true;
    }
}

static struct model_space *space_of(const struct model_step *step)
{
    return &model.space[step->space];
}

/* The range that a step names: inside the window or the stack's region. */
static void range_of(const struct model_step *step, unsigned *first, unsigned *nr)
{
    *first = step->a % MODEL_PAGES;
    unsigned end = *first < MODEL_WINDOW ? MODEL_WINDOW : MODEL_PAGES;
    /* Long ranges are rarer, but for those that make something. */
    unsigned most = (step->b & (step->op == OP_MAP ? 0x40 : 0xc0)) == 0 ? end - *first : 4;

    *nr = 1 + (step->b & 0x3f) % MIN(most, end - *first);
}

/* A fault below a stack lets it grow, before the rights are looked at. */
static void grow_stack(struct model_space *space, unsigned at)
{
    unsigned above = at;

    if (at < MODEL_WINDOW || space->page[at].kind != PAGE_ABSENT) {
        return;
    }
    while (above < MODEL_PAGES && space->page[above].kind == PAGE_ABSENT) {
        above++;
    }
    if (above == MODEL_PAGES || (space->page[above].flags & AS_GROWSDOWN) == 0) {
        return;
    }
    for (unsigned i = at; i < above; i++) {
        space->page[i] = (struct model_page){.kind = PAGE_ANON,
                                             .prot = space->page[above].prot,
                                             .flags = space->page[above].flags};
    }
}

static bool fault_lacked_memory; /* the last user_access() that returned NULL */

/* A user access with its faults served, as the trap code does. NULL where a signal would come. */
static uint8_t *user_access(struct model_space *space, vaddr_t va, uint32_t access)
{
    for (unsigned round = 0; round < 16; round++) {
        struct as_fault_signal signal;
        uint8_t *byte = sim_access(va, access);

        if (byte != NULL) {
            return byte;
        }
        int error = as_fault(space->as, va, access, &signal);

        if (error != 0) {
            kverify(error == -EFAULT || (model.injecting && error == -ENOMEM));
            fault_lacked_memory = error == -ENOMEM;
            return NULL;
        }
    }
    panic("access %u to %#lx faults for ever", access, (unsigned long)va);
}

static uint64_t expected_word(struct model_page *page, unsigned word)
{
    return model_words(page)[word];
}

static bool do_access(const struct model_step *step, uint32_t access)
{
    struct model_space *space = space_of(step);
    unsigned at = step->a % MODEL_PAGES, word = step->b % MODEL_WORDS;
    struct model_page *page = &space->page[at];
    vaddr_t va = model_address(at) + model_word_offset(word);
    uint64_t resident = space->as->resident;
    uint8_t *byte = user_access(space, va, access);

    if (byte == NULL && fault_lacked_memory) {
        return false;
    }
    grow_stack(space, at);
    bool allowed = model_allows(page, access);

    if ((byte != NULL) != allowed) {
        panic("access %u to page %u (%#lx): %s, the model says otherwise", access, at,
              (unsigned long)va, byte != NULL ? "allowed" : "refused");
    }
    if (byte == NULL) {
        return false;
    }
    uint64_t *ram = (uint64_t *)(void *)byte, fetched = *ram;

    if (access == PTE_EXEC && (!sim_fetch(va, &fetched) || fetched != *ram)) {
        panic("stale instruction: cpu %u fetches %#lx at %#lx, memory has %#lx", sim_cpu,
              (unsigned long)fetched, (unsigned long)va, (unsigned long)*ram);
    }
    if (access != PTE_WRITE) {
        if (*ram != expected_word(page, word)) {
            panic("page %u word %u holds %#lx, the model %#lx", at, word, (unsigned long)*ram,
                  (unsigned long)expected_word(page, word));
        }
        return space->as->resident != resident;
    }
    page_copied(page);
    *ram = sim_random() | (uint64_t)model.nr_steps << 40;
    model_words(page)[word] = *ram;
    /* The program's own duty where the page is executable, or may be by another mapping. */
    if ((page->prot & PROT_EXEC) != 0 || page->kind == PAGE_SHARED) {
        sim_user_icache_sync(byte, sizeof(*ram));
    }
    return true;
}

static uint8_t *ram_of(struct model_space *space, vaddr_t va)
{
    return user_access(space, va, PTE_READ);
}

static bool do_copy(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    unsigned at = step->a % MODEL_PAGES, word = step->b % MODEL_WORDS;
    struct model_page *page = &space->page[at];
    vaddr_t va = model_address(at) + model_word_offset(word);
    bool write = step->op != OP_COPY_IN;
    uint64_t value = step->op == OP_CLEAR ? 0 : sim_random();
    int error = step->op == OP_COPY_IN    ? as_copy_in(space->as, &value, va, sizeof(value))
                : step->op == OP_COPY_OUT ? as_copy_out(space->as, va, &value, sizeof(value))
                                          : as_clear(space->as, va, sizeof(value));

    struct model_page before[MODEL_STACK];

    memcpy(before, &space->page[MODEL_WINDOW], sizeof(before));
    grow_stack(space, at);
    if (out_of_memory(error) && model_allows(page, write ? PTE_WRITE : PTE_READ)) {
        memcpy(&space->page[MODEL_WINDOW], before, sizeof(before));
        return false;
    }
    if ((error == 0) != model_allows(page, write ? PTE_WRITE : PTE_READ)) {
        panic("%s page %u: error %d, the model says otherwise", model_op_names[step->op], at, error);
    }
    if (error != 0) {
        return false;
    }
    if (!write) {
        if (value != expected_word(page, word)) {
            panic("copy in: page %u word %u gives %#lx, the model %#lx", at, word,
                  (unsigned long)value, (unsigned long)expected_word(page, word));
        }
        return false;
    }
    page_copied(page);
    model_words(page)[word] = value;
    /* The kernel keeps caches right for the mapping it wrote by; others are the program's. */
    if (page->kind == PAGE_SHARED && (page->prot & PROT_EXEC) == 0) {
        model_object_written(page->object, page->index, ram_of(space, va));
    }
    return true;
}

static void model_map(struct model_space *space, unsigned first, unsigned nr, enum model_kind kind,
                      uint32_t prot, unsigned object, unsigned index, uint32_t flags)
{
    for (unsigned i = 0; i < nr; i++) {
        space->page[first + i] = (struct model_page){
            .kind = kind, .prot = prot, .flags = flags, .object = object, .index = index + i};
    }
}

/* What AS_POPULATE and the like do to private pages of an object: they are copied on a write. */
static void model_populate(struct model_space *space, unsigned first, unsigned nr)
{
    for (unsigned i = first; i < first + nr; i++) {
        struct model_page *page = &space->page[i];
        bool write = (page->prot & PROT_WRITE) != 0;

        if (page->prot == PROT_NONE) {
            continue;
        }
        if (!model_allows(page, write ? PTE_WRITE : PTE_READ)) {
            return;
        }
        if (write) {
            page_copied(page);
        }
    }
}

/* The kernel chose a place that the model does not watch. */
static void unmap_elsewhere(struct model_space *space, vaddr_t start, unsigned nr)
{
    while (as_unmap(space->as, start, nr * PAGE_SIZE) != 0) {
        kverify(model.injecting);
    }
}

static bool do_map(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    struct as_map_request request = {.max_prot = EVERY_PROT};
    unsigned first, nr, object = step->e % MODEL_OBJECTS, index = (step->e >> 2) % MODEL_OBJ_PAGES;
    enum model_kind kind = (step->d & 3) < 2    ? PAGE_ANON
                           : (step->d & 3) == 2 ? PAGE_PRIVATE
                                                : PAGE_SHARED;
    bool anywhere = step->op == OP_MAP_ANYWHERE;
    bool populate = (step->c & 0x70) == 0x70, noreplace = (step->c & 0xe0) == 0x80;
    vaddr_t got = 0;

    range_of(step, &first, &nr);
    if (first >= MODEL_WINDOW) {
        return false;
    }
    request.prot = prots[step->c % ARRAY_SIZE(prots)];
    if (kind != PAGE_ANON) {
        nr = MIN(nr, MODEL_OBJ_PAGES - index);
        request.object = model.object[object].object;
        request.offset = index * PAGE_SIZE;
    }
    request.flags = (kind == PAGE_SHARED ? AS_SHARED : 0u) | (populate ? AS_POPULATE : 0u) |
                    (anywhere ? 0u : AS_FIXED) | (noreplace ? AS_NOREPLACE : 0u);
    request.addr = anywhere && (step->d & 4) != 0 ? 0 : model_address(first);
    request.len = nr * PAGE_SIZE - step->d % 16;
    bool taken = false;

    for (unsigned i = first; i < first + nr; i++) {
        taken |= space->page[i].kind != PAGE_ABSENT;
    }
    int error = as_map(space->as, &request, &got);

    if (out_of_memory(error)) {
        return false;
    }
    kverify(error == (!anywhere && noreplace && taken ? -EEXIST : 0));
    if (error != 0) {
        return false;
    }
    if (got < model_address(0) || got + nr * PAGE_SIZE > model_address(MODEL_WINDOW - 1) + PAGE_SIZE) {
        kverify(anywhere);
        unmap_elsewhere(space, got, nr);
        return false;
    }
    first = (unsigned)((got - model_address(0)) >> PAGE_SHIFT);
    for (unsigned i = first; anywhere && i < first + nr; i++) {
        kverify(space->page[i].kind == PAGE_ABSENT);
    }
    model_map(space, first, nr, kind, request.prot, object, index, 0);
    if (populate) {
        model_populate(space, first, nr);
    }
    return true;
}

static bool do_unmap(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    unsigned first, nr;

    range_of(step, &first, &nr);
    int error = as_unmap(space->as, model_address(first), nr * PAGE_SIZE);

    if (out_of_memory(error)) {
        return false;
    }
    kverify(error == 0);
    model_map(space, first, nr, PAGE_ABSENT, 0, 0, 0, 0);
    return true;
}

static bool do_protect(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    unsigned first, nr, i;
    uint32_t prot = prots[step->c % ARRAY_SIZE(prots)];
    int error;
    uint64_t before = model.injecting ? model_hash(space->as) : 0;

    range_of(step, &first, &nr);
    error = as_protect(space->as, model_address(first), nr * PAGE_SIZE, prot);
    /* A hole in the range gives the same error as a lack of memory. */
    if (model.injecting && error == -ENOMEM && model_hash(space->as) == before) {
        return false;
    }
    for (i = first; i < first + nr && space->page[i].kind != PAGE_ABSENT; i++) {
        space->page[i].prot = prot;
    }
    kverify(error == (i == first + nr ? 0 : -ENOMEM));
    return i != first;
}

static bool do_remap(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    unsigned from = step->a % MODEL_WINDOW, to = step->d % MODEL_WINDOW;
    unsigned old_nr = 1 + (step->b & 7) % (MODEL_WINDOW - from);
    unsigned new_nr = 1 + (step->c & 7) % (MODEL_WINDOW - MAX(from, to));
    bool fixed = (step->e & 3) < 2, may_move = (step->e & 3) != 2;
    struct model_page moved[8];
    vaddr_t got = 0;
    int error = as_remap(space->as, model_address(from), old_nr * PAGE_SIZE, new_nr * PAGE_SIZE,
                         (may_move ? MREMAP_MAYMOVE : 0u) | (fixed ? MREMAP_FIXED : 0u),
                         model_address(to), &got);

    if (error != 0) {
        return false; /* and nothing may have changed */
    }
    for (unsigned i = 0; i < new_nr; i++) {
        moved[i] = space->page[from + MIN(i, old_nr - 1)];
        if (i >= old_nr) {
            moved[i].copied = false;
            memset(moved[i].value, 0, sizeof(moved[i].value));
            moved[i].index = moved[old_nr - 1].index + (i - old_nr + 1);
        }
    }
    if (got == model_address(from) && new_nr <= old_nr) {
        model_map(space, from + new_nr, old_nr - new_nr, PAGE_ABSENT, 0, 0, 0, 0);
        return new_nr != old_nr;
    }
    model_map(space, from, old_nr, PAGE_ABSENT, 0, 0, 0, 0);
    if (got < model_address(0) ||
        got + new_nr * PAGE_SIZE > model_address(MODEL_WINDOW - 1) + PAGE_SIZE) {
        kverify(!fixed);
        unmap_elsewhere(space, got, new_nr);
        return true;
    }
    to = (unsigned)((got - model_address(0)) >> PAGE_SHIFT);
    for (unsigned i = to; !fixed && i < to + new_nr; i++) {
        kverify(space->page[i].kind == PAGE_ABSENT);
    }
    memcpy(&space->page[to], moved, new_nr * sizeof(struct model_page));
    if ((moved[0].flags & AS_LOCKED) != 0 && new_nr > old_nr) {
        model_populate(space, to + old_nr, new_nr - old_nr);
    }
    return true;
}

static void forget_copy(struct model_page *page)
{
    page->copied = false;
    if (page->kind == PAGE_ANON) {
        memset(page->value, 0, sizeof(page->value));
    }
}

/* What the advice does to one page: 0, or the error that ends it. */
static int advise_page(struct model_page *page, int advice)
{
    uint32_t access = advice == MADV_POPULATE_WRITE ? PTE_WRITE : PTE_READ;
    uint32_t needed = access == PTE_WRITE ? PROT_WRITE : EVERY_PROT;

    switch (advice) {
    case MADV_DONTNEED:
        if ((page->flags & AS_LOCKED) != 0) {
            return -EINVAL;
        }
        forget_copy(page);
        return 0;
    case MADV_FREE:
        if (is_object(page)) {
            return -EINVAL;
        }
        forget_copy(page);
        return 0;
    case MADV_DONTFORK:
        page->flags |= AS_DONTFORK;
        return 0;
    case MADV_DOFORK:
        page->flags &= ~(uint32_t)AS_DONTFORK;
        return 0;
    case MADV_WIPEONFORK:
        page->flags |= is_object(page) ? 0u : AS_WIPEONFORK;
        return is_object(page) ? -EINVAL : 0;
    case MADV_KEEPONFORK:
        page->flags &= ~(uint32_t)AS_WIPEONFORK;
        return 0;
    case MADV_REMOVE:
        if (page->kind != PAGE_SHARED || page->object == MODEL_FILE ||
            (page->flags & AS_LOCKED) != 0) {
            return -EINVAL;
        }
        if (page->index < MODEL_OBJ_PAGES) {
            memset(model_words(page), 0, sizeof(page->value));
        }
        return 0;
    default:
        if ((page->prot & needed) == 0) {
            return -EINVAL;
        }
        if (!model_allows(page, access)) {
            return -EFAULT;
        }
        if (access == PTE_WRITE) {
            page_copied(page);
        }
        return 0;
    }
}

static bool do_advise(const struct model_step *step)
{
    static const int advices[] = {
        MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK,
        MADV_KEEPONFORK, MADV_REMOVE, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTNEED,
    };
    struct model_space *space = space_of(step);
    int advice = advices[step->c % ARRAY_SIZE(advices)], expected = 0;
    bool stops = advice == MADV_REMOVE || advice == MADV_POPULATE_READ ||
                 advice == MADV_POPULATE_WRITE; /* at the first hole */
    unsigned first, nr;

    range_of(step, &first, &nr);
    int error = as_advise(space->as, model_address(first), nr * PAGE_SIZE, advice);

    if (out_of_memory(error)) {
        return false;
    }
    for (unsigned i = first; i < first + nr; i++) {
        if (space->page[i].kind == PAGE_ABSENT) {
            expected = -ENOMEM;
            if (stops) {
                break;
            }
            continue;
        }
        int refused = advise_page(&space->page[i], advice);

        if (refused != 0) {
            expected = refused;
            break;
        }
    }
    if (error != expected) {
        panic("advice %d on pages %u+%u: %d, the model says %d", advice, first, nr, error, expected);
    }
    return true;
}

static bool do_brk(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    vaddr_t start = model_address(MODEL_BRK_PAGE);
    vaddr_t want = start + (step->a % (MODEL_WINDOW - MODEL_BRK_PAGE)) * PAGE_SIZE + step->b;
    vaddr_t from = ALIGN_UP(space->brk, PAGE_SIZE), to = ALIGN_UP(want, PAGE_SIZE);
    vaddr_t got = as_brk(space->as, want);
    bool fits = true;

    for (vaddr_t va = from; va < to; va += PAGE_SIZE) {
        fits &= space->page[MODEL_BRK_PAGE + ((va - start) >> PAGE_SHIFT)].kind == PAGE_ABSENT;
    }
    if (model.injecting && got == space->brk) {
        return false;
    }
    kverify(got == (fits ? want : space->brk));
    if (!fits) {
        return false;
    }
    unsigned low = MODEL_BRK_PAGE + (unsigned)((MIN(from, to) - start) >> PAGE_SHIFT);
    unsigned nr = (unsigned)((MAX(from, to) - MIN(from, to)) >> PAGE_SHIFT);

    model_map(space, low, nr, to > from ? PAGE_ANON : PAGE_ABSENT,
              to > from ? PROT_READ | PROT_WRITE : 0, 0, 0, to > from ? AS_HEAP : 0);
    space->brk = want;
    return from != to;
}

/* The last user is gone: CPUs that ran it run a kernel thread, with the root still loaded. */
void model_release(unsigned space)
{
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        if (model.running[cpu] == (int)space) {
            model.running[cpu] = -1;
        }
    }
    as_put(model.space[space].as);
    model.space[space] = (struct model_space){.as = NULL};
}

static int map_part(struct address_space *as, vaddr_t start, size_t len, uint32_t prot,
                    uint32_t flags)
{
    const struct as_map_request request = {.addr = start, .len = len, .prot = prot,
                                           .max_prot = EVERY_PROT, .flags = AS_FIXED | flags};
    vaddr_t at;

    return as_map(as, &request, &at);
}

/*
 * A new program: code, data and bss of the file, a stack with bytes on it, an empty heap. Where the
 * file has been cut too short the first program of a space does with anonymous memory.
 */
int model_build(struct address_space **out, struct model_space *space, bool strict)
{
    /* The stack must not reach the window. */
    const struct as_limits limits = {UINT64_MAX, UINT64_MAX, 2 * MODEL_STACK * PAGE_SIZE, UINT64_MAX};
    const uint32_t data = PROT_READ | PROT_WRITE;
    bool load = strict || model.object[MODEL_FILE].nr_pages > 5;
    uint64_t word = 0x5eed;
    vaddr_t end = model_address(MODEL_PAGES - 1) + PAGE_SIZE;
    int error = as_create(out);

    *space = (struct model_space){.as = NULL, .brk = model_address(MODEL_BRK_PAGE)};
    if (error != 0) {
        return error;
    }
    as_set_limits(*out, &limits);
    as_set_layout(*out, space->brk, model_address(MODEL_WINDOW - 1) + PAGE_SIZE);
    error = map_part(*out, end - 2 * PAGE_SIZE, 2 * PAGE_SIZE, data, AS_GROWSDOWN | AS_STACK);
    if (error == 0) {
        error = load ? model_load(*out) : map_part(*out, model_address(4), 6 * PAGE_SIZE, data, 0);
    }
    error = error == 0 ? as_copy_out(*out, end - sizeof(word), &word, sizeof(word)) : error;
    if (error != 0) {
        as_put(*out);
        *out = NULL;
        return error;
    }
    model_map(space, MODEL_PAGES - 2, 2, PAGE_ANON, data, 0, 0, AS_GROWSDOWN);
    space->page[MODEL_PAGES - 1].value[3] = word;
    model_map(space, 4, 6, PAGE_ANON, data, 0, 0, 0);
    if (load) {
        model_map(space, 0, 4, PAGE_PRIVATE, PROT_READ | PROT_EXEC, MODEL_FILE, 0, 0);
        model_map(space, 4, 2, PAGE_PRIVATE, data, MODEL_FILE, 4, 0);
        page_copied(&space->page[5]); /* what lies past the file's bytes is zero */
        space->page[5].value[2] = 0;
        space->page[5].value[3] = 0;
    }
    return 0;
}

static bool do_exec(const struct model_step *step)
{
    struct model_space built;
    struct address_space *as, *old = space_of(step)->as;

    if (model_build(&as, &built, true) != 0) {
        kverify(model.injecting || model.object[MODEL_FILE].nr_pages <= 5);
        return false;
    }
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        if (model.running[cpu] == step->space) {
            model.running[cpu] = -1; /* sibling threads are gone before the commit */
        }
    }
    built.as = as;
    *space_of(step) = built;
    model_run_on(step->cpu, step->space);
    as_put(old);
    return true;
}

static bool do_fork(const struct model_step *step)
{
    unsigned slot = step->a % MODEL_SPACES;
    struct model_space *parent = space_of(step), *child = &model.space[slot];
    struct address_space *as;

    if (child == parent) {
        return false;
    }
    if (child->as != NULL) {
        model_release(slot);
    }
    if (as_fork(parent->as, &as) != 0) {
        kverify(model.injecting);
        return false;
    }
    *child = *parent;
    child->as = as;
    for (unsigned i = 0; i < MODEL_PAGES; i++) {
        struct model_page *page = &child->page[i];

        page->flags &= ~(uint32_t)AS_LOCKED;
        if ((page->flags & AS_DONTFORK) != 0) {
            *page = (struct model_page){.kind = PAGE_ABSENT};
        } else if ((page->flags & AS_WIPEONFORK) != 0) {
            memset(page->value, 0, sizeof(page->value));
        }
    }
    return true;
}

static bool do_truncate(const struct model_step *step)
{
    struct model_object *file = &model.object[MODEL_FILE];
    unsigned nr = step->a % (MODEL_OBJ_PAGES + 1);

    if (nr >= file->nr_pages) {
        bool grown = nr > file->nr_pages;

        file->nr_pages = nr;
        return grown;
    }
    file->nr_pages = nr;
    model_file_truncate(nr);
    for (unsigned i = nr; i < MODEL_OBJ_PAGES; i++) {
        memset(file->value[i], 0, sizeof(file->value[i]));
    }
    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        for (unsigned i = 0; i < MODEL_PAGES; i++) {
            struct model_page *page = &model.space[s].page[i];

            if (is_object(page) && page->object == MODEL_FILE && page->index >= nr) {
                page->copied = false;
            }
        }
    }
    return true;
}

static bool do_file_write(const struct model_step *step)
{
    unsigned object = step->a % MODEL_OBJECTS, word = step->c % MODEL_WORDS;
    struct model_object *to = &model.object[object];
    unsigned index = step->b % MODEL_OBJ_PAGES;
    struct frame *frame;

    if (index >= to->nr_pages || to->object->ops->get_page(to->object, index, &frame) != 0) {
        return false;
    }
    uint64_t *ram = (uint64_t *)((char *)frame_va(frame) + model_word_offset(word));

    *ram = sim_random();
    to->value[index][word] = *ram;
    frame_written(frame);
    model_object_written(object, index, (uint8_t *)ram);
    frame_put(frame);
    return true;
}

static bool do_stack(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    unsigned at = MODEL_WINDOW + step->a % MODEL_STACK;
    struct as_map_request request = {.addr = model_address(at), .len = PAGE_SIZE,
                                     .prot = PROT_READ | PROT_WRITE, .max_prot = EVERY_PROT,
                                     .flags = AS_FIXED | AS_GROWSDOWN};
    vaddr_t got;

    if (as_map(space->as, &request, &got) != 0) {
        kverify(model.injecting);
        return false;
    }
    model_map(space, at, 1, PAGE_ANON, request.prot, 0, 0, AS_GROWSDOWN);
    return true;
}

static bool do_lock(const struct model_step *step)
{
    struct model_space *space = space_of(step);
    bool lock = step->c % 2 == 0;
    unsigned first, nr, i;

    range_of(step, &first, &nr);
    int error = as_lock_range(space->as, model_address(first), nr * PAGE_SIZE, lock);

    for (i = first; i < first + nr && space->page[i].kind != PAGE_ABSENT; i++) {
    }
    if (i != first + nr) {
        kverify(error == -ENOMEM);
        return false;
    }
    if (model.injecting && error != 0) {
        return false;
    }
    for (i = first; i < first + nr; i++) {
        space->page[i].flags &= ~(uint32_t)AS_LOCKED;
        space->page[i].flags |= lock ? AS_LOCKED : 0;
    }
    if (lock) {
        model_populate(space, first, nr);
    }
    return true;
}

bool model_do(const struct model_step *step)
{
    if (step->op == OP_LAZY) {
        irqflags_t flags = cpu_irq_save();

        as_activate(NULL);
        cpu_irq_restore(flags);
        model.running[step->cpu] = -1;
        return true;
    }
    if (model.space[step->space].as == NULL) {
        struct model_space built;
        struct address_space *as;

        if (model_build(&as, &built, false) != 0) {
            kverify(model.injecting);
            return false;
        }
        built.as = as;
        model.space[step->space] = built;
    }
    if (step->op == OP_EXIT) {
        model_release(step->space);
        return true;
    }
    model_run_on(step->cpu, step->space);
    switch ((enum model_op)step->op) {
    case OP_LOAD: return do_access(step, PTE_READ);
    case OP_STORE: return do_access(step, PTE_WRITE);
    case OP_FETCH: return do_access(step, PTE_EXEC);
    case OP_COPY_IN:
    case OP_COPY_OUT:
    case OP_CLEAR: return do_copy(step);
    case OP_MAP:
    case OP_MAP_ANYWHERE: return do_map(step);
    case OP_UNMAP: return do_unmap(step);
    case OP_PROTECT: return do_protect(step);
    case OP_REMAP: return do_remap(step);
    case OP_ADVISE: return do_advise(step);
    case OP_BRK: return do_brk(step);
    case OP_FORK: return do_fork(step);
    case OP_EXEC: return do_exec(step);
    case OP_TRUNCATE: return do_truncate(step);
    case OP_FILE_WRITE: return do_file_write(step);
    case OP_STACK: return do_stack(step);
    case OP_LOCK: return do_lock(step);
    default: return true; /* OP_SWITCH: that was it */
    }
}
