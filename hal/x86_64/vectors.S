/*
 * Entries and exits of the kernel. Every entry leaves a struct trap_frame, DF and AC clear, GS base
 * this CPU's struct cpu, and interrupts off. Vectors with an interrupt stack (#DB, NMI, #DF, #MC) may
 * come between SWAPGS and the stack switch: from kernel mode they trust neither GS nor RSP, but take
 * the CPU pointer from the top of their own stack. From user mode they go on on the task's stack.
 */
#include <arch/asm.h>

    .macro save_registers
    pushq   %rdi
    pushq   %rsi
    pushq   %rdx
    pushq   %rcx
    pushq   %rax
    pushq   %r8
    pushq   %r9
    pushq   %r10
    pushq   %r11
    pushq   %rbx
    pushq   %rbp
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    .endm

    /* Interrupt gates leave both as user mode had them; AC would switch SMAP off. */
    .macro clear_flags
    cld
    testl   $RFLAGS_AC, FRAME_RFLAGS(%rsp)
    jz      .Lac_clear\@
    pushfq
    andl    $~RFLAGS_AC, (%rsp)
    popfq
.Lac_clear\@:
    .endm

    .macro restore_callee_saved
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbp
    popq    %rbx
    .endm

    .macro restore_registers
    restore_callee_saved
    popq    %r11
    popq    %r10
    popq    %r9
    popq    %r8
    popq    %rax
    popq    %rcx
    popq    %rdx
    popq    %rsi
    popq    %rdi
    addq    $16, %rsp
    .endm

    .text

/* The first entry of each is 16 bytes after the one before: cpu.c counts on it. */
    .balign 16
    .globl  vector_stubs
vector_stubs:
    .set    vector, 0
    .rept   256
    .balign 16
    .if (vector != 8) && (vector != 10) && (vector != 11) && (vector != 12) && (vector != 13) && \
        (vector != 14) && (vector != 17) && (vector != 21) && (vector != 29) && (vector != 30)
    pushq   $0
    .endif
    pushq   $vector
    .if (vector == 1) || (vector == 2) || (vector == 8) || (vector == 18)
    jmp     entry_ist
    .else
    jmp     entry_trap
    .endif
    .set    vector, vector + 1
    .endr

    .balign 16
entry_trap:
    testb   $3, 24(%rsp)
    jz      entry_kernel
    swapgs
    save_registers
entry_user:
    clear_flags
    xorl    %ebp, %ebp
    movq    %rsp, %rdi
    call    trap_dispatch
exit_user:
    restore_registers
    swapgs
    .globl  exit_iret
exit_iret:
    iretq

entry_kernel:
    /* A fault of our own IRET: GS is the user's already. */
    pushq   %rax
    leaq    exit_iret(%rip), %rax
    cmpq    %rax, 24(%rsp)
    popq    %rax
    jne     1f
    swapgs
1:  save_registers
    clear_flags
    movq    %rsp, %rdi
    call    trap_dispatch
    restore_registers
    iretq

    .balign 16
entry_ist:
    save_registers
    testb   $3, FRAME_CS(%rsp)
    jnz     1f
    clear_flags
    movl    $MSR_GS_BASE, %ecx
    rdmsr
    movl    %eax, %r12d
    movl    %edx, %r13d
    movl    FRAME_SIZE(%rsp), %eax
    movl    FRAME_SIZE+4(%rsp), %edx
    wrmsr
    movq    %rsp, %rdi
    call    trap_dispatch
    movl    $MSR_GS_BASE, %ecx
    movl    %r12d, %eax
    movl    %r13d, %edx
    wrmsr
    restore_registers
    iretq
1:  swapgs
    cld
    movq    %rsp, %rsi
    movq    %gs:CPU_STACK_TOP, %rdi
    subq    $FRAME_SIZE, %rdi
    movq    %rdi, %rax
    movl    $(FRAME_SIZE / 8), %ecx
    rep movsq
    movq    %rax, %rsp
    jmp     entry_user

    .balign 16
    .globl  entry_syscall
entry_syscall:
    swapgs
    movq    %rsp, %gs:CPU_USER_RSP
    movq    %gs:CPU_STACK_TOP, %rsp
    pushq   $USER_SS
    pushq   %gs:CPU_USER_RSP
    pushq   %r11
    pushq   $USER_CS
    pushq   %rcx
    pushq   %rax
    pushq   $VECTOR_SYSCALL
    save_registers
    xorl    %ebp, %ebp
    movq    %rsp, %rdi
    call    trap_syscall

    /* SYSRET gives RIP and RFLAGS what RCX and R11 hold, and faults in ring 0 on a bad RIP. */
    movq    FRAME_RIP(%rsp), %rcx
    cmpq    FRAME_RCX(%rsp), %rcx
    jne     exit_user
    movq    FRAME_RFLAGS(%rsp), %r11
    cmpq    FRAME_R11(%rsp), %r11
    jne     exit_user
    testl   $(RFLAGS_RF | RFLAGS_TF), %r11d
    jnz     exit_user
    movq    %rcx, %rax
    shrq    $47, %rax
    jnz     exit_user
    restore_callee_saved
    addq    $8, %rsp
    popq    %r10
    popq    %r9
    popq    %r8
    popq    %rax
    addq    $8, %rsp
    popq    %rdx
    popq    %rsi
    movq    (%rsp), %rdi
    movq    FRAME_RSP-FRAME_RDI(%rsp), %rsp
    swapgs
    sysretq

/* From compatibility mode, which no descriptor of ours allows: ENOSYS, without touching a stack. */
    .globl  entry_syscall32
entry_syscall32:
    movl    $-38, %eax
    sysretl

    .globl  hal_enter_user
hal_enter_user:
    movq    %rdi, %rsp
    jmp     exit_user

/* context_swap(uint64_t *save_sp, uint64_t new_sp) */
    .globl  context_swap
context_swap:
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret

/* The first return of a new context: entry in RBX, its argument in R12. */
    .globl  context_first
context_first:
    xorl    %ebp, %ebp
    movq    %r12, %rdi
    call    *%rbx
    ud2

    .section .note.GNU-stack, "", @progbits
