/* PSCI calls follow the SMC calling convention (DEN 0028): x0 to x3 in, x0 to x17 lost. */
#include "hal/aarch64/psci.h"

#define PSCI_NOT_SUPPORTED (-1)

static enum psci_conduit psci_conduit;

void psci_set_conduit(enum psci_conduit conduit)
{
    psci_conduit = conduit;
}

#define PSCI_CLOBBERS                                                                              \
    "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",    \
        "memory"

int64_t psci_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

    switch (psci_conduit) {
    case PSCI_HVC:
        __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::PSCI_CLOBBERS);
        return (int64_t)x0;
    case PSCI_SMC:
        __asm__ volatile(".inst 0xd4000003" /* smc #0 */
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::PSCI_CLOBBERS);
        return (int64_t)x0;
    case PSCI_NONE:
        break;
    }
    return PSCI_NOT_SUPPORTED;
}
