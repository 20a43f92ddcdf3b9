/*
 * VMSAv8-64 stage 1 descriptors, 4 KiB granule (Arm ARM D8.3). Pure: no instructions, any host.
 * A present entry without access has bit 0 clear, so that the hardware ignores the rest, and
 * ENTRY_PRESENT set, so that it differs from PTE_NONE even for frame 0.
 * Table entries never carry PXNTable, UXNTable or APTable[0].
 */
#pragma once

#include <arch/consts.h>
#include <hal/mmu.h>

#include "kernel/types.h"

typedef struct pte {
    uint64_t raw;
} pte_t;

#define PTE_NONE ((pte_t){0})

#define ENTRY_VALID           (1ull << 0)
#define ENTRY_TABLE           (1ull << 1) /* a table above level 0, a page at level 0 */
#define ENTRY_ATTR_SHIFT      2
#define ENTRY_ATTR_MASK       (7ull << ENTRY_ATTR_SHIFT)
#define ENTRY_USER            (1ull << 6) /* AP[1] */
#define ENTRY_READ_ONLY       (1ull << 7) /* AP[2] */
#define ENTRY_SH_INNER        (3ull << 8)
#define ENTRY_AF              (1ull << 10)
#define ENTRY_NG              (1ull << 11)
#define ENTRY_PXN             (1ull << 53)
#define ENTRY_UXN             (1ull << 54)
#define ENTRY_PRESENT         (1ull << 55) /* software bit, in every leaf */
#define ENTRY_TABLE_READ_ONLY (1ull << 62) /* APTable[1] */
#define ENTRY_ADDR_MASK       0x0000fffffffff000ull

/* Index in MAIR_EL1 of each memory type. */
#define MAIR_INDEX_NORMAL 0ull
#define MAIR_INDEX_DEVICE 1ull

static inline bool pte_equal(pte_t a, pte_t b)
{
    return a.raw == b.raw;
}

static inline bool pte_present(pte_t e)
{
    return e.raw != 0;
}

static inline bool pte_valid(pte_t e)
{
    return (e.raw & ENTRY_VALID) != 0;
}

static inline bool pte_is_leaf(pte_t e, unsigned level)
{
    return pte_present(e) && (level == 0 || (e.raw & ENTRY_TABLE) == 0);
}

static inline paddr_t pte_addr(pte_t e, unsigned level)
{
    (void)level;
    return e.raw & ENTRY_ADDR_MASK;
}

static inline pte_t pte_leaf(paddr_t pa, unsigned level, unsigned prot, enum pte_memtype type)
{
    uint64_t raw = pa | ENTRY_PRESENT | ENTRY_AF | ENTRY_SH_INNER;

    raw |= (type == MEM_DEVICE ? MAIR_INDEX_DEVICE : MAIR_INDEX_NORMAL) << ENTRY_ATTR_SHIFT;
    if ((prot & (PTE_READ | PTE_WRITE | PTE_EXEC)) != 0) {
        raw |= ENTRY_VALID;
    }
    if (level == 0) {
        raw |= ENTRY_TABLE;
    }
    if ((prot & PTE_WRITE) == 0) {
        raw |= ENTRY_READ_ONLY;
    }
    if ((prot & PTE_USER) != 0) {
        raw |= ENTRY_USER | ENTRY_NG | ENTRY_PXN;
        raw |= (prot & PTE_EXEC) != 0 ? 0 : ENTRY_UXN;
    } else {
        raw |= ENTRY_UXN;
        raw |= (prot & PTE_EXEC) != 0 ? 0 : ENTRY_PXN;
    }
    return (pte_t){raw};
}

static inline unsigned pte_prot(pte_t e)
{
    unsigned prot = (e.raw & ENTRY_USER) != 0 ? PTE_USER : 0;
    uint64_t never_exec = prot != 0 ? ENTRY_UXN : ENTRY_PXN;

    if (!pte_valid(e)) {
        return prot;
    }
    prot |= PTE_READ;
    prot |= (e.raw & ENTRY_READ_ONLY) == 0 ? PTE_WRITE : 0;
    prot |= (e.raw & never_exec) == 0 ? PTE_EXEC : 0;
    return prot;
}

static inline enum pte_memtype pte_type(pte_t e)
{
    uint64_t index = (e.raw & ENTRY_ATTR_MASK) >> ENTRY_ATTR_SHIFT;

    return index == MAIR_INDEX_DEVICE ? MEM_DEVICE : MEM_NORMAL;
}

static inline pte_t pte_with_prot(pte_t e, unsigned level, unsigned prot)
{
    return pte_leaf(pte_addr(e, level), level, prot, pte_type(e));
}

static inline pte_t pte_table(paddr_t pa, bool writable)
{
    return (pte_t){pa | ENTRY_VALID | ENTRY_TABLE | (writable ? 0 : ENTRY_TABLE_READ_ONLY)};
}

static inline bool pte_table_writable(pte_t e)
{
    return (e.raw & ENTRY_TABLE_READ_ONLY) == 0;
}
