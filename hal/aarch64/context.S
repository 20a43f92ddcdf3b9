/* Switching kernel contexts and moving the FP state; see <hal/context.h>. */
#include <arch/frame.h>

    .arch armv8-a
    .text

    .globl hal_context_switch
    .type hal_context_switch, %function
hal_context_switch:
    dsb ish /* the task's cache maintenance ends here: its own DSB may come on another CPU */
    mrs x2, tpidr_el0
    mov x3, sp
    stp x19, x20, [x0, #CONTEXT_X19]
    stp x21, x22, [x0, #CONTEXT_X19 + 16]
    stp x23, x24, [x0, #CONTEXT_X19 + 32]
    stp x25, x26, [x0, #CONTEXT_X19 + 48]
    stp x27, x28, [x0, #CONTEXT_X19 + 64]
    stp x29, x30, [x0, #CONTEXT_FP]
    stp x3, x2, [x0, #CONTEXT_SP]

    ldp x19, x20, [x1, #CONTEXT_X19]
    ldp x21, x22, [x1, #CONTEXT_X19 + 16]
    ldp x23, x24, [x1, #CONTEXT_X19 + 32]
    ldp x25, x26, [x1, #CONTEXT_X19 + 48]
    ldp x27, x28, [x1, #CONTEXT_X19 + 64]
    ldp x29, x30, [x1, #CONTEXT_FP]
    ldp x3, x2, [x1, #CONTEXT_SP]
    mov sp, x3
    msr tpidr_el0, x2
    ret
    .size hal_context_switch, . - hal_context_switch

/* First switch to a context: x19 = entry, x20 = arg. x29 is zero, so a backtrace ends here. */
    .globl context_start
    .type context_start, %function
context_start:
    mov x0, x20
    mov x30, #0
    blr x19
    brk #1
    .size context_start, . - context_start

    .macro move_fp op
    \op q0, q1, [x0]
    \op q2, q3, [x0, #32]
    \op q4, q5, [x0, #64]
    \op q6, q7, [x0, #96]
    \op q8, q9, [x0, #128]
    \op q10, q11, [x0, #160]
    \op q12, q13, [x0, #192]
    \op q14, q15, [x0, #224]
    \op q16, q17, [x0, #256]
    \op q18, q19, [x0, #288]
    \op q20, q21, [x0, #320]
    \op q22, q23, [x0, #352]
    \op q24, q25, [x0, #384]
    \op q26, q27, [x0, #416]
    \op q28, q29, [x0, #448]
    \op q30, q31, [x0, #480]
    .endm

    .globl hal_fpu_save
    .type hal_fpu_save, %function
hal_fpu_save:
    move_fp stp
    mrs x1, fpsr
    mrs x2, fpcr
    add x0, x0, #512
    stp w1, w2, [x0]
    ret
    .size hal_fpu_save, . - hal_fpu_save

    .globl hal_fpu_restore
    .type hal_fpu_restore, %function
hal_fpu_restore:
    move_fp ldp
    add x0, x0, #512
    ldp w1, w2, [x0]
    msr fpsr, x1
    msr fpcr, x2
    ret
    .size hal_fpu_restore, . - hal_fpu_restore

    .section .note.GNU-stack, "", %progbits
