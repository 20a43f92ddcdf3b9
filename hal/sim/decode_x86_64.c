/* Four-level paging: SDM 3A 4.5. */
#include <sim/machine.h>

struct sim_entry sim_decode(uint64_t raw, unsigned level)
{
    struct sim_entry entry = {0};

    entry.valid = (raw & 1) != 0;
    if (!entry.valid) {
        return entry;
    }
    entry.table = level > 0 && ((raw >> 7) & 1) == 0;
    entry.pa = raw & 0x000ffffffffff000ull;
    entry.rights = PTE_READ;
    entry.rights |= ((raw >> 1) & 1) != 0 ? PTE_WRITE : 0;
    entry.rights |= ((raw >> 2) & 1) != 0 ? PTE_USER : 0;
    entry.rights |= ((raw >> 63) & 1) == 0 ? PTE_EXEC : 0;
    entry.global = !entry.table && ((raw >> 8) & 1) != 0;
    return entry;
}
