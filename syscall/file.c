/* Reading, writing and the size of open files. */
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fs.h>

#include "sched/rlimit.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* Descriptor for a transfer: the mode counts before the buffer, as on Linux. */
static int get_for(int fd, uint32_t mode, struct file **out)
{
    struct file *file = user_file(fd);

    if (file == NULL) {
        return -EBADF;
    }
    if (!(file_mode(file) & mode)) {
        file_put(file);
        return -EBADF;
    }
    *out = file;
    return 0;
}

static int plain_uio(struct uio *uio, struct uio_segment *segment, vaddr_t buf, size_t len)
{
    if (!user_range_ok(buf, len)) {
        return -EFAULT;
    }
    len = MIN(len, USER_RW_MAX);
    *segment = (struct uio_segment){buf, len};
    *uio = (struct uio){task_as(), segment, 0, len};
    return 0;
}

/* Where a write without a position goes. */
static uint64_t write_pos(const struct file *file)
{
    return file_flags(file) & O_APPEND ? inode_size(file->inode) : file->pos;
}

/* pos NULL: at the file's own position. */
static int64_t write_limited(struct file *file, struct uio *uio, const int64_t *pos)
{
    ssize64_t allowed =
        user_limit_write(file, pos != NULL ? (uint64_t)*pos : write_pos(file), uio->left);

    if (allowed < 0) {
        return allowed;
    }
    uio->left = (size_t)allowed;
    return user_write_result(pos != NULL ? file_write_at(file, uio, *pos) : file_write(file, uio));
}

SYSCALL_3(read, int, fd, vaddr_t, buf, size_t, len)
{
    struct uio_segment segment;
    struct uio uio;
    struct file *file;
    int64_t result = get_for(fd, FILE_READ, &file);

    if (result != 0) {
        return result;
    }
    result = plain_uio(&uio, &segment, buf, len);
    if (result == 0) {
        result = file_read(file, &uio);
    }
    file_put(file);
    return result;
}

SYSCALL_3(write, int, fd, vaddr_t, buf, size_t, len)
{
    struct uio_segment segment;
    struct uio uio;
    struct file *file;
    int64_t result = get_for(fd, FILE_WRITE, &file);

    if (result != 0) {
        return result;
    }
    result = plain_uio(&uio, &segment, buf, len);
    if (result == 0) {
        result = write_limited(file, &uio, NULL);
    }
    file_put(file);
    return result;
}

static int64_t check_positioned(struct file *file)
{
    return file_mode(file) & FILE_SEEKABLE ? 0 : -ESPIPE;
}

static int64_t transfer_at(int fd, vaddr_t buf, size_t len, int64_t pos, uint32_t mode)
{
    struct uio_segment segment;
    struct uio uio;
    struct file *file;
    int64_t result;

    if (pos < 0) {
        return -EINVAL;
    }
    file = user_file(fd);
    if (file == NULL) {
        return -EBADF;
    }
    result = check_positioned(file);
    if (result == 0 && !(file_mode(file) & mode)) {
        result = -EBADF;
    }
    if (result == 0) {
        result = plain_uio(&uio, &segment, buf, len);
    }
    if (result == 0) {
        result =
            mode == FILE_READ ? file_read_at(file, &uio, pos) : write_limited(file, &uio, &pos);
    }
    file_put(file);
    return result;
}

SYSCALL_4(pread64, int, fd, vaddr_t, buf, size_t, len, int64_t, pos)
{
    return transfer_at(fd, buf, len, pos, FILE_READ);
}

SYSCALL_4(pwrite64, int, fd, vaddr_t, buf, size_t, len, int64_t, pos)
{
    return transfer_at(fd, buf, len, pos, FILE_WRITE);
}

/* pos NULL: at the file's own position. */
static int64_t transfer_vector(struct file *file, vaddr_t iov, uint64_t nr, const int64_t *pos,
                               uint32_t mode)
{
    struct user_vector vector;
    int64_t result = user_vector_get(&vector, iov, nr);

    if (result != 0) {
        return result;
    }
    if (!(file_mode(file) & mode)) {
        result = -EBADF;
    } else if (vector.uio.left == 0) {
        result = 0;
    } else if (mode == FILE_READ) {
        result = pos == NULL ? file_read(file, &vector.uio) : file_read_at(file, &vector.uio, *pos);
    } else {
        result = write_limited(file, &vector.uio, pos);
    }
    user_vector_put(&vector);
    return result;
}

static int64_t vector_call(int fd, vaddr_t iov, uint64_t nr, const int64_t *pos, uint32_t mode)
{
    struct file *file;
    int64_t result;

    if (pos != NULL && *pos < 0) {
        return -EINVAL;
    }
    file = user_file(fd);
    if (file == NULL) {
        return -EBADF;
    }
    result = pos == NULL ? 0 : check_positioned(file);
    if (result == 0) {
        result = transfer_vector(file, iov, nr, pos, mode);
    }
    file_put(file);
    return result;
}

SYSCALL_3(readv, int, fd, vaddr_t, iov, uint64_t, nr)
{
    return vector_call(fd, iov, nr, NULL, FILE_READ);
}

SYSCALL_3(writev, int, fd, vaddr_t, iov, uint64_t, nr)
{
    return vector_call(fd, iov, nr, NULL, FILE_WRITE);
}

SYSCALL_4(preadv, int, fd, vaddr_t, iov, uint64_t, nr, int64_t, pos)
{
    return vector_call(fd, iov, nr, &pos, FILE_READ);
}

SYSCALL_4(pwritev, int, fd, vaddr_t, iov, uint64_t, nr, int64_t, pos)
{
    return vector_call(fd, iov, nr, &pos, FILE_WRITE);
}

#define RW_FLAGS_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC)

SYSCALL_6(preadv2, int, fd, vaddr_t, iov, uint64_t, nr, int64_t, pos, uint64_t, pos_high UNUSED,
          int, flags)
{
    if (flags & ~RW_FLAGS_KNOWN) {
        return -EOPNOTSUPP;
    }
    return vector_call(fd, iov, nr, pos == -1 ? NULL : &pos, FILE_READ);
}

SYSCALL_6(pwritev2, int, fd, vaddr_t, iov, uint64_t, nr, int64_t, pos, uint64_t, pos_high UNUSED,
          int, flags)
{
    if (flags & ~RW_FLAGS_KNOWN) {
        return -EOPNOTSUPP;
    }
    return vector_call(fd, iov, nr, pos == -1 ? NULL : &pos, FILE_WRITE);
}

SYSCALL_3(lseek, int, fd, int64_t, offset, uint32_t, whence)
{
    struct file *file = user_file(fd);
    int64_t result = -EINVAL;

    if (file == NULL) {
        return -EBADF;
    }
    if (whence <= SEEK_HOLE) {
        result = file_seek(file, offset, (int)whence);
    }
    file_put(file);
    return result;
}

static int64_t sync_file(int fd)
{
    struct file *file = user_file(fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    result = file_sync(file);
    file_put(file);
    return result;
}

SYSCALL_1(fsync, int, fd)
{
    return sync_file(fd);
}

SYSCALL_1(fdatasync, int, fd)
{
    return sync_file(fd);
}

/* Every file system lives in memory: there is nothing to write back. */
SYSCALL_0(sync)
{
    return 0;
}

SYSCALL_1(syncfs, int, fd)
{
    struct file *file = user_file(fd);

    if (file == NULL) {
        return -EBADF;
    }
    file_put(file);
    return 0;
}

static bool is_regular_or_dir(const struct file *file)
{
    return inode_is(file->inode, S_IFREG) || inode_is(file->inode, S_IFDIR);
}

SYSCALL_4(sync_file_range, int, fd, int64_t, offset, int64_t, len, uint32_t, flags)
{
    struct file *file;
    int64_t result = 0;

    if (flags & ~(uint32_t)(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                            SYNC_FILE_RANGE_WAIT_AFTER)) {
        return -EINVAL;
    }
    if (offset < 0 || len < 0 || offset > INT64_MAX - len) {
        return -EINVAL;
    }
    file = user_file(fd);
    if (file == NULL) {
        return -EBADF;
    }
    if (!is_regular_or_dir(file)) {
        result = -ESPIPE;
    }
    file_put(file);
    return result;
}

SYSCALL_2(truncate, vaddr_t, name, int64_t, size)
{
    struct user_path path;
    int64_t result;

    if (size < 0) {
        return -EINVAL;
    }
    result = user_path_get(&path, AT_FDCWD, name, 0);
    if (result != 0) {
        return result;
    }
    result = user_limit_result(vfs_truncate(&path.at, size, rlimit_get(RLIMIT_FSIZE)));
    user_path_put(&path);
    return result;
}

SYSCALL_2(ftruncate, int, fd, int64_t, size)
{
    struct file *file;
    int64_t result;

    if (size < 0) {
        return -EINVAL;
    }
    file = user_file(fd);
    if (file == NULL) {
        return -EBADF;
    }
    result = user_limit_size(file, size);
    if (result == 0) {
        result = vfs_file_truncate(file, size);
    }
    file_put(file);
    return result;
}

SYSCALL_4(fallocate, int, fd, int, mode, int64_t, offset, int64_t, len)
{
    struct file *file = user_file(fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    result = offset < 0 || len <= 0 || mode & FALLOC_FL_KEEP_SIZE || offset > INT64_MAX - len
                 ? 0
                 : user_limit_size(file, offset + len);
    if (result == 0) {
        result = vfs_file_allocate(file, mode, offset, len);
    }
    file_put(file);
    return result;
}

static bool advice_is_known(int advice)
{
    switch (advice) {
    case POSIX_FADV_NORMAL:
    case POSIX_FADV_RANDOM:
    case POSIX_FADV_SEQUENTIAL:
    case POSIX_FADV_WILLNEED:
    case POSIX_FADV_DONTNEED:
    case POSIX_FADV_NOREUSE:
        return true;
    default:
        return false;
    }
}

SYSCALL_4(fadvise64, int, fd, int64_t, offset UNUSED, int64_t, len, int, advice)
{
    struct file *file = user_file(fd);
    int64_t result = 0;

    if (file == NULL) {
        return -EBADF;
    }
    if (inode_is(file->inode, S_IFIFO)) {
        result = -ESPIPE;
    } else if (len < 0 || !advice_is_known(advice)) {
        result = -EINVAL;
    }
    file_put(file);
    return result;
}

SYSCALL_3(readahead, int, fd, int64_t, offset UNUSED, size_t, len UNUSED)
{
    struct file *file;
    int64_t result = get_for(fd, FILE_READ, &file);

    if (result != 0) {
        return result;
    }
    result = inode_is(file->inode, S_IFREG) ? 0 : -EINVAL;
    file_put(file);
    return result;
}
