/*
 * Opening and closing the ends of pipes and FIFOs, fifo(7). An inode's pipe lives while it is open;
 * inode->lock guards the pointer, and pipe->count_lock the counts.
 */
#include <linux/poll.h>

#include "fs/pipe.h"
#include "fs/pipe_ring.h"

/* Returns the inode's pipe with a reference, making it if need be, or NULL. */
static struct pipe *fifo_get_pipe(struct inode *inode)
{
    struct pipe *made = NULL;

    for (;;) {
        spin_lock(&inode->lock);
        struct pipe *pipe = inode->pipe;

        if (pipe == NULL && made != NULL) {
            pipe = made;
            inode->pipe = made;
        } else if (pipe != NULL) {
            atomic_fetch_add(&pipe->refs, 1);
        }
        spin_unlock(&inode->lock);
        if (pipe != NULL) {
            if (made != NULL && made != pipe) {
                pipe_free(made);
            }
            return pipe;
        }
        made = pipe_new();
        if (made == NULL) {
            return NULL;
        }
    }
}

static void fifo_put_pipe(struct inode *inode, struct pipe *pipe)
{
    bool last;

    spin_lock(&inode->lock);
    last = atomic_fetch_sub(&pipe->refs, 1) == 1;
    if (last) {
        inode->pipe = NULL;
    }
    spin_unlock(&inode->lock);
    if (last) {
        pipe_free(pipe);
    }
}

/*
 * Returns whether the other end is open, which it need not be any more a moment later; *opens is how
 * often it had been opened.
 */
static bool fifo_count_open(struct pipe *pipe, uint32_t mode, uint64_t *opens)
{
    bool met;

    spin_lock(&pipe->count_lock);
    if (mode & FILE_READ) {
        pipe->nr_readers++;
        pipe->nr_reader_opens++;
    }
    if (mode & FILE_WRITE) {
        pipe->nr_writers++;
        pipe->nr_writer_opens++;
    }
    met = mode == FILE_READ ? pipe->nr_writers != 0 : pipe->nr_readers != 0;
    *opens = mode == FILE_READ ? pipe->nr_writer_opens : pipe->nr_reader_opens;
    spin_unlock(&pipe->count_lock);
    /* Readers that wait for a writer wait on `readers`; the reverse likewise. */
    if (mode & FILE_READ) {
        wait_wake_all(&pipe->writers);
    }
    if (mode & FILE_WRITE) {
        wait_wake_all(&pipe->readers);
    }
    return met;
}

static void fifo_count_close(struct pipe *pipe, uint32_t mode)
{
    spin_lock(&pipe->count_lock);
    pipe->nr_readers -= (mode & FILE_READ) != 0;
    pipe->nr_writers -= (mode & FILE_WRITE) != 0;
    spin_unlock(&pipe->count_lock);
    wait_wake_all(&pipe->readers);
    wait_wake_all(&pipe->writers);
}

/* Blocks until the other end has been opened once more, even if it is closed again by now. */
static int fifo_wait_peer(struct pipe *pipe, uint32_t mode, uint64_t opens)
{
    if (mode == FILE_READ) {
        return wait_event_interruptible(&pipe->readers, pipe->nr_writer_opens != opens);
    }
    return wait_event_interruptible(&pipe->writers, pipe->nr_reader_opens != opens);
}

static int fifo_open(struct inode *inode, struct file *file)
{
    uint32_t mode = file_mode(file) & (FILE_READ | FILE_WRITE);
    struct pipe *pipe;
    uint64_t opens;
    bool met;
    int error = 0;

    if (mode == 0) {
        return -EINVAL;
    }
    pipe = fifo_get_pipe(inode);
    if (pipe == NULL) {
        return -ENOMEM;
    }
    if (mode == FILE_WRITE && file_is_nonblock(file) && pipe->nr_readers == 0 && !pipe->unnamed) {
        error = -ENXIO;
        goto undo_pipe;
    }
    met = fifo_count_open(pipe, mode, &opens);
    if (!met && !file_is_nonblock(file) && !pipe->unnamed) {
        error = fifo_wait_peer(pipe, mode, opens);
        if (error != 0) {
            goto undo_count;
        }
    }
    file->private = pipe;
    /* For poll (a FIFO has no position): so many writers have been before, and none is there yet. */
    file->pos = !met && file_is_nonblock(file) && mode == FILE_READ && !pipe->unnamed ? opens : 0;
    return 0;
undo_count:
    fifo_count_close(pipe, mode);
undo_pipe:
    fifo_put_pipe(inode, pipe);
    return error;
}

static void fifo_release(struct file *file)
{
    struct pipe *pipe = file->private;

    fifo_count_close(pipe, file_mode(file));
    fifo_put_pipe(file->inode, pipe);
}

const struct file_ops fifo_file_ops = {
    .open = fifo_open,
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
    .release = fifo_release,
};

/* The write end is a second open of the read end's inode. */
static int pipe_create_write_end(struct file *read_end, uint32_t flags, struct file **out)
{
    struct file *file = file_create(read_end->dentry, &fifo_file_ops, O_WRONLY | flags);

    if (file == NULL) {
        return -ENOMEM;
    }
    file->private = read_end->private;
    atomic_fetch_add(&read_end->inode->pipe->refs, 1);
    atomic_fetch_or(&file->mode, FILE_OPENED);
    *out = file;
    return 0;
}

int pipe_create(uint32_t flags, const struct cred *cred, struct file **out_read,
                struct file **out_write)
{
    struct pipe *pipe;
    uint64_t opens;
    int error;

    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK)) {
        return -EINVAL;
    }
    flags &= O_NONBLOCK;
    pipe = pipe_new();
    if (pipe == NULL) {
        return -ENOMEM;
    }
    pipe->unnamed = true;
    error =
        file_create_anon("pipe", S_IFIFO | 0600, &fifo_file_ops, O_RDONLY | flags, pipe, out_read);
    if (error != 0) {
        pipe_free(pipe);
        return error;
    }
    (*out_read)->inode->pipe = pipe;
    (*out_read)->inode->uid = cred->fsuid;
    (*out_read)->inode->gid = cred->fsgid;
    (void)fifo_count_open(pipe, FILE_READ | FILE_WRITE, &opens);
    error = pipe_create_write_end(*out_read, flags, out_write);
    if (error != 0) {
        fifo_count_close(pipe, FILE_WRITE);
        file_put(*out_read);
    }
    return error;
}
