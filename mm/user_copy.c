/*
 * Copies between the kernel and user memory. The user address is never dereferenced: each page is
 * looked up with the rights of user mode, faulted in where needed, and moved through the direct map
 * under as->lock.
 */
#include <asm/mman.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "mm/oom.h"
#include "mm/pagetable.h"
#include "mm/space.h"
#include "mm/vm_object.h"

enum copy_op { COPY_IN, COPY_OUT, COPY_CLEAR };

/* Returns 0 with the leaf that grants the access in *out. Fails: -EFAULT, -ENOMEM. */
static int lookup_locked(struct address_space *as, vaddr_t va, uint32_t access,
                         struct pt_walk *out)
    REQUIRES(&as->lock)
{
    struct as_fault_signal signal;

    while (!pt_lookup(as, va, out) || (out->rights & access) == 0) {
        int error = fault_locked(as, va, access, &signal);

        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static void *direct_address(const struct pt_walk *walk, vaddr_t va)
{
    return (char *)phys_to_virt(pte_addr(walk->entry, 0)) + (va & (PAGE_SIZE - 1));
}

static int copy_page_locked(struct address_space *as, enum copy_op op, vaddr_t user, void *kernel,
                            size_t len)
    REQUIRES(&as->lock)
{
    struct pt_walk walk;
    int error = lookup_locked(as, user, op == COPY_IN ? PTE_READ : PTE_WRITE, &walk);

    if (error != 0) {
        return error;
    }
    void *direct = direct_address(&walk, user);

    switch (op) {
    case COPY_IN:
        memcpy(kernel, direct, len);
        break;
    case COPY_OUT:
        memcpy(direct, kernel, len);
        frame_written(frame_of(pte_addr(walk.entry, 0)));
        break;
    case COPY_CLEAR:
        memset(direct, 0, len);
        frame_written(frame_of(pte_addr(walk.entry, 0)));
        break;
    }
    return 0;
}

/* Returns the bytes done; less than len where the next could not be accessed. */
static size_t copy(struct address_space *as, enum copy_op op, vaddr_t user, void *kernel,
                   size_t len)
{
    size_t done = 0;

    if (user >= USER_VA_END) {
        return 0;
    }
    len = MIN(len, USER_VA_END - user);
    mutex_lock(&as->lock);
    while (done < len) {
        size_t part = MIN(len - done, PAGE_SIZE - ((user + done) & (PAGE_SIZE - 1)));
        void *at = op == COPY_CLEAR ? NULL : (char *)kernel + done;
        int error = copy_page_locked(as, op, user + done, at, part);

        if (error == -ENOMEM) {
            mutex_unlock(&as->lock);
            error = oom_reclaim();
            mutex_lock(&as->lock);
            if (error == 0) {
                continue;
            }
        }
        if (error != 0) {
            break;
        }
        done += part;
    }
    mutex_unlock(&as->lock);
    return done;
}

size_t as_copy_in_partial(struct address_space *as, void *dst, vaddr_t src, size_t len)
{
    return copy(as, COPY_IN, src, dst, len);
}

size_t as_copy_out_partial(struct address_space *as, vaddr_t dst, const void *src, size_t len)
{
    return copy(as, COPY_OUT, dst, (void *)(uintptr_t)src, len);
}

size_t as_clear_partial(struct address_space *as, vaddr_t dst, size_t len)
{
    return copy(as, COPY_CLEAR, dst, NULL, len);
}

int as_copy_in(struct address_space *as, void *dst, vaddr_t src, size_t len)
{
    return copy(as, COPY_IN, src, dst, len) == len ? 0 : -EFAULT;
}

int as_copy_out(struct address_space *as, vaddr_t dst, const void *src, size_t len)
{
    return as_copy_out_partial(as, dst, src, len) == len ? 0 : -EFAULT;
}

int as_clear(struct address_space *as, vaddr_t dst, size_t len)
{
    return as_clear_partial(as, dst, len) == len ? 0 : -EFAULT;
}

ssize64_t as_copy_in_string(struct address_space *as, char *dst, vaddr_t src, size_t size)
{
    size_t done = 0;

    while (done < size) {
        vaddr_t at = src + done;
        size_t want = MIN(size - done, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
        size_t got = copy(as, COPY_IN, at, dst + done, want);
        const char *end = memchr(dst + done, '\0', got);

        if (end != NULL) {
            return end - dst;
        }
        if (got < want) {
            return -EFAULT;
        }
        done += got;
    }
    return -ENAMETOOLONG;
}

NO_LOCK_ANALYSIS static int word_lookup(struct address_space *as, vaddr_t addr, bool write, struct pt_walk *walk)
{
    if (!va_range_is_user(addr, sizeof(uint32_t))) {
        return -EFAULT;
    }
    for (;;) {
        mutex_lock(&as->lock);
        int error = lookup_locked(as, addr, write ? PTE_WRITE : PTE_READ, walk);

        if (error == 0) {
            return 0; /* with the lock */
        }
        mutex_unlock(&as->lock);
        if (error != -ENOMEM || oom_reclaim() != 0) {
            return -EFAULT;
        }
    }
}

NO_LOCK_ANALYSIS int as_word_lock(struct address_space *as, vaddr_t addr, bool write, bool shared,
                 struct as_word *out)
{
    struct pt_walk walk;
    int error = word_lookup(as, addr, write, &walk);

    if (error != 0) {
        return error;
    }
    const struct vma *vma = vma_containing(&as->vmas, addr);

    /* A word for several processes in memory that can never be shared: futex(2) refuses it. */
    if (shared && vma->object == NULL && (vma->prot & PROT_WRITE) == 0) {
        mutex_unlock(&as->lock);
        return -EFAULT;
    }
    out->word = direct_address(&walk, addr);
    out->key[0] = (uintptr_t)as;
    out->key[1] = addr;
    if (shared && (vma->flags & AS_SHARED) != 0 && vma->object != NULL) {
        out->key[0] = vma->object->number;
        out->key[1] = vma->offset + (addr - vma->start);
    }
    return 0;
}

NO_LOCK_ANALYSIS void as_word_unlock(struct address_space *as)
{
    mutex_unlock(&as->lock);
}
