/* Program entry, thread entry and the signal return stub of the tests on x86_64. */

    .text
    .globl  _start
_start:
    /* The registers as the kernel left them, for the test that all are zero (scenario 13). */
    mov     %rax, entry_regs(%rip)
    mov     %rbx, entry_regs+8(%rip)
    mov     %rcx, entry_regs+16(%rip)
    mov     %rdx, entry_regs+24(%rip)
    mov     %rsi, entry_regs+32(%rip)
    mov     %rdi, entry_regs+40(%rip)
    mov     %rbp, entry_regs+48(%rip)
    mov     %r8, entry_regs+56(%rip)
    mov     %r9, entry_regs+64(%rip)
    mov     %r10, entry_regs+72(%rip)
    mov     %r11, entry_regs+80(%rip)
    mov     %r12, entry_regs+88(%rip)
    mov     %r13, entry_regs+96(%rip)
    mov     %r14, entry_regs+104(%rip)
    mov     %r15, entry_regs+112(%rip)
    mov     %rsp, entry_sp(%rip)
    xor     %ebp, %ebp
    mov     %rsp, %rdi
    and     $-16, %rsp
    call    start_c
    hlt

/* long thread_clone(flags, stack_top, ptid, ctid, tls, fn, arg on stack) */
    .globl  thread_clone
thread_clone:
    mov     8(%rsp), %rax
    sub     $16, %rsi
    mov     %r9, (%rsi)
    mov     %rax, 8(%rsi)
    mov     %rcx, %r10
    mov     $56, %eax
    syscall
    test    %rax, %rax
    jz      1f
    ret
1:  xor     %ebp, %ebp
    pop     %rax
    pop     %rdi
    and     $-16, %rsp
    call    *%rax
    mov     %eax, %edi
    mov     $60, %eax
    syscall
    hlt

    .globl  sig_restorer
sig_restorer:
    mov     $15, %eax
    syscall
    hlt

    .bss
    .balign 16
    .globl  entry_regs, entry_sp
entry_regs:
    .zero   256
entry_sp:
    .zero   8
    .section .note.GNU-stack, "", @progbits
