/*
 * From the boot loader's information to struct boot_info: Multiboot2 (1.6, section 3.6) and PVH
 * (Xen public/arch-x86/hvm/start_info.h). All of it, and ACPI's tables, is read through the boot
 * map and copied here: later maps need not cover it.
 */
#include <arch/consts.h>
#include <hal/boot.h>
#include <hal/trap.h>

#include "hal/x86_64/internal.h"
#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "kernel/string.h"

#define MULTIBOOT2_TAG_END      0u
#define MULTIBOOT2_TAG_CMDLINE  1u
#define MULTIBOOT2_TAG_MODULE   3u
#define MULTIBOOT2_TAG_MMAP     6u
#define MULTIBOOT2_TAG_ACPI_OLD 14u
#define MULTIBOOT2_TAG_ACPI_NEW 15u
#define PVH_MAGIC               0x336ec578u
#define MEMORY_USABLE           1u
#define LOW_RESERVED            KIB(64) /* real-mode vectors, BIOS data, start-up code of other CPUs */
#define BOOT_MAP_END            GIB(BOOT_MAP_GIB)

struct multiboot2_tag {
    uint32_t type;
    uint32_t size;
};

struct multiboot2_module {
    struct multiboot2_tag tag;
    uint32_t start;
    uint32_t end;
};

struct multiboot2_mmap {
    struct multiboot2_tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

struct memory_entry { /* Multiboot2 and PVH alike */
    uint64_t addr;
    uint64_t len;
    uint32_t type;
    uint32_t reserved;
};

struct pvh_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr;
    uint64_t cmdline_paddr;
    uint64_t rsdp_paddr;
    uint64_t memmap_paddr; /* from here on: version 1 */
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct pvh_module {
    uint64_t paddr;
    uint64_t size;
    uint64_t cmdline_paddr;
    uint64_t reserved;
};

extern const uint8_t image_start[], image_end[];

const struct hal_board *hal_board;
static struct boot_info boot_info;

NORETURN void boot_main(uint32_t magic, uint32_t info);

/* Keeps the array sorted and disjoint; a range too many is dropped. */
static void range_add(struct boot_range *ranges, uint32_t *nr, paddr_t start, paddr_t end)
{
    uint32_t first = 0;
    uint32_t last;

    while (first < *nr && ranges[first].end < start) {
        first++;
    }
    for (last = first; last < *nr && ranges[last].start <= end; last++) {
        start = MIN(start, ranges[last].start);
        end = MAX(end, ranges[last].end);
    }
    if (first == last && *nr == BOOT_RANGES_MAX) {
        return;
    }
    memmove(&ranges[first + 1], &ranges[last], (*nr - last) * sizeof(*ranges));
    *nr = *nr - (last - first) + 1;
    ranges[first] = (struct boot_range){start, end};
}

static void add_memory(const struct memory_entry *entry)
{
    paddr_t start = ALIGN_UP(entry->addr, PAGE_SIZE);
    paddr_t end = ALIGN_DOWN(entry->addr + entry->len, PAGE_SIZE);

    end = MIN(end, DIRECT_MAP_END - DIRECT_MAP_BASE);
    if (entry->type == MEMORY_USABLE && start < end) {
        range_add(boot_info.ram, &boot_info.nr_ram, start, end);
    }
}

static void reserve(paddr_t start, paddr_t end)
{
    range_add(boot_info.reserved, &boot_info.nr_reserved, ALIGN_DOWN(start, PAGE_SIZE),
              ALIGN_UP(end, PAGE_SIZE));
}

/* The first module is the initramfs. */
static void add_module(paddr_t start, paddr_t end)
{
    if (boot_info.initrd.end == 0 && start < end) {
        boot_info.initrd = (struct boot_range){start, end};
        reserve(start, end);
    }
}

static void parse_multiboot2_mmap(const struct multiboot2_mmap *mmap)
{
    const uint8_t *at = (const uint8_t *)(mmap + 1);
    const uint8_t *end = (const uint8_t *)mmap + mmap->tag.size;

    for (; at + sizeof(struct memory_entry) <= end; at += mmap->entry_size) {
        add_memory((const struct memory_entry *)at);
    }
}

static void parse_multiboot2_tag(const struct multiboot2_tag *tag, const void **rsdp)
{
    const struct multiboot2_module *module = (const struct multiboot2_module *)tag;

    switch (tag->type) {
    case MULTIBOOT2_TAG_CMDLINE:
        strlcpy(boot_info.cmdline, (const char *)(tag + 1), sizeof(boot_info.cmdline));
        break;
    case MULTIBOOT2_TAG_MODULE:
        add_module(module->start, module->end);
        break;
    case MULTIBOOT2_TAG_MMAP:
        parse_multiboot2_mmap((const struct multiboot2_mmap *)tag);
        break;
    case MULTIBOOT2_TAG_ACPI_OLD:
        *rsdp = *rsdp != NULL ? *rsdp : (const void *)(tag + 1);
        break;
    case MULTIBOOT2_TAG_ACPI_NEW:
        *rsdp = tag + 1;
        break;
    default:
        break;
    }
}

static void parse_multiboot2(paddr_t info)
{
    const uint8_t *at = boot_memory(info);
    const uint8_t *end = at + *(const uint32_t *)at;
    const struct multiboot2_tag *tag;
    const void *rsdp = NULL;

    for (at += 8; at + sizeof(*tag) <= end; at += ALIGN_UP(tag->size, 8u)) {
        tag = (const struct multiboot2_tag *)at;
        if (tag->type == MULTIBOOT2_TAG_END) {
            break;
        }
        parse_multiboot2_tag(tag, &rsdp);
    }
    acpi_init_rsdp(rsdp);
}

static void parse_pvh(paddr_t start)
{
    const struct pvh_start_info *info = boot_memory(start);
    const struct memory_entry *map = boot_memory(info->memmap_paddr);
    const struct pvh_module *module = boot_memory(info->modlist_paddr);

    if (info->magic != PVH_MAGIC || info->version < 1) {
        panic("PVH start information without a memory map");
    }
    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        add_memory(&map[i]);
    }
    if (info->nr_modules > 0) {
        add_module(module->paddr, module->paddr + module->size);
    }
    if (info->cmdline_paddr != 0) {
        strlcpy(boot_info.cmdline, boot_memory(info->cmdline_paddr), sizeof(boot_info.cmdline));
    }
    acpi_init(info->rsdp_paddr);
}

void boot_main(uint32_t magic, uint32_t info)
{
    boot_info.image.start = (paddr_t)image_start - KERNEL_IMAGE_BASE;
    boot_info.image.end = (paddr_t)image_end - KERNEL_IMAGE_BASE;
    cpu_init_tables(&cpus[0]);
    cpu_set_stack((uint64_t)boot_stack_top);
    uart_init(0x3f8);
    hal_board = &board_q35;

    if (magic == BOOT_MULTIBOOT2_MAGIC) {
        parse_multiboot2(info);
    } else {
        parse_pvh(info);
    }
    (void)board_microvm_probe(&boot_info);
    boot_info.nr_cpus = MAX(acpi_info.nr_cpus, 1u);
    reserve(0, LOW_RESERVED);
    reserve(boot_info.image.start, boot_info.image.end);
    boot_info.early_map_end = BOOT_MAP_END;
    kernel_main(&boot_info);
}
