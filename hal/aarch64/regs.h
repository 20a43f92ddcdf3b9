/*
 * Complete values of the control registers, for start.S and mmu.c (Arm ARM D17.2).
 * Fields not named are zero on purpose: big endian, PAC, BTI, MTE, hardware flag updates off.
 */
#pragma once

#include <arch/consts.h>

#define SCTLR_M      (ARCH_U64(1) << 0)
#define SCTLR_C      (ARCH_U64(1) << 2)
#define SCTLR_SA     (ARCH_U64(1) << 3)
#define SCTLR_SA0    (ARCH_U64(1) << 4)
#define SCTLR_ITD    (ARCH_U64(1) << 7)
#define SCTLR_SED    (ARCH_U64(1) << 8)
#define SCTLR_EOS    (ARCH_U64(1) << 11)
#define SCTLR_I      (ARCH_U64(1) << 12)
#define SCTLR_DZE    (ARCH_U64(1) << 14) /* DC ZVA at EL0 */
#define SCTLR_UCT    (ARCH_U64(1) << 15) /* CTR_EL0 at EL0 */
#define SCTLR_NTWI   (ARCH_U64(1) << 16) /* WFI and WFE at EL0 */
#define SCTLR_NTWE   (ARCH_U64(1) << 18)
#define SCTLR_TSCXT  (ARCH_U64(1) << 20)
#define SCTLR_EIS    (ARCH_U64(1) << 22)
#define SCTLR_SPAN   (ARCH_U64(1) << 23) /* 0: exception entry sets PAN */
#define SCTLR_UCI    (ARCH_U64(1) << 26) /* cache maintenance at EL0 */
#define SCTLR_NTLSMD (ARCH_U64(1) << 28)
#define SCTLR_LSMAOE (ARCH_U64(1) << 29)

/* With the MMU off: what is RES1 in Armv8.0. */
#define SCTLR_OFF                                                                                  \
    (SCTLR_ITD | SCTLR_SED | SCTLR_EOS | SCTLR_TSCXT | SCTLR_EIS | SCTLR_SPAN | SCTLR_NTLSMD |     \
     SCTLR_LSMAOE)
#define SCTLR_ON                                                                                   \
    (SCTLR_OFF | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_I | SCTLR_DZE | SCTLR_UCT |      \
     SCTLR_NTWI | SCTLR_NTWE | SCTLR_UCI)

/* The same for EL2, where nothing runs. */
#define SCTLR_EL2_OFF 0x30c50830

#define TCR_T0SZ       ARCH_U64(16)
#define TCR_IRGN0_WBWA (ARCH_U64(1) << 8)
#define TCR_ORGN0_WBWA (ARCH_U64(1) << 10)
#define TCR_SH0_INNER  (ARCH_U64(3) << 12)
#define TCR_T1SZ       (ARCH_U64(16) << 16)
#define TCR_IRGN1_WBWA (ARCH_U64(1) << 24)
#define TCR_ORGN1_WBWA (ARCH_U64(1) << 26)
#define TCR_SH1_INNER  (ARCH_U64(3) << 28)
#define TCR_TG1_4K     (ARCH_U64(2) << 30)
#define TCR_IPS_SHIFT  32
#define TCR_IPS_MAX    5 /* 48 bits: what a descriptor holds without FEAT_LPA2 */
#define TCR_AS         (ARCH_U64(1) << 36)
#define TCR_TBI0       (ARCH_U64(1) << 37) /* Linux's user ABI: pointers have a free top byte */
#define TCR_E0PD1      (ARCH_U64(1) << 56)

/* TG0 = 4 KiB, EPD0 = EPD1 = 0, A1 = 0 (the ASID is in TTBR0), HPD = 0 (APTable counts). */
#define TCR_BASE                                                                                   \
    (TCR_T0SZ | TCR_IRGN0_WBWA | TCR_ORGN0_WBWA | TCR_SH0_INNER | TCR_T1SZ | TCR_IRGN1_WBWA |      \
     TCR_ORGN1_WBWA | TCR_SH1_INNER | TCR_TG1_4K | TCR_TBI0)

/* Index 0: normal, write-back, allocating; 1: Device-nGnRE. */
#define MAIR_VALUE 0x04ff

#define CPACR_FP_ON         (3 << 20) /* SVE, SME and trace stay trapped */
#define CNTKCTL_EL0_VIRTUAL (1 << 1)  /* CNTVCT_EL0 and CNTFRQ_EL0, no timers, no event stream */
#define MDSCR_TDCC          (1 << 12)

#define HCR_RW           (1 << 31)
#define HCR_PAC_NO_TRAP  (ARCH_U64(3) << 40) /* API, APK: PACGA at EL0 must not come to EL2 */
#define CNTHCTL_EL1_ALL  3
#define CPTR_EL2_VALUE   0x33ff /* traps SVE and SME, not FP */
#define SPSR_EL1H_MASKED 0x3c5
