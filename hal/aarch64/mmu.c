/*
 * The MMU of aarch64 (Arm ARM D8): TTBR0 with ASID for users, TTBR1 for the kernel, broadcast TLB
 * maintenance. Every invalidation reaches walk caches too: there is no last-level-only form here.
 * Compiles on the host against the simulator's <arch/insn.h>.
 */
#include <arch/consts.h>
#include <arch/cpu.h>
#include <arch/insn.h>
#include <hal/mmu.h>

#include "hal/aarch64/regs.h"
#include "kernel/assert.h"
#include "kernel/cmdline.h"

#define TTBR_ASID_SHIFT 48
#define TTBR_BADDR_MASK 0x0000fffffffff000ull
#define TLBI_VA_MASK    ((1ull << 44) - 1)

#define CTR_IMINLINE_SHIFT 0
#define CTR_L1IP_SHIFT     14
#define CTR_L1IP_PIPT      3
#define CTR_DMINLINE_SHIFT 16
#define CTR_IDC            (1ull << 28)
#define CTR_DIC            (1ull << 29)

struct hal_caps hal_caps;

static unsigned id_field(uint64_t reg, unsigned shift)
{
    return (unsigned)(reg >> shift) & 0xf;
}

static bool mmu_has_pan(void)
{
    return id_field(insn_read_id_aa64mmfr1(), 20) != 0;
}

static uint64_t mmu_sctlr(void)
{
    return mmu_has_pan() ? SCTLR_ON & ~SCTLR_SPAN : SCTLR_ON;
}

static void mmu_cpu_init(void)
{
    static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48};
    uint64_t mmfr0 = insn_read_id_aa64mmfr0();
    unsigned pa_range = MIN(id_field(mmfr0, 0), (unsigned)TCR_IPS_MAX);
    bool asid16 = id_field(mmfr0, 4) == 2 && !cmdline_option("quoin.asid8", NULL, 0);
    uint64_t tcr = TCR_BASE | (uint64_t)pa_range << TCR_IPS_SHIFT;

    tcr |= asid16 ? TCR_AS : 0;
    tcr |= id_field(insn_read_id_aa64mmfr2(), 60) != 0 ? TCR_E0PD1 : 0;
    insn_write_mair(MAIR_VALUE);
    insn_write_tcr(tcr);
    insn_write_sctlr(mmu_sctlr());
    insn_isb();
    if (mmu_has_pan()) {
        insn_set_pan();
    }
    insn_tlbi_vmalle1();
    insn_dsb_nsh();
    insn_isb();

    hal_caps.asid_bits = asid16 ? 16 : 8;
    hal_caps.pa_bits = pa_bits[pa_range];
    hal_caps.block_1g = true;
}

/* WXN stays off: it would take execution from user pages that a program may write and execute. */
static void mmu_kernel_activate(paddr_t kernel_root)
{
    insn_dsb_ish();
    insn_replace_ttbr1(kernel_root);
    insn_isb();
    insn_tlbi_vmalle1();
    insn_dsb_nsh();
    insn_isb();
}

/* The kernel half has a register of its own. */
static void mmu_root_init(paddr_t root)
{
    (void)root;
}

static void drop_local(uint64_t tag, enum tlb_drop drop)
{
    insn_dsb_nshst();
    if (drop == TLB_DROP_TAG) {
        insn_tlbi_aside1(tag);
    } else {
        insn_tlbi_vmalle1();
    }
    insn_dsb_nsh();
    insn_isb();
}

/*
 * The drop comes before the write, since what the tag still holds may lead to freed tables; and once
 * more after it where the register had the tag, since walks of the old root could refill it.
 */
static void mmu_activate(paddr_t root, asid_t asid, enum tlb_drop drop)
{
    uint64_t tag = (uint64_t)asid.value << TTBR_ASID_SHIFT;
    bool same = drop != TLB_KEEP && insn_read_ttbr0() >> TTBR_ASID_SHIFT == asid.value;

    if (drop != TLB_KEEP) {
        drop_local(tag, drop);
    }
    insn_write_ttbr0(root | tag);
    insn_isb();
    if (same) {
        drop_local(tag, drop);
    }
}

static void shoot_range(const struct tlb_shot *shot, bool everywhere)
{
    uint64_t tag = (uint64_t)shot->asid.value << TTBR_ASID_SHIFT;

    for (vaddr_t va = shot->start; va < shot->end; va += PAGE_SIZE) {
        uint64_t page = (va >> PAGE_SHIFT) & TLBI_VA_MASK;

        if (shot->scope == TLB_GLOBAL) {
            insn_tlbi_vaae1is(page);
        } else if (everywhere) {
            insn_tlbi_vae1is(tag | page);
        } else {
            insn_tlbi_vae1(tag | page);
        }
    }
}

static void shoot_space(asid_t asid, bool everywhere)
{
    uint64_t tag = (uint64_t)asid.value << TTBR_ASID_SHIFT;

    if (everywhere) {
        insn_tlbi_aside1is(tag);
    } else {
        insn_tlbi_aside1(tag);
    }
}

/* Broadcast only where another CPU is asked for: it makes every CPU of the machine wait. */
static void mmu_shoot(const struct tlb_shot *shot)
{
    bool everywhere = (shot->cpus & ~((cpumask_t)1 << cpu_id())) != 0;

    if (shot->cpus == 0) {
        return;
    }
    insn_dsb_ishst();
    switch (shot->scope) {
    case TLB_RANGE:
    case TLB_GLOBAL:
        shoot_range(shot, everywhere);
        break;
    case TLB_SPACE:
        shoot_space(shot->asid, everywhere);
        break;
    }
    if (everywhere) {
        insn_dsb_ish();
    } else {
        insn_dsb_nsh();
    }
    insn_isb();
}

/* Arm ARM B2.4.4 and D7.5.9. The direct map's alias serves only where the I-cache is PIPT. */
static void mmu_icache_sync(paddr_t pa, size_t len)
{
    uint64_t ctr = insn_read_ctr();
    uint64_t data_line = 4ull << id_field(ctr, CTR_DMINLINE_SHIFT);
    uint64_t code_line = 4ull << id_field(ctr, CTR_IMINLINE_SHIFT);
    vaddr_t start = pa + DIRECT_MAP_BASE;
    vaddr_t end = start + len;

    if ((ctr & CTR_IDC) == 0) {
        for (vaddr_t va = ALIGN_DOWN(start, data_line); va < end; va += data_line) {
            insn_dc_cvau(va);
        }
    }
    insn_dsb_ish();
    if ((ctr & CTR_DIC) == 0) {
        if (((ctr >> CTR_L1IP_SHIFT) & 3) == CTR_L1IP_PIPT) {
            for (vaddr_t va = ALIGN_DOWN(start, code_line); va < end; va += code_line) {
                insn_ic_ivau(va);
            }
        } else {
            insn_ic_ialluis();
        }
        insn_dsb_ish();
    }
    insn_isb();
}

static paddr_t mmu_active_root(asid_t *out)
{
    uint64_t ttbr0 = insn_read_ttbr0();

    out->value = (uint16_t)(ttbr0 >> TTBR_ASID_SHIFT);
    return ttbr0 & TTBR_BADDR_MASK;
}

const struct hal_mmu hal_mmu = {
    .cpu_init = mmu_cpu_init,
    .kernel_activate = mmu_kernel_activate,
    .root_init = mmu_root_init,
    .activate = mmu_activate,
    .shoot = mmu_shoot,
    .icache_sync = mmu_icache_sync,
    .active_root = mmu_active_root,
};
