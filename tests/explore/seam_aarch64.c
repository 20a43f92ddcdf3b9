/*
 * Which instructions of hal/aarch64/mmu.c other CPUs can notice: the linker leads them through here
 * to hal/sim. A DSB of the inner shareable domain waits for the CPU's stores; an ISB puts a TTBR0
 * into effect; a TLBI takes effect at its DSB.
 */
#include <arch/insn.h>

#include "tests/explore/explore.h"

#define SEAM(insn, drained)                                                                        \
    void __real_insn_##insn(void);                                                                 \
    void __wrap_insn_##insn(void);                                                                 \
    void __wrap_insn_##insn(void)                                                                  \
    {                                                                                              \
        vcpu_visible(#insn, drained);                                                              \
        __real_insn_##insn();                                                                      \
        machine_refill();                                                                          \
    }

SEAM(isb, false)
SEAM(dsb_nsh, false)
SEAM(dsb_ish, true)
SEAM(dsb_ishst, true)
