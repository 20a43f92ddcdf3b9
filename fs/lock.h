/*
 * Advisory locks: flock(2), POSIX records (owned by a descriptor table) and OFD records (owned by
 * an open file). Waiting POSIX locks are checked for cycles (-EDEADLK).
 */
#pragma once

#include "fs/fd_table.h"

/* operation: LOCK_SH, LOCK_EX, LOCK_UN, with LOCK_NB. Fails: -EWOULDBLOCK, -EINVAL, -ERESTARTSYS,
 * -ENOMEM. */
NODISCARD int flock_apply(struct file *file, int operation);

/* fcntl(2) struct flock, decoded. */
struct lock_request {
    int16_t type;   /* F_RDLCK, F_WRLCK, F_UNLCK */
    int16_t whence; /* SEEK_* */
    int64_t start, len;
    pid_nr_t pid; /* set: the caller's process (0 for OFD); get: the holder's, -1 for OFD */
};
/* cmd: F_GETLK or F_OFD_GETLK. *request becomes the lock in the way, or type F_UNLCK. */
NODISCARD int lock_test(struct file *file, struct fd_table *owner, int cmd,
                        struct lock_request *request);
/* cmd: F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW. Fails: -EAGAIN, -EDEADLK, -EBADF, -EINVAL,
 * -EOVERFLOW, -ERESTARTSYS. */
NODISCARD int lock_set(struct file *file, struct fd_table *owner, int cmd,
                       const struct lock_request *request);
/* Called at close(2): POSIX locks of this table on the file's inode go. */
void lock_release_posix(struct file *file, struct fd_table *owner);
/* Called when the last reference to the open file goes. */
void lock_release_file(struct file *file);
