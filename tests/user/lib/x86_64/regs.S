/*
 * int regs_check(unsigned long seed, unsigned long loops)
 * Fills every general and SSE register with a pattern, spins, and compares: 0 or the number of
 * the first register that changed. void regs_clobber(void) fills what a function may change.
 */
    .text
    .globl  regs_check
regs_check:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    lea     100+\n(%rdi), %rax
    movq    %rax, %xmm\n
    punpcklqdq %xmm\n, %xmm\n
    .endr
    lea     1(%rdi), %rax
    lea     2(%rdi), %rbx
    lea     3(%rdi), %rcx
    lea     4(%rdi), %rdx
    lea     5(%rdi), %rbp
    .irp    n, 8, 9, 10, 11, 12, 13, 14, 15
    lea     \n(%rdi), %r\n
    .endr
1:  dec     %rsi
    jnz     1b
    .macro  check reg, n
    mov     $\n, %esi
    sub     $\n, \reg
    cmp     %rdi, \reg
    jne     2f
    .endm
    check   %rax, 1
    check   %rbx, 2
    check   %rcx, 3
    check   %rdx, 4
    check   %rbp, 5
    .irp    n, 8, 9, 10, 11, 12, 13, 14, 15
    check   %r\n, \n
    .endr
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq    %xmm\n, %rax
    check   %rax, 100+\n
    psrldq  $8, %xmm\n
    movq    %xmm\n, %rax
    check   %rax, 100+\n
    .endr
    xor     %esi, %esi
2:  mov     %esi, %eax
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

    .globl  regs_clobber
regs_clobber:
    mov     $-1, %rax
    mov     %rax, %rcx
    mov     %rax, %rdx
    mov     %rax, %rsi
    mov     %rax, %rdi
    mov     %rax, %r8
    mov     %rax, %r9
    mov     %rax, %r10
    mov     %rax, %r11
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movq    %rax, %xmm\n
    punpcklqdq %xmm\n, %xmm\n
    .endr
    ret
    .section .note.GNU-stack, "", @progbits
