/* What the files of hal/x86_64 share among themselves and nobody else sees. */
#pragma once

#include <arch/consts.h>
#include <arch/frame.h>
#include <hal/board.h>
#include <hal/boot.h>

#include "kernel/types.h"

struct cpu;

/* cpu.c */
enum x86_ist { IST_DB, IST_NMI, IST_DF, IST_MC, IST_COUNT };

struct x86_features {
    bool xsave;
    bool fsgsbase;
    bool rdrand;
    uint64_t xcr0; /* what XSAVE covers; 0 without it */
    uint32_t mxcsr_mask;
};
extern struct x86_features x86_features;

/* Does: GDT, TSS, IDT and GS base of the CPU that runs this. */
void cpu_init_tables(struct cpu *cpu);
/* Does: interrupt stacks of another CPU, before it starts. Returns false without memory. */
bool cpu_alloc_stacks(struct cpu *cpu);
/* Does: XCR0 and the registers of SYSCALL. Requires: hal_mmu.cpu_init() has set CR4. */
void cpu_init_registers(void);
/* Does: makes SYSCALL and user traps use this kernel stack. */
void cpu_set_stack(uint64_t stack_top);

/* vectors.S, start.S */
extern const uint8_t vector_stubs[], entry_syscall[], entry_syscall32[], exit_iret[];
extern uint8_t boot_stack[], boot_stack_top[];
void context_swap(uint64_t *save_sp, uint64_t new_sp);
void context_first(void);

/* trap.c */
void trap_dispatch(struct trap_frame *frame);

/*
 * One instruction that may fault on what a user chose. If it does, the user's return is made to
 * fault too (SIGSEGV), FP state is reset, and the kernel goes on after the instruction.
 */
#define FIXUP_INSN(insn)                                                                           \
    "1: " insn "\n2:\n"                                                                            \
    ".pushsection .fixup_table, \"a\"\n .quad 1b, 2b\n .popsection\n"

struct fixup {
    uint64_t insn;
    uint64_t landing;
};
extern const struct fixup fixup_table_start[], fixup_table_end[];

/* mmu.c: the IPI of a shot that another CPU waits for */
void mmu_shot_answer(void);

/* acpi.c */
#define ACPI_IOAPIC_MAX 8
#define ACPI_ISA_IRQS   16

struct acpi_ioapic {
    paddr_t base;
    uint32_t gsi_base;
};

struct acpi_register { /* generic address structure: ACPI 6.4, 5.2.3.2 */
    paddr_t address;
    bool io; /* a port, else memory */
};

struct acpi_info {
    paddr_t lapic;
    struct acpi_ioapic ioapic[ACPI_IOAPIC_MAX];
    uint32_t nr_ioapic;
    uint32_t isa_gsi[ACPI_ISA_IRQS];
    uint16_t isa_flags[ACPI_ISA_IRQS]; /* MPS INTI flags */
    uint32_t apic_id[64];
    uint32_t nr_cpus;
    uint32_t pm1a_control, pm1b_control, smi_command;
    uint8_t enable_value;
    uint8_t sleep_a, sleep_b;
    bool sleep_known;
    uint8_t century_register;
    uint16_t other_flags; /* MPS INTI flags of the interrupts beyond ISA's */
    bool hardware_reduced; /* no PM registers; these two instead (4.1, 4.8.4.6) */
    struct acpi_register sleep_control, reset_register;
    uint8_t reset_value;
};
extern struct acpi_info acpi_info;

/* Requires: boot map. Does: fills acpi_info from the tables; defaults where there are none. */
void acpi_init(paddr_t rsdp);
/* As acpi_init(), with a copy of the RSDP that the loader made. */
void acpi_init_rsdp(const void *rsdp);
NORETURN void power_action(enum power_action action);

/* apic.c */
void apic_init(void);
void apic_eoi(void);
uint32_t apic_irq_claim(void);
void apic_irq_done(uint32_t irq);
void apic_irq_enable(uint32_t irq);
void apic_ipi(cpumask_t cpus);
/* INIT and two start-up interrupts (SDM 3A 8.4.4): the CPU enters real mode at page * 4096. */
void apic_start_cpu(uint32_t apic_id, uint8_t page);
uint32_t apic_timer_count(void);
void apic_timer_set(uint32_t count);

/* secondary.c */
int secondary_start(uint32_t cpu);

/* clock.c */
void clock_init(void);
uint64_t clock_now_ns(void);
uint64_t clock_wall_seconds(void);
void clock_timer_arm(uint64_t deadline_ns);

/* uart.c */
void uart_init(uint16_t port);
bool uart_present(uint16_t port);
void uart_early_putc(char c);
int uart_early_getc(void);
extern struct hal_uart uart_console, uart_channel;

extern struct hal_board board_q35;
/* Does: if this is the machine, takes devices from the command line and sets hal_board. */
bool board_microvm_probe(struct boot_info *info);

/* port I/O */
static inline void port_write8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t port_read8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline void port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint16_t port_read16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

/* Physical memory below BOOT_MAP_GIB through the boot map. */
static inline const void *boot_memory(paddr_t pa)
{
    return (const void *)(pa + DIRECT_MAP_BASE);
}
