/* What handlers share: user ranges, paths, times and vectors brought into the kernel. */
#pragma once

#include <arch/consts.h>

#include "fs/fd_table.h"
#include "fs/vfs.h"
#include "kernel/errno.h"
#include "kernel/time.h"
#include "kernel/uio.h"
#include "kernel/wait.h"
#include "sched/oom.h"
#include "sched/task.h"

/* What one read or write moves at most (MAX_RW_COUNT of Linux). */
#define USER_RW_MAX 0x7ffff000ull
#define USER_IOV_MAX 1024u /* UIO_MAXIOV */

/* Whether [addr, addr + len) lies in the user half; what it maps is not looked at. */
static inline bool user_range_ok(vaddr_t addr, uint64_t len)
{
    return len <= USER_VA_END && addr <= USER_VA_END - len;
}

/* A path argument. `at` is ready for the vfs_* calls. */
struct user_path {
    struct path_at at;
    char *name; /* short_name, or allocated */
    char short_name[160];
};

/*
 * Does: copies the name and looks dirfd up (not if the name is absolute).
 * at_flags: AT_EMPTY_PATH lets "" pass. Fails: -EFAULT, -ENAMETOOLONG, -ENOENT, -EBADF, -ENOMEM,
 * and then there is nothing to put.
 */
NODISCARD int user_path_get(struct user_path *path, int dirfd, vaddr_t name, uint32_t at_flags);
void user_path_put(struct user_path *path);

/* A struct timespec in ns. Fails: -EFAULT, -EINVAL. Saturates at INT64_MAX. */
NODISCARD int user_get_timespec(vaddr_t addr, uint64_t *ns);
NODISCARD int user_put_timespec(vaddr_t addr, uint64_t ns);
/* A struct timeval in ns. Fails: -EFAULT, -EINVAL. */
NODISCARD int user_get_timeval(vaddr_t addr, uint64_t *ns);
/* As Linux's select(2): tv_usec may also be a second or more. */
NODISCARD int user_get_select_timeval(vaddr_t addr, uint64_t *ns);
NODISCARD int user_put_timeval(vaddr_t addr, uint64_t ns);
/* The deadline that lies ns ahead. */
static inline uint64_t user_deadline(uint64_t ns)
{
    uint64_t now = time_now_ns();

    return ns >= (uint64_t)INT64_MAX - now ? WAIT_FOREVER : now + ns;
}

/* A signal mask with its size. Fails: -EINVAL, -EFAULT. */
NODISCARD int user_get_sigset(vaddr_t addr, size_t size, uint64_t *out);

/* An array of struct iovec as a stream. */
#define USER_IOV_INLINE 8u
struct user_vector {
    struct uio uio;
    struct uio_segment *segments; /* inline_segments, or allocated */
    struct uio_segment inline_segments[USER_IOV_INLINE];
};
/* Fails: -EINVAL, -EFAULT, -ENOMEM, and then there is nothing to put. */
NODISCARD int user_vector_get(struct user_vector *vector, vaddr_t iov, uint64_t nr);
void user_vector_put(struct user_vector *vector);

static inline struct file *user_file(int fd)
{
    return fd_get(task_fds(), fd);
}

/*
 * RLIMIT_FSIZE for a write at pos of a regular file. Returns how many of len bytes it allows;
 * -EFBIG with SIGXFSZ raised if none.
 */
NODISCARD ssize64_t user_limit_write(struct file *file, uint64_t pos, size_t len);
/* The same for a change of size. Returns 0 or -EFBIG. */
NODISCARD int user_limit_size(struct file *file, int64_t size);
/* Does: raises SIGXFSZ if the result of a change of size says so. Returns the result. */
int64_t user_limit_result(int64_t result);
/* Does: raises SIGPIPE if the result of a write says so. Returns the result. */
int64_t user_write_result(int64_t result);
