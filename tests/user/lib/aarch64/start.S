/* Program entry and thread entry of the tests on aarch64. Signals return through the vDSO. */

    .text
    .globl  _start
_start:
    /*
     * The registers as the kernel left them, for the test that all are zero (scenario 13).
     * x29 holds the address and is stored through the stack, which the kernel gave us.
     */
    str     x29, [sp, #-16]!
    adrp    x29, entry_regs
    add     x29, x29, :lo12:entry_regs
    stp     x0, x1, [x29]
    stp     x2, x3, [x29, #16]
    stp     x4, x5, [x29, #32]
    stp     x6, x7, [x29, #48]
    stp     x8, x9, [x29, #64]
    stp     x10, x11, [x29, #80]
    stp     x12, x13, [x29, #96]
    stp     x14, x15, [x29, #112]
    stp     x16, x17, [x29, #128]
    stp     x18, x19, [x29, #144]
    stp     x20, x21, [x29, #160]
    stp     x22, x23, [x29, #176]
    stp     x24, x25, [x29, #192]
    stp     x26, x27, [x29, #208]
    stp     x28, x30, [x29, #224]
    ldr     x1, [sp], #16
    str     x1, [x29, #240]
    mov     x0, sp
    adrp    x1, entry_sp
    str     x0, [x1, :lo12:entry_sp]
    mov     x29, xzr
    mov     x30, xzr
    bl      start_c
    brk     #1

/* long thread_clone(flags, stack_top, ptid, ctid, tls, fn, arg) */
    .globl  thread_clone
thread_clone:
    stp     x5, x6, [x1, #-16]!
    mov     x7, x3
    mov     x3, x4
    mov     x4, x7
    mov     x8, #220
    svc     #0
    cbz     x0, 1f
    ret
1:  mov     x29, xzr
    mov     x30, xzr
    ldp     x1, x0, [sp], #16
    blr     x1
    mov     x8, #93
    svc     #0
    brk     #1

    .bss
    .balign 16
    .globl  entry_regs, entry_sp
entry_regs:
    .zero   256
entry_sp:
    .zero   8
    .section .note.GNU-stack, "", %progbits
