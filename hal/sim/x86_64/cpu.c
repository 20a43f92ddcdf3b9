/*
 * The CPU side of x86_64: control registers and invalidations as hal/x86_64/mmu.c gives them, by
 * SDM 3A 4.10.4.1 and 2A INVLPG, INVPCID. What is not required to go stays. Caches are coherent.
 */
#include <arch/cpu.h>
#include <arch/insn.h>
#include <string.h>

#include "hal/sim/internal.h"
#include "hal/x86_64/internal.h"
#include "kernel/assert.h"
#include "mm/frame.h"

#define CR3_NO_FLUSH (1ull << 63)
#define CR4_PGE_BIT  (1ull << 7)
#define CR4_PCIDE_BIT (1ull << 17)

static struct {
    uint64_t cr0, cr3, cr4, efer, pat;
} regs[SIM_CPUS_MAX];

void sim_arch_init(void)
{
}

void sim_arch_forget(void)
{
}

void sim_arch_ipi(void)
{
    mmu_shot_answer();
}

/* Walkers see stores in program order. */
void sim_pte_sync(void)
{
    sim_stores_done();
}

/* The fault drops what it used (4.10.4.1, last item). */
void sim_arch_fault(vaddr_t va)
{
    sim_drop_va(&sim_cpus[sim_cpu], sim_cpus[sim_cpu].tag, va);
}

static bool has_pcid(void)
{
    return sim_options.asid_bits != 0;
}

/* Only what mmu.c asks for: PCID, XSAVE, PGE, MCE; FSGSBASE, SMEP, INVPCID, SMAP; 1 GiB; 40 bits. */
struct insn_cpuid insn_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct insn_cpuid out = {0, 0, 0, 0};

    (void)subleaf;
    switch (leaf) {
    case 0:
        out.eax = 7;
        break;
    case 1:
        out.ecx = 1u << 26 | (has_pcid() ? 1u << 17 : 0);
        out.edx = 1u << 13 | 1u << 7;
        break;
    case 7:
        out.ebx = 1u << 0 | 1u << 7 | 1u << 20;
        out.ebx |= has_pcid() && !sim_options.no_invpcid ? 1u << 10 : 0;
        break;
    case 0x80000001:
        out.edx = 1u << 26;
        break;
    case 0x80000008:
        out.eax = 40;
        break;
    default:
        break;
    }
    return out;
}

uint64_t insn_rdmsr(uint32_t msr)
{
    return msr == MSR_EFER ? regs[sim_cpu].efer : 0;
}

void insn_wrmsr(uint32_t msr, uint64_t value)
{
    if (msr == MSR_EFER && (value & EFER_NXE) == 0) {
        panic("x86_64: EFER %#lx makes XD a reserved bit", (unsigned long)value);
    }
    if (msr == MSR_EFER) {
        regs[sim_cpu].efer = value;
    }
}

void insn_write_cr0(uint64_t value)
{
    if ((value & CR0_WP) == 0) {
        panic("x86_64: CR0 %#lx lets the kernel write read-only pages", (unsigned long)value);
    }
    regs[sim_cpu].cr0 = value;
}

uint64_t insn_read_cr2(void)
{
    return 0;
}

uint64_t insn_read_cr3(void)
{
    sim_instruction();
    return regs[sim_cpu].cr3;
}

/* 4.10.4.1: without PCIDE, PCID 000; with it, bits 11:0, unless bit 63 says to keep. */
void insn_write_cr3(uint64_t value)
{
    struct sim_cpu_state *cpu = &sim_cpus[sim_cpu];
    bool pcide = (regs[sim_cpu].cr4 & CR4_PCIDE_BIT) != 0;
    bool keep = (value & CR3_NO_FLUSH) != 0;

    if ((keep && !pcide) || (value & ~CR3_NO_FLUSH) >> 40 != 0) {
        panic("x86_64: #GP: CR3 := %#lx", (unsigned long)value);
    }
    if (!pcide && (value & 0xfe7) != 0) {
        panic("x86_64: CR3 := %#lx has a PCID without CR4.PCIDE", (unsigned long)value);
    }
    regs[sim_cpu].cr3 = value & ~CR3_NO_FLUSH;
    cpu->root = value & 0x000ffffffffff000ull;
    cpu->kernel_root = cpu->root;
    cpu->tag = pcide ? (uint16_t)(value & 0xfff) : 0;
    if (!keep) {
        sim_drop_tag(cpu, cpu->tag);
    }
    sim_counts.activations++;
    sim_speculate();
}

void insn_write_cr4(uint64_t value)
{
    uint64_t before = regs[sim_cpu].cr4;
    uint64_t changed = value ^ before;

    if ((value & changed & CR4_PCIDE_BIT) != 0 && (regs[sim_cpu].cr3 & 0xfff) != 0) {
        panic("x86_64: #GP: CR4.PCIDE is set while CR3 has a PCID");
    }
    regs[sim_cpu].cr4 = value;
    if ((changed & CR4_PGE_BIT) != 0 || (before & changed & CR4_PCIDE_BIT) != 0) {
        sim_drop_everything(&sim_cpus[sim_cpu]);
    }
}

/* The page under the current PCID, global or not; all paging-structure caches of the PCID. */
void insn_invlpg(vaddr_t va)
{
    struct sim_cpu_state *cpu = &sim_cpus[sim_cpu];

    sim_drop_va(cpu, cpu->tag, va);
    sim_drop_global_va(cpu, va);
    sim_drop_tables(cpu, cpu->tag);
    sim_speculate();
}

void insn_invpcid(uint64_t type, uint64_t pcid, vaddr_t va)
{
    struct sim_cpu_state *cpu = &sim_cpus[sim_cpu];
    bool pcide = (regs[sim_cpu].cr4 & CR4_PCIDE_BIT) != 0;
    int64_t high = (int64_t)va >> 47;

    if (sim_options.no_invpcid) {
        panic("x86_64: #UD: INVPCID");
    }
    if (type > 3 || pcid > 0xfff || (!pcide && type < 2 && pcid != 0) ||
        (type == 0 && high != 0 && high != -1)) {
        panic("x86_64: #GP: INVPCID type %lu pcid %#lx address %#lx", (unsigned long)type,
              (unsigned long)pcid, (unsigned long)va);
    }
    switch (type) {
    case 0:
        sim_drop_va(cpu, (uint16_t)pcid, va);
        break;
    case 1:
        sim_drop_tag(cpu, (uint16_t)pcid);
        break;
    case 2:
        sim_drop_everything(cpu);
        break;
    default:
        sim_drop_all_tags(cpu);
        break;
    }
    sim_speculate();
}

uint32_t insn_cpu_id(void)
{
    sim_instruction();
    return sim_cpu;
}

void insn_pause(void)
{
    sim_relax();
}

bool sim_fetch(vaddr_t va, uint64_t *out)
{
    const uint8_t *byte = sim_access(va, PTE_EXEC);

    if (byte == NULL) {
        return false;
    }
    memcpy(out, (const void *)((uintptr_t)byte & ~7ull), sizeof(*out));
    return true;
}

void sim_user_icache_sync(const uint8_t *byte, size_t len)
{
    (void)byte;
    (void)len;
}
