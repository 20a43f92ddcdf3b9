/*
 * The return from a signal handler, for programs without a restorer of their own. The image's ELF
 * entry point, so that the kernel finds its offset in the ELF header.
 */
#include <asm/unistd.h>

    .text
    .globl  __kernel_rt_sigreturn
    .type   __kernel_rt_sigreturn, @function
    .cfi_startproc
    .cfi_signal_frame
    nop                                 /* unwinders look up the return address less one */
__kernel_rt_sigreturn:
    movl    $__NR_rt_sigreturn, %eax
    syscall
    ud2
    .cfi_endproc
    .size   __kernel_rt_sigreturn, . - __kernel_rt_sigreturn

    .section .note.GNU-stack, "", @progbits
