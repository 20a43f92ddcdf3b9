/*
 * The kernel half: image W^X, direct map, devices. Built once at boot in tables of its own, with the
 * largest blocks that fit. Only the top-level entries filled here are ever used, so that the copies
 * in user roots never go stale.
 */
#include "mm/kernel_map.h"

#include <arch/cpu.h>
#include <arch/pte.h>
#include <hal/mmu.h>

#include "kernel/printk.h"
#include "kernel/spinlock.h"
#include "mm/frame.h"
#include "mm/kernel_table.h"
#include "mm/pagetable.h"
#include "mm/tlb.h"

extern char image_start[], text_start[], text_end[], rodata_start[], rodata_end[], data_start[],
    image_end[];

paddr_t kernel_root;
static paddr_t image_base;
static vaddr_t next_device = DEVICE_VA_BASE;

/* Kernel stacks come on several CPUs at once, and share tables. */
static struct spinlock table_lock = SPINLOCK_INIT;

static pte_t *table_at_locked(pte_t *slot, unsigned level)
{
    pte_t entry = pte_load(slot);

    if (!pte_present(entry)) {
        struct frame *table = frame_alloc_zeroed(FRAME_KERNEL);

        if (table == NULL) {
            return NULL;
        }
        pte_sync();
        pte_store(slot, pte_table(frame_pa(table), true));
        return frame_va(table);
    }
    kverify(!pte_is_leaf(entry, level));
    return pt_table_of(entry, level);
}

pte_t *kernel_table_slot(vaddr_t va, unsigned to_level)
{
    pte_t *table = phys_to_virt(kernel_root);

    spin_lock(&table_lock);
    for (unsigned level = PT_LEVELS - 1; level > to_level && table != NULL; level--) {
        table = table_at_locked(&table[pt_index(va, level)], level);
    }
    spin_unlock(&table_lock);
    return table == NULL ? NULL : &table[pt_index(va, to_level)];
}

static unsigned block_level(vaddr_t va, paddr_t pa, size_t len)
{
    unsigned level = hal_caps.block_1g ? PT_BLOCK_LEVELS : 1;

    while (level > 0 && (!IS_ALIGNED(va | pa, pt_span(level)) || len < pt_span(level))) {
        level--;
    }
    return level;
}

/* Boot only: no way back from a lack of memory. */
static void map(vaddr_t va, paddr_t pa, size_t len, uint32_t prot, enum pte_memtype type)
{
    while (len != 0) {
        unsigned level = block_level(va, pa, len);
        pte_t *slot = kernel_table_slot(va, level);

        if (slot == NULL) {
            panic("no memory for the kernel's page tables");
        }
        kverify(!pte_present(pte_load(slot)));
        pte_store(slot, pte_leaf(pa, level, prot, type));
        va += pt_span(level);
        pa += pt_span(level);
        len -= pt_span(level);
    }
}

paddr_t kernel_image_pa(const void *address)
{
    return image_base + (paddr_t)((const char *)address - image_start);
}

static void map_image(void)
{
    const struct {
        const char *start, *end;
        uint32_t prot;
    } parts[] = {
        {text_start, text_end, PTE_READ | PTE_EXEC},
        {rodata_start, rodata_end, PTE_READ},
        {data_start, image_end, PTE_READ | PTE_WRITE},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        map((vaddr_t)parts[i].start, kernel_image_pa(parts[i].start),
            ALIGN_UP((size_t)(parts[i].end - parts[i].start), PAGE_SIZE), parts[i].prot, MEM_NORMAL);
    }
}

/* RAM is writable in the direct map, but for the frames that the image executes or only reads. */
static void map_direct(const struct boot_info *boot)
{
    paddr_t fixed_start = kernel_image_pa(image_start);
    paddr_t fixed_end = ALIGN_UP(kernel_image_pa(rodata_end), PAGE_SIZE);

    for (uint32_t i = 0; i < boot->nr_ram; i++) {
        paddr_t start = boot->ram[i].start, end = boot->ram[i].end;
        const struct {
            paddr_t start, end;
            uint32_t prot;
        } parts[] = {
            {start, MIN(end, fixed_start), PTE_READ | PTE_WRITE},
            {MAX(start, fixed_start), MIN(end, fixed_end), PTE_READ},
            {MAX(start, fixed_end), end, PTE_READ | PTE_WRITE},
        };

        for (unsigned j = 0; j < ARRAY_SIZE(parts); j++) {
            if (parts[j].start < parts[j].end) {
                map(DIRECT_MAP_BASE + parts[j].start, parts[j].start,
                    parts[j].end - parts[j].start, parts[j].prot, MEM_NORMAL);
            }
        }
    }
}

void kernel_map_init(const struct boot_info *boot)
{
    struct frame *root = frame_alloc_zeroed(FRAME_KERNEL);

    kverify(root != NULL);
    kernel_root = frame_pa(root);
    image_base = boot->image.start;
    map_image();
    map_direct(boot);
    /* Windows that fill later own their top-level entry from now on. */
    if (kernel_table_slot(STACK_VA_BASE, PT_LEVELS - 2) == NULL ||
        kernel_table_slot(DEVICE_VA_BASE, PT_LEVELS - 2) == NULL) {
        panic("no memory for the kernel's page tables");
    }
    pte_sync();
    hal_mmu.kernel_activate(kernel_root);
    frame_init_rest(boot);
}

void *kernel_map_device(paddr_t pa, size_t len)
{
    paddr_t start = ALIGN_DOWN(pa, PAGE_SIZE);
    size_t size = ALIGN_UP(pa + len, PAGE_SIZE) - start;
    vaddr_t va = next_device;

    kverify(size <= DEVICE_VA_END - va);
    next_device += size + PAGE_SIZE; /* a hole between windows */
    map(va, start, size, PTE_READ | PTE_WRITE, MEM_DEVICE);
    pte_sync();
    return (void *)(va + (pa - start));
}

struct kernel_check {
    paddr_t text_start, text_end;
    uint64_t leaves;
};

static void check_leaf(const struct kernel_check *check, vaddr_t va, pte_t entry, unsigned level)
{
    uint32_t prot = pte_prot(entry);
    paddr_t pa = pte_addr(entry, level);

    if ((prot & PTE_USER) != 0) {
        panic("kernel leaf open to user mode at %#lx", (unsigned long)va);
    }
    if ((prot & PTE_WRITE) != 0 && (prot & PTE_EXEC) != 0) {
        panic("kernel leaf writable and executable at %#lx", (unsigned long)va);
    }
    if ((prot & PTE_WRITE) != 0 && pa < check->text_end && pa + pt_span(level) > check->text_start) {
        panic("kernel text writable through %#lx", (unsigned long)va);
    }
    if ((prot & PTE_EXEC) != 0 && (pa < check->text_start || pa + pt_span(level) > check->text_end)) {
        panic("kernel leaf at %#lx executes what is not text", (unsigned long)va);
    }
}

static void check_below(struct kernel_check *check, const pte_t *table, unsigned level, vaddr_t va,
                        unsigned first)
{
    for (unsigned i = first; i < PT_ENTRIES; i++) {
        pte_t entry = pte_load(&table[i]);
        vaddr_t at = va + (vaddr_t)i * pt_span(level);

        if (!pte_present(entry)) {
            continue;
        }
        if (pte_is_leaf(entry, level)) {
            check_leaf(check, at, entry, level);
            check->leaves++;
        } else {
            check_below(check, pt_table_of(entry, level), level - 1, at, 0);
        }
    }
}

uint64_t kernel_map_check(void)
{
    struct kernel_check check = {.text_start = kernel_image_pa(text_start),
                                 .text_end = kernel_image_pa(text_end)};

    check_below(&check, phys_to_virt(kernel_root), PT_LEVELS - 1,
                ~(pt_span(PT_LEVELS - 1) * PT_ENTRIES - 1), PT_ENTRIES / 2);
    return check.leaves;
}
