/*
 * The model's oracles: VMAs, rights and contents of a space against the model; reference counts
 * against the owners that every table of every space, each looked at once, really has.
 */
#include <arch/pte.h>
#include <asm/mman.h>
#include <string.h>

#include "kernel/assert.h"
#include "mm/frame.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "model.h"

#define FRAMES_MAX  8192u
#define VMA_FLAGS   (AS_DONTFORK | AS_WIPEONFORK | AS_GROWSDOWN | AS_HEAP | AS_LOCKED)

static struct {
    uint32_t epoch, owners;
} seen[FRAMES_MAX];
static uint32_t touched[FRAMES_MAX], nr_touched, epoch;
static uint64_t nr_tables, nr_anon;

static uint32_t count_owner(paddr_t pa)
{
    uint64_t frame = pa >> PAGE_SHIFT;

    kverify(frame < FRAMES_MAX);
    if (seen[frame].epoch != epoch) {
        seen[frame].epoch = epoch;
        seen[frame].owners = 0;
        touched[nr_touched++] = (uint32_t)frame;
    }
    return ++seen[frame].owners;
}

static void count_leaf(paddr_t slot, pte_t entry)
{
    paddr_t pa = pte_addr(entry, 0);
    struct frame *frame = frame_of(pa);

    if (sim_decode(entry.raw, 0).global) {
        panic("entry %#lx: a user leaf is global: %#lx", (unsigned long)slot,
              (unsigned long)entry.raw);
    }
    if (pa == frame_zero_pa) {
        if ((pte_prot(entry) & PTE_WRITE) != 0) {
            panic("entry %#lx lets the user write the zero frame", (unsigned long)slot);
        }
        return;
    }
    if (frame->owner != FRAME_ANON && frame->owner != FRAME_OBJECT) {
        panic("entry %#lx leads to frame %#lx of owner %u", (unsigned long)slot, (unsigned long)pa,
              frame->owner);
    }
    nr_anon += count_owner(pa) == 1 && frame->owner == FRAME_ANON;
}

/*
 * Most of the time only the slots that mm/ says it ever used; whether it forgot one shows in the
 * whole scan, which comes often enough.
 */
static void count_table(paddr_t table, unsigned level, unsigned nr)
{
    const uint64_t *entry = phys_to_virt(table);
    bool whole = model.nr_steps % 16 == 0;
    unsigned first = whole ? 0 : ALIGN_DOWN(pt_table_first(frame_of(table)), 8u);

    nr_tables++;
    nr = whole ? nr : MIN(nr, pt_table_end(frame_of(table)));
    for (unsigned i = first; i < nr; i += 8) {
        const uint64_t *e = entry + i;

        if ((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) == 0) {
            continue;
        }
        for (unsigned j = i; j < i + 8; j++) {
            pte_t pte = {entry[j]};

            if (!pte_present(pte)) {
                continue;
            }
            if (level == 0) {
                count_leaf(table + j * 8, pte);
                continue;
            }
            paddr_t below = pte_addr(pte, level);

            if (frame_of(below)->owner != FRAME_TABLE || frame_refs(frame_of(below)) == 0) {
                panic("entry %#lx of level %u leads to %#lx, which is no table",
                      (unsigned long)(table + j * 8), level, (unsigned long)below);
            }
            if (count_owner(below) == 1) {
                count_table(below, level - 1, PT_ENTRIES);
            }
        }
    }
}

/* Sharing tables is safe only while every entry that names one is write-protected. */
static void check_frame(uint32_t number)
{
    struct frame *frame = frame_of((paddr_t)number << PAGE_SHIFT);
    uint32_t owners = seen[number].owners + (frame->owner == FRAME_OBJECT ? 1 : 0);

    if (frame_refs(frame) != owners) {
        panic("frame %#lx (owner %u) has %u references and %u owners",
              (unsigned long)frame_pa(frame), frame->owner, frame_refs(frame), owners);
    }
}

void model_check_counts(void)
{
    struct frame_stats stats;

    epoch++;
    nr_touched = 0;
    nr_anon = 0;
    nr_tables = 1; /* the empty space's root */
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        if (model.space[i].as != NULL) {
            paddr_t root = model.space[i].as->root;

            kverify(frame_of(root)->owner == FRAME_TABLE && count_owner(root) == 1);
            count_table(root, PT_LEVELS - 1, USER_VA_END > 1ull << 47 ? 512 : 256);
        }
    }
    for (uint32_t i = 0; i < nr_touched; i++) {
        check_frame(touched[i]);
    }
    frame_get_stats(&stats);
    if (stats.owned[FRAME_TABLE] != nr_tables || stats.owned[FRAME_ANON] != nr_anon) {
        panic("%lu tables and %lu anonymous frames are allocated, %lu and %lu are reachable",
              (unsigned long)stats.owned[FRAME_TABLE], (unsigned long)stats.owned[FRAME_ANON],
              (unsigned long)nr_tables, (unsigned long)nr_anon);
    }
}

static bool same_backing(const struct model_page *page, const struct vma *vma, vaddr_t va)
{
    if (page->kind == PAGE_ANON) {
        return vma->object == NULL;
    }
    return vma->object == model.object[page->object].object &&
           ((vma->flags & AS_SHARED) != 0) == (page->kind == PAGE_SHARED) &&
           vma->offset + (va - vma->start) == (uint64_t)page->index * PAGE_SIZE;
}

static void check_vma(unsigned space, unsigned at, const struct vma *vma)
{
    const struct model_page *page = &model.space[space].page[at];
    vaddr_t va = model_address(at);

    if ((vma != NULL) != (page->kind != PAGE_ABSENT)) {
        panic("space %u page %u: %s VMA, the model says otherwise", space, at,
              vma != NULL ? "there is a" : "no");
    }
    if (vma == NULL) {
        return;
    }
    if (vma->prot != page->prot || (vma->flags & VMA_FLAGS) != (page->flags & VMA_FLAGS) ||
        !same_backing(page, vma, va)) {
        panic("space %u page %u: VMA prot %x flags %x offset %#lx, the model has prot %x flags %x "
              "kind %u index %u",
              space, at, vma->prot, vma->flags, (unsigned long)vma->offset, page->prot, page->flags,
              page->kind, page->index);
    }
}

static void check_page(unsigned space, unsigned at)
{
    struct model_page *page = &model.space[space].page[at];
    struct pt_walk walk;

    if (!pt_lookup(model.space[space].as, model_address(at), &walk)) {
        return;
    }
    uint32_t rights = pte_prot(walk.entry);
    uint32_t most = PTE_USER;

    most |= page->prot != PROT_NONE ? PTE_READ : 0;
    most |= (page->prot & PROT_WRITE) != 0 ? PTE_WRITE : 0;
    most |= (page->prot & PROT_EXEC) != 0 ? PTE_EXEC : 0;
    if (page->kind == PAGE_ABSENT || (rights & PTE_USER) == 0 || (rights & ~most) != 0) {
        panic("I1: space %u page %u: entry %#lx rights %x, the model allows %x", space, at,
              (unsigned long)walk.entry.raw, rights, most);
    }
    const char *bytes = phys_to_virt(pte_addr(walk.entry, 0));
    const uint64_t *words = model_words(page);

    for (unsigned i = 0; i < MODEL_WORDS; i++) {
        uint64_t held;

        memcpy(&held, bytes + model_word_offset(i), sizeof(held));
        if (held != words[i]) {
            panic("space %u page %u word %u holds %#lx, the model %#lx", space, at, i,
                  (unsigned long)held, (unsigned long)words[i]);
        }
    }
}

void model_check_space(unsigned space)
{
    struct address_space *as = model.space[space].as;

    if (as == NULL) {
        return;
    }
    struct vma *vma = vma_find(&as->vmas, model_address(model.first));

    for (unsigned at = model.first; at < model.first + model.nr; at++) {
        vaddr_t va = model_address(at);

        while (vma != NULL && vma->end <= va) {
            vma = vma_next(&as->vmas, vma);
        }
        check_vma(space, at, vma != NULL && vma->start <= va ? vma : NULL);
        check_page(space, at);
    }
}

void model_check_everything(void)
{
    for (unsigned i = 0; i < MODEL_SPACES; i++) {
        struct address_space *as = model.space[i].as;

        if (as == NULL) {
            continue;
        }
        model_check_space(i);
        mutex_lock(&as->lock);
        as_check_locked(as, 0, USER_VA_END);
        mutex_unlock(&as->lock);
        if ((as->brk_end != model.space[i].brk)) {
            panic("space %u: the break is %#lx, the model says %#lx", i,
                  (unsigned long)as->brk_end, (unsigned long)model.space[i].brk);
        }
    }
}

static void mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * 0x100000001b3ull;
    *hash ^= *hash >> 29;
}

/* A hole and a page of zeros are the same to a program: pages of zeros do not count. */
static void hash_page(struct address_space *as, const struct vma *vma, vaddr_t va, uint64_t *hash)
{
    struct pt_walk walk;
    static const uint8_t zeros[4096];

    if (!pt_lookup(as, va, &walk)) {
        return;
    }
    const uint8_t *bytes = phys_to_virt(pte_addr(walk.entry, 0));

    if (frame_of(pte_addr(walk.entry, 0))->owner == FRAME_OBJECT ||
        (vma->object == NULL && memcmp(bytes, zeros, PAGE_SIZE) == 0)) {
        return; /* the object's own page, or nothing */
    }
    mix(hash, va);
    for (unsigned i = 0; i < PAGE_SIZE; i += 8) {
        uint64_t word;

        memcpy(&word, bytes + i, sizeof(word));
        mix(hash, word);
    }
}

uint64_t model_hash(struct address_space *as)
{
    uint64_t hash = 0xcbf29ce484222325ull;

    mix(&hash, as->brk_end);
    mix(&hash, as->virtual_pages);
    mix(&hash, as->data_pages);
    mix(&hash, as->locked_pages);
    mix(&hash, as->vmas.nr);
    vma_for_each(vma, &as->vmas) {
        mix(&hash, vma->start);
        mix(&hash, vma->end);
        mix(&hash, (uint64_t)vma->prot << 32 | vma->flags);
        mix(&hash, (uintptr_t)vma->object);
        mix(&hash, vma->offset);
        for (vaddr_t va = vma->start; va < vma->end; va += PAGE_SIZE) {
            hash_page(as, vma, va, &hash);
        }
    }
    return hash;
}
