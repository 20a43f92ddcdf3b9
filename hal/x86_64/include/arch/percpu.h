/* x86_64: the HAL's part of struct cpu. GS base points to it in kernel mode; offsets: <arch/asm.h>.
 */
#pragma once

#include "kernel/types.h"

#include <arch/asm.h>

struct cpu;

/* Intel SDM 3A 8.7, 64-bit TSS. */
struct x86_tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iomap_base;
} PACKED;

struct arch_cpu {
    struct cpu *self;
    uint64_t stack_top; /* of the current task's kernel stack; what SYSCALL switches to */
    uint64_t user_rsp;  /* scratch of the SYSCALL entry */
    uint32_t id;
    uint32_t irq_vector; /* taken but not yet claimed; 0: none */
    uint32_t apic_id;
    struct x86_tss tss;
    uint64_t gdt[GDT_ENTRIES];
};

_Static_assert(offsetof(struct arch_cpu, self) == CPU_SELF, "asm offset");
_Static_assert(offsetof(struct arch_cpu, stack_top) == CPU_STACK_TOP, "asm offset");
_Static_assert(offsetof(struct arch_cpu, user_rsp) == CPU_USER_RSP, "asm offset");
_Static_assert(offsetof(struct arch_cpu, id) == CPU_ID, "asm offset");
_Static_assert(sizeof(struct x86_tss) == 104, "TSS layout");
