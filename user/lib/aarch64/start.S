/* Process entry: sp points at argc, argv, envp. */
    .text
    .globl _start
_start:
    mov x29, xzr
    mov x30, xzr
    ldr x0, [sp]
    add x1, sp, #8
    add x2, x1, x0, lsl #3
    add x2, x2, #8
    bl main
    mov x8, #94
    svc #0
    brk #1
    .section .note.GNU-stack, "", %progbits
