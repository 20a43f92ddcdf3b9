/*
 * Byte streams over a row of segments, in user memory (through the address space, which checks
 * and faults) or in the kernel's. A move that meets a bad page stops there: what was moved counts.
 */
#include "kernel/uio.h"

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/address_space.h"

enum uio_kind { UIO_PUT, UIO_GET, UIO_ZERO };

static size_t move_kernel(enum uio_kind kind, vaddr_t addr, char *buf, size_t len)
{
    switch (kind) {
    case UIO_PUT:
        memcpy((void *)addr, buf, len);
        break;
    case UIO_GET:
        memcpy(buf, (const void *)addr, len);
        break;
    case UIO_ZERO:
        memset((void *)addr, 0, len);
        break;
    }
    return len;
}

static size_t move_user(struct address_space *as, enum uio_kind kind, vaddr_t addr, char *buf,
                        size_t len)
{
    switch (kind) {
    case UIO_PUT:
        return as_copy_out_partial(as, addr, buf, len);
    case UIO_GET:
        return as_copy_in_partial(as, buf, addr, len);
    case UIO_ZERO:
        return as_clear_partial(as, addr, len);
    }
    return 0;
}

static void uio_advance(struct uio *uio, size_t len)
{
    uio->offset += len;
    uio->left -= len;
    while (uio->left > 0 && uio->offset == uio->segment->len) {
        uio->segment++;
        uio->offset = 0;
    }
}

static ssize64_t uio_move(struct uio *uio, enum uio_kind kind, char *buf, size_t len)
{
    size_t done = 0;

    uio_advance(uio, 0); /* leading empty segments */
    len = MIN(len, uio->left);
    while (done < len) {
        size_t want = MIN(len - done, uio->segment->len - uio->offset);
        vaddr_t addr = uio->segment->base + uio->offset;
        char *at = kind == UIO_ZERO ? NULL : buf + done;
        size_t moved = uio->as == NULL ? move_kernel(kind, addr, at, want)
                                       : move_user(uio->as, kind, addr, at, want);

        uio_advance(uio, moved);
        done += moved;
        if (moved < want) {
            break;
        }
    }
    return done > 0 || len == 0 ? (ssize64_t)done : -EFAULT;
}

ssize64_t uio_put(struct uio *uio, const void *buf, size_t len)
{
    return uio_move(uio, UIO_PUT, (char *)buf, len);
}

ssize64_t uio_get(struct uio *uio, void *buf, size_t len)
{
    return uio_move(uio, UIO_GET, buf, len);
}

ssize64_t uio_put_zero(struct uio *uio, size_t len)
{
    return uio_move(uio, UIO_ZERO, NULL, len);
}
