/* The table of CPUs. The HAL's start code points each CPU's register to its entry. */
#include "kernel/cpu.h"

struct cpu cpus[CPU_MAX];
uint32_t nr_cpus = 1;
_Atomic cpumask_t cpus_online = 1;
