/*
 * x86_64 page table entries (Intel SDM 3A 4.5, tables 4-15 to 4-20). Pure: compiles on any host.
 * A PROT_NONE leaf has P clear and PTE_X86_NONE set, the other bits as in a valid leaf.
 * Only PAT entries 0 (WB) and 3 (UC) are used, so that the PAT bit itself is never set.
 */
#pragma once

#include <arch/consts.h>
#include <hal/mmu.h>

#include "kernel/types.h"

typedef struct pte {
    uint64_t raw;
} pte_t;

#define PTE_NONE ((pte_t){0})

#define PTE_X86_P    (1ull << 0)
#define PTE_X86_RW   (1ull << 1)
#define PTE_X86_US   (1ull << 2)
#define PTE_X86_PWT  (1ull << 3)
#define PTE_X86_PCD  (1ull << 4)
#define PTE_X86_A    (1ull << 5)
#define PTE_X86_D    (1ull << 6)
#define PTE_X86_PS   (1ull << 7)
#define PTE_X86_G    (1ull << 8)
#define PTE_X86_NONE (1ull << 9) /* software: present, but not valid */
#define PTE_X86_NX   (1ull << 63)
#define PTE_X86_ADDR 0x000ffffffffff000ull

static inline bool pte_equal(pte_t a, pte_t b)
{
    return a.raw == b.raw;
}

static inline pte_t pte_leaf(paddr_t pa, unsigned level, uint32_t prot, enum pte_memtype type)
{
    uint64_t raw = pa | PTE_X86_A;

    if (prot & (PTE_READ | PTE_WRITE | PTE_EXEC)) {
        raw |= PTE_X86_P;
    } else {
        raw |= PTE_X86_NONE;
    }
    if (prot & PTE_WRITE) {
        raw |= PTE_X86_RW | PTE_X86_D;
    }
    if (!(prot & PTE_EXEC)) {
        raw |= PTE_X86_NX;
    }
    raw |= (prot & PTE_USER) ? PTE_X86_US : PTE_X86_G;
    if (level > 0) {
        raw |= PTE_X86_PS;
    }
    if (type == MEM_DEVICE) {
        raw |= PTE_X86_PCD | PTE_X86_PWT;
    }
    return (pte_t){raw};
}

/* U/S is set in every table entry: the leaf alone decides, and rights are ANDed over the levels. */
static inline pte_t pte_table(paddr_t pa, bool writable)
{
    return (pte_t){pa | PTE_X86_P | PTE_X86_A | PTE_X86_US | (writable ? PTE_X86_RW : 0)};
}

static inline bool pte_present(pte_t e)
{
    return e.raw != 0;
}

static inline bool pte_valid(pte_t e)
{
    return (e.raw & PTE_X86_P) != 0;
}

static inline bool pte_is_leaf(pte_t e, unsigned level)
{
    return e.raw != 0 && (level == 0 || (e.raw & PTE_X86_PS) != 0);
}

static inline paddr_t pte_addr(pte_t e, unsigned level)
{
    (void)level; /* the low address bits of a block are zero, since PAT is */
    return e.raw & PTE_X86_ADDR;
}

static inline uint32_t pte_prot(pte_t e)
{
    uint32_t prot = (e.raw & PTE_X86_US) ? PTE_USER : 0;

    if (e.raw & PTE_X86_P) {
        prot |= PTE_READ;
        prot |= (e.raw & PTE_X86_RW) ? PTE_WRITE : 0;
        prot |= (e.raw & PTE_X86_NX) ? 0 : PTE_EXEC;
    }
    return prot;
}

static inline enum pte_memtype pte_type(pte_t e)
{
    return (e.raw & PTE_X86_PCD) ? MEM_DEVICE : MEM_NORMAL;
}

static inline bool pte_table_writable(pte_t e)
{
    return (e.raw & PTE_X86_RW) != 0;
}

static inline pte_t pte_with_prot(pte_t e, unsigned level, uint32_t prot)
{
    return pte_leaf(pte_addr(e, level), level, prot, pte_type(e));
}
