/*
 * GICv3 (IHI 0069): distributor, one redistributor per CPU, CPU interface in system registers.
 * Everything is non-secure group 1. No LPIs, no ITS.
 */
#include <arch/cpu.h>

#include "hal/aarch64/gic.h"
#include "hal/aarch64/mmio.h"
#include "kernel/assert.h"
#include "mm/kernel_map.h"

#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ICPENDR    0x0280
#define GICD_ICACTIVER  0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR      0x0c00
#define GICD_IROUTER    0x6000

#define CTLR_GROUPS   0x3u  /* both enables: with one security state bit 0 is group 0, unused */
#define CTLR_AFFINITY 0x10u /* ARE_NS, or ARE with one security state */
#define CTLR_RWP      (1u << 31)

#define GICR_CTLR      0x0000
#define GICR_TYPER     0x0008
#define GICR_WAKER     0x0014
#define GICR_SGI_FRAME 0x10000
#define GICR_CTLR_RWP  (1u << 3)
#define TYPER_VLPIS    (1u << 1)
#define TYPER_LAST     (1u << 4)
#define WAKER_SLEEP    (1u << 1)
#define WAKER_ASLEEP   (1u << 2)

#define SYSREG_IAR     "s3_0_c12_c12_0"
#define SYSREG_EOIR    "s3_0_c12_c12_1"
#define SYSREG_BPR     "s3_0_c12_c12_3"
#define SYSREG_CTLR    "s3_0_c12_c12_4"
#define SYSREG_SRE     "s3_0_c12_c12_5"
#define SYSREG_GRPEN   "s3_0_c12_c12_7"
#define SYSREG_SGI     "s3_0_c12_c11_5"
#define SYSREG_PMR     "s3_0_c4_c6_0"

#define SYSREG_WRITE(reg, value)                                                                   \
    __asm__ volatile("msr " reg ", %0" ::"r"((uint64_t)(value)) : "memory")

static uint64_t dist;
static uint64_t redists[GIC_REDIST_REGIONS_MAX];

static void wait_clear(uint64_t addr, uint32_t bit)
{
    while ((mmio_read32(addr) & bit) != 0) {
        cpu_relax();
    }
}

/* Registers with one bit per interrupt, for 32 of them; the same in both frames. */
static void reset_32(uint64_t frame, uint32_t i)
{
    mmio_write32(frame + GICD_ICENABLER + i / 8, UINT32_MAX);
    mmio_write32(frame + GICD_ICPENDR + i / 8, UINT32_MAX);
    mmio_write32(frame + GICD_ICACTIVER + i / 8, UINT32_MAX);
    mmio_write32(frame + GICD_IGROUPR + i / 8, UINT32_MAX);
    for (uint32_t n = i; n < i + 32; n += 4) {
        mmio_write32(frame + GICD_IPRIORITYR + n, GIC_PRIORITY * 0x01010101u);
    }
}

static void dist_setup(void)
{
    uint32_t lines = MIN(32 * ((mmio_read32(dist + GICD_TYPER) & 0x1f) + 1), GIC_FIRST_SPECIAL);

    mmio_write32(dist + GICD_CTLR, 0);
    wait_clear(dist + GICD_CTLR, CTLR_RWP);
    for (uint32_t i = GIC_FIRST_SPI; i < lines; i += 32) {
        reset_32(dist, i);
        mmio_write32(dist + GICD_ICFGR + i / 4, 0);
        mmio_write32(dist + GICD_ICFGR + i / 4 + 4, 0);
    }
    wait_clear(dist + GICD_CTLR, CTLR_RWP);
    mmio_write32(dist + GICD_CTLR, CTLR_AFFINITY | CTLR_GROUPS);
    wait_clear(dist + GICD_CTLR, CTLR_RWP);
}

static uint64_t redist_stride(const struct gic_config *config, uint64_t typer)
{
    if (config->redist_stride != 0) {
        return config->redist_stride;
    }
    return (typer & TYPER_VLPIS) != 0 ? GIC_REDIST_SIZE_MAX : GIC_REDIST_SIZE_MAX / 2;
}

/* GICR_TYPER[63:32] is the affinity of the CPU that a redistributor belongs to, as Aff3.2.1.0. */
static uint64_t redist_find(const struct gic_config *config, uint64_t mpidr)
{
    uint64_t affinity = (mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24;

    for (unsigned i = 0; i < config->nr_redist; i++) {
        const struct gic_range *range = &config->redist[i];
        uint64_t base = redists[i];
        uint64_t typer = 0;

        for (uint64_t off = 0;
             off + GIC_REDIST_SIZE_MAX / 2 <= range->len && (typer & TYPER_LAST) == 0;
             off += redist_stride(config, typer)) {
            typer = mmio_read64(base + off + GICR_TYPER);
            if (typer >> 32 == affinity) {
                return base + off;
            }
        }
    }
    panic("gic: no redistributor for CPU %#llx", (unsigned long long)mpidr);
}

static void redist_setup(uint64_t redist)
{
    uint64_t frame = redist + GICR_SGI_FRAME;

    mmio_write32(redist + GICR_WAKER, mmio_read32(redist + GICR_WAKER) & ~WAKER_SLEEP);
    wait_clear(redist + GICR_WAKER, WAKER_ASLEEP);
    reset_32(frame, 0);
    wait_clear(redist + GICR_CTLR, GICR_CTLR_RWP);
    mmio_write32(frame + GICD_ISENABLER, (1u << GIC_FIRST_PPI) - 1);
}

/* EOImode 0: one write to EOIR both drops the priority and deactivates. */
static void interface_setup(void)
{
    uint64_t sre;

    SYSREG_WRITE(SYSREG_SRE, 7);
    __asm__ volatile("isb\n\tmrs %0, " SYSREG_SRE : "=r"(sre)::"memory");
    kverify((sre & 1) != 0);
    SYSREG_WRITE(SYSREG_PMR, GIC_PRIORITY_MASK);
    SYSREG_WRITE(SYSREG_BPR, 0);
    SYSREG_WRITE(SYSREG_CTLR, 0);
    SYSREG_WRITE(SYSREG_GRPEN, 1);
    __asm__ volatile("isb" ::: "memory");
}

static void gicv3_cpu_setup(const struct gic_config *config)
{
    struct cpu *self = cpu_self();

    if (dist == 0) {
        dist = (uint64_t)kernel_map_device(config->dist.base, config->dist.len);
        for (unsigned i = 0; i < config->nr_redist; i++) {
            redists[i] = (uint64_t)kernel_map_device(config->redist[i].base, config->redist[i].len);
        }
        dist_setup();
    }
    self->arch.gic_redist = redist_find(config, self->arch.mpidr);
    redist_setup(self->arch.gic_redist);
    interface_setup();
}

static void gicv3_done(uint32_t intid)
{
    SYSREG_WRITE(SYSREG_EOIR, intid);
    __asm__ volatile("isb" ::: "memory");
}

static uint32_t gicv3_claim(void)
{
    uint64_t intid;

    __asm__ volatile("mrs %0, " SYSREG_IAR "\n\tdsb sy" : "=r"(intid)::"memory");
    if (intid < GIC_FIRST_PPI) {
        gicv3_done((uint32_t)intid);
    }
    return (uint32_t)intid;
}

static void gicv3_enable(uint32_t intid, bool edge)
{
    const struct cpu *self = cpu_self();
    uint64_t frame = intid < GIC_FIRST_SPI ? self->arch.gic_redist + GICR_SGI_FRAME : dist;

    if (intid >= GIC_FIRST_SPI) {
        uint64_t config = dist + GICD_ICFGR + intid / 16 * 4;
        uint32_t bit = 2u << (intid % 16 * 2);
        uint32_t old = mmio_read32(config);

        mmio_write32(config, edge ? old | bit : old & ~bit);
        mmio_write64(dist + GICD_IROUTER + intid * 8ull, self->arch.mpidr & MPIDR_AFFINITY);
    }
    mmio_write32(frame + GICD_ISENABLER + intid / 32 * 4, 1u << (intid % 32));
}

/* ICC_SGI1R_EL1: Aff3 55:48, Aff2 39:32, INTID 27:24, Aff1 23:16, a list of Aff0 0 to 15. */
static void gicv3_send(cpumask_t mask)
{
    __asm__ volatile("dsb ishst" ::: "memory");
    for (uint32_t i = 0; i < nr_cpus; i++) {
        uint64_t mpidr = cpus[i].arch.mpidr;

        if ((mask >> i & 1) != 0) {
            uint64_t range = (mpidr & 0xff) >> 4;

            SYSREG_WRITE(SYSREG_SGI, (mpidr >> 32 & 0xff) << 48 | range << 44 |
                                         (mpidr >> 16 & 0xff) << 32 | (mpidr >> 8 & 0xff) << 16 |
                                         1u << (mpidr & 0xf));
        }
    }
    __asm__ volatile("isb" ::: "memory");
}

const struct gic gicv3 = {
    .cpu_setup = gicv3_cpu_setup,
    .claim = gicv3_claim,
    .done = gicv3_done,
    .enable = gicv3_enable,
    .send = gicv3_send,
};
