/*
 * Local APIC (xAPIC, or x2APIC where the CPU has it: Intel SDM 3A 10) and I/O APICs (82093AA data sheet). A board interrupt
 * number is a global system interrupt; its vector is VECTOR_IRQ + number. The 8259s stay masked.
 */
#include <hal/board.h>

#include "hal/x86_64/internal.h"
#include <arch/cpu.h>
#include <arch/insn.h>

#include "kernel/cpu.h"
#include "mm/kernel_map.h"

#define MSR_APIC_BASE    0x1b
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2APIC (1u << 10)
#define MSR_X2APIC       0x800 /* + register >> 4 (10.12.1.2) */
#define CPUID_1_ECX_X2APIC (1u << 21)

#define LAPIC_ID            0x20
#define LAPIC_TPR           0x80
#define LAPIC_EOI           0xb0
#define LAPIC_LDR           0xd0
#define LAPIC_DFR           0xe0
#define LAPIC_SPURIOUS      0xf0
#define LAPIC_ICR_LOW       0x300
#define LAPIC_ICR_HIGH      0x310
#define LAPIC_LVT_TIMER     0x320
#define LAPIC_LVT_LINT0     0x350
#define LAPIC_LVT_LINT1     0x360
#define LAPIC_LVT_ERROR     0x370
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE  0x3e0
#define SPURIOUS_ENABLE     0x100
#define LVT_MASKED          0x10000
#define LVT_NMI             0x400
#define DIVIDE_BY_16        0x3
#define ICR_PENDING         0x1000
#define ICR_INIT            0x4500 /* assert */
#define ICR_START_UP        0x4600

#define IOAPIC_SELECT          0x00
#define IOAPIC_WINDOW          0x10
#define IOAPIC_VERSION         1
#define IOAPIC_REDIRECTION     0x10
#define REDIRECTION_LOW_ACTIVE (1u << 13)
#define REDIRECTION_LEVEL      (1u << 15)
#define REDIRECTION_MASKED     (1u << 16)

/* MPS INTI flags (ACPI 6.4, table 5.26). */
#define INTI_POLARITY      0x3
#define INTI_POLARITY_LOW  0x3
#define INTI_TRIGGER       0xc
#define INTI_TRIGGER_LEVEL 0xc

struct ioapic {
    volatile uint32_t *regs;
    uint32_t gsi_base;
    uint32_t nr_pins;
};

static volatile uint8_t *lapic;
static bool x2apic; /* registers are MSRs */
static struct ioapic ioapics[ACPI_IOAPIC_MAX];

static uint32_t lapic_read(uint32_t reg)
{
    if (x2apic) {
        return (uint32_t)insn_rdmsr(MSR_X2APIC + (reg >> 4));
    }
    return *(volatile uint32_t *)(lapic + reg);
}

static void lapic_write(uint32_t reg, uint32_t value)
{
    if (x2apic) {
        insn_wrmsr(MSR_X2APIC + (reg >> 4), value);
        return;
    }
    *(volatile uint32_t *)(lapic + reg) = value;
}

static uint32_t ioapic_read(const struct ioapic *io, uint32_t reg)
{
    io->regs[IOAPIC_SELECT / 4] = reg;
    return io->regs[IOAPIC_WINDOW / 4];
}

static void ioapic_write(const struct ioapic *io, uint32_t reg, uint32_t value)
{
    io->regs[IOAPIC_SELECT / 4] = reg;
    io->regs[IOAPIC_WINDOW / 4] = value;
}

/* Moved away from the exceptions' vectors first, since a masked 8259 can still raise IRQ 7 and 15.
 */
static void pic_mask(void)
{
    port_write8(0x20, 0x11);
    port_write8(0xa0, 0x11);
    port_write8(0x21, VECTOR_PIC);
    port_write8(0xa1, VECTOR_PIC + 8);
    port_write8(0x21, 4);
    port_write8(0xa1, 2);
    port_write8(0x21, 1);
    port_write8(0xa1, 1);
    port_write8(0x21, 0xff);
    port_write8(0xa1, 0xff);
}

static void ioapic_init(void)
{
    for (uint32_t i = 0; i < acpi_info.nr_ioapic; i++) {
        struct ioapic *io = &ioapics[i];

        io->regs = kernel_map_device(acpi_info.ioapic[i].base, 0x20);
        io->gsi_base = acpi_info.ioapic[i].gsi_base;
        io->nr_pins = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
        for (uint32_t pin = 0; pin < io->nr_pins; pin++) {
            ioapic_write(io, IOAPIC_REDIRECTION + 2 * pin, REDIRECTION_MASKED);
        }
    }
}

/* Through "disabled", since x2APIC mode cannot be left for xAPIC mode directly (SDM 3A 10.12.5). */
static void lapic_enable(void)
{
    uint64_t base = acpi_info.lapic | (insn_rdmsr(MSR_APIC_BASE) & 0x100);

    if (insn_rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC) {
        insn_wrmsr(MSR_APIC_BASE, base);
    }
    insn_wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    if (x2apic) {
        insn_wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    }
}

void apic_init(void)
{
    if (lapic == NULL) {
        x2apic = (insn_cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC) != 0;
    }
    lapic_enable();
    if (lapic == NULL) {
        pic_mask();
        lapic = kernel_map_device(acpi_info.lapic, PAGE_SIZE);
        ioapic_init();
    }
    if (!x2apic) {
        lapic_write(LAPIC_DFR, 0xffffffff);
        lapic_write(LAPIC_LDR, 0);
    }
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
    lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    lapic_write(LAPIC_TPR, 0);
    lapic_write(LAPIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    lapic_write(LAPIC_EOI, 0);
    cpu_self()->arch.apic_id = lapic_read(LAPIC_ID) >> (x2apic ? 0 : 24);
}

void apic_eoi(void)
{
    lapic_write(LAPIC_EOI, 0);
}

/* The local APIC has chosen already: one vector for each trap, handed out once. */
uint32_t apic_irq_claim(void)
{
    struct arch_cpu *cpu = &cpu_self()->arch;
    uint32_t vector = cpu->irq_vector;

    cpu->irq_vector = 0;
    if (vector == VECTOR_TIMER) {
        return HAL_IRQ_TIMER;
    }
    if (vector >= VECTOR_IRQ && vector < VECTOR_IRQ_END) {
        return vector - VECTOR_IRQ;
    }
    return HAL_IRQ_NONE;
}

void apic_irq_done(uint32_t irq UNUSED)
{
    apic_eoi();
}

static uint32_t irq_mode(uint32_t irq)
{
    uint16_t flags = acpi_info.other_flags;
    uint32_t mode;

    for (uint32_t isa = 0; isa < ACPI_ISA_IRQS; isa++) {
        if (acpi_info.isa_gsi[isa] == irq) {
            flags = acpi_info.isa_flags[isa];
        }
    }
    mode = (flags & INTI_POLARITY) == INTI_POLARITY_LOW ? REDIRECTION_LOW_ACTIVE : 0;
    return mode | ((flags & INTI_TRIGGER) == INTI_TRIGGER_LEVEL ? REDIRECTION_LEVEL : 0);
}

void apic_irq_enable(uint32_t irq)
{
    if (irq >= VECTOR_IRQ_END - VECTOR_IRQ) {
        return;
    }
    for (uint32_t i = 0; i < acpi_info.nr_ioapic; i++) {
        const struct ioapic *io = &ioapics[i];
        uint32_t pin = irq - io->gsi_base;

        if (irq >= io->gsi_base && pin < io->nr_pins) {
            ioapic_write(io, IOAPIC_REDIRECTION + 2 * pin + 1, cpus[0].arch.apic_id << 24);
            ioapic_write(io, IOAPIC_REDIRECTION + 2 * pin, (VECTOR_IRQ + irq) | irq_mode(irq));
        }
    }
}

/* Requires: IRQs off. In x2APIC mode one write that earlier stores must be made to precede (10.12.3). */
static void icr_write(uint32_t apic_id, uint32_t command)
{
    if (x2apic) {
        __asm__ volatile("mfence; lfence" : : : "memory");
        insn_wrmsr(MSR_X2APIC + (LAPIC_ICR_LOW >> 4), (uint64_t)apic_id << 32 | command);
        return;
    }
    while (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING) {
        cpu_relax();
    }
    lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
    lapic_write(LAPIC_ICR_LOW, command);
}

void apic_ipi(cpumask_t targets)
{
    irqflags_t flags = cpu_irq_save();

    while (targets != 0) {
        icr_write(cpus[__builtin_ctzll(targets)].arch.apic_id, VECTOR_IPI);
        targets &= targets - 1;
    }
    cpu_irq_restore(flags);
}

static void delay(uint64_t ns)
{
    uint64_t end = clock_now_ns() + ns;

    while (clock_now_ns() < end) {
        cpu_relax();
    }
}

void apic_start_cpu(uint32_t apic_id, uint8_t page)
{
    irqflags_t flags = cpu_irq_save();

    icr_write(apic_id, ICR_INIT);
    delay(10 * NS_PER_MS);
    for (int i = 0; i < 2; i++) {
        icr_write(apic_id, ICR_START_UP | page);
        delay(200 * NS_PER_US);
    }
    cpu_irq_restore(flags);
}

uint32_t apic_timer_count(void)
{
    return lapic_read(LAPIC_TIMER_CURRENT);
}

void apic_timer_set(uint32_t count)
{
    lapic_write(LAPIC_TIMER_INITIAL, count);
}
