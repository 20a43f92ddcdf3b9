/* The CPUs' state is the threads'. */
#pragma once

struct arch_cpu {
    char unused;
};
