/* What of x86_64's leaves the decoder's common form does not show. */
#include "tests/contract/host.h"

/* U/S rules for reads, writes and fetches alike (SDM 3A 4.6.1). */
bool contract_kernel_leaf_is_private(uint64_t raw)
{
    return (raw >> 2 & 1) == 0;
}

/* PAT entry 0: neither PCD nor PWT (SDM 3A 4.9.2). */
bool contract_leaf_is_shared(uint64_t raw)
{
    return (raw >> 3 & 3) == 0;
}
