/*
 * Where signal handlers return to. No CFI on purpose, as in Linux: libgcc, LLVM and gdb know the
 * frame by these two instructions, and their own rule for it is better than what CFI can say.
 */
#include <asm/unistd.h>

    .section .text.sigreturn, "ax"
    .balign 16
    /* Unwinders look one byte before the return address; 16 keeps the function where it must be. */
    .rept 4
    nop
    .endr
    .globl __kernel_rt_sigreturn
    .type __kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
    mov x8, #__NR_rt_sigreturn
    svc #0
    .size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn

    .section .note.GNU-stack, "", %progbits
