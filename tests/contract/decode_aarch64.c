/* What of aarch64's leaves the decoder's common form does not show. */
#include "tests/contract/host.h"

/* A leaf of the kernel is never executable by EL0, whose access AP does not rule for (D8.4.1). */
bool contract_kernel_leaf_is_private(uint64_t raw)
{
    return (raw >> 54 & 1) != 0;
}

/* Inner shareable, and of the memory type that MAIR_EL1 has at index 0 (D8.6.2). */
bool contract_leaf_is_shared(uint64_t raw)
{
    return (raw >> 8 & 3) == 3 && (raw >> 2 & 7) == 0;
}
