/*
 * Pipes and FIFOs: a ring of frames between readers and writers. pipe.c owns the ring, fifo.c the
 * rules of open. Writes of up to PIPE_BUF bytes are atomic.
 */
#pragma once

#include "fs/file.h"

/* pipe2(2): flags O_CLOEXEC is the caller's business; O_NONBLOCK, O_DIRECT (-EINVAL). Read end,
 * write end. */
NODISCARD int pipe_create(uint32_t flags, const struct cred *cred, struct file **out_read,
                          struct file **out_write);
/* fcntl F_GETPIPE_SZ, F_SETPIPE_SZ. Fail: -EBADF (no pipe), -EBUSY, -EPERM, -ENOMEM. */
NODISCARD int pipe_get_size(struct file *file);
NODISCARD int pipe_set_size(struct file *file, uint64_t size, const struct cred *cred);
bool file_is_pipe(const struct file *file);
/* For inodes of kind S_IFIFO. */
extern const struct file_ops fifo_file_ops;
/* eventfd2(2): flags EFD_*. */
NODISCARD int eventfd_create(uint32_t initial, uint32_t flags, struct file **out);
