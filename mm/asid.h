/*
 * Tags (ASIDs, PCIDs) for address spaces: one allocator for both architectures. A tag carries a
 * generation; when tags run out a new generation starts, every CPU drops all translations before it
 * uses a tag of it, and tags in use move along. Never fails, never recycles a tag at exit.
 */
#pragma once

#include <hal/mmu.h>

struct address_space;

/* Boot. Reads hal_caps; `limit` (quoin.asids=N) narrows the tags, at least CPUs + 2; 0: no limit. */
void asid_init(uint32_t limit);
/*
 * Requires: IRQs off. Does: makes the space's tag the active one of this CPU, with a new tag if its
 * own is of an old generation. *drop_all: translations of an older generation must go first.
 */
asid_t asid_activate(struct address_space *as, bool *drop_all);
/* The tag that other CPUs may hold translations under; false if the space has had none yet. */
bool asid_of(const struct address_space *as, asid_t *out);
uint64_t asid_nr_rollovers(void);
