/* Calls that move bytes from one file to another inside the kernel. */
#include "fs/pipe.h"
#include "fs/poll.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* <linux/splice.h> is not exported. */
#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL      0xfu

struct copy_ends {
    struct file *in, *out;
};

static int ends_get(struct copy_ends *ends, int in, int out)
{
    ends->in = user_file(in);
    if (ends->in == NULL) {
        return -EBADF;
    }
    ends->out = user_file(out);
    if (ends->out == NULL) {
        file_put(ends->in);
        return -EBADF;
    }
    return 0;
}

static void ends_put(struct copy_ends *ends)
{
    file_put(ends->in);
    file_put(ends->out);
}

static int ends_check_mode(const struct copy_ends *ends)
{
    return file_mode(ends->in) & FILE_READ && file_mode(ends->out) & FILE_WRITE ? 0 : -EBADF;
}

/* An offset argument: 0 is "the file's own". */
struct copy_offset {
    vaddr_t addr;
    uint64_t pos;
};

static int offset_get(struct copy_offset *offset)
{
    return offset->addr == 0 ? 0 : user_copy_in(&offset->pos, offset->addr, sizeof(offset->pos));
}

static int offset_put(const struct copy_offset *offset)
{
    return offset->addr == 0 ? 0 : user_copy_out(offset->addr, &offset->pos, sizeof(offset->pos));
}

static int64_t transfer(struct copy_ends *ends, struct copy_offset *in, struct copy_offset *out,
                        size_t len)
{
    int64_t result;
    int error;

    if ((int64_t)in->pos < 0 || (int64_t)out->pos < 0) {
        return -EINVAL;
    }
    result = user_limit_write(ends->out, out->addr != 0 ? out->pos : ends->out->pos,
                              MIN(len, USER_RW_MAX));
    if (result < 0) {
        return result;
    }
    result = file_transfer(ends->in, in->addr != 0 ? &in->pos : NULL, ends->out,
                           out->addr != 0 ? &out->pos : NULL, (size_t)result);
    error = offset_put(in);
    if (error == 0) {
        error = offset_put(out);
    }
    return error != 0 ? error : user_write_result(result);
}

SYSCALL_4(sendfile, int, out_fd, int, in_fd, vaddr_t, offset, size_t, len)
{
    struct copy_offset in = {offset, 0}, out = {0, 0};
    struct copy_ends ends;
    int64_t result = offset_get(&in);

    if (result == 0) {
        result = ends_get(&ends, in_fd, out_fd);
    }
    if (result != 0) {
        return result;
    }
    result = ends_check_mode(&ends);
    if (result == 0 && offset != 0 && !(file_mode(ends.in) & FILE_SEEKABLE)) {
        result = -ESPIPE;
    }
    if (result == 0 && file_flags(ends.out) & O_APPEND) {
        result = -EINVAL;
    }
    if (result == 0) {
        result = transfer(&ends, &in, &out, len);
    }
    ends_put(&ends);
    return result;
}

static int copy_range_check(const struct copy_ends *ends)
{
    if (inode_is(ends->in->inode, S_IFDIR) || inode_is(ends->out->inode, S_IFDIR)) {
        return -EISDIR;
    }
    if (!inode_is(ends->in->inode, S_IFREG) || !inode_is(ends->out->inode, S_IFREG)) {
        return -EINVAL;
    }
    if (file_flags(ends->out) & O_APPEND) {
        return -EBADF;
    }
    return ends_check_mode(ends);
}

/* copy_file_range(2): what would be copied, to the end of the input, must not meet its own copy. */
static int copy_range_check_overlap(const struct copy_ends *ends, const struct copy_offset *in,
                                    const struct copy_offset *out, size_t len)
{
    uint64_t from = in->addr != 0 ? in->pos : ends->in->pos;
    uint64_t to = out->addr != 0 ? out->pos : ends->out->pos;
    uint64_t size = inode_size(ends->in->inode);

    if (ends->in->inode != ends->out->inode || from >= size) {
        return 0;
    }
    len = MIN(len, size - from);
    return from < to + len && to < from + len ? -EINVAL : 0;
}

SYSCALL_6(copy_file_range, int, in_fd, vaddr_t, in_offset, int, out_fd, vaddr_t, out_offset, size_t,
          len, uint32_t, flags)
{
    struct copy_offset in = {in_offset, 0}, out = {out_offset, 0};
    struct copy_ends ends;
    int64_t result = ends_get(&ends, in_fd, out_fd);

    if (result != 0) {
        return result;
    }
    result = offset_get(&in);
    if (result == 0) {
        result = offset_get(&out);
    }
    if (result == 0 && flags != 0) {
        result = -EINVAL;
    }
    if (result == 0) {
        result = copy_range_check(&ends);
    }
    if (result == 0) {
        result = copy_range_check_overlap(&ends, &in, &out, len);
    }
    /* Nothing moved, nothing written: not even the offsets. */
    if (result == 0 && len != 0) {
        result = transfer(&ends, &in, &out, len);
    }
    ends_put(&ends);
    return result;
}

static int splice_check(const struct copy_ends *ends, vaddr_t in_offset, vaddr_t out_offset)
{
    bool from_pipe = file_is_pipe(ends->in), to_pipe = file_is_pipe(ends->out);
    int result = ends_check_mode(ends);

    if (result != 0) {
        return result;
    }
    if (!from_pipe && !to_pipe) {
        return -EINVAL;
    }
    if (from_pipe && in_offset != 0) {
        return -ESPIPE;
    }
    if (to_pipe && out_offset != 0) {
        return -ESPIPE;
    }
    if (!to_pipe && file_flags(ends->out) & O_APPEND) {
        return -EINVAL;
    }
    return ends->in->inode == ends->out->inode ? -EINVAL : 0;
}

/* splice(2), SPLICE_F_NONBLOCK: pipes alone are asked; a race with another reader may still wait. */
static int splice_check_ready(const struct copy_ends *ends)
{
    if ((file_is_pipe(ends->in) && (file_poll(ends->in, NULL) & (POLLIN | POLLHUP)) == 0) ||
        (file_is_pipe(ends->out) && (file_poll(ends->out, NULL) & (POLLOUT | POLLERR)) == 0)) {
        return -EAGAIN;
    }
    return 0;
}

SYSCALL_6(splice, int, in_fd, vaddr_t, in_offset, int, out_fd, vaddr_t, out_offset, size_t, len,
          uint32_t, flags)
{
    struct copy_offset in = {in_offset, 0}, out = {out_offset, 0};
    struct copy_ends ends;
    int64_t result;

    if (len == 0) {
        return 0;
    }
    if (flags & ~SPLICE_F_ALL) {
        return -EINVAL;
    }
    result = ends_get(&ends, in_fd, out_fd);
    if (result != 0) {
        return result;
    }
    result = splice_check(&ends, in_offset, out_offset);
    if (result == 0 && (flags & SPLICE_F_NONBLOCK) != 0) {
        result = splice_check_ready(&ends);
    }
    if (result == 0) {
        result = offset_get(&in);
    }
    if (result == 0) {
        result = offset_get(&out);
    }
    if (result == 0) {
        result = transfer(&ends, &in, &out, len);
    }
    ends_put(&ends);
    return result;
}
