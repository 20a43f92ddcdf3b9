/* The contract on the simulated machine: the codec's and the MMU's parts. */
#include <sim/machine.h>

#include "tests/contract/contract.h"
#include "tests/contract/host.h"

int main(void)
{
    sim_boot(&(struct sim_options){.ram_bytes = MIB(16), .nr_cpus = 2, .asid_bits = 8});
    contract_pte();
    contract_decode();
    contract_mmu(sim_access);
    contract_tlb();
    return contract_done() == 0 ? 0 : 1;
}
