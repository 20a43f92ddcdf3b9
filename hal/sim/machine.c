/*
 * The machine as a whole: RAM, CPUs, interrupts between them, chance. The parts are in tlb.c,
 * cache.c, oracle.c and <arch>/cpu.c; what mm/ asks of the kernel around it is in host.c.
 */
#include <arch/cpu.h>
#include <hal/board.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hal/sim/internal.h"
#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "mm/address_space.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/slab.h"

#define RELAX_MAX 100000u

struct cpu cpus[CPU_MAX];
uint32_t nr_cpus;
uint32_t sim_cpu;
bool sim_irqs_off;
struct sim_options sim_options;
struct sim_counts sim_counts;

static uint64_t rng = 1;
static cpumask_t due; /* interrupts on their way */
static bool in_handler;

static const struct hal_board board = {.name = "sim", .ipi = sim_ipi};
const struct hal_board *hal_board = &board;

void sim_seed(uint64_t seed)
{
    rng = seed * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull;
    rng |= rng == 0;
}

uint64_t sim_random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng >> 8;
}

bool sim_chance(uint32_t chaos, uint32_t n)
{
    return (sim_options.chaos & chaos) != 0 && sim_random() % n == 0;
}

static void make_ram(uint64_t ram_bytes)
{
    void *at = (void *)DIRECT_MAP_BASE;

    if (mmap(at, ram_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at) {
        perror("sim: RAM arena");
        exit(2);
    }
}

static void start(void)
{
    static struct boot_info boot;

    make_ram(sim_options.ram_bytes);
    sim_tlb_init(sim_options.ram_bytes, sim_options.nr_cpus);
    sim_cache_init(sim_options.ram_bytes);
    sim_arch_init();
    sim_oracle_init();
    sim_seed(1);
    nr_cpus = sim_options.nr_cpus;
    for (uint32_t i = 0; i < nr_cpus; i++) {
        cpus[i].id = i;
    }
    boot.ram[0] = (struct boot_range){0, sim_options.ram_bytes};
    boot.nr_ram = 1;
    boot.early_map_end = sim_options.ram_bytes;
    frame_init(&boot);
    struct frame *kernel_root = frame_alloc_zeroed(FRAME_KERNEL);

    kverify(kernel_root != NULL);
    sim_arch_set_idle_root(frame_pa(kernel_root));
    for (sim_cpu = nr_cpus; sim_cpu-- > 0;) {
        irqflags_t flags = cpu_irq_save();

        hal_mmu.cpu_init();
        hal_mmu.kernel_activate(frame_pa(kernel_root));
        cpu_irq_restore(flags);
    }
    sim_cpu = 0;
}

void sim_init(uint64_t ram_bytes, uint32_t nr, uint8_t asid_bits)
{
    sim_options = (struct sim_options){
        .ram_bytes = ram_bytes,
        .nr_cpus = nr,
        .asid_bits = asid_bits,
    };
    start();
}

void sim_boot(const struct sim_options *options)
{
    sim_options = *options;
    start();
    slab_init();
    as_init();
    asid_init(options->asid_limit);
}

void sim_set_cpu(uint32_t cpu)
{
    sim_cpu = cpu;
}

void sim_forget(void)
{
    for (uint32_t i = 0; i < sim_options.nr_cpus; i++) {
        sim_drop_everything(&sim_cpus[i]);
    }
    sim_cache_forget();
    sim_arch_forget();
    sim_stores_done();
}

paddr_t sim_root(uint32_t cpu)
{
    return sim_cpus[cpu].root;
}

uint16_t sim_tag(uint32_t cpu)
{
    return sim_cpus[cpu].tag;
}

void sim_ipi(cpumask_t to)
{
    kverify(to >> sim_options.nr_cpus == 0);
    sim_counts.ipis++;
    due |= to;
}

static void deliver(uint32_t cpu)
{
    uint32_t before = sim_cpu;
    bool irqs_off = sim_irqs_off, nested = in_handler;

    sim_speculate();
    due &= ~(1ull << cpu);
    sim_cpu = cpu;
    sim_irqs_off = true;
    in_handler = true;
    sim_arch_ipi();
    as_ipi();
    in_handler = nested;
    sim_irqs_off = irqs_off;
    sim_cpu = before;
}

/* The others run with their interrupts on; this CPU takes its own only if its are. */
static uint32_t pick_due(void)
{
    cpumask_t now = due & ~(sim_irqs_off ? 1ull << sim_cpu : 0ull);

    if (now == 0) {
        return CPU_MAX;
    }
    uint32_t cpu = (sim_options.chaos & SIM_DELAY) != 0 ? (uint32_t)sim_random() : 0;

    for (uint32_t i = 0;; i++) {
        if ((now >> ((cpu + i) % sim_options.nr_cpus)) & 1) {
            return (cpu + i) % sim_options.nr_cpus;
        }
    }
}

void sim_relax(void)
{
    static uint32_t idle;
    uint32_t cpu = pick_due();

    if (cpu == CPU_MAX) {
        if (++idle > RELAX_MAX) {
            panic("cpu %u waits for nobody", sim_cpu);
        }
        return;
    }
    idle = 0;
    if (sim_chance(SIM_DELAY, 3)) {
        return;
    }
    deliver(cpu);
}

void sim_instruction(void)
{
    if (due != 0 && !sim_irqs_off && !in_handler && ((due >> sim_cpu) & 1) != 0) {
        deliver(sim_cpu);
    }
}

void sim_settle(void)
{
    for (uint32_t cpu = pick_due(); cpu != CPU_MAX; cpu = pick_due()) {
        deliver(cpu);
    }
}
