/* Descriptors: open, close, dup, fcntl, ioctl, locks, and files without a name. */
#include <asm/ioctls.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>

#include "fs/lock.h"
#include "fs/pipe.h"
#include "sched/rlimit.h"
#include "syscall/calls.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

static uint64_t fd_limit(void)
{
    return rlimit_get(RLIMIT_NOFILE);
}

/* Does: gives the file a descriptor; on failure the reference goes. */
static int64_t install(struct file *file, bool cloexec)
{
    int fd = fd_install(task_fds(), file, 0, fd_limit(), cloexec);

    if (fd < 0) {
        file_put(file);
    }
    return fd;
}

int64_t call_openat(int dirfd, vaddr_t name, uint32_t flags, uint32_t mode)
{
    struct user_path path;
    struct file *file;
    int fd, result = user_path_get(&path, dirfd, name, 0);

    if (result != 0) {
        return result;
    }
    fd = fd_reserve(task_fds(), 0, fd_limit());
    if (fd < 0) {
        result = fd;
        goto undo_path;
    }
    result = vfs_open(&path.at, (flags | O_LARGEFILE) & ~(uint32_t)O_CLOEXEC, mode & 07777, &file);
    if (result != 0) {
        goto undo_fd;
    }
    fd_commit(task_fds(), fd, file, (flags & O_CLOEXEC) != 0);
    user_path_put(&path);
    return fd;
undo_fd:
    fd_cancel(task_fds(), fd);
undo_path:
    user_path_put(&path);
    return result;
}

SYSCALL_4(openat, int, dirfd, vaddr_t, name, uint32_t, flags, uint32_t, mode)
{
    return call_openat(dirfd, name, flags, mode);
}

SYSCALL_1(close, int, fd)
{
    return fd_close(task_fds(), fd);
}

SYSCALL_3(close_range, uint32_t, first, uint32_t, last, uint32_t, flags)
{
    /* Unsharing the table is not done: no caller can tell from -EINVAL of an older Linux. */
    if (flags & ~(uint32_t)CLOSE_RANGE_CLOEXEC || first > last) {
        return -EINVAL;
    }
    fd_close_range(task_fds(), first, last, (flags & CLOSE_RANGE_CLOEXEC) != 0);
    return 0;
}

static int64_t dup_from(int fd, uint64_t from, bool cloexec)
{
    struct file *file = fd_get_raw(task_fds(), fd);
    uint64_t limit = fd_limit();

    if (file == NULL) {
        return -EBADF;
    }
    if (from >= limit) {
        file_put(file);
        return from == 0 ? -EMFILE : -EINVAL;
    }
    fd = fd_install(task_fds(), file, (uint32_t)from, limit, cloexec);
    if (fd < 0) {
        file_put(file);
    }
    return fd;
}

SYSCALL_1(dup, int, fd)
{
    return dup_from(fd, 0, false);
}

int64_t call_dup3(int from, int to, uint32_t flags)
{
    if (flags & ~(uint32_t)O_CLOEXEC || from == to) {
        return -EINVAL;
    }
    return fd_dup_to(task_fds(), from, to, fd_limit(), (flags & O_CLOEXEC) != 0);
}

SYSCALL_3(dup3, int, from, int, to, uint32_t, flags)
{
    return call_dup3(from, to, flags);
}

#define SETFL_MASK ((uint32_t)(O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC))

static int64_t set_flags(struct file *file, uint32_t flags)
{
    uint32_t old = file_flags(file);

    if ((flags & ~old) & O_NOATIME && !inode_is_owner(file->inode, task_cred())) {
        return -EPERM;
    }
    if ((flags & ~old) & O_DIRECT) {
        return -EINVAL; /* no file bypasses a cache, and no pipe keeps packets apart */
    }
    while (!atomic_compare_exchange_weak(&file->flags, &old,
                                         (old & ~SETFL_MASK) | (flags & SETFL_MASK))) {
    }
    return 0;
}

/*
 * A close of the descriptor on another thread, before the lock was there, has released nothing:
 * then the lock goes now, as close(2) promises.
 */
static int64_t lock_set_call(int fd, struct file *file, int cmd, const struct lock_request *request)
{
    struct fd_table *table = task_fds();
    int64_t result = lock_set(file, table, cmd, request);
    struct file *now;

    if (result != 0 || request->type == F_UNLCK || (cmd != F_SETLK && cmd != F_SETLKW)) {
        return result;
    }
    now = fd_get_raw(table, fd);
    if (now != file) {
        lock_release_posix(file, table);
        result = -EBADF;
    }
    if (now != NULL) {
        file_put(now);
    }
    return result;
}

static int64_t lock_call(int fd, struct file *file, int cmd, vaddr_t addr)
{
    bool is_ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
    struct lock_request request;
    struct flock user;
    int64_t result = user_copy_in(&user, addr, sizeof(user));

    if (result != 0) {
        return result;
    }
    if (is_ofd && user.l_pid != 0) {
        return -EINVAL;
    }
    request = (struct lock_request){user.l_type, user.l_whence, user.l_start, user.l_len,
                                    is_ofd ? 0 : process_current()->pid};
    if (cmd != F_GETLK && cmd != F_OFD_GETLK) {
        return lock_set_call(fd, file, cmd, &request);
    }
    result = lock_test(file, task_fds(), cmd, &request);
    if (result != 0) {
        return result;
    }
    user.l_type = request.type;
    if (request.type != F_UNLCK) {
        user.l_whence = request.whence;
        user.l_start = request.start;
        user.l_len = request.len;
        user.l_pid = request.pid;
    }
    return user_copy_out(addr, &user, sizeof(user));
}

static int64_t owner_ex_call(struct file *file, bool set, vaddr_t addr)
{
    struct f_owner_ex owner = {F_OWNER_PID, file->owner};
    int64_t result;

    if (!set) {
        if (owner.pid < 0) {
            owner = (struct f_owner_ex){F_OWNER_PGRP, -file->owner};
        }
        return user_copy_out(addr, &owner, sizeof(owner));
    }
    result = user_copy_in(&owner, addr, sizeof(owner));
    if (result != 0) {
        return result;
    }
    if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP || owner.pid == INT32_MIN) {
        return -EINVAL;
    }
    file->owner = owner.type == F_OWNER_PGRP ? -owner.pid : owner.pid;
    return 0;
}

/* What an O_PATH descriptor allows too. */
static int64_t fcntl_fd(int fd, uint32_t cmd, uint64_t arg, struct file *file)
{
    switch (cmd) {
    case F_DUPFD:
        return dup_from(fd, (uint32_t)arg, false);
    case F_DUPFD_CLOEXEC:
        return dup_from(fd, (uint32_t)arg, true);
    case F_GETFD:
        return fd_get_cloexec(task_fds(), fd);
    case F_SETFD:
        return fd_set_cloexec(task_fds(), fd, (arg & FD_CLOEXEC) != 0);
    case F_GETFL:
        return file_flags(file);
    default:
        return file_mode(file) & FILE_PATH ? -EBADF : -ENOSYS;
    }
}

static int64_t fcntl_file(int fd, struct file *file, uint32_t cmd, uint64_t arg)
{
    switch (cmd) {
    case F_SETFL:
        return set_flags(file, (uint32_t)arg);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock_call(fd, file, (int)cmd, arg);
    case F_GETOWN:
        return file->owner;
    case F_SETOWN:
        if ((int32_t)arg == INT32_MIN) {
            return -EINVAL; /* no process group has the number */
        }
        file->owner = (pid_nr_t)arg;
        return 0;
    case F_GETOWN_EX:
    case F_SETOWN_EX:
        return owner_ex_call(file, cmd == F_SETOWN_EX, arg);
    case F_GETSIG:
        return 0;
    case F_SETSIG:
        return arg > SIGNAL_MAX ? -EINVAL : 0;
    case F_GETLEASE:
        return F_UNLCK;
    case F_GETPIPE_SZ:
        return pipe_get_size(file);
    case F_SETPIPE_SZ:
        return pipe_set_size(file, (uint32_t)arg, task_cred());
    default:
        return -EINVAL;
    }
}

SYSCALL_3(fcntl, int, fd, uint32_t, cmd, uint64_t, arg)
{
    struct file *file = fd_get_raw(task_fds(), fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    result = fcntl_fd(fd, cmd, arg, file);
    if (result == -ENOSYS) {
        result = fcntl_file(fd, file, cmd, arg);
    }
    file_put(file);
    return result;
}

static int64_t ioctl_set_flag(struct file *file, uint32_t flag, vaddr_t addr)
{
    int on;
    int64_t result = user_copy_in(&on, addr, sizeof(on));

    if (result != 0) {
        return result;
    }
    if (on != 0) {
        atomic_fetch_or(&file->flags, flag);
    } else {
        atomic_fetch_and(&file->flags, ~flag);
    }
    return 0;
}

SYSCALL_3(ioctl, int, fd, uint32_t, cmd, uint64_t, arg)
{
    struct file *file = user_file(fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    switch (cmd) {
    case FIOCLEX:
    case FIONCLEX:
        result = fd_set_cloexec(task_fds(), fd, cmd == FIOCLEX);
        break;
    case FIONBIO:
        result = ioctl_set_flag(file, O_NONBLOCK, arg);
        break;
    case FIOASYNC:
        result = ioctl_set_flag(file, FASYNC, arg);
        break;
    default:
        result = file_ioctl(file, cmd, arg, task_as());
    }
    file_put(file);
    return result;
}

SYSCALL_2(flock, int, fd, int, operation)
{
    struct file *file = user_file(fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    result = flock_apply(file, operation);
    file_put(file);
    return result;
}

#define MEMFD_NAME_MAX 249 /* NAME_MAX less "memfd:" */

SYSCALL_2(memfd_create, vaddr_t, user_name, uint32_t, flags)
{
    char name[MEMFD_NAME_MAX + 1];
    struct file *file;
    ssize64_t len;
    int result;

    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
        return -EINVAL;
    }
    len = user_copy_in_string(name, user_name, sizeof(name));
    if (len < 0) {
        return len == -ENAMETOOLONG ? -EINVAL : len;
    }
    result = vfs_open_memory(name, task_cred(), O_RDWR | O_LARGEFILE, &file);
    return result != 0 ? result : install(file, (flags & MFD_CLOEXEC) != 0);
}

#define EFD_SEMAPHORE 1 /* <linux/eventfd.h> is not exported; the others are O_* */

int64_t call_eventfd2(uint32_t initial, uint32_t flags)
{
    struct file *file;
    int result;

    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE)) {
        return -EINVAL;
    }
    result = eventfd_create(initial, flags, &file);
    return result != 0 ? result : install(file, (flags & O_CLOEXEC) != 0);
}

SYSCALL_2(eventfd2, uint32_t, initial, uint32_t, flags)
{
    return call_eventfd2(initial, flags);
}

int64_t call_pipe2(vaddr_t fds_addr, uint32_t flags)
{
    bool cloexec = (flags & O_CLOEXEC) != 0;
    struct fd_table *table = task_fds();
    struct file *ends[2];
    int fds[2], result;

    if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) {
        return -EINVAL;
    }
    result = pipe_create(flags & ~(uint32_t)O_CLOEXEC, task_cred(), &ends[0], &ends[1]);
    if (result != 0) {
        return result;
    }
    fds[0] = result = fd_reserve(table, 0, fd_limit());
    if (result < 0) {
        goto undo_pipe;
    }
    fds[1] = result = fd_reserve(table, 0, fd_limit());
    if (result < 0) {
        goto undo_first;
    }
    result = user_copy_out(fds_addr, fds, sizeof(fds));
    if (result != 0) {
        goto undo_second;
    }
    fd_commit(table, fds[0], ends[0], cloexec);
    fd_commit(table, fds[1], ends[1], cloexec);
    return 0;
undo_second:
    fd_cancel(table, fds[1]);
undo_first:
    fd_cancel(table, fds[0]);
undo_pipe:
    file_put(ends[0]);
    file_put(ends[1]);
    return result;
}

SYSCALL_2(pipe2, vaddr_t, fds, uint32_t, flags)
{
    return call_pipe2(fds, flags);
}
