/*
 * <arch/pte.h>: decoding is the exact inverse of encoding, for every level, right, memory type and
 * address pattern; present, valid and leaf are told apart; tables take rights away or not.
 */
#include <arch/pte.h>

#include "tests/contract/contract.h"

#define RIGHTS 16u

static const paddr_t patterns[] = {0,          0x1000,         0x200000,       0x40000000,
                                   0xffff000,  0x7fffffff000,  0xabcde12345000, 0x8000000000,
                                   0xfffffffff000};

/* READ is implied by WRITE and EXEC; the kernel's leaves are those without USER. */
static uint32_t decoded_rights(uint32_t prot)
{
    uint32_t any = prot & (PTE_READ | PTE_WRITE | PTE_EXEC);

    return any == 0 ? prot & PTE_USER : prot | PTE_READ;
}

static paddr_t address(unsigned i, unsigned level)
{
    uint64_t span = PAGE_SIZE << (level * PT_BITS);

    return patterns[i] & 0xfffffffff000ull & ~(span - 1);
}

static bool leaf_holds(paddr_t pa, unsigned level, uint32_t prot, enum pte_memtype type)
{
    pte_t e = pte_leaf(pa, level, prot, type);
    bool access = (prot & (PTE_READ | PTE_WRITE | PTE_EXEC)) != 0;

    return pte_present(e) && pte_valid(e) == access && pte_is_leaf(e, level) &&
           pte_addr(e, level) == pa && pte_prot(e) == decoded_rights(prot) && pte_type(e) == type;
}

static bool changes_hold(paddr_t pa, unsigned level, uint32_t prot, enum pte_memtype type)
{
    pte_t e = pte_leaf(pa, level, prot, type);

    for (uint32_t other = 0; other < RIGHTS; other++) {
        if (!pte_equal(pte_with_prot(e, level, other), pte_leaf(pa, level, other, type)) ||
            (decoded_rights(other) == decoded_rights(prot)) !=
                pte_equal(pte_leaf(pa, level, other, type), e)) {
            return false;
        }
    }
    return true;
}

static bool table_holds(paddr_t pa, unsigned level, bool writable)
{
    pte_t e = pte_table(pa, writable);

    return pte_present(e) && pte_valid(e) && !pte_is_leaf(e, level) && pte_addr(e, level) == pa &&
           pte_table_writable(e) == writable && !pte_equal(e, pte_table(pa, !writable));
}

void contract_pte(void)
{
    bool leaf = true, change = true, table = true;

    for (unsigned i = 0; i < ARRAY_SIZE(patterns); i++) {
        for (unsigned level = 0; level <= PT_BLOCK_LEVELS; level++) {
            for (uint32_t prot = 0; prot < RIGHTS; prot++) {
                leaf &= leaf_holds(address(i, level), level, prot, MEM_NORMAL);
                leaf &= leaf_holds(address(i, level), level, prot, MEM_DEVICE);
                change &= changes_hold(address(i, level), level, prot, MEM_NORMAL);
            }
        }
        for (unsigned level = 1; level < PT_LEVELS; level++) {
            table &= table_holds(address(i, 0), level, true);
            table &= table_holds(address(i, 0), level, false);
        }
    }
    contract_ok(leaf, "pte_leaf: address, rights and type come back at every level");
    contract_ok(change, "pte_with_prot: as if encoded anew; other rights are another entry");
    contract_ok(table, "pte_table: address and writability come back");
    contract_ok(!pte_present(PTE_NONE) && !pte_valid(PTE_NONE) && !pte_is_leaf(PTE_NONE, 0),
                "PTE_NONE is neither present nor valid nor a leaf");
}
