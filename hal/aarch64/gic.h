/*
 * The generic interrupt controller, versions 2 and 3. Interrupt numbers are the GIC's INTIDs:
 * 0-15 software, 16-31 of one CPU, 32-1019 shared.
 */
#pragma once

#include "kernel/types.h"

#define GIC_FIRST_PPI          16u
#define GIC_FIRST_SPI          32u
#define GIC_FIRST_SPECIAL      1020u /* spurious and the like */
#define GIC_PRIORITY           0xa0u
#define GIC_PRIORITY_MASK      0xf0u
#define MPIDR_AFFINITY         0xff00ffffffull /* Aff3.2.1.0 of MPIDR_EL1 */
#define GIC_REDIST_REGIONS_MAX 4
#define GIC_REDIST_SIZE_MAX    0x40000u /* of one CPU, where the stride is not given */

struct gic_range {
    paddr_t base;
    uint64_t len;
};

/* What the device tree says; filled before setup. */
struct gic_config {
    unsigned version; /* 2 or 3 */
    struct gic_range dist;
    struct gic_range cpu; /* version 2 */
    struct gic_range redist[GIC_REDIST_REGIONS_MAX];
    unsigned nr_redist;
    uint64_t redist_stride; /* 0: as GICR_TYPER tells */
};

struct gic {
    /* Each CPU once, IRQs off; the first call also sets up the distributor. */
    void (*cpu_setup)(const struct gic_config *config);
    /* Returns the INTID, or one >= GIC_FIRST_SPECIAL. Acknowledges; software ones are done then. */
    uint32_t (*claim)(void);
    void (*done)(uint32_t intid);
    /* Does: unmasks, routes a shared one to the calling CPU. */
    void (*enable)(uint32_t intid, bool edge);
    /* Does: software interrupt 0 on the CPUs. */
    void (*send)(cpumask_t cpus);
};
extern const struct gic gicv2, gicv3;
