/*
 * Upcalls: the only functions of shared code that a HAL calls. The HAL's entry code has saved the
 * whole user state in *frame (on the kernel stack of the current task, at its top) and latched the
 * syndrome first. Interrupts are off at the call and off again when an upcall returns to the HAL.
 */
#pragma once

#include <arch/frame.h>
#include <hal/boot.h>

#include "kernel/types.h"

enum fault_kind {
    FAULT_PAGE,   /* translation or permission: mm decides */
    FAULT_SIGNAL, /* anything else: signo and code say which signal it is */
};

struct fault_info {
    enum fault_kind kind;
    vaddr_t addr;       /* FAULT_PAGE: the address; FAULT_SIGNAL: si_addr */
    uint32_t access;    /* FAULT_PAGE: PTE_READ, PTE_WRITE or PTE_EXEC, what was tried */
    int signo;          /* FAULT_SIGNAL */
    int code;           /* FAULT_SIGNAL: si_code */
    uint64_t syndrome;  /* ESR or error code, for the signal frame */
    uint32_t trap_nr;   /* x86 vector; 0 elsewhere */
};

NORETURN void kernel_main(const struct boot_info *boot);
NORETURN void kernel_secondary(void);
void trap_syscall(struct trap_frame *frame);
/* From kernel mode too (frame_is_user() tells): shared code then panics with the report. */
void trap_fault(struct trap_frame *frame, const struct fault_info *fault);
void trap_irq(struct trap_frame *frame);
void trap_ipi(struct trap_frame *frame);
