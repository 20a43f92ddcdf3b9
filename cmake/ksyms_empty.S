/* The symbol table of the first link: empty. cmake/ksyms.py writes the second. */
    .section .rodata.ksyms, "a"
    .balign 8
    .globl ksyms_count, ksyms_addr, ksyms_name_off, ksyms_names
ksyms_addr:
ksyms_count:
    .quad 0
ksyms_name_off:
    .long 0
ksyms_names:
    .byte 0
    .section .note.GNU-stack, "", %progbits
