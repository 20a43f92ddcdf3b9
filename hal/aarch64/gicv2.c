/* GICv2 (IHI 0048B): distributor and memory-mapped CPU interface. Priorities are all alike. */
#include <arch/cpu.h>

#include "hal/aarch64/gic.h"
#include "hal/aarch64/mmio.h"
#include "mm/kernel_map.h"

#define GICD_CTLR       0x000
#define GICD_TYPER      0x004
#define GICD_IGROUPR    0x080
#define GICD_ISENABLER  0x100
#define GICD_ICENABLER  0x180
#define GICD_ICPENDR    0x280
#define GICD_ICACTIVER  0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR  0x800
#define GICD_ICFGR      0xc00
#define GICD_SGIR       0xf00
#define GICD_CPENDSGIR  0xf10

#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_BPR  0x08
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

#define INTID_MASK 0x3ffu
#define ENABLE     1u /* group 0, or group 1 as the non-secure side sees it */

static uint64_t dist, cpu_interface;

static uint32_t replicate(uint32_t byte)
{
    return byte * 0x01010101u;
}

/* Off, not pending, not active, level-triggered, one priority, to the boot CPU. */
static void dist_setup(uint8_t target)
{
    uint32_t lines = 32 * ((mmio_read32(dist + GICD_TYPER) & 0x1f) + 1);

    mmio_write32(dist + GICD_CTLR, 0);
    for (uint32_t i = GIC_FIRST_SPI; i < lines; i += 32) {
        mmio_write32(dist + GICD_ICENABLER + i / 8, UINT32_MAX);
        mmio_write32(dist + GICD_ICPENDR + i / 8, UINT32_MAX);
        mmio_write32(dist + GICD_ICACTIVER + i / 8, UINT32_MAX);
        mmio_write32(dist + GICD_IGROUPR + i / 8, 0);
    }
    for (uint32_t i = GIC_FIRST_SPI; i < lines; i += 16) {
        mmio_write32(dist + GICD_ICFGR + i / 4, 0);
    }
    for (uint32_t i = GIC_FIRST_SPI; i < lines; i += 4) {
        mmio_write32(dist + GICD_IPRIORITYR + i, replicate(GIC_PRIORITY));
        mmio_write32(dist + GICD_ITARGETSR + i, replicate(target));
    }
    mmio_write32(dist + GICD_CTLR, ENABLE);
}

/* Registers of interrupts 0 to 31 are banked; ITARGETSR there is the CPU's own bit, or zero. */
static uint8_t banked_setup(void)
{
    uint32_t target = mmio_read32(dist + GICD_ITARGETSR) & 0xff;

    mmio_write32(dist + GICD_ICENABLER, UINT32_MAX << GIC_FIRST_PPI);
    mmio_write32(dist + GICD_ISENABLER, (1u << GIC_FIRST_PPI) - 1);
    mmio_write32(dist + GICD_ICPENDR, UINT32_MAX << GIC_FIRST_PPI);
    mmio_write32(dist + GICD_ICACTIVER, UINT32_MAX);
    mmio_write32(dist + GICD_IGROUPR, 0);
    for (uint32_t i = 0; i < GIC_FIRST_SPI; i += 4) {
        mmio_write32(dist + GICD_IPRIORITYR + i, replicate(GIC_PRIORITY));
    }
    for (uint32_t i = 0; i < 16; i += 4) {
        mmio_write32(dist + GICD_CPENDSGIR + i, UINT32_MAX);
    }
    return (uint8_t)(target != 0 ? target : 1);
}

static void gicv2_cpu_setup(const struct gic_config *config)
{
    struct cpu *self = cpu_self();
    bool first = dist == 0;

    if (first) {
        dist = (uint64_t)kernel_map_device(config->dist.base, config->dist.len);
        cpu_interface = (uint64_t)kernel_map_device(config->cpu.base, config->cpu.len);
    }
    self->arch.gic_target = banked_setup();
    if (first) {
        dist_setup(self->arch.gic_target);
    }
    mmio_write32(cpu_interface + GICC_PMR, GIC_PRIORITY_MASK);
    mmio_write32(cpu_interface + GICC_BPR, 0);
    mmio_write32(cpu_interface + GICC_CTLR, ENABLE);
}

/* The end of a software interrupt must name its sender too, so it is written here. */
static uint32_t gicv2_claim(void)
{
    uint32_t iar = mmio_read32(cpu_interface + GICC_IAR);

    if ((iar & INTID_MASK) < GIC_FIRST_PPI) {
        mmio_write32(cpu_interface + GICC_EOIR, iar);
    }
    return iar & INTID_MASK;
}

static void gicv2_done(uint32_t intid)
{
    mmio_write32(cpu_interface + GICC_EOIR, intid);
}

static void gicv2_enable(uint32_t intid, bool edge)
{
    if (intid >= GIC_FIRST_SPI) {
        uint64_t config = dist + GICD_ICFGR + intid / 16 * 4;
        uint32_t bit = 2u << (intid % 16 * 2);
        uint32_t old = mmio_read32(config);

        mmio_write32(config, edge ? old | bit : old & ~bit);
        mmio_write8(dist + GICD_ITARGETSR + intid, cpu_self()->arch.gic_target);
    }
    mmio_write32(dist + GICD_ISENABLER + intid / 32 * 4, 1u << (intid % 32));
}

static void gicv2_send(cpumask_t mask)
{
    uint32_t targets = 0;

    for (uint32_t i = 0; i < nr_cpus; i++) {
        targets |= (mask >> i & 1) != 0 ? cpus[i].arch.gic_target : 0u;
    }
    __asm__ volatile("dsb ishst" ::: "memory");
    mmio_write32(dist + GICD_SGIR, targets << 16);
}

const struct gic gicv2 = {
    .cpu_setup = gicv2_cpu_setup,
    .claim = gicv2_claim,
    .done = gicv2_done,
    .enable = gicv2_enable,
    .send = gicv2_send,
};
