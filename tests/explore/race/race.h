/* What race.c and the CPUs' instructions share. */
#pragma once

#include "kernel/types.h"

/* The HAL's part of the interrupt's handler. */
void race_arch_ipi(void);
