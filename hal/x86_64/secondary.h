/* Start-up record of another CPU: written by secondary.c, read by trampoline.S. */
#pragma once

#define SECONDARY_ROOT  0
#define SECONDARY_STACK 8
#define SECONDARY_CPU   16

#if !defined(__ASSEMBLER__)
#include "kernel/types.h"

struct cpu;

struct secondary_record {
    paddr_t root; /* the kernel's table */
    uint64_t stack_top;
    struct cpu *cpu;
};

_Static_assert(offsetof(struct secondary_record, root) == SECONDARY_ROOT, "trampoline.S");
_Static_assert(offsetof(struct secondary_record, stack_top) == SECONDARY_STACK, "trampoline.S");
_Static_assert(offsetof(struct secondary_record, cpu) == SECONDARY_CPU, "trampoline.S");

extern struct secondary_record secondary_record;
extern const uint8_t trampoline_start[], trampoline_end[];
NORETURN void secondary_main(struct cpu *cpu);
#endif
