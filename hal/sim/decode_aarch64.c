/* VMSAv8-64 descriptors, stage 1, 4 KiB granule, EL1&0, 48-bit addresses: Arm ARM D8.3. */
#include <sim/machine.h>

#include "kernel/assert.h"

#define BIT(raw, n) (((raw) >> (n)) & 1)

static struct sim_entry decode_table(uint64_t raw)
{
    struct sim_entry entry = {.valid = true, .table = true};

    entry.pa = raw & 0x0000fffffffff000ull;
    entry.rights = PTE_READ | PTE_EXEC | PTE_USER;
    entry.rights |= BIT(raw, 62) == 0 ? PTE_WRITE : 0;  /* APTable[1] */
    entry.rights &= BIT(raw, 61) != 0 ? ~PTE_USER : ~0u; /* APTable[0] */
    entry.rights &= BIT(raw, 60) != 0 ? ~PTE_EXEC : ~0u; /* UXNTable */
    return entry;
}

struct sim_entry sim_decode(uint64_t raw, unsigned level)
{
    struct sim_entry entry = {0};
    bool bit1 = BIT(raw, 1);

    if (BIT(raw, 0) == 0) {
        return entry;
    }
    if ((level == 0 || level == 3) && !bit1) {
        panic("aarch64: reserved descriptor %#lx at level %u", (unsigned long)raw, level);
    }
    if (((raw >> 48) & 3) != 0) {
        panic("aarch64: descriptor %#lx has an address above 48 bits", (unsigned long)raw);
    }
    if (level > 0 && bit1) {
        return decode_table(raw);
    }
    if (BIT(raw, 52) != 0) {
        panic("aarch64: descriptor %#lx claims to be contiguous", (unsigned long)raw);
    }
    if (BIT(raw, 10) == 0) {
        return entry; /* AF clear: an access flag fault (D8.4.5), nothing is cached */
    }
    bool user = BIT(raw, 6) != 0;

    entry.valid = true;
    entry.pa = raw & 0x0000fffffffff000ull & ~((1ull << (12 + 9 * level)) - 1);
    entry.rights = PTE_READ;
    entry.rights |= user ? PTE_USER : 0;
    entry.rights |= BIT(raw, 7) == 0 ? PTE_WRITE : 0;
    entry.rights |= BIT(raw, user ? 54 : 53) == 0 ? PTE_EXEC : 0;
    entry.global = BIT(raw, 11) == 0;
    if (user && BIT(raw, 53) == 0) {
        panic("aarch64: the kernel could execute the user's page: %#lx", (unsigned long)raw);
    }
    return entry;
}
