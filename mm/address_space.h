/*
 * The address space: single owner of everything that says what a process can see in memory.
 * VMAs and references decide, page tables obey. Only these functions edit user tables.
 * Unless said otherwise: as->lock is not held, no spinlock is held, the call may sleep;
 * addresses are the user's and may be anything; errors are Linux's for the system call of that name.
 */
#pragma once

#include "kernel/types.h"

struct address_space;
struct vm_object;
struct tlb_batch;

/* Mappings (VMAs) that one space may have: /proc/sys/vm/max_map_count. */
#define AS_AREAS_MAX 65530u

/* Flags of a mapping (VMA). */
enum as_map_flags {
    AS_SHARED = 1 << 0,     /* else private, copy-on-write */
    AS_FIXED = 1 << 1,      /* request: at addr, replacing what is there */
    AS_NOREPLACE = 1 << 2,  /* request: with AS_FIXED, -EEXIST if anything is there */
    AS_GROWSDOWN = 1 << 3,  /* the stack */
    AS_LOCKED = 1 << 4,     /* mlock */
    AS_POPULATE = 1 << 5,   /* request: fault everything in */
    AS_NORESERVE = 1 << 6,
    AS_DONTFORK = 1 << 7,
    AS_WIPEONFORK = 1 << 8,
    AS_HEAP = 1 << 9,       /* brk area, "[heap]" */
    AS_STACK = 1 << 10,     /* "[stack]" */
    AS_VDSO = 1 << 11,      /* "[vdso]" */
    AS_VVAR = 1 << 12,      /* "[vvar]" */
};

struct as_map_request {
    vaddr_t addr; /* a hint unless AS_FIXED; 0: anywhere */
    size_t len;   /* bytes; rounded up to pages */
    uint32_t prot;     /* Linux PROT_READ | PROT_WRITE | PROT_EXEC */
    uint32_t max_prot; /* what mprotect may later reach */
    uint32_t flags;    /* enum as_map_flags */
    struct vm_object *object; /* NULL: private anonymous. as_map takes a reference of its own */
    void *file;               /* for object->ops->file_*; NULL if none */
    uint64_t offset;          /* bytes into the object, page-aligned */
};

/* Limits and layout, set by sched/ and loader/ before the space runs and on setrlimit. */
struct as_limits {
    uint64_t as_bytes, data_bytes, stack_bytes, memlock_bytes;
};

/* Returns a new empty space with one reference in *out. Fails: -ENOMEM. */
NODISCARD int as_create(struct address_space **out);
void as_get(struct address_space *as);
/* The last reference tears down. Requires: as above (may sleep). */
void as_put(struct address_space *as);

/* mmap(2). *out: the address. */
NODISCARD int as_map(struct address_space *as, const struct as_map_request *request, vaddr_t *out);
NODISCARD int as_unmap(struct address_space *as, vaddr_t addr, size_t len);
NODISCARD int as_protect(struct address_space *as, vaddr_t addr, size_t len, uint32_t prot);
/* brk(2): returns the new or, on failure, the old break. */
vaddr_t as_brk(struct address_space *as, vaddr_t brk);
/* mremap(2). flags: MREMAP_*. */
NODISCARD int as_remap(struct address_space *as, vaddr_t old, size_t old_len, size_t new_len,
                       uint32_t flags, vaddr_t new_addr, vaddr_t *out);
NODISCARD int as_advise(struct address_space *as, vaddr_t addr, size_t len, int advice);
NODISCARD int as_sync(struct address_space *as, vaddr_t addr, size_t len, int flags);
/* mincore(2): one byte a page into vec, a user address of this space. */
NODISCARD int as_residency(struct address_space *as, vaddr_t addr, size_t len, vaddr_t vec);
NODISCARD int as_lock_range(struct address_space *as, vaddr_t addr, size_t len, bool lock);
NODISCARD int as_lock_all(struct address_space *as, bool now, bool future, bool lock);
/* The complete copy for fork(2); the parent is unchanged on failure. Fails: -ENOMEM, -EINTR (killed). */
NODISCARD int as_fork(struct address_space *parent, struct address_space **out);

struct as_fault_signal {
    int signo;
    int code;
};
/*
 * A user access that faulted, access = PTE_READ, PTE_WRITE or PTE_EXEC. Returns 0: retry the
 * instruction; -EFAULT: send *out; -ENOMEM: the caller frees memory and retries.
 */
NODISCARD int as_fault(struct address_space *as, vaddr_t addr, uint32_t access,
                       struct as_fault_signal *out);

/* Copies between kernel memory and any space. All or -EFAULT (or -ENOMEM after the caller's kill). */
NODISCARD int as_copy_in(struct address_space *as, void *dst, vaddr_t src, size_t len);
NODISCARD int as_copy_out(struct address_space *as, vaddr_t dst, const void *src, size_t len);
NODISCARD int as_clear(struct address_space *as, vaddr_t dst, size_t len);
/* Bytes copied before the first that could not be: 0 .. len. */
size_t as_copy_in_partial(struct address_space *as, void *dst, vaddr_t src, size_t len);
size_t as_copy_out_partial(struct address_space *as, vaddr_t dst, const void *src, size_t len);
size_t as_clear_partial(struct address_space *as, vaddr_t dst, size_t len);
/* Returns the length without NUL; -EFAULT, or -ENAMETOOLONG when size bytes hold no NUL. */
NODISCARD ssize64_t as_copy_in_string(struct address_space *as, char *dst, vaddr_t src, size_t size);

/* A futex word: on success as->lock is held until as_word_unlock(). */
struct as_word {
    _Atomic uint32_t *word; /* through the direct map */
    uint64_t key[2];        /* equal exactly for the same memory: (space, va) or (object, offset) */
};
/* Requires: addr 4-byte aligned. `shared`: key by object where the mapping is shared. write: word will be changed. */
NODISCARD int as_word_lock(struct address_space *as, vaddr_t addr, bool write, bool shared,
                           struct as_word *out);
void as_word_unlock(struct address_space *as);

/*
 * Requires: IRQs off. Does: makes `as` this CPU's space; NULL (kernel thread) keeps the last root
 * loaded lazily, which the space's teardown knows about.
 */
void as_activate(struct address_space *as);
/* trap_ipi(): leaves a space that is being torn down. Requires: IRQs off. */
void as_ipi(void);
/* I5: debug builds, before each return to user mode. */
void as_check_register(const struct address_space *as);
/* I1-I4 over [start, end) or everything; panics with a report. Requires as->lock held. */
void as_check_locked(struct address_space *as, vaddr_t start, vaddr_t end);

void as_set_limits(struct address_space *as, const struct as_limits *limits);
/* The heap starts (empty) at `start`; mmap searches downwards from mmap_top. */
void as_set_layout(struct address_space *as, vaddr_t brk_start, vaddr_t mmap_top);

/* One VMA as /proc/PID/maps shows it. */
struct as_area {
    vaddr_t start, end;
    uint32_t prot;  /* PROT_* */
    uint32_t flags; /* enum as_map_flags */
    uint64_t offset, dev, ino;
    size_t resident; /* bytes */
    char path[256];
};
/* Returns whether there is an area that ends after `from`; the first such goes to *out. */
bool as_area_at(struct address_space *as, vaddr_t from, struct as_area *out);

struct as_stats {
    uint64_t virtual_bytes, resident_bytes, peak_virtual, peak_resident, locked_bytes;
    uint64_t data_bytes, stack_bytes, text_bytes, table_bytes;
    uint64_t nr_areas, nr_minor_faults;
};
void as_get_stats(struct address_space *as, struct as_stats *out);
/* What a process keeps of a space that it leaves; no walk. */
void as_get_usage(struct address_space *as, uint64_t *nr_minor_faults, uint64_t *peak_resident);

/* Boot: the empty kernel space. */
void as_init(void);
