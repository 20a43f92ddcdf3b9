/* The model's frame: boot, dispatch of steps, random steps, the end. See model.h. */
#include "model.h"

#include <asm/mman.h>
#include <stdio.h>
#include <string.h>

#include "kernel/assert.h"
#include "mm/frame.h"
#include "mm/page_store.h"
#include "mm/slab.h"
#include "mm/vm_object.h"

struct model model;
static struct frame_stats at_boot;

const char *const model_op_names[MODEL_NR_OPS] = {
    "load", "store", "fetch", "copy_in", "copy_out", "clear",
    "map", "map_anywhere", "unmap", "protect", "remap", "advise", "brk",
    "fork", "exec", "exit", "switch", "lazy", "truncate", "file_write", "stack", "lock",
};

/* The file: a page store whose size truncate changes. */
static struct model_file {
    struct vm_object object;
    struct page_store store;
} file;

static int file_get_page(struct vm_object *object, uint64_t index, struct frame **out)
{
    (void)object;
    return index < model.object[MODEL_FILE].nr_pages ? page_store_get(&file.store, index, out)
                                                     : -14; /* EFAULT */
}

static struct frame *file_peek_page(struct vm_object *object, uint64_t index)
{
    (void)object;
    return page_store_peek(&file.store, index);
}

static void file_destroy(struct vm_object *object)
{
    (void)object;
    page_store_truncate(&file.store, 0);
}

static const struct vm_object_ops file_ops = {
    .get_page = file_get_page,
    .peek_page = file_peek_page,
    .destroy = file_destroy,
};

void model_file_truncate(unsigned nr)
{
    page_store_truncate(&file.store, nr);
    vm_object_unmap_from(&file.object, nr);
}

void model_boot(const struct sim_options *options, uint64_t seed)
{
    sim_boot(options);
    model.seed = seed;
    model.first = 0;
    model.nr = MODEL_PAGES;
    frame_get_stats(&at_boot);
    for (uint32_t cpu = 0; cpu < SIM_CPUS_MAX; cpu++) {
        model.running[cpu] = -1;
    }
    for (unsigned i = 0; i < MODEL_OBJECTS; i++) {
        model.object[i].nr_pages = MODEL_OBJ_PAGES;
        if (i == MODEL_FILE) {
            vm_object_init(&file.object, &file_ops);
            page_store_init(&file.store);
            model.object[i].object = &file.object;
        } else {
            model.object[i].object = anon_object_create(MODEL_OBJ_PAGES * PAGE_SIZE);
            kverify(model.object[i].object != NULL);
        }
    }
}

vaddr_t model_address(unsigned page)
{
    const vaddr_t window = 0x3ffe0000ull, stack = 0x40420000ull;

    return page < MODEL_WINDOW ? window + (vaddr_t)page * PAGE_SIZE
                               : stack + (vaddr_t)(page - MODEL_WINDOW) * PAGE_SIZE;
}

bool model_range(unsigned page, unsigned nr)
{
    return page + nr <= MODEL_WINDOW || (page >= MODEL_WINDOW && page + nr <= MODEL_PAGES);
}

unsigned model_word_offset(unsigned word)
{
    static const unsigned offsets[MODEL_WORDS] = {0, 1016, 2048, 4088};

    return offsets[word];
}

uint64_t *model_words(struct model_page *page)
{
    if (page->kind == PAGE_SHARED || (page->kind == PAGE_PRIVATE && !page->copied)) {
        return page->index < MODEL_OBJ_PAGES ? model.object[page->object].value[page->index]
                                             : page->value;
    }
    return page->value;
}

bool model_allows(const struct model_page *page, uint32_t access)
{
    uint32_t needed = access == PTE_WRITE  ? PROT_WRITE
                      : access == PTE_EXEC ? PROT_EXEC
                                           : PROT_READ | PROT_WRITE | PROT_EXEC;

    if (page->kind == PAGE_ABSENT || (page->prot & needed) == 0) {
        return false;
    }
    return page->kind == PAGE_ANON || page->copied ||
           page->index < model.object[page->object].nr_pages;
}

void model_run_on(uint32_t cpu, unsigned space)
{
    sim_set_cpu(cpu);
    irqflags_t flags = cpu_irq_save();

    as_activate(model.space[space].as);
    cpu_irq_restore(flags);
    model.running[cpu] = (int)space;
}

void model_object_written(unsigned object, unsigned index, uint8_t *byte)
{
    for (unsigned s = 0; s < MODEL_SPACES; s++) {
        for (unsigned i = 0; i < MODEL_PAGES && model.space[s].as != NULL; i++) {
            const struct model_page *page = &model.space[s].page[i];

            if ((page->kind == PAGE_SHARED || (page->kind == PAGE_PRIVATE && !page->copied)) &&
                page->object == object && page->index == index && (page->prot & PROT_EXEC) != 0) {
                sim_user_icache_sync(byte, sizeof(uint64_t));
                return;
            }
        }
    }
}

static uint64_t step_seed(const struct model_step *step)
{
    uint64_t bytes;

    memcpy(&bytes, step, sizeof(bytes));
    return (bytes ^ model.seed) * 0xff51afd7ed558ccdull;
}

static bool run(const struct model_step *raw)
{
    struct model_step step = *raw;

    step.op = (uint8_t)(step.op % MODEL_NR_OPS);
    step.cpu = (uint8_t)(step.cpu % nr_cpus);
    step.space = (uint8_t)(step.space % MODEL_SPACES);
    sim_seed(step_seed(raw));
    sim_set_cpu(step.cpu);
    bool changed = model_do(&step);

    sim_settle();
    model.nr_steps++;
    model.nr_changed += changed;
    model.nr_tried[step.op]++;
    model.nr_per_op[step.op] += changed;
    return changed;
}

void model_step_unchecked(const struct model_step *step)
{
    (void)run(step);
    sim_check_registers();
}

void model_step(const struct model_step *step)
{
    (void)run(step);
    sim_check();
    model_check_counts();
    model_check_space(step->space % MODEL_SPACES);
    if (model.nr_steps % 16 == 0) {
        model_check_everything();
    }
}

void model_clear(void)
{
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        if (model.space[i].as != NULL) {
            model_release(i);
        }
    }
    sim_settle();
}

void model_finish(void)
{
    struct frame_stats now;

    model_clear();
    sim_check();
    for (unsigned i = 0; i < MODEL_OBJECTS; i++) {
        vm_object_put(model.object[i].object);
    }
    slab_drain();
    frame_get_stats(&now);
    if (now.nr_free != at_boot.nr_free) {
        panic("frames are lost: %lu free at the start, %lu at the end",
              (unsigned long)at_boot.nr_free, (unsigned long)now.nr_free);
    }
}

static uint64_t next(uint64_t *rng)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return *rng >> 16;
}

struct model_step model_random_step(uint64_t *rng)
{
    static const uint8_t weights[MODEL_NR_OPS] = {
        [OP_LOAD] = 10, [OP_STORE] = 52, [OP_FETCH] = 6, [OP_COPY_IN] = 3, [OP_COPY_OUT] = 6,
        [OP_CLEAR] = 2, [OP_MAP] = 16, [OP_MAP_ANYWHERE] = 2, [OP_UNMAP] = 3, [OP_PROTECT] = 10,
        [OP_REMAP] = 5, [OP_ADVISE] = 6, [OP_BRK] = 3, [OP_FORK] = 4, [OP_EXEC] = 1,
        [OP_EXIT] = 1, [OP_SWITCH] = 5, [OP_LAZY] = 3, [OP_TRUNCATE] = 1, [OP_FILE_WRITE] = 2,
        [OP_STACK] = 1, [OP_LOCK] = 1,
    };
    static uint8_t space, page, cpu;
    uint64_t bits = next(rng), more = next(rng);
    struct model_step step;
    unsigned total = 0, op = 0;

    for (unsigned i = 0; i < MODEL_NR_OPS; i++) {
        total += weights[i];
    }
    for (unsigned pick = (unsigned)(bits % total); pick >= weights[op]; op++) {
        pick -= weights[op];
    }
    /* One space, place and CPU for a while, so that something meets there. */
    if (more % 16 == 0) {
        space = (uint8_t)(more >> 3);
    }
    if (more % 16 == 3) {
        page = (uint8_t)(more >> 8);
    }
    if (more % 8 == 1) {
        cpu = (uint8_t)(more >> 16);
    }
    step = (struct model_step){(uint8_t)op, cpu, space, page,
                               (uint8_t)(bits >> 24), (uint8_t)(bits >> 32), (uint8_t)(bits >> 40),
                               (uint8_t)(more >> 24)};
    if ((more >> 40) % 4 != 0) {
        step.a = (uint8_t)(page + (more >> 42) % 4);
    }
    return step;
}
