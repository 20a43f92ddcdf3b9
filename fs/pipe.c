/*
 * The ring of a pipe: frames that writers fill and readers empty, both under pipe->lock, which may
 * be held over copies of user memory. Small writes share the last frame. Waiters are woken when the
 * ring stops being empty or full, so a wake costs nothing while both sides run.
 */
#include "fs/pipe.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/poll.h>

#include "fs/pipe_ring.h"
#include "fs/poll.h"
#include "kernel/assert.h"
#include "kernel/string.h"
#include "mm/frame.h"
#include "mm/slab.h"

/* The largest power of two that F_SETPIPE_SZ can return. */
#define PIPE_SIZE_LIMIT (1u << 30)

struct pipe *pipe_new(void)
{
    struct pipe *pipe = kmalloc(sizeof(*pipe));

    if (pipe == NULL) {
        return NULL;
    }
    memset(pipe, 0, offsetof(struct pipe, inline_slots));
    io_lock_init(&pipe->lock);
    fair_lock_init(&pipe->borrow);
    pipe->slots = pipe->inline_slots;
    pipe->nr_slots = PIPE_SLOTS;
    spin_init(&pipe->count_lock);
    atomic_init(&pipe->refs, 1);
    wait_queue_init(&pipe->readers);
    wait_queue_init(&pipe->writers);
    return pipe;
}

void pipe_free(struct pipe *pipe)
{
    for (uint32_t i = 0; i < pipe->used; i++) {
        frame_put(pipe->slots[(pipe->head + i) % pipe->nr_slots].frame);
    }
    if (pipe->spare != NULL) {
        frame_put(pipe->spare);
    }
    if (pipe->slots != pipe->inline_slots) {
        kfree(pipe->slots);
    }
    kfree(pipe);
}

static struct pipe_slot *pipe_slot_at(struct pipe *pipe, uint32_t n)
{
    uint32_t at = pipe->head + n;

    return &pipe->slots[at >= pipe->nr_slots ? at - pipe->nr_slots : at];
}

/* Requires: lock. */
static void pipe_update_tail(struct pipe *pipe)
{
    uint32_t room = 0;

    if (pipe->used != 0) {
        const struct pipe_slot *slot = pipe_slot_at(pipe, pipe->used - 1);

        room = (uint32_t)PAGE_SIZE - slot->offset - slot->len;
    }
    pipe->tail_room = room;
}

/* Also asked without the lock, by who waits. */
static bool pipe_has_room(struct pipe *pipe, size_t len)
{
    return pipe->used + pipe->reserved < pipe->nr_slots ||
           pipe->tail_room >= MIN(len, (size_t)PIPE_ATOMIC);
}

static void pipe_drop_head(struct pipe *pipe)
{
    struct frame *frame = pipe->slots[pipe->head].frame;

    pipe->head = pipe->head + 1 == pipe->nr_slots ? 0 : pipe->head + 1;
    pipe->used--;
    if (pipe->spare == NULL) {
        pipe->spare = frame;
    } else {
        frame_put(frame);
    }
}

/*
 * Moves what is there. Requires: lock. Returns the bytes, or an error if none moved. A piece that
 * cannot be copied whole stays.
 */
static ssize64_t pipe_take(struct pipe *pipe, struct uio *uio)
{
    size_t done = 0;

    while (uio->left > 0 && pipe->used > 0) {
        struct pipe_slot *slot = &pipe->slots[pipe->head];
        size_t len = MIN(uio->left, (size_t)slot->len);
        ssize64_t n = uio_put(uio, (char *)frame_va(slot->frame) + slot->offset, len);

        if (n != (ssize64_t)len) {
            return done > 0 ? (ssize64_t)done : (n < 0 ? n : -EFAULT);
        }
        slot->offset += (uint32_t)len;
        slot->len -= (uint32_t)len;
        done += len;
        if (slot->len == 0) {
            pipe_drop_head(pipe);
        }
    }
    return (ssize64_t)done;
}

/*
 * Nothing to read: 0 for the end of file, -EAGAIN, or 1 if it is worth another look. The last
 * writer may have filled the ring and gone since the caller's look.
 */
static int pipe_wait_data(struct pipe *pipe, const struct file *file)
{
    int error;

    if (pipe->nr_writers == 0) {
        return pipe->used != 0;
    }
    if (file_is_nonblock(file)) {
        return -EAGAIN;
    }
    error = wait_event_interruptible(&pipe->readers, pipe->used != 0 || pipe->nr_writers == 0);
    return error == 0 ? 1 : error;
}

/* One turn of a read. reserve: what is taken may come back, so that its slot stays free. */
ALWAYS_INLINE ssize64_t pipe_read_some(struct pipe *pipe, struct uio *uio, bool reserve)
{
    ssize64_t done;
    bool was_full;
    int error = io_lock_take(&pipe->lock);

    if (error != 0) {
        return error;
    }
    was_full = pipe->used + pipe->reserved >= pipe->nr_slots;
    done = pipe_take(pipe, uio);
    pipe->reserved += reserve && done > 0;
    pipe_update_tail(pipe);
    bool freed = was_full && pipe->used + pipe->reserved < pipe->nr_slots;

    io_lock_drop(&pipe->lock);
    if (freed) {
        wait_wake_all(&pipe->writers);
    }
    return done;
}

ssize64_t pipe_read(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct pipe *pipe = file->private;
    ssize64_t done;
    int error;

    (void)pos;
    if (uio->left == 0) {
        return 0;
    }
    while ((done = pipe_read_some(pipe, uio, false)) == 0) {
        error = pipe_wait_data(pipe, file);
        if (error <= 0) {
            return error;
        }
    }
    return done;
}

ssize64_t pipe_borrow(struct file *file, struct frame *frame, size_t len)
{
    struct pipe *pipe = file->private;
    struct uio_segment segment;
    struct uio uio = uio_kernel(&segment, frame_va(frame), len);
    ssize64_t done;
    int error;

    for (;;) {
        error = fair_lock_take(&pipe->borrow, file_is_nonblock(file));
        if (error != 0) {
            return error;
        }
        done = pipe_read_some(pipe, &uio, true);
        if (done > 0) {
            return done;
        }
        fair_lock_drop(&pipe->borrow);
        error = done < 0 ? (int)done : pipe_wait_data(pipe, file);
        if (error <= 0) {
            return error;
        }
    }
}

/*
 * Requires: lock. What was borrowed came from the head slot alone, which then has the room in front
 * of its data, or emptied a slot, which has been kept free since.
 */
static void pipe_put_back(struct pipe *pipe, struct frame *frame, uint32_t offset, uint32_t len)
{
    struct pipe_slot *head = &pipe->slots[pipe->head];

    if (pipe->used > 0 && head->offset >= len) {
        head->offset -= len;
        head->len += len;
        memcpy((char *)frame_va(head->frame) + head->offset, (char *)frame_va(frame) + offset, len);
        return;
    }
    kassert(pipe->used < pipe->nr_slots);
    frame_get(frame);
    pipe->head = pipe->head == 0 ? pipe->nr_slots - 1 : pipe->head - 1;
    pipe->slots[pipe->head] = (struct pipe_slot){frame, offset, len};
    pipe->used++;
}

void pipe_return(struct file *file, struct frame *frame, uint32_t offset, uint32_t len)
{
    struct pipe *pipe = file->private;

    /* Who is killed while it waits takes the bytes with it, as a reader would. */
    if (io_lock_take(&pipe->lock) == 0) {
        if (len > 0) {
            pipe_put_back(pipe, frame, offset, len);
            pipe_update_tail(pipe);
        }
        pipe->reserved = 0;
        io_lock_drop(&pipe->lock);
    } else {
        pipe->reserved = 0;
    }
    fair_lock_drop(&pipe->borrow);
    wait_wake_all(&pipe->readers);
    wait_wake_all(&pipe->writers);
}

static struct frame *pipe_frame(struct pipe *pipe)
{
    struct frame *frame = pipe->spare;

    if (frame != NULL) {
        pipe->spare = NULL;
        return frame;
    }
    return frame_alloc(FRAME_KERNEL);
}

/* Up to a page, whole or not at all, into the last slot or a new one. Requires: lock, room. */
static int pipe_put_page(struct pipe *pipe, struct uio *uio, size_t len)
{
    struct pipe_slot *slot;
    struct frame *frame;
    ssize64_t n;

    if (pipe->tail_room >= len) {
        slot = pipe_slot_at(pipe, pipe->used - 1);
        n = uio_get(uio, (char *)frame_va(slot->frame) + slot->offset + slot->len, len);
        if (n == (ssize64_t)len) {
            slot->len += (uint32_t)len;
        }
    } else {
        frame = pipe_frame(pipe);
        if (frame == NULL) {
            return -ENOMEM;
        }
        n = uio_get(uio, frame_va(frame), len);
        if (n == (ssize64_t)len) {
            *pipe_slot_at(pipe, pipe->used) = (struct pipe_slot){frame, 0, (uint32_t)len};
            pipe->used++;
        } else {
            pipe->spare = frame;
        }
    }
    pipe_update_tail(pipe);
    if (n == (ssize64_t)len) {
        return 0;
    }
    return n < 0 ? (int)n : -EFAULT;
}

/* Fills what room there is. Requires: lock. Returns 0 or what ends the write. */
static int pipe_fill(struct pipe *pipe, struct uio *uio, size_t *done)
{
    while (uio->left > 0 && pipe_has_room(pipe, uio->left)) {
        size_t len = MIN(uio->left, (size_t)PAGE_SIZE);
        int error = pipe_put_page(pipe, uio, len);

        if (error != 0) {
            return error;
        }
        *done += len;
    }
    return 0;
}

/* One turn of a write: fills, wakes readers. Returns 0 or what ends the write. */
static int pipe_write_some(struct pipe *pipe, struct uio *uio, size_t *done)
{
    bool was_empty;
    int error = io_lock_take(&pipe->lock);

    if (error != 0) {
        return error;
    }
    if (pipe->nr_readers == 0) {
        io_lock_drop(&pipe->lock);
        return -EPIPE;
    }
    was_empty = pipe->used == 0;
    error = pipe_fill(pipe, uio, done);
    bool filled = was_empty && pipe->used > 0;

    io_lock_drop(&pipe->lock);
    if (filled) {
        wait_wake_all(&pipe->readers);
    }
    return error;
}

ssize64_t pipe_write(struct file *file, struct uio *uio, uint64_t *pos)
{
    struct pipe *pipe = file->private;
    size_t done = 0;
    int error = 0;

    (void)pos;
    if (uio->left == 0) {
        return 0;
    }
    for (;;) {
        error = pipe_write_some(pipe, uio, &done);
        if (error != 0 || uio->left == 0) {
            break;
        }
        if (file_is_nonblock(file)) {
            error = -EAGAIN;
            break;
        }
        size_t left = uio->left;

        error = wait_event_interruptible(&pipe->writers,
                                         pipe->nr_readers == 0 || pipe_has_room(pipe, left));
        if (error != 0) {
            break;
        }
    }
    return done > 0 ? (ssize64_t)done : error;
}

static uint64_t pipe_bytes(struct pipe *pipe)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < pipe->used; i++) {
        bytes += pipe_slot_at(pipe, i)->len;
    }
    return bytes;
}

int64_t pipe_ioctl(struct file *file, unsigned cmd, uint64_t arg, struct address_space *as)
{
    struct pipe *pipe = file->private;
    int32_t bytes;
    int error;

    if (cmd != FIONREAD) {
        return -ENOTTY;
    }
    error = io_lock_take(&pipe->lock);
    if (error != 0) {
        return error;
    }
    bytes = (int32_t)pipe_bytes(pipe);
    io_lock_drop(&pipe->lock);
    return as_copy_out(as, arg, &bytes, sizeof(bytes));
}

uint32_t pipe_poll(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = file->private;
    uint32_t mode = file_mode(file);
    uint32_t events = 0;

    if (mode & FILE_READ) {
        poll_wait(table, &pipe->readers);
        if (pipe->used != 0) {
            events |= POLLIN | POLLRDNORM;
        }
        /* A FIFO that no writer has opened yet is not hung up. */
        if (pipe->nr_writers == 0 && file->pos != pipe->nr_writer_opens) {
            events |= POLLHUP;
        }
    }
    if (mode & FILE_WRITE) {
        poll_wait(table, &pipe->writers);
        if (pipe->used + pipe->reserved < pipe->nr_slots) {
            events |= POLLOUT | POLLWRNORM;
        }
        if (pipe->nr_readers == 0) {
            events |= POLLERR;
        }
    }
    return events;
}

bool file_is_pipe(const struct file *file)
{
    return file->ops == &fifo_file_ops && !(file_mode(file) & FILE_PATH);
}

int pipe_get_size(struct file *file)
{
    struct pipe *pipe = file->private;

    return file_is_pipe(file) ? (int)(pipe->nr_slots * PAGE_SIZE) : -EBADF;
}

static int pipe_resize(struct pipe *pipe, uint32_t nr_slots)
{
    struct pipe_slot *slots = kmalloc(nr_slots * sizeof(*slots));
    struct pipe_slot *old = NULL;
    int error;

    if (slots == NULL) {
        return -ENOMEM;
    }
    error = io_lock_take(&pipe->lock);
    if (error == 0 && pipe->used + pipe->reserved > nr_slots) {
        io_lock_drop(&pipe->lock);
        error = -EBUSY;
    }
    if (error != 0) {
        kfree(slots);
        return error;
    }
    for (uint32_t i = 0; i < pipe->used; i++) {
        slots[i] = *pipe_slot_at(pipe, i);
    }
    old = pipe->slots == pipe->inline_slots ? NULL : pipe->slots;
    pipe->slots = slots;
    pipe->nr_slots = nr_slots;
    pipe->head = 0;
    pipe_update_tail(pipe);
    io_lock_drop(&pipe->lock);
    kfree(old);
    wait_wake_all(&pipe->writers);
    return 0;
}

int pipe_set_size(struct file *file, uint64_t size, const struct cred *cred)
{
    uint32_t nr_slots = 1;
    int error;

    if (!file_is_pipe(file)) {
        return -EBADF;
    }
    if (size > PIPE_SIZE_LIMIT) {
        return -EINVAL;
    }
    if (size > PIPE_SLOTS_MAX * PAGE_SIZE && !cred_capable(cred, CAP_SYS_RESOURCE)) {
        return -EPERM;
    }
    while (nr_slots * PAGE_SIZE < size) {
        nr_slots *= 2;
    }
    error = pipe_resize(file->private, nr_slots);
    return error != 0 ? error : (int)(nr_slots * PAGE_SIZE);
}
