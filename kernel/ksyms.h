/* Names of the kernel's functions, from a table that the build makes of the first link. */
#pragma once

#include "kernel/types.h"

/* Returns the function that holds pc and the distance from its start; "?" if none does. */
const char *ksyms_lookup(uintptr_t pc, uintptr_t *offset);
