/* Start-up record of another CPU: written by secondary.c, read by start.S with the MMU off. */
#pragma once

#define SECONDARY_ROOT  0
#define SECONDARY_STACK 8
#define SECONDARY_CPU   16

#if !defined(__ASSEMBLER__)
#include "kernel/types.h"

struct cpu;

struct secondary_record {
    paddr_t root; /* the kernel's table */
    uintptr_t stack_top;
    struct cpu *cpu;
};
extern struct secondary_record secondary_record;

_Static_assert(offsetof(struct secondary_record, root) == SECONDARY_ROOT, "start.S");
_Static_assert(offsetof(struct secondary_record, stack_top) == SECONDARY_STACK, "start.S");
_Static_assert(offsetof(struct secondary_record, cpu) == SECONDARY_CPU, "start.S");
#endif
