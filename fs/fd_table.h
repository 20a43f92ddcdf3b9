/*
 * Descriptors of a process (shared by CLONE_FILES). A slot is free, reserved (counted as taken,
 * seen by nobody) or names a file. Limits (RLIMIT_NOFILE) are passed in.
 */
#pragma once

#include "fs/file.h"

#define FD_MAX    (1u << 20) /* sysctl fs.nr_open */
#define FD_INLINE 64u

struct fd_table {
    atomic_uint refs;
    struct spinlock lock;
    uint32_t size;       /* slots */
    uint32_t first_free; /* no free slot below */
    struct file **files;
    uint64_t *taken; /* bitmaps of `size` bits */
    uint64_t *cloexec;
    uint64_t inline_taken, inline_cloexec;
    struct file *inline_files[FD_INLINE];
};

/* Boot. */
void fd_table_cache_init(void);

/* Returns an empty table with one reference, or NULL. */
struct fd_table *fd_table_create(void);
void fd_table_get(struct fd_table *table);
/* The last reference closes everything. */
void fd_table_put(struct fd_table *table);
/* fork: a table with the same files, or NULL. */
struct fd_table *fd_table_copy(struct fd_table *table);
/* execve: closes the descriptors marked so. */
void fd_table_close_on_exec(struct fd_table *table);

/* Reserves the lowest free descriptor >= from. Returns it. Fails: -EMFILE (>= limit), -EINVAL (from
 * >= limit), -ENOMEM. */
NODISCARD int fd_reserve(struct fd_table *table, uint32_t from, uint64_t limit);
/* Does: publishes the file (takes over the caller's reference) in a reserved slot. */
void fd_commit(struct fd_table *table, int fd, struct file *file, bool cloexec);
void fd_cancel(struct fd_table *table, int fd);
/* fd_reserve() and fd_commit(); on failure the caller keeps its reference. */
NODISCARD int fd_install(struct fd_table *table, struct file *file, uint32_t from, uint64_t limit,
                         bool cloexec);
/* Returns the file with a reference, or NULL: -EBADF. O_PATH files count as bad. */
struct file *fd_get(struct fd_table *table, int fd);
/* As above, O_PATH files too. */
struct file *fd_get_raw(struct fd_table *table, int fd);
/* close(2). Releases POSIX record locks. Fails: -EBADF. */
NODISCARD int fd_close(struct fd_table *table, int fd);
/* close_range(2): [first, last]; cloexec_only marks instead. */
void fd_close_range(struct fd_table *table, uint32_t first, uint32_t last, bool cloexec_only);
/* dup2/dup3 onto a given number: closes what was there. Fails: -EBADF, -EBUSY (reserved by a racing
 * open). */
NODISCARD int fd_dup_to(struct fd_table *table, int from, int to, uint64_t limit, bool cloexec);
/* F_GETFD: 0 or FD_CLOEXEC; F_SETFD. Fail: -EBADF. */
NODISCARD int fd_get_cloexec(struct fd_table *table, int fd);
NODISCARD int fd_set_cloexec(struct fd_table *table, int fd, bool cloexec);
/* Returns the lowest descriptor >= from that names a file, or -1 (for /proc/PID/fd). */
int fd_next(struct fd_table *table, uint32_t from);
