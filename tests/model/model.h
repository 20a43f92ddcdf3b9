/*
 * Model test of mm/ on the simulated machine: steps of user programs on several spaces and CPUs,
 * next to a model that knows for every page what it must hold and allow. Any eight bytes are a step.
 * After each step the oracles look; what they find ends in panic().
 */
#pragma once

#include <sim/machine.h>

#include "mm/address_space.h"

#define MODEL_SPACES     4u
#define MODEL_WINDOW     64u /* pages around a 2 MiB and a 1 GiB boundary */
#define MODEL_STACK      8u  /* pages of the stack's region, above the guard gap */
#define MODEL_PAGES      (MODEL_WINDOW + MODEL_STACK)
#define MODEL_OBJECTS    3u
#define MODEL_FILE       2u /* the object that truncate works on */
#define MODEL_OBJ_PAGES  24u
#define MODEL_WORDS      4u /* of each page the model knows these */
#define MODEL_BRK_PAGE   44u

enum model_op {
    OP_LOAD, OP_STORE, OP_FETCH, OP_COPY_IN, OP_COPY_OUT, OP_CLEAR,
    OP_MAP, OP_MAP_ANYWHERE, OP_UNMAP, OP_PROTECT, OP_REMAP, OP_ADVISE, OP_BRK,
    OP_FORK, OP_EXEC, OP_EXIT, OP_SWITCH, OP_LAZY, OP_TRUNCATE, OP_FILE_WRITE, OP_STACK, OP_LOCK,
    MODEL_NR_OPS,
};
extern const char *const model_op_names[MODEL_NR_OPS];

struct model_step {
    uint8_t op, cpu, space, a, b, c, d, e;
};

enum model_kind { PAGE_ABSENT, PAGE_ANON, PAGE_PRIVATE, PAGE_SHARED };

struct model_page {
    enum model_kind kind;
    uint32_t prot;  /* PROT_* */
    uint32_t flags; /* AS_DONTFORK, AS_WIPEONFORK, AS_GROWSDOWN, AS_HEAP, AS_LOCKED */
    unsigned object, index;
    bool copied; /* PAGE_PRIVATE: holds `value`, not the object's */
    uint64_t value[MODEL_WORDS];
};

struct model_space {
    struct address_space *as; /* NULL: no such process now */
    vaddr_t brk;
    struct model_page page[MODEL_PAGES];
};

struct model_object {
    struct vm_object *object;
    unsigned nr_pages;
    uint64_t value[MODEL_OBJ_PAGES][MODEL_WORDS];
};

struct model {
    struct model_space space[MODEL_SPACES];
    struct model_object object[MODEL_OBJECTS];
    int running[SIM_CPUS_MAX]; /* space whose program the CPU runs; -1: a kernel thread */
    uint64_t seed;
    uint64_t nr_steps, nr_changed, nr_tried[MODEL_NR_OPS], nr_per_op[MODEL_NR_OPS];
    unsigned first, nr; /* pages that checks look at: all, or less for small scopes */
    bool injecting;     /* -ENOMEM may come */
};
extern struct model model;

/* Boots the machine and makes the objects; once in a process. */
void model_boot(const struct sim_options *options, uint64_t seed);
/* Does one step and checks. */
void model_step(const struct model_step *step);
/* As above without the checks, for prefixes that were checked before. */
void model_step_unchecked(const struct model_step *step);
/* Every process exits. */
void model_clear(void);
/* model_clear(), objects too; panics if a frame is lost. */
void model_finish(void);
/* A step of the kind that finds something, from a random state. */
struct model_step model_random_step(uint64_t *rng);

vaddr_t model_address(unsigned page);
bool model_range(unsigned page, unsigned nr); /* both in the window or both in the stack */
void model_run_on(uint32_t cpu, unsigned space);
uint64_t *model_words(struct model_page *page);
/* Whether user mode may do this (PTE_READ, PTE_WRITE, PTE_EXEC) now. */
bool model_allows(const struct model_page *page, uint32_t access);
unsigned model_word_offset(unsigned word);
/* A program that writes code maintains the caches where the page is executable already. */
void model_object_written(unsigned object, unsigned index, uint8_t *byte);

/* model_check.c */
void model_check_space(unsigned space); /* VMAs, rights, contents */
void model_check_counts(void);          /* reference counts and owners over every table */
void model_check_everything(void);
/* What user programs could tell of the space: mappings and contents. */
uint64_t model_hash(struct address_space *as);

/* Cuts the file to nr pages, as a file system's truncate does. */
void model_file_truncate(unsigned nr);

/* model_ops.c: each returns whether anything changed. */
bool model_do(const struct model_step *step);
void model_release(unsigned space);
/* strict: a file too short for the program is an error, as it is for execve(2). */
int model_build(struct address_space **out, struct model_space *space, bool strict);

/* model_loader.c: pages 0 to 9 of the window by the kernel's own loader. */
int model_load(struct address_space *as);
