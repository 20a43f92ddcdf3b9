/*
 * The machine's memory management unit, as mm/ drives it. Per-PTE work is inline in <arch/pte.h>
 * and <arch/cpu.h>; what happens once a batch goes through this table. No policy here: which tag,
 * which CPUs, when to drop, is decided in mm/asid.c and mm/tlb.c.
 *
 * <arch/consts.h> gives
 *   PAGE_SHIFT PAGE_SIZE PT_LEVELS (4) PT_BITS (9) PT_ENTRIES (512)
 *   PT_BLOCK_LEVELS     highest level at which a leaf may stand (0 = 4 KiB only, 1 = 2 MiB, 2 = 1 GiB)
 *   USER_VA_END         end of user addresses; KERNEL_VA_BASE: first kernel address
 *   DIRECT_MAP_BASE DIRECT_MAP_END STACK_VA_BASE STACK_VA_END DEVICE_VA_BASE DEVICE_VA_END
 *   KERNEL_IMAGE_BASE   link address (each window has top-level entries of its own)
 *   CPU_MAX CACHE_LINE HAL_ELF_MACHINE
 *   HAL_TLB_BROADCAST   1: shoot() reaches other CPUs, where asked, without an interrupt
 *   HAL_PT_BBM          1: splitting and merging blocks needs break-before-make
 *
 * <arch/pte.h>, pure inlines that compile on any host:
 *   pte_t {uint64_t raw}; PTE_NONE (all zero); pte_equal(a, b)
 *   pte_leaf(pa, level, prot, memtype)    prot without PTE_READ: present, not valid (PROT_NONE)
 *   pte_table(pa, writable)               !writable write-protects everything below
 *   pte_present(e)  anything but PTE_NONE;  pte_valid(e)  the hardware may use it
 *   pte_is_leaf(e, level)  pte_addr(e, level)  pte_prot(e)  pte_type(e)
 *   pte_table_writable(e)  pte_with_prot(e, level, prot)
 * Decoding is the exact inverse of encoding. Leaves have accessed and, if writable, dirty set.
 * Global (kernel) leaves are those without PTE_USER.
 *
 * <arch/cpu.h>, inlines:
 *   irqflags_t cpu_irq_save(void), cpu_irq_restore(flags), cpu_irq_enable(), cpu_irq_disable(), cpu_irqs_on()
 *   cpu_relax(), cpu_wait() (IRQs off on entry, returns with a pending one), cpu_cycles()
 *   cpu_self() -> struct cpu *, cpu_id()
 *   pte_load(ptr), pte_store(ptr, e) single-copy atomic, the store a release: a page's contents come
 *   before its entry; pte_sync() makes stores visible to walkers
 */
#pragma once

#include "kernel/types.h"

/* Rights of a leaf. A user leaf has PTE_USER; READ is implied by WRITE and EXEC on encoding. */
#define PTE_READ 1u
#define PTE_WRITE 2u
#define PTE_EXEC 4u /* by user mode if PTE_USER, else by the kernel; never both */
#define PTE_USER 8u

enum pte_memtype {
    MEM_NORMAL, /* write-back cacheable */
    MEM_DEVICE, /* not cached, not reordered */
};

typedef struct asid {
    uint16_t value;
} asid_t;

enum tlb_drop {
    TLB_KEEP,     /* keep every translation */
    TLB_DROP_TAG, /* drop this tag's translations on this CPU */
    TLB_DROP_ALL, /* drop all non-global translations on this CPU */
};

enum tlb_scope {
    TLB_RANGE,  /* [start, end) of one tag */
    TLB_SPACE,  /* everything of one tag */
    TLB_GLOBAL, /* kernel range [start, end), all tags; cpus names every CPU */
};

struct tlb_shot {
    enum tlb_scope scope;
    bool tables; /* table entries went too: walk caches as well */
    asid_t asid;
    vaddr_t start; /* page-aligned */
    vaddr_t end;
    cpumask_t cpus; /* that may hold it; bit of this CPU included if it does */
    bool current;   /* this CPU's register holds the space now */
};

struct hal_caps {
    uint8_t asid_bits; /* 0: no tags, every activate drops */
    uint8_t pa_bits;
    bool block_1g; /* 1 GiB leaves in kernel tables */
};
extern struct hal_caps hal_caps;

struct hal_mmu {
    /* Each CPU once, early. Programs every MMU control register; fills hal_caps on the first. */
    void (*cpu_init)(void);
    /* Each CPU once, after the kernel table is built: replaces the boot tables by it, drops all. */
    void (*kernel_activate)(paddr_t kernel_root);
    /* Requires: root is a zeroed page. Does: makes the kernel half reachable through it. */
    void (*root_init)(paddr_t root);
    /* Requires: IRQs off. Does: loads root and tag on this CPU. */
    void (*activate)(paddr_t root, asid_t asid, enum tlb_drop drop);
    /* On return no CPU in shot->cpus can use a translation older than the call. */
    void (*shoot)(const struct tlb_shot *shot);
    /* Makes bytes just written at [pa, pa + len) fetchable on all CPUs. Before the PTE is published. */
    void (*icache_sync)(paddr_t pa, size_t len);
    /* Returns root and tag now in the register, for the check of invariant I5. */
    paddr_t (*active_root)(asid_t *out);
};
extern const struct hal_mmu hal_mmu;
