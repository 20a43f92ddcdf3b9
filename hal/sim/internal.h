/* What the files of hal/sim share: the TLBs' primitives, in terms of what the manuals' operands mean. */
#pragma once

#include <sim/machine.h>

#define SIM_TAGS_MAX 65536u

/* A cached translation (table false), or a cached table entry: it leads to the table at pa. */
struct cached {
    vaddr_t va; /* start of what the entry covers */
    paddr_t pa;
    paddr_t slot; /* where the entry lies in RAM */
    uint32_t rights; /* of the whole path */
    uint8_t level;
    bool table;
    uint16_t next; /* in the chain, index + 1 */
};

#define BANK_HEADS 128u

/* Everything that one CPU holds under one tag. */
struct bank {
    struct cached *cached;
    uint16_t head[BANK_HEADS]; /* index + 1 */
    uint16_t free;             /* index + 1 */
    uint16_t size, nr, nr_tables, nr_blocks;
    uint16_t tag;
};

struct sim_cpu_state {
    paddr_t root, kernel_root; /* in effect; 0: none yet */
    uint16_t tag;
    struct bank **bank;   /* by tag */
    uint16_t *listed;     /* tags that have a bank */
    uint32_t nr_listed;
    struct bank global;
};
extern struct sim_cpu_state sim_cpus[SIM_CPUS_MAX];
extern struct sim_options sim_options;

/* tlb.c */
struct bank *sim_bank(struct sim_cpu_state *cpu, uint16_t tag); /* NULL: nothing held */
/* What could be used to translate va under the tag: translation and table entries. */
void sim_drop_va(struct sim_cpu_state *cpu, uint16_t tag, vaddr_t va);
void sim_drop_va_all_tags(struct sim_cpu_state *cpu, vaddr_t va);
void sim_drop_global_va(struct sim_cpu_state *cpu, vaddr_t va);
void sim_drop_tables(struct sim_cpu_state *cpu, uint16_t tag);
void sim_drop_tag(struct sim_cpu_state *cpu, uint16_t tag);
void sim_drop_all_tags(struct sim_cpu_state *cpu); /* global translations stay */
void sim_drop_everything(struct sim_cpu_state *cpu);
void sim_speculate(void); /* perhaps */
void sim_tlb_init(uint64_t ram_bytes, uint32_t nr_cpus);
/* How many cached entries of any CPU lead to the frame. */
uint32_t sim_nr_cached(paddr_t pa);
typedef void (*bank_visit_t)(const struct cached *cached, void *arg);
void sim_bank_for_each(const struct bank *bank, bank_visit_t visit, void *arg);
uint64_t sim_load_entry(paddr_t slot);
/* Entries of before a store that no barrier has followed yet. */
void sim_stores_done(void);
void sim_store_begun(paddr_t slot, uint64_t before);

/* oracle.c */
void sim_oracle_init(void);
void sim_step_done(void);

/* cache.c */
void sim_cache_init(uint64_t ram_bytes);
void sim_cache_forget(void);
void sim_cache_clean(paddr_t pa);                            /* DC CVAU of one line, pending */
void sim_cache_invalidate(paddr_t pa);                       /* IC IVAU of one line, pending */
void sim_cache_invalidate_all(void);                         /* IC IALLUIS, pending */
void sim_cache_complete(void);                               /* DSB */
uint64_t sim_cache_fetch(uint32_t cpu, paddr_t pa);

/* machine.c */
void sim_ipi(cpumask_t cpus);
void sim_relax(void); /* a CPU waits for others */
void sim_instruction(void); /* between any two instructions an interrupt may come */

/* hal/sim/<arch>/cpu.c: what the architecture adds. */
void sim_arch_init(void);
void sim_arch_forget(void);
void sim_arch_ipi(void);         /* the HAL's part of the IPI's handler */
void sim_arch_fault(vaddr_t va); /* what a page fault does to the TLB */
void sim_arch_set_idle_root(paddr_t root);
