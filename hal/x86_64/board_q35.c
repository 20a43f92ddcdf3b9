/* The PC as QEMU's q35 and pc make it: ACPI, local and I/O APIC, two 16550, CMOS clock. */
#include <hal/board.h>

#include <arch/cpu.h>
#include "hal/x86_64/internal.h"

#define CHANNEL_PORT 0x2f8

static void q35_cpu_setup(void)
{
    cpu_init_registers();
    apic_init();
    clock_init();
    if (cpu_id() != 0) {
        return;
    }
    uart_console.irq = acpi_info.isa_gsi[4];
    uart_channel.irq = acpi_info.isa_gsi[3];
    if (uart_present(CHANNEL_PORT)) {
        uart_init(CHANNEL_PORT);
        board_q35.channel = &uart_channel;
    }
}

struct hal_board board_q35 = {
    .name = "q35",
    .cpu_setup = q35_cpu_setup,
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
    .power = power_action,
    .console = &uart_console,
};
