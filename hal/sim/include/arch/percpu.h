/* The simulator keeps its CPUs' state in hal/sim/machine.c. */
#pragma once

struct arch_cpu {
    char unused;
};
