/* The walker: see mm/pagetable.h. */
#include "mm/pagetable.h"

#include "kernel/errno.h"
#include "mm/space.h"
#include "mm/tlb.h"

static pte_t *root_table(const struct address_space *as)
{
    return phys_to_virt(as->root);
}

static struct frame *frame_of_entry(pte_t entry, unsigned level)
{
    return frame_of(pte_addr(entry, level));
}

static bool is_counted(pte_t leaf)
{
    return pte_addr(leaf, 0) != frame_zero_pa;
}

bool pt_lookup(const struct address_space *as, vaddr_t va, struct pt_walk *out)
{
    pte_t *table = root_table(as);
    uint32_t taken = 0;

    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        pte_t entry = pte_load(&table[pt_index(va, level)]);

        if (!pte_present(entry)) {
            return false;
        }
        if (!pte_table_writable(entry)) {
            taken = PTE_WRITE;
        }
        table = pt_table_of(entry, level);
    }
    out->slot = &table[pt_index(va, 0)];
    out->entry = pte_load(out->slot);
    if (!pte_present(out->entry)) {
        return false;
    }
    out->rights = pte_prot(out->entry) & ~taken;
    return true;
}

void pt_replace(struct tlb_batch *batch, pte_t *slot, vaddr_t va, pte_t entry)
{
    pte_store(slot, PTE_NONE);
    tlb_batch_add(batch, va, va + PAGE_SIZE, false);
    tlb_batch_flush(batch);
    pte_store(slot, entry);
    pte_sync();
}

static pte_t without_write(pte_t entry, unsigned level)
{
    if (pte_is_leaf(entry, level)) {
        uint32_t prot = pte_prot(entry);

        return (prot & PTE_WRITE) == 0 ? entry : pte_with_prot(entry, level, prot & ~PTE_WRITE);
    }
    return pte_table_writable(entry) ? pte_table(pte_addr(entry, level), false) : entry;
}

/*
 * Copies the entries of a shared table; both copies lose write rights, so that the next write
 * faults and looks at the reference count. Other spaces reach the table through write-protected
 * entries only, hence need no shot for it.
 */
static void copy_entries(struct frame *own, struct frame *shared, unsigned level)
{
    pte_t *to = frame_va(own);
    pte_t *from = frame_va(shared);

    own->next = pt_table_first(shared);
    own->prev = pt_table_end(shared);
    for (unsigned i = pt_table_first(shared); i < pt_table_end(shared); i++) {
        pte_t entry = pte_load(&from[i]);

        if (!pte_present(entry)) {
            continue;
        }
        pte_t protected = without_write(entry, level);

        if (!pte_equal(protected, entry)) {
            pte_store(&from[i], protected);
        }
        if (level > 0 || is_counted(entry)) {
            frame_get(frame_of_entry(entry, level));
        }
        to[i] = protected; /* no walker knows this table yet */
    }
}

/* `level` is that of the slot; the table it names is one lower. */
static int unshare(pte_t *slot, unsigned level, vaddr_t va, struct tlb_batch *batch)
{
    pte_t entry = pte_load(slot);
    struct frame *old = frame_of_entry(entry, level);

    if (frame_refs(old) == 1) {
        /* The others are gone. Leaves kept the rights they had, and adding rights needs no shot. */
        pte_store(slot, pte_table(frame_pa(old), true));
        pte_sync();
        return 0;
    }
    struct frame *own = frame_alloc_zeroed(FRAME_TABLE);

    if (own == NULL) {
        return -ENOMEM;
    }
    vaddr_t start = ALIGN_DOWN(va, pt_span(level));

    copy_entries(own, old, level - 1);
    pte_store(slot, PTE_NONE);
    tlb_batch_drop_table(batch, old, level - 1);
    tlb_batch_add(batch, start, start + pt_span(level), true);
    tlb_batch_flush(batch);
    pte_store(slot, pte_table(frame_pa(own), true));
    pte_sync();
    return 0;
}

static int add_table(pte_t *slot)
{
    struct frame *table = frame_alloc_zeroed(FRAME_TABLE);

    if (table == NULL) {
        return -ENOMEM;
    }
    pt_table_init(table);
    pte_sync(); /* zeros before the entry that leads to them */
    pt_store_new(slot, pte_table(frame_pa(table), true));
    return 0;
}

int pt_own(struct address_space *as, vaddr_t va, struct tlb_batch *batch, pte_t **out)
{
    pte_t *table = root_table(as);

    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        pte_t *slot = &table[pt_index(va, level)];
        pte_t entry = pte_load(slot);
        int error = 0;

        if (unlikely(!pte_present(entry))) {
            error = add_table(slot);
        } else if (unlikely(!pte_table_writable(entry))) {
            error = unshare(slot, level, va, batch);
        }
        if (unlikely(error != 0)) {
            return error;
        }
        table = pt_table_of(pte_load(slot), level);
    }
    *out = &table[pt_index(va, 0)];
    return 0;
}

int pt_own_present(struct address_space *as, vaddr_t start, vaddr_t end, struct tlb_batch *batch)
{
    vaddr_t va = ALIGN_DOWN(start, pt_span(1));

    while (va < end) {
        pte_t *table = root_table(as);
        unsigned level = PT_LEVELS - 1;

        for (; level > 0; level--) {
            pte_t *slot = &table[pt_index(va, level)];
            pte_t entry = pte_load(slot);

            if (!pte_present(entry)) {
                break;
            }
            if (!pte_table_writable(entry)) {
                int error = unshare(slot, level, va, batch);

                if (error != 0) {
                    return error;
                }
            }
            table = pt_table_of(pte_load(slot), level);
        }
        /* An absent entry lets the whole span of it be skipped. */
        level = MAX(level, 1u);
        va = ALIGN_DOWN(va, pt_span(level)) + pt_span(level);
    }
    return 0;
}

static void remove_leaf(struct address_space *as, pte_t *slot, pte_t entry, vaddr_t va,
                        struct tlb_batch *batch)
{
    pte_store(slot, PTE_NONE);
    if (pte_valid(entry)) {
        tlb_batch_add(batch, va, va + PAGE_SIZE, false);
    }
    as->resident--;
    if (is_counted(entry)) {
        tlb_batch_drop_frame(batch, frame_of_entry(entry, 0));
    }
}

static uint64_t count_leaves(const struct frame *table, unsigned level)
{
    const pte_t *entries = frame_va(table);
    uint64_t nr = 0;

    for (unsigned i = pt_table_first(table); i < pt_table_end(table); i++) {
        pte_t entry = pte_load(&entries[i]);

        if (pte_present(entry)) {
            nr += level == 0 ? 1 : count_leaves(frame_of_entry(entry, level), level - 1);
        }
    }
    return nr;
}

static void remove_table(struct address_space *as, pte_t *slot, pte_t entry, unsigned level,
                         vaddr_t start, struct tlb_batch *batch)
{
    as->resident -= count_leaves(frame_of_entry(entry, level), level - 1);
    pte_store(slot, PTE_NONE);
    tlb_batch_add(batch, start, start + pt_span(level), true);
    tlb_batch_drop_table(batch, frame_of_entry(entry, level), level - 1);
}

struct removal {
    struct address_space *as;
    vaddr_t start, end, floor, ceiling;
    struct tlb_batch *batch;
};

static void remove_below(const struct removal *removal, pte_t *table, unsigned level, vaddr_t start,
                         vaddr_t end)
{
    uint64_t span = pt_span(level);

    for (vaddr_t va = start; va < end; va = ALIGN_DOWN(va, span) + span) {
        pte_t *slot = &table[pt_index(va, level)];
        pte_t entry = pte_load(slot);
        vaddr_t base = ALIGN_DOWN(va, span);

        if (!pte_present(entry)) {
            continue;
        }
        if (level == 0) {
            remove_leaf(removal->as, slot, entry, va, removal->batch);
        } else if (base >= removal->floor && base + span <= removal->ceiling) {
            remove_table(removal->as, slot, entry, level, base, removal->batch);
        } else {
            kassert(pte_table_writable(entry));
            remove_below(removal, pt_table_of(entry, level), level - 1, va, MIN(end, base + span));
        }
        if (level > 0) {
            (void)sched_point();
        }
    }
}

void pt_remove(struct address_space *as, vaddr_t start, vaddr_t end, vaddr_t floor,
               vaddr_t ceiling, struct tlb_batch *batch)
{
    struct removal removal = {as, start, end, floor, ceiling, batch};

    remove_below(&removal, root_table(as), PT_LEVELS - 1, start, end);
}

static void visit_below(pte_t *table, unsigned level, vaddr_t start, vaddr_t end, pt_visit_t visit,
                        void *arg)
{
    uint64_t span = pt_span(level);

    for (vaddr_t va = start; va < end; va = ALIGN_DOWN(va, span) + span) {
        pte_t *slot = &table[pt_index(va, level)];
        pte_t entry = pte_load(slot);

        if (!pte_present(entry)) {
            continue;
        }
        if (level == 0) {
            visit(slot, va, arg);
        } else {
            visit_below(pt_table_of(entry, level), level - 1, va,
                        MIN(end, ALIGN_DOWN(va, span) + span), visit, arg);
        }
    }
}

void pt_for_each(struct address_space *as, vaddr_t start, vaddr_t end, pt_visit_t visit, void *arg)
{
    visit_below(root_table(as), PT_LEVELS - 1, start, end, visit, arg);
}

/* The slot of the level-0 table that covers va, or NULL. */
static pte_t *find_table_slot(struct address_space *as, vaddr_t va)
{
    pte_t *table = root_table(as);

    for (unsigned level = PT_LEVELS - 1; level > 1; level--) {
        pte_t entry = pte_load(&table[pt_index(va, level)]);

        if (!pte_present(entry)) {
            return NULL;
        }
        table = pt_table_of(entry, level);
    }
    pte_t *slot = &table[pt_index(va, 1)];

    return pte_present(pte_load(slot)) ? slot : NULL;
}

int pt_share(struct address_space *parent, struct address_space *child, vaddr_t va,
             struct tlb_batch *batch)
{
    pte_t *from = find_table_slot(parent, va);

    if (from == NULL) {
        return 0;
    }
    pte_t *table = root_table(child);

    for (unsigned level = PT_LEVELS - 1; level > 1; level--) {
        pte_t *slot = &table[pt_index(va, level)];

        if (!pte_present(pte_load(slot))) {
            int error = add_table(slot);

            if (error != 0) {
                return error;
            }
        }
        table = pt_table_of(pte_load(slot), level);
    }
    pte_t *to = &table[pt_index(va, 1)];
    pte_t entry = pte_load(from);
    pte_t protected = pte_table(pte_addr(entry, 1), false);

    frame_get(frame_of_entry(entry, 1));
    if (pte_table_writable(entry)) {
        vaddr_t start = ALIGN_DOWN(va, pt_span(1));

        pte_store(from, protected);
        tlb_batch_add(batch, start, start + pt_span(1), true);
    }
    pt_store_new(to, protected);
    return 0;
}

static void drop_entries(const struct frame *table, unsigned level)
{
    const pte_t *entries = frame_va(table);

    for (unsigned i = pt_table_first(table); i < pt_table_end(table); i++) {
        pte_t entry = pte_load(&entries[i]);

        if (!pte_present(entry)) {
            continue;
        }
        if (level > 0) {
            pt_table_put(frame_of_entry(entry, level), level - 1);
            (void)sched_point(); /* once for every level-0 table, at least */
        } else if (is_counted(entry)) {
            frame_put(frame_of_entry(entry, 0));
        }
    }
}

void pt_table_put(struct frame *table, unsigned level)
{
    /* The last owner empties the table before its own reference goes. */
    if (atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    atomic_store_explicit(&table->refs, 1, memory_order_relaxed);
    drop_entries(table, level);
    frame_put(table);
}

static uint64_t count_tables(const struct frame *table, unsigned level)
{
    const pte_t *entries = frame_va(table);
    uint64_t tables = 1;

    for (unsigned i = pt_table_first(table); level > 0 && i < pt_table_end(table); i++) {
        pte_t entry = pte_load(&entries[i]);

        if (pte_present(entry)) {
            tables += count_tables(frame_of_entry(entry, level), level - 1);
        }
    }
    return tables;
}

uint64_t pt_count_tables(const struct address_space *as)
{
    return count_tables(frame_of(as->root), PT_LEVELS - 1);
}
