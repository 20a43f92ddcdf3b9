/* x86_64's instructions, as far as hal/x86_64/mmu.c must find them: a register per thread. */
#include <arch/cpu.h>
#include <arch/insn.h>

#include "hal/x86_64/internal.h"
#include "tests/explore/race/race.h"

static _Thread_local uint64_t cr3;

void race_arch_ipi(void)
{
    mmu_shot_answer();
}

/* PCID and INVPCID, XSAVE, PGE; 40 bits of physical address. */
struct insn_cpuid insn_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct insn_cpuid out = {0, 0, 0, 0};

    (void)subleaf;
    out.eax = leaf == 0 ? 7 : leaf == 0x80000008 ? 40 : 0;
    out.ebx = leaf == 7 ? 1u << 10 : 0;
    out.ecx = leaf == 1 ? 1u << 26 | 1u << 17 : 0;
    out.edx = leaf == 1 ? 1u << 13 : 0;
    return out;
}

uint64_t insn_rdmsr(uint32_t msr)
{
    (void)msr;
    return 0;
}

void insn_wrmsr(uint32_t msr, uint64_t value)
{
    (void)msr;
    (void)value;
}

void insn_write_cr0(uint64_t value)
{
    (void)value;
}

uint64_t insn_read_cr3(void)
{
    return cr3;
}

void insn_write_cr3(uint64_t value)
{
    cr3 = value & ~(1ull << 63);
}

void insn_write_cr4(uint64_t value)
{
    (void)value;
}

void insn_invlpg(vaddr_t va)
{
    (void)va;
}

void insn_invpcid(uint64_t type, uint64_t pcid, vaddr_t va)
{
    (void)type;
    (void)pcid;
    (void)va;
}

uint32_t insn_cpu_id(void)
{
    return race_cpu;
}

void insn_pause(void)
{
    race_relax();
}
