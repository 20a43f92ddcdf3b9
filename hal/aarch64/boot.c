/*
 * From the device tree to struct boot_info: memory, reservations, command line, initramfs, seed.
 * Nothing points into the tree afterwards, so its memory is free; the seeds in it are wiped.
 * A tree that is not usable is a tree that cannot be reported better than by a panic.
 */
#include "hal/aarch64/boot.h"

#include <arch/cpu.h>
#include <arch/insn.h>
#include <hal/board.h>

#include "hal/aarch64/devtree.h"
#include "hal/aarch64/gic.h"
#include "hal/trap.h"
#include "kernel/assert.h"
#include "kernel/string.h"

#define GIB_LEVEL        2
#define BLOCK_LEVEL      1
#define DEVTREE_SIZE_MAX MIB(2)
#define EARLY_MAP_MAX    GIB(512)

extern pte_t boot_direct_l1[PT_ENTRIES], boot_image_l2[PT_ENTRIES];
extern char image_start[], image_end[];

_Static_assert(offsetof(struct cpu, arch.emergency_top) == 0, "vectors.S reads it there");

paddr_t boot_image_pa;
const struct hal_board *hal_board;
static struct boot_info boot_info;

NORETURN void boot_start(paddr_t tree, paddr_t image);

vaddr_t boot_map_normal(paddr_t pa)
{
    pte_t *entry;

    if (pa >= EARLY_MAP_MAX) {
        return 0;
    }
    entry = &boot_direct_l1[pa / GIB(1)];
    if (!pte_present(pte_load(entry))) {
        pte_store(entry, pte_leaf(ALIGN_DOWN(pa, GIB(1)), GIB_LEVEL, PTE_READ | PTE_WRITE,
                                  MEM_NORMAL));
        pte_sync();
    }
    return pa + DIRECT_MAP_BASE;
}

/* From the end of the image's GiB down; a block that is mapped already is found again. */
vaddr_t boot_map_device(paddr_t pa)
{
    for (unsigned i = PT_ENTRIES - 1; i > PT_ENTRIES / 2; i--) {
        pte_t *entry = &boot_image_l2[i];

        if (!pte_present(pte_load(entry))) {
            pte_store(entry, pte_leaf(ALIGN_DOWN(pa, MIB(2)), BLOCK_LEVEL, PTE_READ | PTE_WRITE,
                                      MEM_DEVICE));
            pte_sync();
        } else if (pte_addr(pte_load(entry), BLOCK_LEVEL) != ALIGN_DOWN(pa, MIB(2))) {
            continue;
        }
        return KERNEL_IMAGE_BASE + i * MIB(2) + pa % MIB(2);
    }
    return 0;
}

static void range_add(struct boot_range *ranges, uint32_t *count, paddr_t start, paddr_t end)
{
    if (start < end && *count < BOOT_RANGES_MAX) {
        ranges[(*count)++] = (struct boot_range){start, end};
    }
}

static void reserve(paddr_t start, uint64_t len)
{
    range_add(boot_info.reserved, &boot_info.nr_reserved, ALIGN_DOWN(start, PAGE_SIZE),
              ALIGN_UP(start + len, PAGE_SIZE));
}

/* Does: takes [start, end) out of the RAM list. */
static void ram_remove(paddr_t start, paddr_t end)
{
    uint32_t count = boot_info.nr_ram;

    for (uint32_t i = 0; i < count; i++) {
        struct boot_range *ram = &boot_info.ram[i];
        paddr_t old_end = ram->end;

        if (end <= ram->start || start >= old_end) {
            continue;
        }
        ram->end = MAX(start, ram->start);
        range_add(boot_info.ram, &boot_info.nr_ram, end, old_end);
    }
}

/* Does: sorts, merges neighbours and drops empty ranges. */
static void ranges_tidy(struct boot_range *ranges, uint32_t *count)
{
    uint32_t kept = 0;

    for (uint32_t i = 1; i < *count; i++) {
        struct boot_range range = ranges[i];
        uint32_t at = i;

        for (; at > 0 && ranges[at - 1].start > range.start; at--) {
            ranges[at] = ranges[at - 1];
        }
        ranges[at] = range;
    }
    for (uint32_t i = 0; i < *count; i++) {
        struct boot_range range = ranges[i];

        if (range.start >= range.end) {
            continue;
        }
        if (kept > 0 && ranges[kept - 1].end >= range.start) {
            ranges[kept - 1].end = MAX(ranges[kept - 1].end, range.end);
        } else {
            ranges[kept++] = range;
        }
    }
    *count = kept;
}

/* The CPU that boots is CPU 0, the others follow in the tree's order. */
static void read_cpus(const void *fdt)
{
    paddr_t mpidr;
    uint64_t unused;

    boot_info.nr_cpus = 1;
    for (int node = -1;;) {
        node = fdt_node_offset_by_prop_value(fdt, node, "device_type", "cpu", sizeof("cpu"));
        if (node < 0) {
            return;
        }
        if (devtree_reg(fdt, node, 0, &mpidr, &unused) && boot_info.nr_cpus < CPU_MAX &&
            mpidr != (cpus[0].arch.mpidr & MPIDR_AFFINITY)) {
            cpus[boot_info.nr_cpus++].arch.mpidr = mpidr;
        }
    }
}

static void probe_board(const void *fdt)
{
    static const struct boot_board *const boards[] = {&boot_board_raspi3, &boot_board_virt};
    const struct boot_board *const *board = boards;

    while ((*board)->compatible != NULL &&
           fdt_node_check_compatible(fdt, 0, (*board)->compatible) != 0) {
        board++;
    }
    (*board)->probe(fdt, &boot_info);
}

static void read_memory(const void *fdt)
{
    int node = -1;
    paddr_t base;
    uint64_t len;

    for (;;) {
        node = fdt_node_offset_by_prop_value(fdt, node, "device_type", "memory", sizeof("memory"));
        if (node < 0) {
            break;
        }
        for (unsigned i = 0; devtree_enabled(fdt, node) && devtree_reg(fdt, node, i, &base, &len);
             i++) {
            paddr_t limit = DIRECT_MAP_END - DIRECT_MAP_BASE;
            paddr_t end = len < limit ? base + len : limit;

            range_add(boot_info.ram, &boot_info.nr_ram, ALIGN_UP(base, PAGE_SIZE),
                      ALIGN_DOWN(end < limit ? end : limit, PAGE_SIZE));
        }
    }
}

/* Memory that must not even be mapped leaves the RAM list; other reservations stay in it. */
static void read_reservations(const void *fdt)
{
    int parent = fdt_path_offset(fdt, "/reserved-memory"), node;
    uint64_t base, len;

    for (int i = 0; i < fdt_num_mem_rsv(fdt); i++) {
        if (fdt_get_mem_rsv(fdt, i, &base, &len) == 0) {
            reserve(base, len);
        }
    }
    if (parent < 0) {
        return;
    }
    fdt_for_each_subnode(node, fdt, parent)
    {
        bool no_map = fdt_getprop(fdt, node, "no-map", NULL) != NULL;

        for (unsigned i = 0; devtree_enabled(fdt, node) && devtree_reg(fdt, node, i, &base, &len);
             i++) {
            if (no_map) {
                ram_remove(ALIGN_DOWN(base, PAGE_SIZE), ALIGN_UP(base + len, PAGE_SIZE));
            } else {
                reserve(base, len);
            }
        }
    }
}

/* Seeds are used once: what is left in the tree must not tell them. */
static void take_seed(void *fdt, int chosen, const char *name)
{
    int size = 0;
    void *seed = fdt_getprop_w(fdt, chosen, name, &size);
    uint32_t space = (uint32_t)sizeof(boot_info.seed) - boot_info.seed_len;
    uint32_t len = seed != NULL && size > 0 ? MIN((uint32_t)size, space) : 0;

    if (len > 0) {
        memcpy(boot_info.seed + boot_info.seed_len, seed, len);
        memset(seed, 0, (size_t)size);
        boot_info.seed_len += len;
    }
}

static void read_chosen(void *fdt)
{
    int chosen = fdt_path_offset(fdt, "/chosen"), size = 0;
    const char *args;
    paddr_t start, end;

    if (chosen < 0) {
        return;
    }
    args = fdt_getprop(fdt, chosen, "bootargs", &size);
    if (args != NULL && size > 0) {
        memcpy(boot_info.cmdline, args, MIN((size_t)size, sizeof(boot_info.cmdline) - 1));
    }
    start = devtree_number(fdt, chosen, "linux,initrd-start", 0);
    end = devtree_number(fdt, chosen, "linux,initrd-end", 0);
    if (start < end) {
        boot_info.initrd = (struct boot_range){start, end};
        reserve(start, end - start);
    }
    take_seed(fdt, chosen, "rng-seed");
    take_seed(fdt, chosen, "kaslr-seed");
}

static void map_ram(void)
{
    for (uint32_t i = 0; i < boot_info.nr_ram; i++) {
        const struct boot_range *ram = &boot_info.ram[i];

        for (paddr_t pa = ALIGN_DOWN(ram->start, GIB(1)); pa < ram->end; pa += GIB(1)) {
            if (boot_map_normal(pa) != 0) {
                boot_info.early_map_end = MIN(pa + GIB(1), ram->end);
            }
        }
    }
}

void boot_start(paddr_t tree, paddr_t image)
{
    void *fdt = (void *)boot_map_normal(tree);
    uint64_t mpidr;

    boot_map_normal(tree + DEVTREE_SIZE_MAX - 1);
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
    cpus[0].arch.mpidr = mpidr;
    if (fdt == NULL || fdt_check_header(fdt) != 0 || fdt_totalsize(fdt) > DEVTREE_SIZE_MAX) {
        board_virt_early();
        panic("boot: the device tree at %#llx is damaged or over 2 MiB", (unsigned long long)tree);
    }
    read_cpus(fdt);
    probe_board(fdt);
    read_memory(fdt);
    read_reservations(fdt);
    read_chosen(fdt);

    boot_info.image = (struct boot_range){image, image + (paddr_t)(image_end - image_start)};
    reserve(boot_info.image.start, boot_info.image.end - boot_info.image.start);
    ranges_tidy(boot_info.ram, &boot_info.nr_ram);
    ranges_tidy(boot_info.reserved, &boot_info.nr_reserved);
    map_ram();
    kernel_main(&boot_info);
}
