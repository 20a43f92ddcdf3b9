/*
 * QEMU's microvm: one 16550, CMOS clock, local and I/O APICs as in a PC; no PCI, no PM registers.
 * ACPI is of the reduced-hardware kind, and virtio-mmio slots are named on the command line:
 * virtio_mmio.device=SIZE@BASE:IRQ (Linux, Documentation/admin-guide/kernel-parameters.txt).
 */
#include <hal/board.h>

#include <arch/cpu.h>
#include "hal/x86_64/internal.h"
#include "kernel/string.h"
#include "mm/kernel_map.h"

#define SLOT_WORD        "virtio_mmio.device="
#define SLEEP_TYPE_SHIFT 2u /* ACPI 6.4, table 4.17 */
#define SLEEP_ENABLE     (1u << 5)
#define INTI_LEVEL_HIGH  0xd /* ACPI 6.4, table 5.26 */

static volatile uint8_t *sleep_control, *reset_register; /* NULL: a port, or none */

static volatile uint8_t *map_register(const struct acpi_register *reg)
{
    return reg->io || reg->address == 0 ? NULL : kernel_map_device(reg->address, 1);
}

static void write_register(const struct acpi_register *reg, volatile uint8_t *mapped, uint8_t value)
{
    if (mapped != NULL) {
        *mapped = value;
    } else if (reg->io) {
        port_write8((uint16_t)reg->address, value);
    }
}

static void microvm_cpu_setup(void)
{
    cpu_init_registers();
    apic_init();
    clock_init();
    if (cpu_id() == 0) {
        uart_console.irq = acpi_info.isa_gsi[4];
        sleep_control = map_register(&acpi_info.sleep_control);
        reset_register = map_register(&acpi_info.reset_register);
    }
}

static NORETURN void microvm_power(enum power_action action)
{
    __asm__ volatile("cli");
    if (action == POWER_OFF && acpi_info.sleep_known) {
        write_register(&acpi_info.sleep_control, sleep_control,
                       (uint8_t)((uint32_t)acpi_info.sleep_a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE));
    } else if (action == POWER_RESET) {
        write_register(&acpi_info.reset_register, reset_register, acpi_info.reset_value);
    }
    power_action(action);
}

static const struct hal_board board_microvm = {
    .name = "microvm",
    .cpu_setup = microvm_cpu_setup,
    .putc = uart_early_putc,
    .getc = uart_early_getc,
    .now_ns = clock_now_ns,
    .wall_seconds = clock_wall_seconds,
    .timer_arm = clock_timer_arm,
    .irq_claim = apic_irq_claim,
    .irq_done = apic_irq_done,
    .irq_enable = apic_irq_enable,
    .cpu_start = secondary_start,
    .ipi = apic_ipi,
    .power = microvm_power,
    .console = &uart_console,
};

/* Reads a number, hexadecimal after 0x; returns what follows it. */
static const char *read_number(const char *at, uint64_t *out)
{
    unsigned base = at[0] == '0' && at[1] == 'x' ? 16 : 10;

    *out = 0;
    for (at += base == 16 ? 2 : 0;; at++) {
        char lower = (char)(*at | 0x20);
        unsigned digit = *at >= '0' && *at <= '9'       ? (unsigned)(*at - '0')
                         : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10
                                                        : base;

        if (digit >= base) {
            return at;
        }
        *out = *out * base + digit;
    }
}

static void add_slot(const char *at, struct boot_info *info)
{
    uint64_t size, base, irq;

    at = read_number(at, &size);
    if (*at == 'K' || *at == 'M') {
        at++;
    }
    if (*at != '@') {
        return;
    }
    at = read_number(at + 1, &base);
    if (*at != ':') {
        return;
    }
    read_number(at + 1, &irq);
    if (size != 0 && base != 0 && irq < HAL_IRQ_MAX && info->nr_virtio < BOOT_VIRTIO_MAX) {
        info->virtio[info->nr_virtio++] = (struct boot_virtio){base, (uint32_t)irq};
    }
}

bool board_microvm_probe(struct boot_info *info)
{
    const size_t length = sizeof(SLOT_WORD) - 1;

    if (!acpi_info.hardware_reduced) {
        return false;
    }
    hal_board = &board_microvm;
    acpi_info.other_flags = INTI_LEVEL_HIGH;
    for (const char *at = info->cmdline; *at != '\0'; at++) {
        if ((at == info->cmdline || at[-1] == ' ') && strncmp(at, SLOT_WORD, length) == 0) {
            add_slot(at + length, info);
        }
    }
    return true;
}
