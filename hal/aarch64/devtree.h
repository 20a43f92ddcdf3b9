/* What start code asks of a device tree, over libfdt. Node 0 is the root; < 0 means none. */
#pragma once

#include <libfdt.h>

#include "kernel/types.h"

struct devtree_irq {
    uint32_t intid; /* of the GIC */
    bool edge;
};

/* Returns false where the tree has no such entry. Addresses are taken as the CPU's (no ranges). */
bool devtree_reg(const void *fdt, int node, unsigned index, paddr_t *base, uint64_t *len);
bool devtree_irq(const void *fdt, int node, unsigned index, struct devtree_irq *out);
/* Returns a property of one or two cells, or otherwise. */
uint64_t devtree_number(const void *fdt, int node, const char *name, uint64_t otherwise);
bool devtree_enabled(const void *fdt, int node);
/* Returns the first enabled node after `from` (-1: all) that is compatible, or < 0. */
int devtree_find(const void *fdt, int from, const char *compatible);
