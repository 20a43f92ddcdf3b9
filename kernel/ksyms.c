/* Symbol lookup for backtraces: a binary search in the table of cmake/ksyms.py. */
#include "kernel/ksyms.h"

extern const uint64_t ksyms_count;
extern const uint64_t ksyms_addr[];
extern const uint32_t ksyms_name_off[];
extern const char ksyms_names[];
extern const char text_end[]; /* linker script */

const char *ksyms_lookup(uintptr_t pc, uintptr_t *offset)
{
    uint64_t low = 0, high = ksyms_count;

    if (high == 0 || pc < ksyms_addr[0] || pc >= (uintptr_t)text_end) {
        *offset = 0;
        return "?";
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (ksyms_addr[middle] <= pc) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *offset = pc - ksyms_addr[low];
    return ksyms_names + ksyms_name_off[low];
}
