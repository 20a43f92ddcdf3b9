/* aarch64's instructions, as far as hal/aarch64/mmu.c must find them: a register per thread. */
#include <arch/insn.h>

#include "tests/explore/race/race.h"

static _Thread_local uint64_t ttbr0;

#define NOTHING(insn)                                                                              \
    void insn(void)                                                                                \
    {                                                                                              \
    }
#define IGNORED(insn)                                                                              \
    void insn(uint64_t value)                                                                      \
    {                                                                                              \
        (void)value;                                                                               \
    }
#define READS(insn, value)                                                                         \
    uint64_t insn(void)                                                                            \
    {                                                                                              \
        return value;                                                                              \
    }

void race_arch_ipi(void)
{
}

void insn_write_ttbr0(uint64_t value)
{
    ttbr0 = value;
}

READS(insn_read_ttbr0, ttbr0)
READS(insn_read_sctlr, 0)
READS(insn_read_ctr, 1ull << 31 | 4ull << 16 | 4ull | 3ull << 14)
READS(insn_read_id_aa64mmfr0, 2ull | 2ull << 4)
READS(insn_read_id_aa64mmfr1, 0)
READS(insn_read_id_aa64mmfr2, 0)
IGNORED(insn_write_tcr)
IGNORED(insn_write_mair)
IGNORED(insn_write_sctlr)
IGNORED(insn_tlbi_vae1is)
IGNORED(insn_tlbi_vae1)
IGNORED(insn_tlbi_vaae1is)
IGNORED(insn_tlbi_aside1is)
IGNORED(insn_tlbi_aside1)
IGNORED(insn_dc_cvau)
IGNORED(insn_ic_ivau)
IGNORED(insn_replace_ttbr1)
NOTHING(insn_tlbi_vmalle1)
NOTHING(insn_ic_ialluis)
NOTHING(insn_dsb_ish)
NOTHING(insn_dsb_ishst)
NOTHING(insn_dsb_nsh)
NOTHING(insn_dsb_nshst)
NOTHING(insn_isb)
NOTHING(insn_set_pan)
