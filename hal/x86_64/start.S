/*
 * Entry from a Multiboot2 loader (Multiboot2 1.6, section 3.3) or a PVH one (Xen's HVM direct boot
 * ABI): both 32-bit, paging off. Builds the boot tables (identity, direct map and image, of 2 MiB
 * blocks), enters long mode and calls boot_main(magic, info) at the link address.
 * Every control register that matters here is written whole.
 */
#include <arch/asm.h>

#define PHYS(symbol) ((symbol) - IMAGE_BASE)

    .section .text.boot, "ax", @progbits
    .balign 8
multiboot2_header:
    .long   0xe85250d6
    .long   0
    .long   multiboot2_header_end - multiboot2_header
    .long   -(0xe85250d6 + (multiboot2_header_end - multiboot2_header))
    /* Information request, optional: command line, modules, memory map, ACPI old and new. */
    .balign 8
    .short  1, 1
    .long   28
    .long   1, 3, 6, 14, 15
    /* Modules on page boundaries. */
    .balign 8
    .short  6, 0
    .long   8
    .balign 8
    .short  0, 0
    .long   8
multiboot2_header_end:

    .section .note.Xen, "a", @note
    .balign 4
    .long   4, 4, 18                    /* name and value size, XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz  "Xen"
    .long   PHYS(start_pvh)

    .section .text.boot, "ax", @progbits
    .code32
    .globl  start_multiboot2
start_multiboot2:
    movl    %eax, %edi
    movl    %ebx, %esi
    jmp     start_common
start_pvh:
    xorl    %edi, %edi
    movl    %ebx, %esi

start_common:
    cli
    cld
    movl    $PHYS(boot_stack_top), %esp
    movl    $0x80000000, %eax
    cpuid
    cmpl    $0x80000001, %eax
    jb      start_refuse
    movl    $0x80000001, %eax
    cpuid
    andl    $((1 << 29) | (1 << 20)), %edx
    cmpl    $((1 << 29) | (1 << 20)), %edx
    jne     start_refuse

    /* The page directories of the first GiBs. */
    movl    $PHYS(boot_pd), %ebx
    movl    $BOOT_PTE_BLOCK, %eax
    movl    $(BOOT_MAP_GIB * 512), %ecx
1:  movl    %eax, (%ebx)
    movl    $0, 4(%ebx)
    addl    $0x200000, %eax
    addl    $8, %ebx
    decl    %ecx
    jnz     1b
    movl    $(PHYS(boot_pd) + BOOT_PTE_TABLE), %eax
    movl    $PHYS(boot_pdpt), %ebx
    movl    $BOOT_MAP_GIB, %ecx
1:  movl    %eax, (%ebx)
    movl    $0, 4(%ebx)
    addl    $4096, %eax
    addl    $8, %ebx
    decl    %ecx
    jnz     1b
    movl    $(PHYS(boot_pd) + BOOT_PTE_TABLE), PHYS(boot_pdpt_image) + 510 * 8
    movl    $(PHYS(boot_pdpt) + BOOT_PTE_TABLE), PHYS(boot_pml4)
    movl    $(PHYS(boot_pdpt) + BOOT_PTE_TABLE), PHYS(boot_pml4) + 256 * 8
    movl    $(PHYS(boot_pdpt_image) + BOOT_PTE_TABLE), PHYS(boot_pml4) + 511 * 8

    movl    $CR4_PAE, %eax
    movl    %eax, %cr4
    movl    $PHYS(boot_pml4), %eax
    movl    %eax, %cr3
    movl    $MSR_EFER, %ecx
    movl    $(EFER_SCE | EFER_LME | EFER_NXE), %eax
    xorl    %edx, %edx
    wrmsr
    movl    $(CR0_PE | CR0_MP | CR0_NE | CR0_WP | CR0_AM | CR0_PG), %eax
    movl    %eax, %cr0
    lgdt    PHYS(boot_gdt_pointer)
    ljmp    $KERNEL_CS, $PHYS(start_long)

    /* No long mode or no NX: say so on the first serial port, as far as it needs no set-up. */
start_refuse:
    movl    $PHYS(start_refuse_text), %esi
    movw    $0x3f8, %dx
1:  lodsb
    testb   %al, %al
    jz      2f
    outb    %al, %dx
    jmp     1b
2:  movb    $0x10, %al                  /* as power_action(POWER_PANIC) */
    outb    %al, $0xf4
3:  hlt
    jmp     3b
start_refuse_text:
    .asciz  "quoin: panic: this CPU has no long mode with NX\r\n"

    .code64
start_long:
    movabsq $start_high, %rax
    jmp     *%rax
start_high:
    xorl    %eax, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %eax, %fs
    movl    %eax, %gs
    lldt    %ax
    movq    $boot_stack_top, %rsp
    xorl    %ebp, %ebp
    call    boot_main
1:  hlt
    jmp     1b

    .balign 8
boot_gdt:
    .quad   0, 0
    .quad   0x00af9b000000ffff          /* KERNEL_CS */
boot_gdt_pointer:
    .short  boot_gdt_pointer - boot_gdt - 1
    .long   PHYS(boot_gdt)

    .section .data.boot_stack, "aw", @progbits
    .balign BOOT_STACK_SIZE
    .globl  boot_stack, boot_stack_top
boot_stack:
    .zero   BOOT_STACK_SIZE
boot_stack_top:

    .section .bss.boot, "aw", @nobits
    .balign 4096
    .globl  boot_pml4
boot_pml4:
    .zero   4096
boot_pdpt:
    .zero   4096
boot_pdpt_image:
    .zero   4096
boot_pd:
    .zero   4096 * BOOT_MAP_GIB

    .section .note.GNU-stack, "", @progbits
