/* The vDSO as data of the kernel. */
    .section .vdso, "a"
    .balign 4096
    .globl hal_vdso_start, hal_vdso_end, hal_vdso_sigreturn_offset
hal_vdso_start:
    .incbin "vdso.so"
    .balign 4096
hal_vdso_end:

    .section .rodata, "a"
    .balign 8
hal_vdso_sigreturn_offset:
    .quad 0x400

    .section .note.GNU-stack, "", %progbits
