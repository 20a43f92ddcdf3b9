/* The ring of a pipe, shared by pipe.c and fifo.c. */
#pragma once

#include "fs/file.h"
#include "fs/fair_lock.h"
#include "fs/io_lock.h"
#include "kernel/types.h"

#define PIPE_SLOTS     16u   /* default: 64 KiB */
#define PIPE_SLOTS_MAX 256u  /* /proc/sys/fs/pipe-max-size: 1 MiB */
#define PIPE_ATOMIC    4096u /* PIPE_BUF */

struct frame;

struct pipe_slot {
    struct frame *frame;
    uint32_t offset, len;
};

struct pipe {
    struct io_lock lock;   /* held over copies; guards the ring */
    struct fair_lock borrow; /* from pipe_borrow() to pipe_return(); outside lock */
    struct pipe_slot *slots;
    _Atomic uint32_t nr_slots;
    bool unnamed;               /* of pipe(2): open never waits for the other end */
    uint32_t head;              /* oldest slot in use */
    _Atomic uint32_t used;      /* slots in use */
    _Atomic uint32_t reserved;  /* 1 while bytes are borrowed: their slot, should they come back */
    _Atomic uint32_t tail_room; /* bytes that still fit behind the last slot's data */
    struct frame *spare;        /* kept for the next write */

    struct spinlock count_lock; /* guards the counts; wakes come after */
    _Atomic uint32_t nr_readers, nr_writers;
    /* Ever: an open that is over still ends a wait. */
    _Atomic uint64_t nr_reader_opens, nr_writer_opens;
    atomic_uint refs; /* open files and waiting opens; the last is dropped under inode->lock */

    struct wait_queue readers,
        writers; /* who waits for data, for room (and for an open of the kind) */
    struct pipe_slot inline_slots[PIPE_SLOTS];
};

/* Returns an empty pipe with one reference and no readers or writers, or NULL. */
struct pipe *pipe_new(void);
/* Requires: the last reference is gone, and no inode has the pipe. */
void pipe_free(struct pipe *pipe);
ssize64_t pipe_read(struct file *file, struct uio *uio, uint64_t *pos);
ssize64_t pipe_write(struct file *file, struct uio *uio, uint64_t *pos);
int64_t pipe_ioctl(struct file *file, unsigned cmd, uint64_t arg, struct address_space *as);
uint32_t pipe_poll(struct file *file, struct poll_table *table);
