/* Four-level paging, SDM 3A 4.5, tables 4-15 to 4-20. */
#include <sim/machine.h>

#include "kernel/assert.h"

#define BIT(raw, n) (((raw) >> (n)) & 1)

struct sim_entry sim_decode(uint64_t raw, unsigned level)
{
    struct sim_entry entry = {0};

    if (BIT(raw, 0) == 0) {
        return entry;
    }
    entry.valid = true;
    entry.table = level > 0 && BIT(raw, 7) == 0;
    if (level == 3 && !entry.table) {
        panic("x86_64: PS is reserved in a PML4E: %#lx", (unsigned long)raw);
    }
    entry.pa = raw & 0x000ffffffffff000ull;
    if (!entry.table) {
        entry.pa &= ~((1ull << (12 + 9 * level)) - 1);
    }
    entry.rights = PTE_READ;
    entry.rights |= BIT(raw, 1) != 0 ? PTE_WRITE : 0;
    entry.rights |= BIT(raw, 2) != 0 ? PTE_USER : 0;
    entry.rights |= BIT(raw, 63) == 0 ? PTE_EXEC : 0;
    entry.global = !entry.table && BIT(raw, 8) != 0;
    /* The processor would write the entry (4.8), and mm/ changes entries by plain stores. */
    if (BIT(raw, 5) == 0 || (!entry.table && BIT(raw, 1) != 0 && BIT(raw, 6) == 0)) {
        panic("x86_64: entry %#lx lets the processor set accessed or dirty", (unsigned long)raw);
    }
    return entry;
}
