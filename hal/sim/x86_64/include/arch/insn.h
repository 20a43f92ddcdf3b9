/*
 * The simulator's <arch/insn.h> of x86_64: the operands that hal/x86_64/mmu.c makes arrive here raw
 * and are decoded as the SDM says (hal/sim/x86_64/cpu.c).
 */
#pragma once

#include <arch/asm.h>
#include <arch/consts.h>

#include "kernel/types.h"

struct insn_cpuid {
    uint32_t eax, ebx, ecx, edx;
};

struct insn_cpuid insn_cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t insn_rdmsr(uint32_t msr);
void insn_wrmsr(uint32_t msr, uint64_t value);
void insn_write_cr0(uint64_t value);
uint64_t insn_read_cr2(void);
uint64_t insn_read_cr3(void);
void insn_write_cr3(uint64_t value);
void insn_write_cr4(uint64_t value);
void insn_invlpg(vaddr_t va);
void insn_invpcid(uint64_t type, uint64_t pcid, vaddr_t va);
uint32_t insn_cpu_id(void);
void insn_pause(void);

static inline uint64_t *insn_table(paddr_t pa)
{
    return (uint64_t *)(pa + DIRECT_MAP_BASE);
}
