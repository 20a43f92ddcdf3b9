/*
 * The contract on the simulated machine: the codec's and the MMU's parts. usage: [no-invpcid] (an x86
 * CPU with PCID but without INVPCID)
 */
#include <sim/machine.h>
#include <string.h>

#include "tests/contract/contract.h"
#include "tests/contract/host.h"

int main(int argc, char **argv)
{
    bool no_invpcid = argc > 1 && strcmp(argv[1], "no-invpcid") == 0;

    sim_boot(&(struct sim_options){.ram_bytes = MIB(16), .nr_cpus = 2, .asid_bits = 12,
                                   .no_invpcid = no_invpcid});
    contract_pte();
    contract_decode();
    if (contract_failed()) {
        (void)contract_done();
        return 1; /* tables that mean something else are nothing to go on with */
    }
    contract_mmu(sim_access);
    if (!no_invpcid) {
        contract_tlb_exact();
    }
    contract_tlb();
    return contract_done() == 0 ? 0 : 1;
}
