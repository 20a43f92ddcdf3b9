/* What of x86_64's leaves the decoder's common form does not show. */
#include "tests/contract/host.h"

/* U/S rules for reads, writes and fetches alike (SDM 3A 4.6.1). */
bool contract_kernel_leaf_is_private(uint64_t raw)
{
    return (raw >> 2 & 1) == 0;
}
