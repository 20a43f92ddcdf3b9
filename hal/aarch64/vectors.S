/*
 * Exception vectors, and the one way back. An entry saves the whole interrupted state as a
 * struct trap_frame on the kernel stack, with ESR and FAR read before anything can overwrite them.
 * Entries from the kernel first test bit 14 of the stack pointer: stacks are 16 KiB in the upper
 * half of a 32 KiB slot, so it is clear exactly when the frame would lie in the guard half.
 */
#include <arch/consts.h>
#include <arch/frame.h>

#define ESR_EC_SHIFT 26
#define EC_SVC64 0x15

    /* General registers but x0, x1 (saved already), then the exception state. */
    .macro save_rest
    stp x2, x3, [sp, #FRAME_X + 16]
    stp x4, x5, [sp, #FRAME_X + 32]
    stp x6, x7, [sp, #FRAME_X + 48]
    stp x8, x9, [sp, #FRAME_X + 64]
    stp x10, x11, [sp, #FRAME_X + 80]
    stp x12, x13, [sp, #FRAME_X + 96]
    stp x14, x15, [sp, #FRAME_X + 112]
    stp x16, x17, [sp, #FRAME_X + 128]
    stp x18, x19, [sp, #FRAME_X + 144]
    stp x20, x21, [sp, #FRAME_X + 160]
    stp x22, x23, [sp, #FRAME_X + 176]
    stp x24, x25, [sp, #FRAME_X + 192]
    stp x26, x27, [sp, #FRAME_X + 208]
    stp x28, x29, [sp, #FRAME_X + 224]
    mrs x22, elr_el1
    mrs x23, spsr_el1
    stp x22, x23, [sp, #FRAME_PC]
    .endm

    /* From user mode: the stack is empty, its top is the frame's end. */
    .macro entry_user handler
    sub sp, sp, #FRAME_SIZE
    stp x0, x1, [sp, #FRAME_X]
    mrs x1, esr_el1
    save_rest
    mrs x21, sp_el0
    stp x30, x21, [sp, #FRAME_LR]
    stp x0, x1, [sp, #FRAME_ORIG_X0]
    mov x29, #0
    b \handler
    .endm

    /* From the kernel. The sums test and restore sp and x0 without a free register. */
    .macro entry_kernel handler
    sub sp, sp, #FRAME_SIZE
    add sp, sp, x0
    sub x0, sp, x0
    tbz x0, #14, stack_overflow
    sub x0, sp, x0
    sub sp, sp, x0
    stp x0, x1, [sp, #FRAME_X]
    mrs x1, esr_el1
    save_rest
    add x21, sp, #FRAME_SIZE
    stp x30, x21, [sp, #FRAME_LR]
    stp x0, x1, [sp, #FRAME_ORIG_X0]
    stp x29, x22, [sp, #FRAME_RECORD]
    add x29, sp, #FRAME_RECORD
    b \handler
    .endm

    .text
    .balign 2048
    .globl vectors
vectors:
    .balign 128
    entry_kernel trap_entry_bad /* SP_EL0 is never the kernel's stack */
    .balign 128
    entry_kernel trap_entry_bad
    .balign 128
    entry_kernel trap_entry_bad
    .balign 128
    entry_kernel trap_entry_bad

    .balign 128
    entry_kernel kernel_sync
    .balign 128
    entry_kernel kernel_irq
    .balign 128
    entry_kernel trap_entry_bad
    .balign 128
    entry_kernel trap_entry_serror

    .balign 128
    entry_user user_sync
    .balign 128
    entry_user user_irq
    .balign 128
    entry_user trap_entry_bad
    .balign 128
    entry_user trap_entry_serror

    .balign 128
    entry_user trap_entry_bad /* AArch32 */
    .balign 128
    entry_user trap_entry_bad
    .balign 128
    entry_user trap_entry_bad
    .balign 128
    entry_user trap_entry_bad
    .org vectors + 16 * 128 /* an error if one is longer than its slot */

user_sync:
    mov x0, sp
    lsr x2, x1, #ESR_EC_SHIFT
    cmp x2, #EC_SVC64
    b.ne 1f
    bl trap_syscall
    b return_user
1:  mrs x1, far_el1
    bl trap_sync
    b return_user

user_irq:
    mov x0, sp
    bl trap_irq
    /* fall through */

/* sp = the frame, at the top of the stack; IRQs are off. */
return_user:
    ldp x22, x23, [sp, #FRAME_PC]
    ldp x30, x21, [sp, #FRAME_LR]
    msr elr_el1, x22
    msr spsr_el1, x23
    msr sp_el0, x21
restore:
    ldp x0, x1, [sp, #FRAME_X]
    ldp x2, x3, [sp, #FRAME_X + 16]
    ldp x4, x5, [sp, #FRAME_X + 32]
    ldp x6, x7, [sp, #FRAME_X + 48]
    ldp x8, x9, [sp, #FRAME_X + 64]
    ldp x10, x11, [sp, #FRAME_X + 80]
    ldp x12, x13, [sp, #FRAME_X + 96]
    ldp x14, x15, [sp, #FRAME_X + 112]
    ldp x16, x17, [sp, #FRAME_X + 128]
    ldp x18, x19, [sp, #FRAME_X + 144]
    ldp x20, x21, [sp, #FRAME_X + 160]
    ldp x22, x23, [sp, #FRAME_X + 176]
    ldp x24, x25, [sp, #FRAME_X + 192]
    ldp x26, x27, [sp, #FRAME_X + 208]
    ldp x28, x29, [sp, #FRAME_X + 224]
    add sp, sp, #FRAME_SIZE
    eret

kernel_sync:
    mov x0, sp
    mrs x1, far_el1
    bl trap_sync
    b return_kernel

kernel_irq:
    mov x0, sp
    bl trap_irq
    /* fall through */

return_kernel:
    ldp x22, x23, [sp, #FRAME_PC]
    ldr x30, [sp, #FRAME_LR]
    msr elr_el1, x22
    msr spsr_el1, x23
    b restore

trap_entry_serror:
    mov x0, sp
    bl trap_serror
    b .

trap_entry_bad:
    mov x0, sp
    bl trap_bad_vector
    b .

/*
 * sp = old sp - FRAME_SIZE + x0, x0 = old sp - FRAME_SIZE. No way back, so the user's thread
 * registers may be lost: the first keeps the interrupted sp, the second x0.
 */
stack_overflow:
    msr tpidr_el0, x0
    sub x0, sp, x0
    msr tpidrro_el0, x0
    mrs x0, tpidr_el1
    ldr x0, [x0]                /* arch.emergency_top */
    mov sp, x0
    sub sp, sp, #FRAME_SIZE
    mrs x0, tpidrro_el0
    stp x0, x1, [sp, #FRAME_X]
    mrs x1, esr_el1
    save_rest
    mrs x21, tpidr_el0
    add x21, x21, #FRAME_SIZE
    stp x30, x21, [sp, #FRAME_LR]
    stp x0, x1, [sp, #FRAME_ORIG_X0]
    stp x29, x22, [sp, #FRAME_RECORD]
    add x29, sp, #FRAME_RECORD
    mov x0, sp
    mrs x1, far_el1
    bl trap_stack_overflow
    b .

/* <hal/context.h> */
    .globl hal_enter_user
    .type hal_enter_user, %function
hal_enter_user:
    mov sp, x0
    b return_user
    .size hal_enter_user, . - hal_enter_user

    .section .note.GNU-stack, "", %progbits
