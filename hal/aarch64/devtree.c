/* Properties of the device tree (Devicetree Specification 0.4, 2.3); what libfdt.a wants of us. */
#include "hal/aarch64/devtree.h"

#include "hal/aarch64/gic.h"
#include "kernel/assert.h"
#include "kernel/string.h"

#define CELL 4

/* Debian builds libfdt with the stack protector. */
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard = 0x5bd1e995c0ffee00;

NORETURN void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
    panic("libfdt: stack overrun");
}

static uint64_t read_cells(const uint8_t *p, int cells)
{
    uint64_t value = 0;

    for (int i = 0; i < cells * CELL; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

bool devtree_reg(const void *fdt, int node, unsigned index, paddr_t *base, uint64_t *len)
{
    int parent = fdt_parent_offset(fdt, node), size = 0;
    int address_cells = fdt_address_cells(fdt, parent), size_cells = fdt_size_cells(fdt, parent);
    const uint8_t *reg = fdt_getprop(fdt, node, "reg", &size);
    int entry = (address_cells + size_cells) * CELL;

    if (reg == NULL || address_cells < 1 || size_cells < 0 || address_cells > 2 || size_cells > 2 ||
        (uint64_t)index * (unsigned)entry + (unsigned)entry > (unsigned)size) {
        return false;
    }
    reg += (size_t)index * (unsigned)entry;
    *base = read_cells(reg, address_cells);
    *len = read_cells(reg + address_cells * CELL, size_cells);
    return true;
}

/* Three cells of a GIC: type (0 shared, 1 private), number, flags (1 and 2: edges). */
bool devtree_irq(const void *fdt, int node, unsigned index, struct devtree_irq *out)
{
    int size = 0;
    const uint8_t *cells = fdt_getprop(fdt, node, "interrupts", &size);
    uint64_t first;

    if (cells == NULL || (index + 1) * 3 * CELL > (unsigned)size) {
        return false;
    }
    cells += (size_t)index * 3 * CELL;
    first = read_cells(cells, 1) == 0 ? GIC_FIRST_SPI : GIC_FIRST_PPI;
    out->intid = (uint32_t)(first + read_cells(cells + CELL, 1));
    out->edge = (read_cells(cells + 2 * CELL, 1) & 3) != 0;
    return out->intid < GIC_FIRST_SPECIAL;
}

uint64_t devtree_number(const void *fdt, int node, const char *name, uint64_t otherwise)
{
    int size = 0;
    const uint8_t *value = fdt_getprop(fdt, node, name, &size);

    if (value == NULL || (size != CELL && size != 2 * CELL)) {
        return otherwise;
    }
    return read_cells(value, size / CELL);
}

bool devtree_enabled(const void *fdt, int node)
{
    int size = 0;
    const char *status = fdt_getprop(fdt, node, "status", &size);

    return status == NULL || (size > 0 && strncmp(status, "ok", 2) == 0);
}

int devtree_find(const void *fdt, int from, const char *compatible)
{
    int node = from;

    do {
        node = fdt_node_offset_by_compatible(fdt, node, compatible);
    } while (node >= 0 && !devtree_enabled(fdt, node));
    return node;
}
