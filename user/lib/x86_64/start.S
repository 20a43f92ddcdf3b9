/* Process entry: the stack holds argc, argv, envp (System V ABI, x86-64, section 3.4.1). */
    .text
    .globl _start
_start:
    xorl %ebp, %ebp
    movq (%rsp), %rdi
    leaq 8(%rsp), %rsi
    leaq 16(%rsp,%rdi,8), %rdx
    andq $-16, %rsp
    call main
    movl %eax, %edi
    movl $231, %eax
    syscall
    hlt
    .section .note.GNU-stack, "", @progbits
