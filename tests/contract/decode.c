/*
 * The codec against the simulator's decoder, which was written from the manuals: what pte.h encodes
 * is what the hardware understands.
 */
#include <arch/pte.h>
#include <sim/machine.h>

#include "tests/contract/contract.h"
#include "tests/contract/host.h"

/* A user leaf is not global and the kernel's is; nobody executes what the other may. */
static bool leaf_is_understood(paddr_t pa, unsigned level, uint32_t prot)
{
    pte_t e = pte_leaf(pa, level, prot, MEM_NORMAL);
    uint32_t any = prot & (PTE_READ | PTE_WRITE | PTE_EXEC);
    struct sim_entry entry = sim_decode(e.raw, level);

    if (any == 0) {
        return !entry.valid;
    }
    return entry.valid && !entry.table && entry.pa == pa && entry.rights == (prot | PTE_READ) &&
           entry.global == ((prot & PTE_USER) == 0);
}

static bool table_is_understood(paddr_t pa, unsigned level, bool writable)
{
    struct sim_entry entry = sim_decode(pte_table(pa, writable).raw, level);
    uint32_t rights = PTE_READ | PTE_EXEC | PTE_USER | (writable ? PTE_WRITE : 0);

    return entry.valid && entry.table && entry.pa == pa && entry.rights == rights;
}

void contract_decode(void)
{
    bool leaf = true, table = true, hidden = true;

    for (unsigned level = 0; level <= PT_BLOCK_LEVELS; level++) {
        for (uint32_t prot = 0; prot < 16; prot++) {
            leaf &= leaf_is_understood(0x40000000, level, prot) &&
                    contract_leaf_is_shared(pte_leaf(0, level, prot, MEM_NORMAL).raw);
            hidden &= (prot & PTE_USER) != 0 ||
                      contract_kernel_leaf_is_private(pte_leaf(0, level, prot, MEM_NORMAL).raw);
        }
    }
    for (unsigned level = 1; level < PT_LEVELS; level++) {
        table &= table_is_understood(0x345678000, level, true) &&
                 table_is_understood(0x345678000, level, false);
    }
    contract_ok(leaf, "the hardware's reading of leaves");
    contract_ok(table, "the hardware's reading of tables");
    contract_ok(hidden, "user mode has no right to a leaf of the kernel");
}
