/*
 * Where the other CPUs begin: copied to TRAMPOLINE_PAGE, entered in real mode with CS:IP = page:0
 * (Intel SDM 3A 8.4.4). Uses the boot tables, whose identity part covers the page, to get to long
 * mode and the link address, then takes the kernel's root and its stack from secondary_record.
 */
#include <arch/asm.h>

#include "hal/x86_64/secondary.h"

#define PHYS(symbol) ((symbol) - IMAGE_BASE)
#define BASE (TRAMPOLINE_PAGE * 4096)
#define AT(symbol) (BASE + (symbol) - trampoline_start)
#define SELECTOR_CODE32 0x08

    .section .rodata.trampoline, "a", @progbits
    .balign 16
    .globl  trampoline_start, trampoline_end
trampoline_start:
    .code16
    cli
    cld
    movw    %cs, %ax
    movw    %ax, %ds
    lgdtl   trampoline_gdt_pointer - trampoline_start
    movl    $CR0_PE, %eax
    movl    %eax, %cr0
    ljmpl   $SELECTOR_CODE32, $AT(trampoline_protected)

    .code32
trampoline_protected:
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
    ljmpl   $KERNEL_CS, $AT(trampoline_long)

    .code64
trampoline_long:
    movabsq $secondary_high, %rax
    jmp     *%rax

    .balign 8
trampoline_gdt:
    .quad   0
    .quad   0x00cf9b000000ffff          /* SELECTOR_CODE32 */
    .quad   0x00af9b000000ffff          /* KERNEL_CS */
trampoline_gdt_pointer:
    .short  trampoline_gdt_pointer - trampoline_gdt - 1
    .long   AT(trampoline_gdt)
trampoline_end:

    .text
secondary_high:
    xorl    %eax, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %eax, %fs
    movl    %eax, %gs
    lldt    %ax
    movq    $secondary_record, %rsi
    movq    SECONDARY_ROOT(%rsi), %rax
    movq    %rax, %cr3
    movq    SECONDARY_STACK(%rsi), %rsp
    movq    SECONDARY_CPU(%rsi), %rdi
    xorl    %ebp, %ebp
    call    secondary_main
    ud2

    .section .note.GNU-stack, "", @progbits
