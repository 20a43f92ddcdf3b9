/* Argument decoding that many handlers share. */
#include "syscall/user.h"

#include <linux/time_types.h>

#include "kernel/string.h"
#include "mm/slab.h"
#include "sched/rlimit.h"
#include "sched/signal.h"

static int path_copy_name(struct user_path *path, vaddr_t name)
{
    ssize64_t len;

    path->name = path->short_name;
    len = user_copy_in_string(path->name, name, sizeof(path->short_name));
    if (len != -ENAMETOOLONG) {
        return len < 0 ? (int)len : 0;
    }
    path->name = kmalloc(FS_PATH_MAX);
    if (path->name == NULL) {
        return -ENOMEM;
    }
    len = user_copy_in_string(path->name, name, FS_PATH_MAX);
    if (len < 0) {
        kfree(path->name);
        return (int)len;
    }
    return 0;
}

static int path_look_up(struct user_path *path, int dirfd, uint32_t at_flags)
{
    path->at = (struct path_at){task_fs(), task_cred(), NULL, path->name};
    if (path->name[0] == 0 && !(at_flags & AT_EMPTY_PATH)) {
        return -ENOENT;
    }
    if (dirfd == AT_FDCWD || path->name[0] == '/') {
        return 0;
    }
    path->at.at = fd_get_raw(task_fds(), dirfd);
    return path->at.at == NULL ? -EBADF : 0;
}

int user_path_get(struct user_path *path, int dirfd, vaddr_t name, uint32_t at_flags)
{
    int result = path_copy_name(path, name);

    if (result != 0) {
        return result;
    }
    result = path_look_up(path, dirfd, at_flags);
    if (result != 0 && path->name != path->short_name) {
        kfree(path->name);
    }
    return result;
}

void user_path_put(struct user_path *path)
{
    if (path->at.at != NULL) {
        file_put(path->at.at);
    }
    if (path->name != path->short_name) {
        kfree(path->name);
    }
}

static int time_to_ns(int64_t seconds, uint64_t fraction, uint64_t unit_ns, uint64_t *ns)
{
    if (seconds < 0 || fraction >= NS_PER_SEC / unit_ns) {
        return -EINVAL;
    }
    if ((uint64_t)seconds >= (uint64_t)INT64_MAX / NS_PER_SEC) {
        *ns = INT64_MAX;
    } else {
        *ns = (uint64_t)seconds * NS_PER_SEC + fraction * unit_ns;
    }
    return 0;
}

int user_get_timespec(vaddr_t addr, uint64_t *ns)
{
    struct __kernel_timespec ts;
    int result = user_copy_in(&ts, addr, sizeof(ts));

    return result != 0 ? result : time_to_ns(ts.tv_sec, (uint64_t)ts.tv_nsec, 1, ns);
}

int user_put_timespec(vaddr_t addr, uint64_t ns)
{
    struct __kernel_timespec ts = {(int64_t)(ns / NS_PER_SEC), (int64_t)(ns % NS_PER_SEC)};

    return user_copy_out(addr, &ts, sizeof(ts));
}

int user_get_timeval(vaddr_t addr, uint64_t *ns)
{
    struct __kernel_old_timeval tv;
    int result = user_copy_in(&tv, addr, sizeof(tv));

    return result != 0 ? result : time_to_ns(tv.tv_sec, (uint64_t)tv.tv_usec, NS_PER_US, ns);
}

int user_get_select_timeval(vaddr_t addr, uint64_t *ns)
{
    struct __kernel_old_timeval tv;
    int result = user_copy_in(&tv, addr, sizeof(tv));

    if (result != 0) {
        return result;
    }
    if (__builtin_add_overflow(tv.tv_sec, tv.tv_usec / 1000000, &tv.tv_sec)) {
        return -EINVAL;
    }
    return time_to_ns(tv.tv_sec, (uint64_t)(tv.tv_usec % 1000000), NS_PER_US, ns);
}

int user_put_timeval(vaddr_t addr, uint64_t ns)
{
    struct __kernel_old_timeval tv = {(int64_t)(ns / NS_PER_SEC),
                                      (int64_t)(ns % NS_PER_SEC / NS_PER_US)};

    return user_copy_out(addr, &tv, sizeof(tv));
}

int user_get_sigset(vaddr_t addr, size_t size, uint64_t *out)
{
    return size != sizeof(*out) ? -EINVAL : user_copy_in(out, addr, sizeof(*out));
}

static int vector_check(struct user_vector *vector, uint64_t nr)
{
    uint64_t left = 0;

    for (uint64_t i = 0; i < nr; i++) {
        struct uio_segment *segment = &vector->segments[i];

        if ((int64_t)segment->len < 0) {
            return -EINVAL;
        }
        if (!user_range_ok(segment->base, segment->len)) {
            return -EFAULT;
        }
        segment->len = MIN(segment->len, USER_RW_MAX - left);
        left += segment->len;
    }
    vector->uio = (struct uio){task_as(), vector->segments, 0, left};
    return 0;
}

int user_vector_get(struct user_vector *vector, vaddr_t iov, uint64_t nr)
{
    size_t size = nr * sizeof(struct uio_segment);
    int result;

    if (nr > USER_IOV_MAX) {
        return -EINVAL;
    }
    vector->segments = vector->inline_segments;
    if (nr > USER_IOV_INLINE) {
        vector->segments = kmalloc(size);
        if (vector->segments == NULL) {
            return -ENOMEM;
        }
    }
    result = user_copy_in(vector->segments, iov, size);
    if (result == 0) {
        result = vector_check(vector, nr);
    }
    if (result != 0) {
        user_vector_put(vector);
    }
    return result;
}

void user_vector_put(struct user_vector *vector)
{
    if (vector->segments != vector->inline_segments) {
        kfree(vector->segments);
    }
}

static void raise_signal(int signo)
{
    siginfo_t info = signal_info_user(signo, SI_USER);

    signal_send_task(task_current(), signo, &info);
}

ssize64_t user_limit_write(struct file *file, uint64_t pos, size_t len)
{
    uint64_t limit = rlimit_get(RLIMIT_FSIZE);

    if (likely(limit == RLIM64_INFINITY) || !inode_is(file->inode, S_IFREG) || len == 0) {
        return (ssize64_t)len;
    }
    if (pos >= limit) {
        raise_signal(SIGXFSZ);
        return -EFBIG;
    }
    return (ssize64_t)MIN(len, limit - pos);
}

int user_limit_size(struct file *file, int64_t size)
{
    if ((uint64_t)size <= rlimit_get(RLIMIT_FSIZE) || (uint64_t)size <= inode_size(file->inode) ||
        !inode_is(file->inode, S_IFREG)) {
        return 0;
    }
    return (int)user_limit_result(-EFBIG);
}

int64_t user_limit_result(int64_t result)
{
    if (unlikely(result == -EFBIG)) {
        raise_signal(SIGXFSZ);
    }
    return result;
}

int64_t user_write_result(int64_t result)
{
    if (unlikely(result == -EPIPE)) {
        raise_signal(SIGPIPE);
    }
    return result;
}
