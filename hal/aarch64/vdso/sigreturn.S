/*
 * Where signal handlers return to. Unwinders know it by its instructions and by the frame's
 * CFI: the CFA is the signal frame, the registers lie in its sigcontext (siginfo 128, ucontext
 * header 176, fault address 8).
 */
#include <asm/unistd.h>

#define REGS (128 + 176 + 8)

    .section .text.sigreturn, "ax"
    .balign 16
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa sp, 0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    .cfi_offset \n, REGS + 8 * \n
    .endr
    .cfi_offset 31, REGS + 8 * 31
    .cfi_return_column 32
    .cfi_offset 32, REGS + 8 * 32
    /* Unwinders look one byte before the return address; 16 keeps the function where it must be. */
    .rept 4
    nop
    .endr
    .globl __kernel_rt_sigreturn
    .type __kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
    mov x8, #__NR_rt_sigreturn
    svc #0
    .cfi_endproc
    .size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn

    .section .note.GNU-stack, "", %progbits
