/*
 * What a mapping can be backed by: the seam that file systems implement.
 * An object hands out referenced frames by page index and lists the VMAs that map it.
 */
#pragma once

#include "kernel/list.h"
#include "kernel/spinlock.h"
#include "kernel/types.h"

struct frame;
struct vm_object;

struct vm_object_ops {
    /*
     * Does: returns the frame of the page with a new reference, making it if the object may.
     * Fails: -EFAULT past the end (the fault becomes SIGBUS), -ENOMEM. Holds no lock on return.
     */
    int (*get_page)(struct vm_object *object, uint64_t index, struct frame **out);
    /* Returns the frame with a new reference if it is at hand, else NULL. Never allocates. */
    struct frame *(*peek_page)(struct vm_object *object, uint64_t index);
    /* MADV_REMOVE: the bytes read as zero from now on. Called without locks. NULL: -EINVAL. */
    int (*clear)(struct vm_object *object, uint64_t offset, uint64_t len);
    /* The last reference went. */
    void (*destroy)(struct vm_object *object);
    /* For maps: `file` is what as_map() was given. Any may be NULL. */
    void (*file_get)(void *file);
    void (*file_put)(void *file);
    /* Writes the path and the identity for /proc/PID/maps. */
    void (*file_describe)(void *file, char *path, size_t size, uint64_t *dev, uint64_t *ino);
};

struct vm_object {
    atomic_uint refs;
    uint64_t number; /* no other object has had it: a futex waits on it without a reference */
    const struct vm_object_ops *ops;
    struct spinlock lock;
    struct list mappings; /* struct vma, through vma->object_node */
};

void vm_object_init(struct vm_object *object, const struct vm_object_ops *ops); /* one reference */
void vm_object_get(struct vm_object *object);
void vm_object_put(struct vm_object *object);
/*
 * Requires: none of the object's locks held; the object no longer hands out pages at or past `index`.
 * Does: unmaps those pages from every space (truncate).
 */
void vm_object_unmap_from(struct vm_object *object, uint64_t index);
