/* The HAL's part of struct cpu. Assembly reads emergency_top at offset 0 of TPIDR_EL1. */
#pragma once

#include "kernel/types.h"

struct arch_cpu {
    uintptr_t emergency_top; /* stack of the overflow report */
    uint64_t mpidr;
    uint64_t gic_redist; /* GICv3: address of this CPU's redistributor */
    uint8_t gic_target;  /* GICv2: this CPU's bit in GICD_ITARGETSR */
};
