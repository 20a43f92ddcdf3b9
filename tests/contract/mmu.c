/*
 * struct hal_mmu: what a switch keeps or drops and what each scope of a shot reaches, seen through
 * user accesses where the machine has them. Entries are edited by hand, without mm/'s own shots.
 */
#include <arch/cpu.h>
#include <hal/mmu.h>
#include <linux/mman.h>

#include "mm/asid.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "tests/contract/contract.h"

#define PAGE_VA 0x40001000ull

static contract_access_t user_access;

static struct address_space *make_space(uint8_t value)
{
    struct as_map_request request = {.addr = PAGE_VA, .len = 2 * PAGE_SIZE,
                                     .prot = PROT_READ | PROT_WRITE, .max_prot = 7,
                                     .flags = AS_FIXED};
    struct address_space *as;
    vaddr_t at;

    kverify(as_create(&as) == 0);
    kverify(as_map(as, &request, &at) == 0);
    kverify(as_copy_out(as, PAGE_VA, &value, 1) == 0);
    kverify(as_copy_out(as, PAGE_VA + PAGE_SIZE, &value, 1) == 0);
    return as;
}

static void load(struct address_space *as, enum tlb_drop drop)
{
    asid_t tag;

    (void)asid_of(as, &tag);
    irqflags_t flags = cpu_irq_save();

    hal_mmu.activate(as->root, tag, drop);
    cpu_irq_restore(flags);
}

static void enter(struct address_space *as)
{
    irqflags_t flags = cpu_irq_save();

    as_activate(as);
    cpu_irq_restore(flags);
}

static bool reads(vaddr_t va, uint8_t value)
{
    const uint8_t *byte = user_access(va, PTE_READ);

    return byte != NULL && *byte == value;
}

static bool faults(vaddr_t va)
{
    return user_access(va, PTE_READ) == NULL;
}

/* Takes the leaf out under the machine's back and returns it. */
static pte_t take_leaf(struct address_space *as, vaddr_t va)
{
    struct pt_walk walk;

    kverify(pt_lookup(as, va, &walk));
    pte_store(walk.slot, PTE_NONE);
    pte_sync();
    return walk.entry;
}

static void put_leaf(struct address_space *as, vaddr_t va, pte_t leaf)
{
    struct tlb_batch *none = NULL;
    pte_t *slot;

    kverify(pt_own(as, va, none, &slot) == 0); /* the tables are there and its own */
    pte_store(slot, leaf);
    pte_sync();
}

static void shoot_pages(struct address_space *as, enum tlb_scope scope, unsigned nr, bool current,
                        bool tables)
{
    struct tlb_shot shot = {.scope = scope, .tables = tables, .start = PAGE_VA,
                            .end = PAGE_VA + nr * PAGE_SIZE, .cpus = ~0ull, .current = current};

    kverify(asid_of(as, &shot.asid));
    hal_mmu.shoot(&shot);
}

static void shoot(struct address_space *as, enum tlb_scope scope, bool current, bool tables)
{
    shoot_pages(as, scope, 1, current, tables);
}

static void check_register(struct address_space *as)
{
    asid_t tag, expected;
    paddr_t root;

    enter(as);
    root = hal_mmu.active_root(&tag);
    contract_ok(asid_of(as, &expected) && root == as->root && tag.value == expected.value,
                "activate: the register holds root and tag");
    contract_ok(hal_caps.asid_bits == 0 || tag.value < 1u << hal_caps.asid_bits,
                "tags fit into asid_bits");
}

static void check_scopes(struct address_space *as)
{
    static const struct {
        enum tlb_scope scope;
        bool tables;
        const char *what;
    } shots[] = {
        {TLB_RANGE, false, "shoot: a range of the space that runs"},
        {TLB_RANGE, true, "shoot: a range with its tables"},
        {TLB_SPACE, true, "shoot: a whole space"},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(shots); i++) {
        enter(as);
        bool good = reads(PAGE_VA, 1) && reads(PAGE_VA + PAGE_SIZE, 1);
        pte_t leaf = take_leaf(as, PAGE_VA);

        shoot(as, shots[i].scope, true, shots[i].tables);
        good &= faults(PAGE_VA) && reads(PAGE_VA + PAGE_SIZE, 1);
        put_leaf(as, PAGE_VA, leaf);
        contract_ok(good && reads(PAGE_VA, 1), shots[i].what);
    }
}

/* The shot of a space that does not run here must reach what is kept under its tag. */
static void check_other(struct address_space *as, struct address_space *other)
{
    static const enum tlb_scope scopes[] = {TLB_RANGE, TLB_RANGE, TLB_SPACE};
    bool good = true;

    for (unsigned i = 0; i < ARRAY_SIZE(scopes); i++) {
        bool tables = i != 0;

        enter(as);
        good &= reads(PAGE_VA, 1) && reads(PAGE_VA + PAGE_SIZE, 1);
        enter(other);
        good &= reads(PAGE_VA, 2);
        pte_t leaf = take_leaf(as, PAGE_VA), next = take_leaf(as, PAGE_VA + PAGE_SIZE);

        shoot_pages(as, scopes[i], 2, false, tables);
        good &= reads(PAGE_VA, 2);
        load(as, TLB_KEEP);
        good &= faults(PAGE_VA) && faults(PAGE_VA + PAGE_SIZE);
        put_leaf(as, PAGE_VA, leaf);
        put_leaf(as, PAGE_VA + PAGE_SIZE, next);
        load(other, TLB_KEEP);
    }
    contract_ok(good, "shoot: a space that does not run here");
}

/* Tags with high bits, as they come with thousands of processes. */
static void check_high_tags(struct address_space *as, struct address_space *other)
{
    const asid_t high = {(uint16_t)((1u << hal_caps.asid_bits) - 1)};
    const asid_t near = {(uint16_t)((1u << hal_caps.asid_bits) - 1 - (1u << (hal_caps.asid_bits - 1)))};
    struct tlb_shot shot = {.scope = TLB_RANGE, .start = PAGE_VA, .end = PAGE_VA + PAGE_SIZE,
                            .cpus = ~0ull};
    asid_t tag;
    irqflags_t flags = cpu_irq_save();

    hal_mmu.activate(as->root, high, TLB_DROP_TAG);
    bool good = hal_mmu.active_root(&tag) == as->root && tag.value == high.value;

    good &= reads(PAGE_VA, 1);
    hal_mmu.activate(other->root, near, TLB_DROP_TAG);
    good &= hal_mmu.active_root(&tag) == other->root && tag.value == near.value;
    good &= reads(PAGE_VA, 2);
    pte_t leaf = take_leaf(as, PAGE_VA);

    for (shot.asid = near, shot.current = true; shot.asid.value != high.value;
         shot.asid = high, shot.current = false) {
        hal_mmu.shoot(&shot);
        good &= reads(PAGE_VA, 2);
    }
    hal_mmu.shoot(&shot);
    hal_mmu.activate(as->root, high, TLB_KEEP);
    good &= faults(PAGE_VA) && reads(PAGE_VA + PAGE_SIZE, 1);
    put_leaf(as, PAGE_VA, leaf);
    hal_mmu.activate(other->root, near, TLB_DROP_ALL);
    cpu_irq_restore(flags);
    load(other, TLB_DROP_ALL);
    contract_ok(good, "activate, shoot: the highest tags");
}

static void check_drops(struct address_space *as, struct address_space *other)
{
    static const enum tlb_drop drops[] = {TLB_DROP_TAG, TLB_DROP_ALL};
    bool good = true;

    for (unsigned i = 0; i < ARRAY_SIZE(drops); i++) {
        enter(as);
        good &= reads(PAGE_VA, 1);
        enter(other);
        pte_t leaf = take_leaf(as, PAGE_VA);

        load(as, drops[i]);
        good &= faults(PAGE_VA) && reads(PAGE_VA + PAGE_SIZE, 1);
        put_leaf(as, PAGE_VA, leaf);
        load(other, TLB_KEEP);
    }
    contract_ok(good, "activate: a drop of tag or all leaves nothing of the space");
    load(as, TLB_DROP_ALL);
    good = reads(PAGE_VA, 1);
    load(other, TLB_DROP_ALL);
    contract_ok(good && reads(PAGE_VA, 2), "activate: spaces do not see each other");
    enter(as);
    enter(other);
}

void contract_mmu(contract_access_t access)
{
    struct address_space *as = make_space(1), *other = make_space(2);

    user_access = access;
    check_register(as);
    check_register(other);
    if (access != NULL) {
        enter(as);
        check_scopes(as);
        check_other(as, other);
        check_drops(as, other);
        if (hal_caps.asid_bits != 0) {
            check_high_tags(as, other);
        }
    }
    enter(as);
    shoot(as, TLB_SPACE, true, true);
    shoot(other, TLB_SPACE, false, true);
    as_put(other);
    as_put(as);
    contract_ok(hal_caps.pa_bits >= 32, "cpu_init: hal_caps are filled");
}
