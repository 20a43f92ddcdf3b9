/*
 * QEMU's "virt" machine, all of it found through the device tree: GICv2 or GICv3, virtual timer,
 * PL011, PL031, PSCI, virtio-mmio slots. Until cpu_setup() has mapped the UART for good, the
 * console uses the early map, and after the switch of tables maps it on first use.
 */
#include <arch/cpu.h>
#include <arch/insn.h>
#include <hal/board.h>

#include "hal/aarch64/boot.h"
#include "hal/aarch64/devtree.h"
#include "hal/aarch64/early_uart.h"
#include "hal/aarch64/gic.h"
#include "hal/aarch64/mmio.h"
#include "hal/aarch64/pl011.h"
#include "hal/aarch64/psci.h"
#include "hal/aarch64/timer.h"
#include "kernel/assert.h"
#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/kernel_map.h"

#define UART_LEN            0x1000
#define RTC_LEN             0x1000
#define RTC_DATA            0x00 /* PL031 (DDI 0224): seconds */
#define TIMER_INDEX_VIRTUAL 2    /* of secure, non-secure, virtual, hypervisor */

static struct {
    struct gic_config gic;
    struct devtree_irq timer;
    paddr_t uart_pa;
    paddr_t rtc_pa;
    uint64_t rtc;
    bool uart_mapped; /* uart.base is the final address */
    uint32_t edge[HAL_IRQ_MAX / 32];
} virt;
static const struct gic *gic;
static paddr_t boot_ttbr1;
static struct hal_uart uart = {
    .name = "ttyAMA0",
    .getc = pl011_getc,
    .putc = pl011_putc,
    .rx_enable = pl011_rx_enable,
};

static void remember_irq(const struct devtree_irq *irq)
{
    if (irq->edge) {
        virt.edge[irq->intid / 32] |= 1u << (irq->intid % 32);
    }
}

static void map_uart(void)
{
    virt.uart_mapped = true;
    uart.base = (uint64_t)kernel_map_device(virt.uart_pa, UART_LEN);
}

/* Returns whether the UART can be reached. */
static bool console_ready(void)
{
    if (!virt.uart_mapped && virt.uart_pa != 0 && insn_read_ttbr1() != boot_ttbr1) {
        map_uart();
    }
    return uart.base != 0;
}

static void virt_putc(char c)
{
    if (!console_ready()) {
        return;
    }
    while (!pl011_putc(&uart, (uint8_t)c)) {
        cpu_relax();
    }
}

static int virt_getc(void)
{
    return console_ready() ? pl011_getc(&uart) : -1;
}

static void virt_cpu_setup(void)
{
    bool first = gic == NULL;

    if (first) {
        kverify(virt.gic.version != 0 && virt.timer.intid != 0);
        gic = virt.gic.version == 3 ? &gicv3 : &gicv2;
        if (console_ready()) {
            pl011_setup(uart.base);
        }
        if (virt.rtc_pa != 0) {
            virt.rtc = (uint64_t)kernel_map_device(virt.rtc_pa, RTC_LEN);
        }
    }
    gic->cpu_setup(&virt.gic);
    timer_quiet();
    gic->enable(virt.timer.intid, false);
}

/* Software and timer interrupts end here, so that irq_done() has only devices to think of. */
static uint32_t virt_irq_claim(void)
{
    uint32_t intid = gic->claim();

    if (intid >= GIC_FIRST_SPECIAL) {
        return HAL_IRQ_NONE;
    }
    if (intid < GIC_FIRST_PPI) {
        return HAL_IRQ_IPI;
    }
    if (intid == virt.timer.intid) {
        timer_quiet();
        gic->done(intid);
        return HAL_IRQ_TIMER;
    }
    return intid;
}

static void virt_irq_done(uint32_t irq)
{
    if (irq < HAL_IRQ_MAX) {
        gic->done(irq);
    }
}

static void virt_irq_enable(uint32_t irq)
{
    if (irq < GIC_FIRST_SPECIAL) {
        gic->enable(irq, (virt.edge[irq / 32] >> (irq % 32) & 1) != 0);
    }
}

static uint64_t virt_wall_seconds(void)
{
    return virt.rtc != 0 ? mmio_read32(virt.rtc + RTC_DATA) : 0;
}

static int virt_cpu_start(uint32_t cpu)
{
    int64_t result;

    if (!secondary_prepare(&cpus[cpu])) {
        return -ENOMEM;
    }
    result = psci_call(PSCI_CPU_ON_64, cpus[cpu].arch.mpidr & MPIDR_AFFINITY,
                       secondary_entry_pa(), 0);
    return result == 0 ? 0 : -EIO;
}

static void virt_ipi(cpumask_t mask)
{
    gic->send(mask);
}

static NORETURN void virt_power(enum power_action action)
{
    if (action == POWER_RESET) {
        psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
    } else {
        psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    }
    cpu_irq_disable();
    for (;;) {
        cpu_wait();
    }
}

static const struct hal_board board_virt = {
    .name = "virt",
    .cpu_setup = virt_cpu_setup,
    .putc = virt_putc,
    .getc = virt_getc,
    .now_ns = timer_now_ns,
    .wall_seconds = virt_wall_seconds,
    .timer_arm = timer_set_deadline,
    .irq_claim = virt_irq_claim,
    .irq_done = virt_irq_done,
    .irq_enable = virt_irq_enable,
    .cpu_start = virt_cpu_start,
    .ipi = virt_ipi,
    .power = virt_power,
    .console = &uart,
    .channel = NULL,
};

/* The UART of /chosen/stdout-path (options follow a colon), else the first PL011. */
static int find_uart(const void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen"), size = 0, node = -1;
    const char *path = chosen >= 0 ? fdt_getprop(fdt, chosen, "stdout-path", &size) : NULL;

    if (path != NULL && size > 1) {
        const char *colon = memchr(path, ':', (size_t)size);

        node = fdt_path_offset_namelen(fdt, path, colon != NULL ? (int)(colon - path) : size - 1);
    }
    if (node < 0 || fdt_node_check_compatible(fdt, node, "arm,pl011") != 0) {
        node = devtree_find(fdt, -1, "arm,pl011");
    }
    return node;
}

static void use_uart(paddr_t pa)
{
    virt.uart_pa = pa;
    uart.base = boot_map_device(pa);
    if (uart.base != 0) {
        pl011_setup(uart.base);
    }
}

static void probe_uart(const void *fdt)
{
    int node = find_uart(fdt);
    struct devtree_irq irq;
    paddr_t pa;
    uint64_t len;

    if (node < 0 || !devtree_reg(fdt, node, 0, &pa, &len)) {
        return;
    }
    use_uart(pa);
    if (devtree_irq(fdt, node, 0, &irq)) {
        remember_irq(&irq);
        uart.irq = irq.intid;
    }
}

/* A region has room for CPUs that are not there; their part is not worth page tables. */
static void probe_redists(const void *fdt, int node, uint32_t count, struct gic_config *config)
{
    uint64_t used = (uint64_t)count * GIC_REDIST_SIZE_MAX;
    struct gic_range range;

    config->redist_stride = devtree_number(fdt, node, "redistributor-stride", 0);
    config->nr_redist = (unsigned)devtree_number(fdt, node, "#redistributor-regions", 1);
    config->nr_redist = MIN(config->nr_redist, (unsigned)GIC_REDIST_REGIONS_MAX);
    for (unsigned i = 0; i < config->nr_redist; i++) {
        if (devtree_reg(fdt, node, i + 1, &range.base, &range.len)) {
            range.len = MIN(range.len, used);
            config->redist[i] = range;
        }
    }
}

static void probe_gic(const void *fdt, uint32_t count)
{
    struct gic_config *config = &virt.gic;
    int node = devtree_find(fdt, -1, "arm,gic-v3");

    if (node >= 0 && devtree_reg(fdt, node, 0, &config->dist.base, &config->dist.len)) {
        config->version = 3;
        probe_redists(fdt, node, count, config);
        return;
    }
    node = devtree_find(fdt, -1, "arm,cortex-a15-gic");
    node = node >= 0 ? node : devtree_find(fdt, -1, "arm,gic-400");
    if (node >= 0 && devtree_reg(fdt, node, 0, &config->dist.base, &config->dist.len) &&
        devtree_reg(fdt, node, 1, &config->cpu.base, &config->cpu.len)) {
        config->version = 2;
    }
}

static void probe_virtio(const void *fdt, struct boot_info *info)
{
    struct devtree_irq irq;
    paddr_t base;
    uint64_t len;

    for (int node = devtree_find(fdt, -1, "virtio,mmio");
         node >= 0 && info->nr_virtio < BOOT_VIRTIO_MAX;
         node = devtree_find(fdt, node, "virtio,mmio")) {
        if (devtree_reg(fdt, node, 0, &base, &len) && devtree_irq(fdt, node, 0, &irq)) {
            remember_irq(&irq);
            info->virtio[info->nr_virtio++] = (struct boot_virtio){base, irq.intid};
        }
    }
}

static void probe_psci(const void *fdt)
{
    static const char *const names[] = {"arm,psci-1.0", "arm,psci-0.2"};
    int node = -1, size = 0;
    const char *method;

    for (unsigned i = 0; i < ARRAY_SIZE(names) && node < 0; i++) {
        node = devtree_find(fdt, -1, names[i]);
    }
    method = node >= 0 ? fdt_getprop(fdt, node, "method", &size) : NULL;
    if (method != NULL && size == 4) {
        psci_set_conduit(memcmp(method, "smc", 4) == 0 ? PSCI_SMC : PSCI_HVC);
    }
}

void board_virt_early(void)
{
    boot_ttbr1 = insn_read_ttbr1();
    timer_clock_init();
    use_uart(EARLY_UART_PA);
    hal_board = &board_virt;
}

static void virt_probe(const void *fdt, struct boot_info *info)
{
    int node;
    uint64_t len;

    board_virt_early();
    probe_uart(fdt);
    probe_gic(fdt, info->nr_cpus);
    probe_psci(fdt);
    probe_virtio(fdt, info);
    node = devtree_find(fdt, -1, "arm,armv8-timer");
    if (node >= 0) {
        (void)devtree_irq(fdt, node, TIMER_INDEX_VIRTUAL, &virt.timer);
    }
    node = devtree_find(fdt, -1, "arm,pl031");
    if (node >= 0) {
        (void)devtree_reg(fdt, node, 0, &virt.rtc_pa, &len);
    }
}

const struct boot_board boot_board_virt = {NULL, virt_probe};
