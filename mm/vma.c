/* VMA list and tree: see mm/vma.h. */
#include "mm/vma.h"

#include <arch/consts.h>

#include "kernel/assert.h"
#include "mm/address_space.h"

void vma_tree_init(struct vma_tree *tree)
{
    *tree = (struct vma_tree){0};
    list_init(&tree->list);
}

vaddr_t vma_reserved_start(const struct vma *vma)
{
    if ((vma->flags & AS_GROWSDOWN) == 0) {
        return vma->start;
    }
    return vma->start < STACK_GUARD_GAP ? 0 : vma->start - STACK_GUARD_GAP;
}

struct vma *vma_next(struct vma_tree *tree, struct vma *vma)
{
    return vma->node.next == &tree->list ? NULL : list_entry(vma->node.next, struct vma, node);
}

struct vma *vma_prev(struct vma_tree *tree, struct vma *vma)
{
    return vma->node.prev == &tree->list ? NULL : list_entry(vma->node.prev, struct vma, node);
}

static int32_t height(const struct vma *node)
{
    return node == NULL ? 0 : node->height;
}

static uint64_t max_gap(const struct vma *node)
{
    return node == NULL ? 0 : node->max_gap;
}

static uint64_t own_gap(struct vma_tree *tree, struct vma *node)
{
    struct vma *prev = vma_prev(tree, node);
    vaddr_t low = prev == NULL ? 0 : prev->end;
    vaddr_t high = vma_reserved_start(node);

    return high > low ? high - low : 0;
}

static void update(struct vma_tree *tree, struct vma *node)
{
    node->height = 1 + MAX(height(node->left), height(node->right));
    node->max_gap = MAX(max_gap(node->left), max_gap(node->right));
    node->max_gap = MAX(node->max_gap, own_gap(tree, node));
}

static struct vma *rotate_right(struct vma_tree *tree, struct vma *node)
{
    struct vma *top = node->left;

    node->left = top->right;
    top->right = node;
    update(tree, node);
    update(tree, top);
    return top;
}

static struct vma *rotate_left(struct vma_tree *tree, struct vma *node)
{
    struct vma *top = node->right;

    node->right = top->left;
    top->left = node;
    update(tree, node);
    update(tree, top);
    return top;
}

static struct vma *balance(struct vma_tree *tree, struct vma *node)
{
    update(tree, node);
    if (height(node->left) > height(node->right) + 1) {
        if (height(node->left->left) < height(node->left->right)) {
            node->left = rotate_left(tree, node->left);
        }
        return rotate_right(tree, node);
    }
    if (height(node->right) > height(node->left) + 1) {
        if (height(node->right->right) < height(node->right->left)) {
            node->right = rotate_right(tree, node->right);
        }
        return rotate_left(tree, node);
    }
    return node;
}

static struct vma *insert_below(struct vma_tree *tree, struct vma *node, struct vma *vma)
{
    if (node == NULL) {
        update(tree, vma);
        return vma;
    }
    if (vma->start < node->start) {
        node->left = insert_below(tree, node->left, vma);
    } else {
        node->right = insert_below(tree, node->right, vma);
    }
    return balance(tree, node);
}

static struct vma *remove_first(struct vma_tree *tree, struct vma *node, struct vma **first)
{
    if (node->left == NULL) {
        *first = node;
        return node->right;
    }
    node->left = remove_first(tree, node->left, first);
    return balance(tree, node);
}

static struct vma *remove_below(struct vma_tree *tree, struct vma *node, struct vma *vma)
{
    kassert(node != NULL);
    if (node != vma) {
        if (vma->start < node->start) {
            node->left = remove_below(tree, node->left, vma);
        } else {
            node->right = remove_below(tree, node->right, vma);
        }
        return balance(tree, node);
    }
    if (node->right == NULL) {
        return node->left;
    }
    struct vma *successor = NULL;
    struct vma *right = remove_first(tree, node->right, &successor);

    successor->left = node->left;
    successor->right = right;
    return balance(tree, successor);
}

/* Recomputes gaps on the path to vma, whose own gap changed. */
static void update_path(struct vma_tree *tree, struct vma *node, const struct vma *vma)
{
    if (node != vma) {
        update_path(tree, vma->start < node->start ? node->left : node->right, vma);
    }
    update(tree, node);
}

static void gap_changed(struct vma_tree *tree, struct vma *vma)
{
    if (vma != NULL) {
        update_path(tree, tree->root, vma);
    }
}

struct vma *vma_find(struct vma_tree *tree, vaddr_t va)
{
    struct vma *hint = tree->hint;

    if (hint != NULL && va >= hint->start && va < hint->end) {
        return hint;
    }
    struct vma *best = NULL;

    for (struct vma *node = tree->root; node != NULL;) {
        if (va < node->end) {
            best = node;
            if (va >= node->start) {
                break;
            }
            node = node->left;
        } else {
            node = node->right;
        }
    }
    if (best != NULL) {
        tree->hint = best;
    }
    return best;
}

struct vma *vma_containing(struct vma_tree *tree, vaddr_t va)
{
    struct vma *vma = vma_find(tree, va);

    return vma != NULL && va >= vma->start ? vma : NULL;
}

/* Only the lock's holder changes it. */
static void count(struct vma_tree *tree, int by)
{
    uint32_t nr = atomic_load_explicit(&tree->nr, memory_order_relaxed) + (uint32_t)by;

    atomic_store_explicit(&tree->nr, nr, memory_order_relaxed);
}

void vma_insert(struct vma_tree *tree, struct vma *vma)
{
    struct vma *next = vma_find(tree, vma->start);

    kassert(vma->start < vma->end && vma->end <= USER_VA_END);
    kassert(next == NULL || next->start >= vma->end);
    list_insert_between(&vma->node, next == NULL ? tree->list.prev : next->node.prev,
                        next == NULL ? &tree->list : &next->node);
    vma->left = NULL;
    vma->right = NULL;
    /* The gap below `next` changed too: it is an ancestor of the new leaf, so it is updated here. */
    tree->root = insert_below(tree, tree->root, vma);
    count(tree, 1);
}

void vma_remove(struct vma_tree *tree, struct vma *vma)
{
    struct vma *next = vma_next(tree, vma);

    tree->root = remove_below(tree, tree->root, vma);
    list_remove(&vma->node);
    count(tree, -1);
    if (tree->hint == vma) {
        tree->hint = NULL;
    }
    gap_changed(tree, next);
}

void vma_set_bounds(struct vma_tree *tree, struct vma *vma, vaddr_t start, vaddr_t end)
{
    kassert(start < end && end <= USER_VA_END);
    vma->start = start;
    vma->end = end;
    gap_changed(tree, vma);
    gap_changed(tree, vma_next(tree, vma));
}

static vaddr_t gap_below(struct vma_tree *tree, struct vma *node, size_t len, vaddr_t low,
                         vaddr_t high)
{
    if (node == NULL || node->max_gap < len) {
        return 0;
    }
    struct vma *prev = vma_prev(tree, node);
    vaddr_t from = MAX(low, prev == NULL ? 0 : prev->end);
    vaddr_t to = MIN(high, vma_reserved_start(node));

    /* Gaps above this node's VMA lie at or above its end: skip them when that is past the limit. */
    if (node->end < high) {
        vaddr_t found = gap_below(tree, node->right, len, low, high);

        if (found != 0) {
            return found;
        }
    }
    if (to > from && to - from >= len) {
        return to - len;
    }
    return node->start > low ? gap_below(tree, node->left, len, low, high) : 0;
}

vaddr_t vma_find_gap(struct vma_tree *tree, size_t len, vaddr_t low, vaddr_t high)
{
    vaddr_t after =
        list_empty(&tree->list) ? 0 : list_entry(tree->list.prev, struct vma, node)->end;
    vaddr_t from = MAX(low, after);

    if (high > from && high - from >= len) {
        return high - len;
    }
    return gap_below(tree, tree->root, len, low, high);
}
