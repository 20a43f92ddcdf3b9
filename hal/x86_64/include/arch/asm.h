/* x86_64: numbers that C and assembly share. C asserts the offsets where it defines the structures.
 */
#pragma once

/* struct arch_cpu */
#define CPU_SELF      0
#define CPU_STACK_TOP 8
#define CPU_USER_RSP  16
#define CPU_ID        24

/* struct trap_frame */
#define FRAME_R11    48
#define FRAME_RCX    88
#define FRAME_RDI    112
#define FRAME_RIP    136
#define FRAME_CS     144
#define FRAME_RFLAGS 152
#define FRAME_RSP    160
#define FRAME_SIZE   176

/* Selectors: the values that Linux programs see. SYSCALL/SYSRET fix the order. */
#define KERNEL_CS        0x10
#define KERNEL_SS        0x18
#define USER_SYSRET_BASE 0x23
#define USER_SS          0x2b
#define USER_CS          0x33
#define TSS_SELECTOR     0x40
#define GDT_ENTRIES      10

#define VECTOR_SYSCALL 0x100 /* in trap_frame.vector; no IDT entry */

#define RFLAGS_TF 0x100
#define RFLAGS_IF 0x200
#define RFLAGS_DF 0x400
#define RFLAGS_NT 0x4000
#define RFLAGS_RF 0x10000
#define RFLAGS_AC 0x40000

/* IDT vectors: 0x20.. the legacy controllers', masked but for a spurious one; the I/O APIC's
 * follow. */
#define VECTOR_PIC      0x20
#define VECTOR_IRQ      0x30
#define VECTOR_IRQ_END  0xf0
#define VECTOR_TIMER    0xf0
#define VECTOR_IPI      0xf1
#define VECTOR_SPURIOUS 0xff

#define MSR_EFER       0xc0000080
#define MSR_GS_BASE    0xc0000101
#define EFER_SCE       0x001
#define EFER_LME       0x100
#define EFER_NXE       0x800
#define CR0_PE         0x00000001
#define CR0_MP         0x00000002
#define CR0_NE         0x00000020
#define CR0_WP         0x00010000
#define CR0_AM         0x00040000
#define CR0_PG         0x80000000
#define CR4_PAE        0x20
#define BOOT_PTE_TABLE 0x23 /* present, writable, accessed */
#define BOOT_PTE_BLOCK 0xe3 /* the same, dirty, 2 MiB */

#define IMAGE_BASE            0xffffffff80000000 /* KERNEL_IMAGE_BASE without its suffix */
#define BOOT_STACK_SIZE       16384
#define IST_STACK_SIZE        8192
#define BOOT_MAP_GIB          4
#define BOOT_MULTIBOOT2_MAGIC 0x36d76289
#define TRAMPOLINE_PAGE       8 /* in the low memory that boot.c reserves */
