/*
 * One instruction per inline, private to the HAL. The simulator replaces this header by one
 * that decodes the operands, so mmu.c reaches the machine through nothing else.
 */
#pragma once

#include "kernel/types.h"

#define INSN_SYSREG_READ(name, reg)                                                                \
    static inline uint64_t insn_read_##name(void)                                                  \
    {                                                                                              \
        uint64_t value;                                                                            \
                                                                                                   \
        __asm__ volatile("mrs %0, " reg : "=r"(value)::"memory");                                  \
        return value;                                                                              \
    }

#define INSN_SYSREG_WRITE(name, reg)                                                               \
    static inline void insn_write_##name(uint64_t value)                                           \
    {                                                                                              \
        __asm__ volatile("msr " reg ", %0" ::"r"(value) : "memory");                               \
    }

#define INSN_OPERAND(name, text)                                                                   \
    static inline void insn_##name(uint64_t operand)                                               \
    {                                                                                              \
        __asm__ volatile(text ", %0" ::"r"(operand) : "memory");                                   \
    }

#define INSN_PLAIN(name, text)                                                                     \
    static inline void insn_##name(void)                                                           \
    {                                                                                              \
        __asm__ volatile(text ::: "memory");                                                       \
    }

INSN_SYSREG_READ(ttbr0, "ttbr0_el1")
INSN_SYSREG_WRITE(ttbr0, "ttbr0_el1")
INSN_SYSREG_READ(ttbr1, "ttbr1_el1")
INSN_SYSREG_WRITE(tcr, "tcr_el1")
INSN_SYSREG_WRITE(mair, "mair_el1")
INSN_SYSREG_READ(sctlr, "sctlr_el1")
INSN_SYSREG_WRITE(sctlr, "sctlr_el1")
INSN_SYSREG_READ(ctr, "ctr_el0")
INSN_SYSREG_READ(id_aa64mmfr0, "id_aa64mmfr0_el1")
INSN_SYSREG_READ(id_aa64mmfr1, "id_aa64mmfr1_el1")
INSN_SYSREG_READ(id_aa64mmfr2, "id_aa64mmfr2_el1")

/* Operands (Arm ARM C5.5): ASID in 63:48, VA bits 55:12 in 43:0. */
INSN_OPERAND(tlbi_vae1is, "tlbi vae1is")
INSN_OPERAND(tlbi_vae1, "tlbi vae1")
INSN_OPERAND(tlbi_vaae1is, "tlbi vaae1is")
INSN_OPERAND(tlbi_aside1is, "tlbi aside1is")
INSN_OPERAND(tlbi_aside1, "tlbi aside1")
INSN_PLAIN(tlbi_vmalle1, "tlbi vmalle1")

/* Operands: a virtual address of the kernel. */
INSN_OPERAND(dc_cvau, "dc cvau")
INSN_OPERAND(ic_ivau, "ic ivau")
INSN_PLAIN(ic_ialluis, "ic ialluis")

INSN_PLAIN(dsb_ish, "dsb ish")
INSN_PLAIN(dsb_ishst, "dsb ishst")
INSN_PLAIN(dsb_nsh, "dsb nsh")
INSN_PLAIN(dsb_nshst, "dsb nshst")
INSN_PLAIN(isb, "isb")

/* MSR PAN, #1, which an assembler for v8.0 does not know. */
INSN_PLAIN(set_pan, ".inst 0xd500419f")

/*
 * Does: TTBR1 = root by way of an empty table and a full local invalidation, run from the
 * identity map, so that no translation of the old kernel map outlives it (Arm ARM D8.16.1).
 */
void insn_replace_ttbr1(paddr_t root);
