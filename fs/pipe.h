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
/*
 * A read of up to a page whose bytes may come back. pipe_borrow: as read(2); after a result above 0
 * pipe_return must follow. pipe_return gives back the len bytes at offset of the frame, which were the
 * last of those borrowed, and takes a reference of its own if it keeps the frame.
 */
NODISCARD ssize64_t pipe_borrow(struct file *file, struct frame *frame, size_t len);
void pipe_return(struct file *file, struct frame *frame, uint32_t offset, uint32_t len);
/* For inodes of kind S_IFIFO. */
extern const struct file_ops fifo_file_ops;
/* eventfd2(2): flags EFD_*. */
NODISCARD int eventfd_create(uint32_t initial, uint32_t flags, struct file **out);
