/*
 * The one walker: user tables of four levels over the HAL's codec. Every function here edits or reads
 * entries; none knows VMAs. Requires as->lock for every user space.
 * Sharing: a table referred to by several spaces is write-protected in every entry that names it; its
 * entries change only by losing write rights. Whoever wants to edit makes the table its own first.
 */
#pragma once

#include <arch/cpu.h>
#include <arch/pte.h>

#include "mm/frame.h"

struct address_space;
struct tlb_batch;

static inline unsigned pt_index(vaddr_t va, unsigned level)
{
    return (unsigned)(va >> (PAGE_SHIFT + level * PT_BITS)) & (PT_ENTRIES - 1);
}

/* Bytes that one entry of the level covers. */
static inline uint64_t pt_span(unsigned level)
{
    return 1ull << (PAGE_SHIFT + level * PT_BITS);
}

static inline pte_t *pt_table_of(pte_t entry, unsigned level)
{
    return phys_to_virt(pte_addr(entry, level));
}

/*
 * A table's frame record keeps the range of slots that were ever used, so that nobody scans the rest
 * of a sparse table. Only entries stored by pt_store_new() are found again.
 */
static inline void pt_table_init(struct frame *table)
{
    table->next = PT_ENTRIES;
    table->prev = 0;
}

static inline uint32_t pt_table_first(const struct frame *table)
{
    return table->next;
}

static inline uint32_t pt_table_end(const struct frame *table)
{
    return table->prev;
}

/* Requires: the slot is empty. */
static inline void pt_store_new(pte_t *slot, pte_t entry)
{
    struct frame *table = frame_of(virt_to_phys(slot));
    uint32_t index = (uint32_t)(((uintptr_t)slot % PAGE_SIZE) / sizeof(*slot));

    kassert(!pte_present(pte_load(slot)));
    if (index < table->next) {
        table->next = index;
    }
    if (index >= table->prev) {
        table->prev = index + 1;
    }
    pte_store(slot, entry);
}

struct pt_walk {
    pte_t *slot;     /* of the leaf */
    pte_t entry;     /* the leaf, as read */
    uint32_t rights; /* of the leaf, less what the tables above it take away */
};

/* Returns whether a leaf is present at va (it may be PROT_NONE: rights without PTE_READ). */
bool pt_lookup(const struct address_space *as, vaddr_t va, struct pt_walk *out);
/*
 * Does: makes every table down to level 0 present and this space's own.
 * *out: the slot of va's leaf. Fails: -ENOMEM.
 */
NODISCARD int pt_own(struct address_space *as, vaddr_t va, struct tlb_batch *batch, pte_t **out);
/* Makes the shared tables that cover [start, end) its own, so that edits cannot fail. Fails: -ENOMEM. */
NODISCARD int pt_own_present(struct address_space *as, vaddr_t start, vaddr_t end,
                             struct tlb_batch *batch);
/* Break before make: slot goes from a present entry to another frame, with the shot in between. */
void pt_replace(struct tlb_batch *batch, pte_t *slot, vaddr_t va, pte_t entry);
/*
 * Requires: pt_own_present() for the tables at both ends. Does: removes every leaf of [start, end),
 * and the tables whose whole span lies in [floor, ceiling), where nothing else is mapped.
 */
void pt_remove(struct address_space *as, vaddr_t start, vaddr_t end, vaddr_t floor,
               vaddr_t ceiling, struct tlb_batch *batch);
/*
 * Visits the slots of present leaves in [start, end) in order; absent tables are skipped. visit()
 * may edit the leaf if the tables are its own.
 */
typedef void (*pt_visit_t)(pte_t *slot, vaddr_t va, void *arg);
void pt_for_each(struct address_space *as, vaddr_t start, vaddr_t end, pt_visit_t visit, void *arg);
/*
 * fork: makes the level-0 table that covers va shared by both, write-protected. Nothing to do where
 * the parent has none. Fails: -ENOMEM.
 */
NODISCARD int pt_share(struct address_space *parent, struct address_space *child, vaddr_t va,
                       struct tlb_batch *batch);
/* Drops a reference to a table; the last one drops all that it refers to. */
void pt_table_put(struct frame *table, unsigned level);
/* Tables under the root, the root included. */
uint64_t pt_count_tables(const struct address_space *as);
