/*
 * int regs_check(unsigned long seed, unsigned long loops)
 * Fills every general and vector register with a pattern, spins, and compares: 0 or the number
 * of the first register that changed. void regs_clobber(void) fills what a handler may change.
 */
    .text
    .globl  regs_check
regs_check:
    stp     x19, x20, [sp, #-160]!
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    add     x2, x0, #(100 + \n)
    dup     v\n\().2d, x2
    .endr
    .irp    n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    add     x\n, x0, #\n
    .endr
1:  subs    x1, x1, #1
    b.ne    1b
    .irp    n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    mov     w1, #\n
    sub     x\n, x\n, #\n
    cmp     x\n, x0
    b.ne    2f
    .endr
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    mov     w1, #(100 + \n)
    add     x3, x0, #(100 + \n)
    mov     x2, v\n\().d[0]
    cmp     x2, x3
    b.ne    2f
    mov     x2, v\n\().d[1]
    cmp     x2, x3
    b.ne    2f
    .endr
    mov     w1, #0
2:  mov     w0, w1
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    ldp     x19, x20, [sp], #160
    ret

    .globl  regs_clobber
regs_clobber:
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
    mov     x\n, #-1
    .endr
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    dup     v\n\().2d, x0
    .endr
    ret
    .section .note.GNU-stack, "", %progbits
