/*
 * VMAs of one address space: a list in address order and an AVL tree over it, each node knowing the
 * largest gap below any VMA of its subtree. Guarded by as->lock. Invariant: VMAs are page-aligned,
 * not empty, disjoint, and inside [0, USER_VA_END).
 */
#pragma once

#include "kernel/list.h"
#include "kernel/types.h"

struct address_space;
struct vm_object;

/* Free addresses kept below a VMA that grows down, so that it does not run into its neighbour. */
#define STACK_GUARD_GAP MIB(1)

struct vma {
    vaddr_t start, end;
    uint32_t prot; /* Linux PROT_* */
    uint32_t max_prot;
    uint32_t flags; /* enum as_map_flags */
    int32_t height; /* of the subtree */
    struct vma *left, *right;
    uint64_t max_gap; /* largest gap directly below a VMA of the subtree */
    struct list node; /* tree->list */
    struct address_space *as;
    struct vm_object *object; /* one reference; NULL: anonymous */
    void *file;               /* one reference, or NULL */
    uint64_t offset;          /* bytes into the object at start */
    struct list object_node;  /* object->mappings, under object->lock */
    uint64_t unmap_round;     /* mm/vm_object.c, under object->lock */
};

struct vma_tree {
    struct vma *root;
    struct vma *hint; /* found last */
    struct list list;
    _Atomic uint32_t nr; /* read without the lock where a VMA is about to be made */
};

void vma_tree_init(struct vma_tree *tree);
/* Returns the first VMA that ends after va, or NULL. */
struct vma *vma_find(struct vma_tree *tree, vaddr_t va);
/* Returns the VMA that contains va, or NULL. */
struct vma *vma_containing(struct vma_tree *tree, vaddr_t va);
/* Requires: overlaps none. */
void vma_insert(struct vma_tree *tree, struct vma *vma);
void vma_remove(struct vma_tree *tree, struct vma *vma);
/* Moves a bound; order and disjointness stay. */
void vma_set_bounds(struct vma_tree *tree, struct vma *vma, vaddr_t start, vaddr_t end);
struct vma *vma_next(struct vma_tree *tree, struct vma *vma);
struct vma *vma_prev(struct vma_tree *tree, struct vma *vma);
/* Returns the highest start of len free bytes inside [low, high), or 0. */
vaddr_t vma_find_gap(struct vma_tree *tree, size_t len, vaddr_t low, vaddr_t high);
/* Where the space that vma keeps for itself begins: its start, or the guard gap below. */
vaddr_t vma_reserved_start(const struct vma *vma);

#define vma_for_each(it, tree)                                                                     \
    for (struct vma *it = vma_find((tree), 0); it != NULL; it = vma_next((tree), it))
