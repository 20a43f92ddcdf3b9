/*
 * The VMA tree alone: after every insert, removal and move its shape, its gaps and what it finds are
 * compared with what the list says.
 */
#include <arch/consts.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/assert.h"
#include "mm/address_space.h"
#include "mm/vma.h"
#include "tests/unit/tap.h"

#define VMAS  48u
#define PAGES 512u
#define BASE  0x100000ull

static struct vma pool[VMAS];
static bool used[VMAS];
static struct vma_tree tree;
static uint64_t rng = 88172645463325252ull;

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    exit(1);
}

static unsigned below(unsigned n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)((rng >> 20) % n);
}

static vaddr_t at(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

static struct vma *list_find(vaddr_t va)
{
    for (struct list *it = tree.list.next; it != &tree.list; it = it->next) {
        struct vma *vma = list_entry(it, struct vma, node);

        if (va < vma->end) {
            return vma;
        }
    }
    return NULL;
}

static uint64_t gap_below(struct vma *vma)
{
    struct vma *prev = vma_prev(&tree, vma);
    vaddr_t low = prev == NULL ? 0 : prev->end, high = vma_reserved_start(vma);

    return high > low ? high - low : 0;
}

/* Returns the number of nodes; 0 where something is wrong. */
static unsigned check_below(struct vma *node, vaddr_t low, vaddr_t high)
{
    uint64_t gap = gap_below(node);
    unsigned nr = 1, left = 0, right = 0;

    if (node->start < low || node->end > high) {
        return 0;
    }
    if (node->left != NULL) {
        left = check_below(node->left, low, node->start);
        gap = MAX(gap, node->left->max_gap);
        nr = left == 0 ? 0 : nr + left;
    }
    if (node->right != NULL && nr != 0) {
        right = check_below(node->right, node->end, high);
        gap = MAX(gap, node->right->max_gap);
        nr = right == 0 ? 0 : nr + right;
    }
    int32_t l = node->left == NULL ? 0 : node->left->height;
    int32_t r = node->right == NULL ? 0 : node->right->height;

    if (node->height != 1 + MAX(l, r) || l - r > 1 || r - l > 1 || node->max_gap != gap) {
        return 0;
    }
    return nr;
}

static bool tree_is_right(void)
{
    unsigned nr = tree.root == NULL ? 0 : check_below(tree.root, 0, UINT64_MAX);

    return nr == tree.nr && (nr != 0 || list_empty(&tree.list));
}

static bool finds_are_right(void)
{
    vaddr_t va = at(below(PAGES + 2)) + below(4096);
    struct vma *expected = list_find(va);
    struct vma *inside = expected != NULL && va >= expected->start ? expected : NULL;

    return vma_find(&tree, va) == expected && vma_containing(&tree, va) == inside;
}

/* The highest place, by trying every page. */
static vaddr_t find_gap_slowly(size_t len, vaddr_t low, vaddr_t high)
{
    for (vaddr_t start = high - len; start >= low && start < high; start -= PAGE_SIZE) {
        struct vma *next = list_find(start);

        if (next == NULL || vma_reserved_start(next) >= start + len) {
            return start;
        }
    }
    return 0;
}

static bool gaps_are_right(void)
{
    size_t len = (1 + below(24)) * PAGE_SIZE;
    vaddr_t low = at(below(PAGES)), high = low + (1 + below(PAGES)) * PAGE_SIZE;

    return high - low < len ? vma_find_gap(&tree, len, low, high) == 0
                            : vma_find_gap(&tree, len, low, high) == find_gap_slowly(len, low, high);
}

static void insert_one(void)
{
    unsigned i = below(VMAS), first = below(PAGES), nr = 1 + below(12);
    struct vma *next = list_find(at(first));

    if (used[i] || (next != NULL && next->start < at(first + nr))) {
        return;
    }
    pool[i] = (struct vma){.start = at(first), .end = at(first + nr),
                           .flags = below(6) == 0 ? AS_GROWSDOWN : 0};
    used[i] = true;
    vma_insert(&tree, &pool[i]);
}

static void remove_one(void)
{
    unsigned i = below(VMAS);

    if (used[i]) {
        vma_remove(&tree, &pool[i]);
        used[i] = false;
    }
}

static void move_one(void)
{
    unsigned i = below(VMAS);
    struct vma *vma = &pool[i];

    if (!used[i]) {
        return;
    }
    struct vma *prev = vma_prev(&tree, vma), *next = vma_next(&tree, vma);
    vaddr_t low = prev == NULL ? BASE : prev->end;
    vaddr_t high = next == NULL ? at(PAGES + 16) : next->start;
    vaddr_t start = low + below((unsigned)((vma->end - low) / PAGE_SIZE)) * PAGE_SIZE;
    vaddr_t end = high - below((unsigned)((high - start) / PAGE_SIZE)) * PAGE_SIZE;

    vma_set_bounds(&tree, vma, start, end);
}

int main(void)
{
    unsigned wrong_tree = 0, wrong_find = 0, wrong_gap = 0;

    vma_tree_init(&tree);
    for (unsigned i = 0; i < 60000; i++) {
        unsigned op = below(8);

        if (op < 4) {
            insert_one();
        } else if (op < 6) {
            remove_one();
        } else {
            move_one();
        }
        wrong_tree += !tree_is_right();
        wrong_find += !finds_are_right();
        wrong_gap += !gaps_are_right();
    }
    tap_ok(wrong_tree == 0, "heights, order and gaps of every node (%u wrong)", wrong_tree);
    tap_ok(wrong_find == 0, "lookups are the list's (%u wrong)", wrong_find);
    tap_ok(wrong_gap == 0, "the highest gap is found (%u wrong)", wrong_gap);
    for (unsigned i = 0; i < VMAS; i++) {
        if (used[i]) {
            vma_remove(&tree, &pool[i]);
        }
    }
    tap_ok(tree.nr == 0 && tree.root == NULL && list_empty(&tree.list), "everything can go");
    return tap_done();
}
