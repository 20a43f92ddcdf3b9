/*
 * Entry of the boot CPU: arm64 Image header, EL2 or EL1, no MMU, x0 = device tree; and of the others.
 * Programs every control register, builds the early map (image, the image's GiB of the direct
 * map and of the identity map) and enters boot_start() at the link address.
 * Until the MMU is on, errors go to the early UART. x19 = image pa, x20 = device tree pa or, where
 * x21 is not 0, the start-up record of another CPU, which need not bring anything in its registers.
 */
#include <arch/consts.h>
#include <arch/frame.h>

#include "hal/aarch64/early_uart.h"
#include "hal/aarch64/regs.h"
#include "hal/aarch64/secondary.h"

#define SYS_ICC_SRE_EL2 S3_4_C12_C9_5
#define SYS_ICH_HCR_EL2 S3_4_C12_C11_0
#define SYS_HCRX_EL2 S3_4_C1_C2_2
#define SYS_HFGRTR_EL2 S3_4_C1_C1_4
#define SYS_HFGWTR_EL2 S3_4_C1_C1_5
#define SYS_HFGITR_EL2 S3_4_C1_C1_6
#define SYS_HDFGRTR_EL2 S3_4_C3_C1_4
#define SYS_HDFGWTR_EL2 S3_4_C3_C1_5
#define SYS_AMUSERENR_EL0 S3_3_C13_C2_3
#define SYS_TRFCR_EL1 S3_0_C1_C2_1
#define SYS_LORC_EL1 S3_0_C10_C4_3

/* ID_AA64ISAR1: APA, API, GPA, GPI. */
#define ISAR1_PAC 0xff000ff0

/* A valid block: AF, inner shareable, normal memory, never executable by EL0. */
#define BLOCK_NORMAL 0x0040000000000701
#define BLOCK_READ_ONLY 0x80
#define ENTRY_IS_TABLE 3

    .macro table_addr reg, name
    adrp \reg, \name
    add \reg, \reg, :lo12:\name
    .endm

    .macro field reg, sysreg, shift
    mrs \reg, \sysreg
    ubfx \reg, \reg, #\shift, #4
    .endm

    .section .text.head, "ax"
    .globl image_head
image_head:
    b start
    .long 0
    .quad 0                     /* offset from a 2 MiB boundary */
    .quad image_bytes
    .quad 0xa                   /* little endian, 4 KiB pages, anywhere in memory */
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

start:
    msr daifset, #0xf
    mov x21, #0
start_any:
    mov x20, x0
    adrp x19, image_head
    mrs x0, CurrentEL
    lsr x0, x0, #2
    cmp x0, #2
    b.eq start_el2
    b.lo start_el1
    adr x0, text_el3
    b boot_fail

    .globl start_secondary
start_secondary:
    msr daifset, #0xf
    mov x21, #1
    table_addr x0, secondary_record
    b start_any

/* Everything that EL2 can trap, offset or hide is switched off for EL1. */
start_el2:
    mov x0, #HCR_RW
    mrs x1, id_aa64isar1_el1
    ldr x2, =ISAR1_PAC
    tst x1, x2
    b.eq 1f
    orr x0, x0, #HCR_PAC_NO_TRAP
1:  msr hcr_el2, x0
    adr x0, early_vectors
    msr vbar_el2, x0
    isb
    ldr x0, =SCTLR_EL2_OFF
    msr sctlr_el2, x0
    mov x0, #CNTHCTL_EL1_ALL
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    msr cnthp_ctl_el2, xzr
    mov x0, #CPTR_EL2_VALUE
    msr cptr_el2, x0
    msr hstr_el2, xzr
    msr vttbr_el2, xzr
    mrs x0, midr_el1
    msr vpidr_el2, x0
    mrs x0, mpidr_el1
    msr vmpidr_el2, x0

    mov x1, #0                  /* MDCR.HPMN: EL1 owns all counters */
    field x0, id_aa64dfr0_el1, 8
    cbz x0, 1f
    cmp x0, #0xf
    b.eq 1f
    mrs x1, pmcr_el0
    ubfx x1, x1, #11, #5
1:  msr mdcr_el2, x1

    field x0, id_aa64pfr0_el1, 24
    cbz x0, 2f
    mrs x0, SYS_ICC_SRE_EL2
    orr x0, x0, #1              /* SRE and Enable, if the GIC has the registers */
    orr x0, x0, #8
    msr SYS_ICC_SRE_EL2, x0
    isb
    mrs x0, SYS_ICC_SRE_EL2
    tbz x0, #0, 2f
    msr SYS_ICH_HCR_EL2, xzr

2:  field x0, id_aa64mmfr0_el1, 56
    cbz x0, 3f
    msr SYS_HFGRTR_EL2, xzr
    msr SYS_HFGWTR_EL2, xzr
    msr SYS_HFGITR_EL2, xzr
    msr SYS_HDFGRTR_EL2, xzr
    msr SYS_HDFGWTR_EL2, xzr
3:  field x0, id_aa64mmfr1_el1, 40
    cbz x0, 4f
    msr SYS_HCRX_EL2, xzr

4:  ldr x0, =SCTLR_OFF
    msr sctlr_el1, x0
    mov x0, #SPSR_EL1H_MASKED
    msr spsr_el2, x0
    adr x0, start_el1
    msr elr_el2, x0
    isb
    eret

start_el1:
    msr spsel, #1
    ldr x0, =SCTLR_OFF
    msr sctlr_el1, x0
    adr x0, early_vectors
    msr vbar_el1, x0
    isb
    cbnz x21, start_secondary_el1
    adr x0, text_no_tree
    cbz x20, boot_fail
    tst x20, #7
    b.ne boot_fail
    ldr w1, [x20]
    ldr w2, =0xedfe0dd0
    cmp w1, w2
    b.ne boot_fail
    adr x0, text_no_granule
    field x1, id_aa64mmfr0_el1, 28
    cmp x1, #0xf
    b.eq boot_fail
    adr x0, text_unaligned
    tst x19, #0x1fffff
    b.ne boot_fail

    bl init_registers
    bl build_tables
    table_addr x22, boot_root
    bl enable_mmu

    /* At the link address now. */
    adrp x1, boot_stack_top
    add sp, x1, :lo12:boot_stack_top
    adrp x2, cpus
    add x2, x2, :lo12:cpus
    msr tpidr_el1, x2
    adrp x0, bss_start
    add x0, x0, :lo12:bss_start
    adrp x1, bss_end
    add x1, x1, :lo12:bss_end
1:  cmp x0, x1
    b.hs 2f
    stp xzr, xzr, [x0], #16
    b 1b
2:  adrp x1, boot_image_pa
    str x19, [x1, :lo12:boot_image_pa]
    adrp x1, emergency_stack_top
    add x1, x1, :lo12:emergency_stack_top
    str x1, [x2]                /* cpus[0].arch.emergency_top */
    mov x0, x20
    mov x1, x19
    mov x29, #0
    mov x30, #0
    bl boot_start
    b .

/* The record is read before the MMU is on: its writer has cleaned it to memory. */
start_secondary_el1:
    bl init_registers
    ldp x22, x23, [x20, #SECONDARY_ROOT]
    ldr x24, [x20, #SECONDARY_CPU]
    bl enable_mmu
    mov sp, x23
    msr tpidr_el1, x24
    mov x29, #0
    mov x30, #0
    bl kernel_secondary
    b .

/* Registers that do not depend on the kernel's tables. Clobbers x0, x1. */
init_registers:
    mov x0, #CPACR_FP_ON
    msr cpacr_el1, x0
    mov x0, #CNTKCTL_EL0_VIRTUAL
    msr cntkctl_el1, x0
    msr cntv_ctl_el0, xzr
    msr cntp_ctl_el0, xzr
    mov x0, #MDSCR_TDCC
    msr mdscr_el1, x0
    msr oslar_el1, xzr
    msr contextidr_el1, xzr
    msr tpidr_el0, xzr
    msr tpidrro_el0, xzr
    field x0, id_aa64dfr0_el1, 8
    cbz x0, 1f
    cmp x0, #0xf
    b.eq 1f
    msr pmuserenr_el0, xzr
    msr pmcr_el0, xzr
    mov x0, #-1
    msr pmintenclr_el1, x0
1:  field x0, id_aa64dfr0_el1, 40
    cbz x0, 2f
    msr SYS_TRFCR_EL1, xzr
2:  field x0, id_aa64pfr0_el1, 44
    cbz x0, 3f
    msr SYS_AMUSERENR_EL0, xzr
3:  field x0, id_aa64mmfr1_el1, 16
    cbz x0, 4f
    msr SYS_LORC_EL1, xzr
4:  isb
    ret

/*
 * The tables are written with the caches off, so lines that a loader left are thrown away
 * before and lines that speculation brought in are thrown away after.
 */

build_tables:
    mov x9, x30
    bl discard_tables
    table_addr x0, boot_tables
    table_addr x1, boot_tables_end
1:  stp xzr, xzr, [x0], #16
    cmp x0, x1
    b.lo 1b

    table_addr x0, boot_root
    table_addr x1, boot_direct_l1
    table_addr x2, boot_image_l1
    table_addr x3, boot_image_l2
    orr x4, x1, #ENTRY_IS_TABLE
    str x4, [x0, #(((DIRECT_MAP_BASE >> 39) & 511) * 8)]
    orr x4, x2, #ENTRY_IS_TABLE
    str x4, [x0, #(((KERNEL_IMAGE_BASE >> 39) & 511) * 8)]
    orr x4, x3, #ENTRY_IS_TABLE
    str x4, [x2, #(((KERNEL_IMAGE_BASE >> 30) & 511) * 8)]

    /* The image, in 2 MiB blocks; writable and executable until the final map. */
    ldr x5, =BLOCK_NORMAL
    orr x4, x19, x5
    table_addr x6, image_end
    orr x6, x6, x5
2:  str x4, [x3], #8
    add x4, x4, #0x200000
    cmp x4, x6
    b.lo 2b

    /* The identity map of the image's first GiB: read-only, executable. */
    table_addr x0, boot_identity_l0
    table_addr x2, boot_identity_l1
    orr x4, x2, #ENTRY_IS_TABLE
    ubfx x6, x19, #39, #9
    str x4, [x0, x6, lsl #3]
    ubfx x6, x19, #30, #9
    lsl x7, x6, #30
    ubfx x8, x19, #39, #9
    orr x7, x7, x8, lsl #39
    orr x8, x7, x5
    orr x8, x8, #BLOCK_READ_ONLY
    str x8, [x2, x6, lsl #3]
    bl discard_tables
    ret x9

discard_tables:
    table_addr x0, boot_tables
    table_addr x1, boot_tables_end
    mrs x2, ctr_el0
    ubfx x2, x2, #16, #4
    mov x3, #4
    lsl x3, x3, x2
    dmb sy
1:  dc ivac, x0
    add x0, x0, x3
    cmp x0, x1
    b.lo 1b
    dsb sy
    ret

/* x22 = the table of the kernel half. Returns at the link address. */
enable_mmu:
    ldr x0, =MAIR_VALUE
    msr mair_el1, x0
    field x1, id_aa64mmfr0_el1, 0
    mov x2, #TCR_IPS_MAX
    cmp x1, x2
    csel x1, x1, x2, lo
    ldr x0, =TCR_BASE
    orr x0, x0, x1, lsl #TCR_IPS_SHIFT
    msr tcr_el1, x0
    table_addr x0, boot_identity_l0
    msr ttbr0_el1, x0
    msr ttbr1_el1, x22
    ldr x0, =vectors
    msr vbar_el1, x0
    isb
    tlbi vmalle1
    ic iallu
    dsb nsh
    isb
    ldr x2, =KERNEL_IMAGE_BASE
    sub x2, x2, x19
    add x30, x30, x2
    table_addr x1, boot_empty_root
    ldr x0, =SCTLR_ON
    msr sctlr_el1, x0
    isb
    ldr x0, =1f
    br x0
1:  msr ttbr0_el1, x1           /* the identity map has done its work */
    isb
    tlbi vmalle1
    dsb nsh
    isb
    ret

/* <arch/insn.h> */
    .globl insn_replace_ttbr1
    .type insn_replace_ttbr1, %function
insn_replace_ttbr1:
    mrs x2, daif
    msr daifset, #0xf
    adrp x1, boot_image_pa
    ldr x1, [x1, :lo12:boot_image_pa]
    ldr x3, =KERNEL_IMAGE_BASE
    sub x3, x3, x1              /* link address - physical address */
    table_addr x4, boot_identity_l0
    sub x4, x4, x3
    table_addr x5, boot_empty_root
    sub x5, x5, x3
    mrs x6, ttbr0_el1
    msr ttbr0_el1, x4
    isb
    adr x7, 1f
    sub x7, x7, x3
    br x7
1:  msr ttbr1_el1, x5
    isb
    tlbi vmalle1
    dsb nsh
    isb
    msr ttbr1_el1, x0
    isb
    adr x7, 2f
    add x7, x7, x3
    br x7
2:  msr ttbr0_el1, x6
    isb
    tlbi vmalle1
    dsb nsh
    isb
    msr daif, x2
    ret
    .size insn_replace_ttbr1, . - insn_replace_ttbr1

/* Ends the boot with the text at x0 on the early UART. */
boot_fail:
    mov x28, x0
    bl early_uart_init
    adr x0, text_prefix
    bl early_puts
    mov x0, x28
    bl early_puts
    adr x0, text_newline
    bl early_puts
1:  wfe
    b 1b

early_exception:
    bl early_uart_init
    adr x0, text_exception
    bl early_puts
    mrs x26, CurrentEL
    mrs x1, esr_el1
    mrs x25, elr_el1
    cmp x26, #(2 << 2)
    b.ne 1f
    mrs x1, esr_el2
    mrs x25, elr_el2
1:  bl early_put_hex
    mov x1, x25
    bl early_put_hex
    adr x0, text_newline
    bl early_puts
2:  wfe
    b 2b

/* PL011 (DDI 0183, 3.3): off, 8 bits with FIFOs, on. */
early_uart_init:
    ldr x4, =EARLY_UART_PA
    str wzr, [x4, #0x30]
    mov w5, #0x70
    str w5, [x4, #0x2c]
    mov w5, #0x301
    str w5, [x4, #0x30]
    ret

early_putc:
1:  ldr w5, [x4, #0x18]
    tbnz w5, #5, 1b
    str w2, [x4]
    ret

early_puts:
    mov x27, x30
1:  ldrb w2, [x0], #1
    cbz w2, 2f
    bl early_putc
    b 1b
2:  ret x27

early_put_hex:
    mov x27, x30
    mov w2, #' '
    bl early_putc
    mov w3, #16
1:  ror x1, x1, #60
    and w2, w1, #0xf
    cmp w2, #10
    add w6, w2, #'0'
    add w2, w2, #('a' - 10)
    csel w2, w6, w2, lo
    bl early_putc
    subs w3, w3, #1
    b.ne 1b
    ret x27

text_prefix:
    .asciz "quoin: cannot boot: "
text_newline:
    .asciz "\r\n"
text_el3:
    .asciz "entered at EL3"
text_no_tree:
    .asciz "no device tree in x0 (boot the Image, not the ELF file)"
text_no_granule:
    .asciz "the CPU has no 4 KiB pages"
text_unaligned:
    .asciz "the image is not at a 2 MiB boundary"
text_exception:
    .asciz "quoin: exception where none can be handled: ESR, ELR"
    .balign 4
    .ltorg

    .balign 2048
early_vectors:
    .rept 16
    .balign 128
    b early_exception
    .endr

    .section .boot.tables, "aw", %nobits
    .balign 4096
    .globl boot_tables, boot_tables_end, boot_direct_l1, boot_image_l2
boot_tables:
boot_root:
    .skip 4096
boot_direct_l1:
    .skip 4096
boot_image_l1:
    .skip 4096
boot_image_l2:
    .skip 4096
boot_identity_l0:
    .skip 4096
boot_identity_l1:
    .skip 4096
    .globl boot_empty_root
boot_empty_root:
    .skip 4096
boot_tables_end:

/* An overflow of either stack clears bit 14 of the stack pointer; see vectors.S. */
    .section .boot.stack, "aw", %nobits
    .balign 32768
    .globl boot_stack, boot_stack_top, emergency_stack_top
    .skip 16384
boot_stack:
    .skip 4096
emergency_stack_top:
    .skip 12288
boot_stack_top:

    .section .note.GNU-stack, "", %progbits
