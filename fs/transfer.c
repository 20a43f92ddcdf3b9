/*
 * Bytes from one file to another inside the kernel: sendfile, copy_file_range, splice. A plain copy
 * through one page. What was read but cannot be written goes back: by the source's position, or into
 * the pipe that it came from.
 */
#include <linux/fs.h>

#include "fs/file.h"
#include "fs/pipe.h"
#include "mm/frame.h"

static ssize64_t transfer_read(struct file *in, uint64_t *pos, struct frame *page, size_t len)
{
    struct uio_segment segment;
    struct uio uio = uio_kernel(&segment, frame_va(page), len);

    if (file_is_pipe(in)) {
        return (file_mode(in) & FILE_READ) != 0 ? pipe_borrow(in, page, len) : -EBADF;
    }
    return pos != NULL ? file_read_at(in, &uio, (int64_t)*pos) : file_read(in, &uio);
}

static ssize64_t transfer_write(struct file *out, uint64_t *pos, void *page, size_t len)
{
    size_t done = 0;

    while (done < len) {
        struct uio_segment segment;
        struct uio uio = uio_kernel(&segment, (char *)page + done, len - done);
        ssize64_t n =
            pos != NULL ? file_write_at(out, &uio, (int64_t)(*pos + done)) : file_write(out, &uio);

        if (n <= 0) {
            return done > 0 ? (ssize64_t)done : n;
        }
        done += (size_t)n;
    }
    return (ssize64_t)done;
}

/* One page. Returns the bytes that arrived; *last: the source gave less than asked. */
static ssize64_t transfer_page(struct file *in, uint64_t *in_pos, struct file *out,
                               uint64_t *out_pos, struct frame *page, size_t len)
{
    ssize64_t got = transfer_read(in, in_pos, page, len);
    ssize64_t put, arrived;

    if (got <= 0) {
        return got;
    }
    put = transfer_write(out, out_pos, frame_va(page), (size_t)got);
    arrived = MAX(put, (ssize64_t)0);
    if (file_is_pipe(in)) {
        pipe_return(in, page, (uint32_t)arrived, (uint32_t)(got - arrived));
    } else if (in_pos != NULL) {
        *in_pos += (uint64_t)arrived;
    } else if (put < got && (file_mode(in) & FILE_SEEKABLE)) {
        int64_t back = file_seek(in, arrived - got, SEEK_CUR);

        (void)back;
    }
    if (out_pos != NULL) {
        *out_pos += (uint64_t)arrived;
    }
    return put;
}

ssize64_t file_transfer(struct file *in, uint64_t *in_pos, struct file *out, uint64_t *out_pos,
                        size_t len)
{
    struct frame *frame = frame_alloc(FRAME_KERNEL);
    size_t done = 0;
    ssize64_t n = 0;

    if (frame == NULL) {
        return -ENOMEM;
    }
    while (done < len) {
        size_t chunk = MIN(len - done, (size_t)PAGE_SIZE);

        n = transfer_page(in, in_pos, out, out_pos, frame, chunk);
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
        if ((size_t)n < chunk || sched_point() != 0) {
            break;
        }
    }
    frame_put(frame);
    return done > 0 ? (ssize64_t)done : n;
}
