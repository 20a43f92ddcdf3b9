/* The vDSO as data of the kernel; QUOIN_VDSO is the path of the shared object. */
    .section .vdso, "a"
    .balign 4096
    .globl hal_vdso_start, hal_vdso_end, hal_vdso_sigreturn_offset
hal_vdso_start:
    .incbin QUOIN_VDSO
    .balign 4096
hal_vdso_end:

    .section .rodata, "a"
    .balign 8
hal_vdso_sigreturn_offset:
    .quad 0x400

    .section .note.GNU-stack, "", %progbits
