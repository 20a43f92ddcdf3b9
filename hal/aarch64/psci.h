/* Power State Coordination Interface (DEN 0022), through the conduit that the device tree names. */
#pragma once

#include "kernel/types.h"

#define PSCI_SYSTEM_OFF   0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u
#define PSCI_CPU_ON_64    0xc4000003u /* MPIDR affinity, entry, context */

enum psci_conduit { PSCI_NONE, PSCI_HVC, PSCI_SMC };

void psci_set_conduit(enum psci_conduit conduit);
/* Returns the firmware's result, or -1 (NOT_SUPPORTED) without firmware. */
int64_t psci_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
