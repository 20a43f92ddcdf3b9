/* The vDSO's image in the kernel, and the offset of its sigreturn: the entry point in its header. */
    .section .rodata.vdso, "a"
    .balign 4096
    .globl  hal_vdso_start, hal_vdso_end, hal_vdso_sigreturn_offset
hal_vdso_start:
    .incbin "vdso.so"
    .balign 4096
hal_vdso_end:
    .balign 8
hal_vdso_sigreturn_offset:
    .incbin "vdso.so", 24, 8            /* e_entry of an ELF64 header */

    .section .note.GNU-stack, "", @progbits
