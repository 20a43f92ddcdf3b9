/* The insides of an address space, for mm/ alone. Fields are grouped by what guards them. */
#pragma once

#include <hal/mmu.h>

#include "kernel/wait.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/vma.h"

struct address_space {
    atomic_uint refs;          /* users; the last as_put tears down */
    paddr_t root;              /* set at creation, then constant: readers need no lock */
    _Atomic uint64_t asid_tag; /* generation and hardware tag; mm/asid.c only; 0: none yet */
    _Atomic cpumask_t cpus_on; /* CPUs that may have root in the register; mm/tlb.c only */
    _Atomic cpumask_t cpus_stale; /* CPUs that must drop the tag before they use it; mm/tlb.c only */

    struct mutex lock; /* guards what follows, and every table under root */
    struct vma_tree vmas;
    struct as_limits limits;
    vaddr_t brk_start, brk_end;
    vaddr_t mmap_top;
    uint64_t virtual_pages, data_pages, locked_pages;
    uint64_t resident; /* present leaves, the zero frame included */
    uint64_t peak_virtual, peak_resident;
    uint64_t nr_minor_faults;
    uint64_t nr_mutations; /* debug: every 256th is checked in full */
    bool lock_future;      /* mlockall(MCL_FUTURE) */
};

#define MMAP_LOW 0x10000ull /* vm.mmap_min_addr */

/* mm/address_space.c */

/* [addr, addr + len) of a user, len rounded up to pages, if it is a range of user addresses. */
struct va_range {
    vaddr_t start, end;
};
/*
 * The one place that does arithmetic on user ranges. Fails: -EINVAL if addr is not page-aligned,
 * -ENOMEM if the range wraps or leaves user space. An empty range is no error.
 */
NODISCARD int va_range_pages(vaddr_t addr, size_t len, struct va_range *out);
static inline bool va_range_is_user(vaddr_t addr, size_t len)
{
    return len <= USER_VA_END && addr <= USER_VA_END - len;
}

static inline uint64_t pages_of(uint64_t bytes)
{
    return bytes >> PAGE_SHIFT;
}

/* Rights that leaves of the VMA may have. */
static inline uint32_t vma_leaf_prot(const struct vma *vma)
{
    uint32_t prot = PTE_USER;

    prot |= (vma->prot & 7) != 0 ? PTE_READ : 0;
    prot |= (vma->prot & 2) != 0 ? PTE_WRITE : 0;
    prot |= (vma->prot & 4) != 0 ? PTE_EXEC : 0;
    return prot;
}

struct vma *vma_create(struct address_space *as, vaddr_t start, vaddr_t end);
/* Copies everything but the tree's fields; takes references. NULL: no memory. */
struct vma *vma_clone(struct address_space *as, const struct vma *vma);
/* Takes the references of object and file that the VMA names, lists it at the object. */
void vma_attach(struct vma *vma);
/* Drops them and frees the VMA. Not under as->lock: the last file reference may sleep. */
void vma_destroy(struct vma *vma);
void vma_destroy_all(struct list *dead);
/* Cuts at va, inside vma; the upper part is the new one. Fails: -ENOMEM. */
NODISCARD int vma_split(struct address_space *as, struct vma *vma, vaddr_t va);
/* Cuts at both ends of the range where a VMA crosses them. On failure nothing has changed. */
NODISCARD int vma_split_range(struct address_space *as, vaddr_t start, vaddr_t end);
/* Joins neighbours that differ in nothing, from the VMA before start to the one at end. */
void vma_merge_range(struct address_space *as, vaddr_t start, vaddr_t end, struct list *dead);

/* mm/as_map.c */

/* Unmaps [start, end); removed VMAs go to dead. Fails: -ENOMEM, nothing changed. */
NODISCARD int as_unmap_locked(struct address_space *as, vaddr_t start, vaddr_t end,
                              struct list *dead) REQUIRES(&as->lock);
/*
 * The same in two halves, so that several changes fail before any is made. Prepare splits VMAs and
 * owns tables; after a failure vma_merge_range() undoes it. Commit cannot fail. keep_tables: every
 * table of the range stays, for leaves that are to come. Prepare fails: -ENOMEM.
 */
NODISCARD int as_unmap_prepare_locked(struct address_space *as, vaddr_t start, vaddr_t end,
                                      bool keep_tables) REQUIRES(&as->lock);
void as_unmap_commit_locked(struct address_space *as, vaddr_t start, vaddr_t end, bool keep_tables,
                            struct list *dead) REQUIRES(&as->lock);
/* Whether the space may grow by the pages. */
NODISCARD int as_may_expand_locked(const struct address_space *as, uint64_t pages, bool data)
    REQUIRES(&as->lock);
/* Accounts a change of size. */
void as_account_locked(struct address_space *as, struct vma *vma, int64_t pages)
    REQUIRES(&as->lock);
/* A free range for a mapping without AS_FIXED, or 0. */
vaddr_t as_find_free_locked(struct address_space *as, vaddr_t hint, size_t len)
    REQUIRES(&as->lock);
/* Faults in every page of [start, end) that its VMA lets be read or written. Stops at an error. */
NODISCARD int as_populate(struct address_space *as, vaddr_t start, vaddr_t end);

/* mm/fault.c */
NODISCARD int fault_locked(struct address_space *as, vaddr_t addr, uint32_t access,
                           struct as_fault_signal *out) REQUIRES(&as->lock);

/*
 * The frame's bytes reach the instruction caches now, and the frame remembers that. Before a leaf
 * that grants execution is published, and where the kernel writes to a frame that may have one.
 */
static inline void frame_sync_icache(struct frame *frame)
{
    hal_mmu.icache_sync(frame_pa(frame), PAGE_SIZE);
    atomic_fetch_or_explicit(&frame->flags, FRAME_ICACHE_CLEAN, memory_order_release);
}
static inline bool frame_icache_is_clean(const struct frame *frame)
{
    return (atomic_load_explicit(&((struct frame *)frame)->flags, memory_order_acquire) &
            FRAME_ICACHE_CLEAN) != 0;
}

/* mm/as_check.c: debug builds, after a mutation of [start, end). */
#if defined(QUOIN_DEBUG)
void as_check_mutation_locked(struct address_space *as, vaddr_t start, vaddr_t end)
    REQUIRES(&as->lock);
#else
static inline void as_check_mutation_locked(struct address_space *as UNUSED, vaddr_t start UNUSED,
                                            vaddr_t end UNUSED)
{
}
#endif
