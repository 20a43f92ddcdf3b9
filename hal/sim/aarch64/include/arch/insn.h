/*
 * The simulator's <arch/insn.h> of aarch64: the operands that hal/aarch64/mmu.c makes arrive here
 * raw and are decoded as the Arm ARM says (hal/sim/aarch64/cpu.c).
 */
#pragma once

#include "kernel/types.h"

uint64_t insn_read_ttbr0(void);
void insn_write_ttbr0(uint64_t value);
uint64_t insn_read_ttbr1(void);
void insn_write_tcr(uint64_t value);
void insn_write_mair(uint64_t value);
uint64_t insn_read_sctlr(void);
void insn_write_sctlr(uint64_t value);
uint64_t insn_read_ctr(void);
uint64_t insn_read_id_aa64mmfr0(void);
uint64_t insn_read_id_aa64mmfr1(void);
uint64_t insn_read_id_aa64mmfr2(void);

void insn_tlbi_vae1is(uint64_t operand);
void insn_tlbi_vae1(uint64_t operand);
void insn_tlbi_vaae1is(uint64_t operand);
void insn_tlbi_aside1is(uint64_t operand);
void insn_tlbi_aside1(uint64_t operand);
void insn_tlbi_vmalle1(void);

void insn_dc_cvau(uint64_t va);
void insn_ic_ivau(uint64_t va);
void insn_ic_ialluis(void);

void insn_dsb_ish(void);
void insn_dsb_ishst(void);
void insn_dsb_nsh(void);
void insn_dsb_nshst(void);
void insn_isb(void);
void insn_set_pan(void);
void insn_replace_ttbr1(paddr_t root);
