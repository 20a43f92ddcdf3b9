/*
 * The CPU side of aarch64: system registers and maintenance instructions as hal/aarch64/mmu.c
 * gives them. A TLBI takes effect at the DSB that waits for it (Arm ARM D8.13.5), everywhere at
 * once for the inner shareable forms; a new TTBR0 takes effect at the ISB.
 */
#include <arch/cpu.h>
#include <arch/insn.h>

#include "hal/sim/internal.h"
#include "kernel/assert.h"
#include "mm/frame.h"

#define PENDING_MAX 4096u

enum tlbi { VAE1, VAAE1, ASIDE1, VMALLE1 };

static struct {
    uint64_t ttbr0, ttbr1, tcr, mair, sctlr;
} regs[SIM_CPUS_MAX];

static struct pending {
    enum tlbi what;
    bool everywhere;
    uint32_t cpu;
    uint64_t operand;
} pending[PENDING_MAX];
static uint32_t nr_pending;

void sim_arch_init(void)
{
}

void sim_arch_forget(void)
{
    nr_pending = 0;
}

void sim_arch_ipi(void)
{
}

/* A permission fault need not drop the translation that caused it. */
void sim_arch_fault(vaddr_t va)
{
    (void)va;
}

void sim_pte_sync(void)
{
    sim_stores_done();
}

/* TCR_EL1.AS, bit 36: 8-bit ASIDs ignore the upper half (D17.2.131). */
static uint16_t asid_in(uint64_t operand)
{
    uint16_t asid = (uint16_t)(operand >> 48);

    return (regs[sim_cpu].tcr >> 36) & 1 ? asid : asid & 0xff;
}

uint64_t insn_read_ttbr0(void)
{
    sim_instruction();
    return regs[sim_cpu].ttbr0;
}

void insn_write_ttbr0(uint64_t value)
{
    kverify(sim_irqs_off);
    if ((regs[sim_cpu].tcr >> 22) & 1) {
        panic("aarch64: TCR_EL1.A1 takes the ASID from TTBR1");
    }
    regs[sim_cpu].ttbr0 = value;
    sim_counts.activations++;
}

uint64_t insn_read_ttbr1(void)
{
    return regs[sim_cpu].ttbr1;
}

/* T0SZ and T1SZ 16, TG0 and TG1 4 KiB, EPD clear: what the walker in tlb.c assumes. */
void insn_write_tcr(uint64_t value)
{
    if ((value & 0x3f) != 16 || ((value >> 16) & 0x3f) != 16 || ((value >> 14) & 3) != 0 ||
        ((value >> 30) & 3) != 2 || ((value >> 7) & 1) != 0 || ((value >> 23) & 1) != 0) {
        panic("aarch64: TCR_EL1 %#lx is not the walker's geometry", (unsigned long)value);
    }
    regs[sim_cpu].tcr = value;
}

void insn_write_mair(uint64_t value)
{
    regs[sim_cpu].mair = value;
}

uint64_t insn_read_sctlr(void)
{
    return regs[sim_cpu].sctlr;
}

void insn_write_sctlr(uint64_t value)
{
    regs[sim_cpu].sctlr = value;
}

/* 64-byte lines, IDC and DIC clear; L1Ip: 3 PIPT, 2 VIPT. */
uint64_t insn_read_ctr(void)
{
    return 1ull << 31 | 4ull << 16 | 4ull | (sim_options.vipt ? 2ull : 3ull) << 14;
}

/* PARange 2: 40 bits; ASIDBits 2: 16. */
uint64_t insn_read_id_aa64mmfr0(void)
{
    return 2ull | (sim_options.asid_bits > 8 ? 2ull : 0ull) << 4;
}

uint64_t insn_read_id_aa64mmfr1(void)
{
    return 1ull << 20;
}

uint64_t insn_read_id_aa64mmfr2(void)
{
    return 1ull << 60;
}

static void later(enum tlbi what, bool everywhere, uint64_t operand)
{
    kverify(nr_pending < PENDING_MAX);
    pending[nr_pending++] = (struct pending){what, everywhere, sim_cpu, operand};
    sim_speculate();
}

/* VA[55:12] in 43:0; 47:44 is TTL, zero: any level (C5.5). Bit 43 repeats for kernel addresses. */
static vaddr_t va_in(uint64_t operand)
{
    if (((operand >> 44) & 0xf) != 0) {
        panic("aarch64: TLBI operand %#lx has a level hint", (unsigned long)operand);
    }
    return (vaddr_t)((int64_t)(operand << 20) >> 8);
}

static void apply(const struct pending *tlbi, struct sim_cpu_state *cpu)
{
    uint16_t asid = asid_in(tlbi->operand);

    switch (tlbi->what) {
    case VAE1:
        sim_drop_va(cpu, asid, va_in(tlbi->operand));
        sim_drop_global_va(cpu, va_in(tlbi->operand));
        break;
    case VAAE1:
        if (tlbi->operand >> 48 != 0) {
            panic("aarch64: VAAE1 operand %#lx has an ASID", (unsigned long)tlbi->operand);
        }
        sim_drop_va_all_tags(cpu, va_in(tlbi->operand));
        break;
    case ASIDE1:
        if ((tlbi->operand & 0xffffffffffffull) != 0) {
            panic("aarch64: ASIDE1 operand %#lx has more than an ASID",
                  (unsigned long)tlbi->operand);
        }
        sim_drop_tag(cpu, asid);
        break;
    case VMALLE1:
        sim_drop_everything(cpu);
        break;
    }
}

/* A DSB of this CPU: its own TLBIs are done. NSH waits for no other CPU's. */
static void barrier(bool shareable)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < nr_pending; i++) {
        const struct pending *tlbi = &pending[i];
        bool everywhere = tlbi->everywhere && shareable;

        if (tlbi->cpu != sim_cpu || (tlbi->everywhere && !shareable)) {
            pending[kept++] = *tlbi;
        }
        for (uint32_t cpu = 0; cpu < sim_options.nr_cpus; cpu++) {
            if (tlbi->cpu == sim_cpu && (cpu == sim_cpu || everywhere)) {
                apply(tlbi, &sim_cpus[cpu]);
            }
        }
    }
    nr_pending = kept;
}

void insn_tlbi_vae1is(uint64_t operand)
{
    later(VAE1, true, operand);
}

void insn_tlbi_vae1(uint64_t operand)
{
    later(VAE1, false, operand);
}

void insn_tlbi_vaae1is(uint64_t operand)
{
    later(VAAE1, true, operand);
}

void insn_tlbi_aside1is(uint64_t operand)
{
    later(ASIDE1, true, operand);
}

void insn_tlbi_aside1(uint64_t operand)
{
    later(ASIDE1, false, operand);
}

void insn_tlbi_vmalle1(void)
{
    later(VMALLE1, false, 0);
}

/* By the kernel's alias, which reaches the user's lines only in a PIPT cache. */
static paddr_t line_of(uint64_t va)
{
    if (va < DIRECT_MAP_BASE || va >= DIRECT_MAP_BASE + sim_options.ram_bytes) {
        panic("aarch64: cache maintenance by %#lx faults", (unsigned long)va);
    }
    return virt_to_phys((void *)va);
}

void insn_dc_cvau(uint64_t va)
{
    sim_cache_clean(line_of(va));
}

void insn_ic_ivau(uint64_t va)
{
    paddr_t line = line_of(va);

    if (!sim_options.vipt) {
        sim_cache_invalidate(line);
    }
}

void insn_ic_ialluis(void)
{
    sim_cache_invalidate_all();
}

void insn_dsb_ish(void)
{
    sim_stores_done();
    sim_cache_complete();
    barrier(true);
}

void insn_dsb_ishst(void)
{
    sim_stores_done();
}

void insn_dsb_nsh(void)
{
    barrier(false);
}

void insn_dsb_nshst(void)
{
}

void insn_isb(void)
{
    uint64_t ttbr0 = regs[sim_cpu].ttbr0;

    sim_cpus[sim_cpu].root = ttbr0 & 0x0000fffffffff000ull;
    sim_cpus[sim_cpu].tag = asid_in(ttbr0);
    sim_instruction();
}

void insn_set_pan(void)
{
}

void insn_replace_ttbr1(paddr_t root)
{
    regs[sim_cpu].ttbr1 = root;
    sim_cpus[sim_cpu].kernel_root = root;
    sim_drop_everything(&sim_cpus[sim_cpu]);
}

bool sim_fetch(vaddr_t va, uint64_t *out)
{
    const uint8_t *byte = sim_access(va, PTE_EXEC);

    if (byte == NULL) {
        return false;
    }
    *out = sim_cache_fetch(sim_cpu, virt_to_phys(byte));
    return true;
}

void sim_user_icache_sync(const uint8_t *byte, size_t len)
{
    paddr_t start = virt_to_phys(byte) & ~63ull, end = virt_to_phys(byte) + len;

    for (paddr_t line = start; line < end; line += 64) {
        sim_cache_clean(line);
    }
    sim_cache_complete();
    for (paddr_t line = start; line < end; line += 64) {
        sim_cache_invalidate(line);
    }
    sim_cache_complete();
}
