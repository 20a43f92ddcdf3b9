/* VMSAv8-64 descriptors, stage 1, 4 KiB granule, EL1&0: Arm ARM D8.3. */
#include <sim/machine.h>

struct sim_entry sim_decode(uint64_t raw, unsigned level)
{
    struct sim_entry entry = {0};
    bool bit1 = (raw >> 1) & 1;

    entry.valid = (raw & 1) != 0;
    if (!entry.valid || (level == 0 && !bit1) || (level == 3 && !bit1)) {
        entry.valid = false;
        return entry;
    }
    entry.table = level > 0 && bit1;
    entry.pa = raw & 0x0000fffffffff000ull;
    if (entry.table) {
        entry.rights = PTE_READ | PTE_EXEC | PTE_USER;
        entry.rights |= ((raw >> 62) & 1) == 0 ? PTE_WRITE : 0;
        entry.rights &= ((raw >> 61) & 1) != 0 ? ~PTE_USER : ~0u;
        entry.rights &= ((raw >> 60) & 1) != 0 ? ~PTE_EXEC : ~0u;
        return entry;
    }
    entry.rights = PTE_READ;
    entry.rights |= ((raw >> 6) & 1) != 0 ? PTE_USER : 0;
    entry.rights |= ((raw >> 7) & 1) == 0 ? PTE_WRITE : 0;
    entry.rights |= ((raw >> 54) & 1) == 0 ? PTE_EXEC : 0;
    entry.global = ((raw >> 11) & 1) == 0;
    return entry;
}
