/*
 * A byte stream in or out of memory that may be the user's: what read(2), write(2) and their
 * vector forms hand to files. The kernel's own buffers use the same type with `as` NULL.
 */
#pragma once

#include "kernel/types.h"

struct address_space;

struct uio_segment {
    vaddr_t base;
    size_t len;
};

struct uio {
    struct address_space *as; /* NULL: kernel addresses */
    const struct uio_segment *segment;
    size_t offset; /* into *segment */
    size_t left;   /* bytes over all segments */
};

static inline struct uio uio_kernel(struct uio_segment *segment, void *buf, size_t len)
{
    *segment = (struct uio_segment){(vaddr_t)buf, len};
    return (struct uio){NULL, segment, 0, len};
}

/*
 * Requires: no spinlock, no as->lock. Does: moves up to len bytes from buf to the stream (or back)
 * and advances. Returns the bytes moved, or -EFAULT if the first byte could not be.
 */
NODISCARD ssize64_t uio_put(struct uio *uio, const void *buf, size_t len);
NODISCARD ssize64_t uio_get(struct uio *uio, void *buf, size_t len);
/* As uio_put with zero bytes. */
NODISCARD ssize64_t uio_put_zero(struct uio *uio, size_t len);
