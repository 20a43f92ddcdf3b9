/*
 * Raspberry Pi 3: the BCM2837's interrupt controllers, timer, UARTs, watchdog and spin table. All
 * addresses are the chip's (BCM2835 ARM Peripherals; BCM2836 ARM-local peripherals, QA7 rev 3.4);
 * the device tree gives memory, CPUs and /chosen. PL011 is the console, the mini UART the channel.
 */
#include <arch/cpu.h>
#include <arch/insn.h>
#include <hal/board.h>

#include "hal/aarch64/boot.h"
#include "hal/aarch64/mmio.h"
#include "hal/aarch64/pl011.h"
#include "hal/aarch64/timer.h"
#include "kernel/errno.h"
#include "mm/kernel_map.h"

#define PERIPHERALS_PA  0x3f000000ull
#define PERIPHERALS_LEN 0x300000ull
#define LOCAL_PA        0x40000000ull
#define LOCAL_LEN       0x1000ull

/* QA7 4: one register for each core; mailbox 0 carries inter-processor interrupts. */
#define LOCAL_TIMER_CONTROL   0x40
#define LOCAL_MAILBOX_CONTROL 0x50
#define LOCAL_SOURCE          0x60
#define LOCAL_MAILBOX_SET     0x80 /* 16 bytes for each core */
#define LOCAL_MAILBOX_CLEAR   0xc0
#define SOURCE_TIMER          (1u << 3) /* virtual */
#define SOURCE_MAILBOX        (1u << 4)
#define SOURCE_GPU            (1u << 8)
#define CORE_MASK             3u

/* BCM2835 7.5: 64 interrupts of the GPU's side, routed to core 0 at reset. */
#define INTC_PENDING 0xb204
#define INTC_ENABLE  0xb210
#define INTC_DISABLE 0xb21c
#define IRQ_AUX      29
#define IRQ_UART     57
#define NR_IRQS      64u

#define PM_RSTC       0x10001c
#define PM_RSTS       0x100020
#define PM_WDOG       0x100024
#define PM_PASSWORD   0x5a000000u
#define PM_RSTC_KEEP  0xffffffcfu
#define PM_RSTC_FULL  0x20u
#define PM_RSTS_HALT  0x555u /* the boot loader then halts */
#define PM_WDOG_TICKS 10u

#define RNG_CONTROL 0x104000
#define RNG_STATUS  0x104004 /* words ready from bit 24 on */
#define RNG_DATA    0x104008
#define RNG_TRIES   100000

#define UART_BASE 0x201000

/* BCM2835 2.2; bit 0 of IER is the receiver's (errata). */
#define AUX_ENABLES   0x215004
#define AUX_IO        0x215040
#define AUX_IER       0x215044
#define AUX_IIR       0x215048
#define AUX_LCR       0x21504c
#define AUX_LSR       0x215054
#define AUX_CONTROL   0x215060
#define AUX_MINI_UART 1u
#define AUX_IER_RX    0x5u
#define AUX_IIR_CLEAR 0x6u
#define AUX_LCR_8BIT  3u
#define AUX_LSR_DATA  0x01u
#define AUX_LSR_ROOM  0x20u
#define AUX_RX_TX     3u

#define SPIN_TABLE_PA 0xd8 /* entry address of each core, as the firmware's stub polls it */

static struct {
    uint64_t peripherals;
    uint64_t local;
    bool mapped; /* for good */
    bool channel_on;
} raspi3;
static paddr_t boot_ttbr1;

static int aux_getc(const struct hal_uart *uart);
static bool aux_putc(const struct hal_uart *uart, uint8_t byte);
static void aux_rx_enable(const struct hal_uart *uart);

static struct hal_uart console = {
    .name = "ttyAMA0",
    .irq = IRQ_UART,
    .getc = pl011_getc,
    .putc = pl011_putc,
    .rx_enable = pl011_rx_enable,
};
static const struct hal_uart channel = {
    .name = "ttyS0",
    .irq = IRQ_AUX,
    .getc = aux_getc,
    .putc = aux_putc,
    .rx_enable = aux_rx_enable,
};

static uint32_t chip_read(uint32_t reg)
{
    return mmio_read32(raspi3.peripherals + reg);
}

static void chip_write(uint32_t reg, uint32_t value)
{
    mmio_write32(raspi3.peripherals + reg, value);
}

/* A panic may come between the switch of tables and cpu_setup(). */
static void map_for_good(void)
{
    if (raspi3.mapped || insn_read_ttbr1() == boot_ttbr1) {
        return;
    }
    raspi3.mapped = true;
    raspi3.peripherals = (uint64_t)kernel_map_device(PERIPHERALS_PA, PERIPHERALS_LEN);
    raspi3.local = (uint64_t)kernel_map_device(LOCAL_PA, LOCAL_LEN);
    console.base = raspi3.peripherals + UART_BASE;
}

static void raspi3_putc(char c)
{
    map_for_good();
    while (!pl011_putc(&console, (uint8_t)c)) {
        cpu_relax();
    }
}

static int raspi3_getc(void)
{
    map_for_good();
    return pl011_getc(&console);
}

static void aux_setup(void)
{
    chip_write(AUX_ENABLES, AUX_MINI_UART);
    chip_write(AUX_IER, 0);
    chip_write(AUX_CONTROL, 0);
    chip_write(AUX_LCR, AUX_LCR_8BIT);
    chip_write(AUX_IIR, AUX_IIR_CLEAR);
    chip_write(AUX_CONTROL, AUX_RX_TX);
}

/* The interrupt is a level, and its handler may have to leave bytes: it is off until all are read.
 */
static int aux_getc(const struct hal_uart *uart UNUSED)
{
    if ((chip_read(AUX_LSR) & AUX_LSR_DATA) == 0) {
        if (raspi3.channel_on) {
            chip_write(AUX_IER, AUX_IER_RX);
        }
        return -1;
    }
    return (int)(chip_read(AUX_IO) & 0xff);
}

static bool aux_putc(const struct hal_uart *uart UNUSED, uint8_t byte)
{
    if ((chip_read(AUX_LSR) & AUX_LSR_ROOM) == 0) {
        return false;
    }
    chip_write(AUX_IO, byte);
    return true;
}

static void aux_rx_enable(const struct hal_uart *uart UNUSED)
{
    raspi3.channel_on = true;
    chip_write(AUX_IER, AUX_IER_RX);
}

static uint64_t local_register(uint32_t reg, uint32_t core, uint32_t stride)
{
    return raspi3.local + reg + (uint64_t)core * stride;
}

static uint32_t own_core(void)
{
    return (uint32_t)cpu_self()->arch.mpidr & CORE_MASK;
}

static void raspi3_cpu_setup(void)
{
    map_for_good();
    if (cpu_id() == 0) {
        for (uint32_t bank = 0; bank < NR_IRQS / 32; bank++) {
            chip_write(INTC_DISABLE + 4 * bank, UINT32_MAX);
        }
        pl011_setup(console.base);
        aux_setup();
    }
    timer_quiet();
    mmio_write32(local_register(LOCAL_MAILBOX_CLEAR, own_core(), 16), UINT32_MAX);
    mmio_write32(local_register(LOCAL_MAILBOX_CONTROL, own_core(), 4), 1);
    mmio_write32(local_register(LOCAL_TIMER_CONTROL, own_core(), 4), SOURCE_TIMER);
}

static uint32_t claim_device(void)
{
    for (uint32_t bank = 0; bank < NR_IRQS / 32; bank++) {
        uint32_t pending = chip_read(INTC_PENDING + 4 * bank);

        if (pending != 0) {
            uint32_t irq = bank * 32 + (uint32_t)__builtin_ctz(pending);

            if (irq == IRQ_AUX) {
                chip_write(AUX_IER, 0);
            }
            return irq;
        }
    }
    return HAL_IRQ_NONE;
}

static uint32_t raspi3_irq_claim(void)
{
    uint32_t source = mmio_read32(local_register(LOCAL_SOURCE, own_core(), 4));

    if ((source & SOURCE_TIMER) != 0) {
        timer_quiet();
        return HAL_IRQ_TIMER;
    }
    if ((source & SOURCE_MAILBOX) != 0) {
        mmio_write32(local_register(LOCAL_MAILBOX_CLEAR, own_core(), 16), UINT32_MAX);
        return HAL_IRQ_IPI;
    }
    return (source & SOURCE_GPU) != 0 ? claim_device() : HAL_IRQ_NONE;
}

/* There is no acknowledging: a device's interrupt ends with its cause. */
static void raspi3_irq_done(uint32_t irq UNUSED)
{
}

static void raspi3_irq_enable(uint32_t irq)
{
    if (irq < NR_IRQS) {
        chip_write(INTC_ENABLE + irq / 32 * 4, 1u << irq % 32);
    }
}

/* There is no battery clock. */
static uint64_t raspi3_wall_seconds(void)
{
    return 0;
}

/* The stub waits with its caches off, so the address goes to memory itself. */
static int raspi3_cpu_start(uint32_t cpu)
{
    paddr_t slot = SPIN_TABLE_PA + (cpus[cpu].arch.mpidr & CORE_MASK) * sizeof(paddr_t);
    volatile uint64_t *release = (volatile uint64_t *)(slot + DIRECT_MAP_BASE);

    if (!secondary_prepare(&cpus[cpu])) {
        return -ENOMEM;
    }
    *release = secondary_entry_pa();
    __asm__ volatile("dsb sy\n\tdc civac, %0\n\tdsb sy\n\tsev" ::"r"(release) : "memory");
    return 0;
}

static void raspi3_ipi(cpumask_t mask)
{
    __asm__ volatile("dsb ishst" ::: "memory");
    for (; mask != 0; mask &= mask - 1) {
        uint32_t core = (uint32_t)cpus[__builtin_ctzll(mask)].arch.mpidr & CORE_MASK;

        mmio_write32(local_register(LOCAL_MAILBOX_SET, core, 16), 1);
    }
}

/* BCM2835's watchdog resets the chip; a mark makes its boot loader stop there. */
static NORETURN void raspi3_power(enum power_action action)
{
    uint32_t control;

    cpu_irq_disable();
    map_for_good();
    if (action != POWER_RESET) {
        chip_write(PM_RSTS, PM_PASSWORD | chip_read(PM_RSTS) | PM_RSTS_HALT);
    }
    chip_write(PM_WDOG, PM_PASSWORD | PM_WDOG_TICKS);
    control = chip_read(PM_RSTC) & PM_RSTC_KEEP;
    chip_write(PM_RSTC, PM_PASSWORD | control | PM_RSTC_FULL);
    for (;;) {
        cpu_wait();
    }
}

static const struct hal_board board_raspi3 = {
    .name = "raspi3b",
    .cpu_setup = raspi3_cpu_setup,
    .putc = raspi3_putc,
    .getc = raspi3_getc,
    .now_ns = timer_now_ns,
    .wall_seconds = raspi3_wall_seconds,
    .timer_arm = timer_set_deadline,
    .irq_claim = raspi3_irq_claim,
    .irq_done = raspi3_irq_done,
    .irq_enable = raspi3_irq_enable,
    .cpu_start = raspi3_cpu_start,
    .ipi = raspi3_ipi,
    .power = raspi3_power,
    .console = &console,
    .channel = &channel,
};

static void read_seed(struct boot_info *info)
{
    chip_write(RNG_CONTROL, 1);
    for (int i = 0; i < RNG_TRIES && info->seed_len + 4 <= sizeof(info->seed) / 2; i++) {
        if (chip_read(RNG_STATUS) >> 24 != 0) {
            uint32_t word = chip_read(RNG_DATA);

            for (unsigned byte = 0; byte < 4; byte++) {
                info->seed[info->seed_len++] = (uint8_t)(word >> 8 * byte);
            }
        }
    }
}

/* The early map has blocks of 2 MiB; the two that hold these devices become neighbours. */
static void raspi3_probe(const void *fdt UNUSED, struct boot_info *info)
{
    timer_clock_init();
    boot_ttbr1 = insn_read_ttbr1();
    raspi3.peripherals = boot_map_device(PERIPHERALS_PA + MIB(2)) - MIB(2);
    boot_map_device(PERIPHERALS_PA);
    console.base = raspi3.peripherals + UART_BASE;
    pl011_setup(console.base);
    hal_board = &board_raspi3;
    read_seed(info);
}

const struct boot_board boot_board_raspi3 = {"brcm,bcm2837", raspi3_probe};
