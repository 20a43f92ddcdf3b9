/* File attributes: stat, statfs, access, chmod, chown, utimens. */
#include <arch/abi.h>
#include <asm/statfs.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <linux/time_types.h>

#include "syscall/calls.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* The two architectures give some fields other integer types. */
#define SET(object, field, value) ((object)->field = (__typeof__((object)->field))(value))

static int put_stat(vaddr_t addr, const struct vfs_stat *stat)
{
    struct abi_stat out = {0};

    SET(&out, st_dev, stat->dev);
    SET(&out, st_ino, stat->ino);
    SET(&out, st_mode, stat->mode);
    SET(&out, st_nlink, stat->nlink);
    SET(&out, st_uid, stat->uid);
    SET(&out, st_gid, stat->gid);
    SET(&out, st_rdev, stat->rdev);
    SET(&out, st_size, stat->size);
    SET(&out, st_blksize, stat->block_size);
    SET(&out, st_blocks, stat->nr_blocks);
    SET(&out, st_atime, stat->atime / NS_PER_SEC);
    SET(&out, st_atime_nsec, stat->atime % NS_PER_SEC);
    SET(&out, st_mtime, stat->mtime / NS_PER_SEC);
    SET(&out, st_mtime_nsec, stat->mtime % NS_PER_SEC);
    SET(&out, st_ctime, stat->ctime / NS_PER_SEC);
    SET(&out, st_ctime_nsec, stat->ctime % NS_PER_SEC);
    return user_copy_out(addr, &out, sizeof(out));
}

/* Stats a path, or with AT_EMPTY_PATH and "" the descriptor. */
static int64_t stat_at(int dirfd, vaddr_t name, uint32_t flags, struct vfs_stat *out)
{
    struct user_path path;
    int64_t result;

    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
                            AT_STATX_SYNC_TYPE)) {
        return -EINVAL;
    }
    result = user_path_get(&path, dirfd, name, flags);
    if (result != 0) {
        return result;
    }
    if (path.name[0] == 0 && path.at.at != NULL) {
        vfs_file_stat(path.at.at, out);
    } else {
        result = vfs_stat(&path.at, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), out);
    }
    user_path_put(&path);
    return result;
}

int64_t call_newfstatat(int dirfd, vaddr_t name, vaddr_t out, uint32_t flags)
{
    struct vfs_stat stat;
    int64_t result = stat_at(dirfd, name, flags, &stat);

    return result != 0 ? result : put_stat(out, &stat);
}

SYSCALL_4(newfstatat, int, dirfd, vaddr_t, name, vaddr_t, out, uint32_t, flags)
{
    return call_newfstatat(dirfd, name, out, flags);
}

SYSCALL_2(fstat, int, fd, vaddr_t, out)
{
    struct file *file = fd_get_raw(task_fds(), fd);
    struct vfs_stat stat;

    if (file == NULL) {
        return -EBADF;
    }
    vfs_file_stat(file, &stat);
    file_put(file);
    return put_stat(out, &stat);
}

static struct statx_timestamp statx_time(uint64_t ns)
{
    return (struct statx_timestamp){.tv_sec = (int64_t)(ns / NS_PER_SEC),
                                    .tv_nsec = (uint32_t)(ns % NS_PER_SEC)};
}

static int put_statx(vaddr_t addr, const struct vfs_stat *stat)
{
    struct statx out = {
        .stx_mask = STATX_BASIC_STATS | STATX_BTIME,
        .stx_blksize = stat->block_size,
        .stx_attributes_mask = STATX_ATTR_MOUNT_ROOT,
        .stx_attributes = stat->is_mount_root ? STATX_ATTR_MOUNT_ROOT : 0,
        .stx_nlink = stat->nlink,
        .stx_uid = stat->uid,
        .stx_gid = stat->gid,
        .stx_mode = (uint16_t)stat->mode,
        .stx_ino = stat->ino,
        .stx_size = stat->size,
        .stx_blocks = stat->nr_blocks,
        .stx_atime = statx_time(stat->atime),
        .stx_mtime = statx_time(stat->mtime),
        .stx_ctime = statx_time(stat->ctime),
        .stx_btime = statx_time(stat->btime),
        .stx_rdev_major = dev_major(stat->rdev),
        .stx_rdev_minor = dev_minor(stat->rdev),
        .stx_dev_major = dev_major(stat->dev),
        .stx_dev_minor = dev_minor(stat->dev),
    };

    _Static_assert(sizeof(out) == 256, "struct statx");
    return user_copy_out(addr, &out, sizeof(out));
}

SYSCALL_5(statx, int, dirfd, vaddr_t, name, uint32_t, flags, uint32_t, mask, vaddr_t, out)
{
    struct vfs_stat stat;
    int64_t result;

    if (mask & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) {
        return -EINVAL;
    }
    result = stat_at(dirfd, name, flags, &stat);
    return result != 0 ? result : put_statx(out, &stat);
}

static int put_statfs(vaddr_t addr, const struct vfs_statfs *from)
{
    struct statfs out = {0};

    SET(&out, f_type, from->stats.magic);
    SET(&out, f_bsize, PAGE_SIZE);
    SET(&out, f_blocks, from->stats.nr_blocks);
    SET(&out, f_bfree, from->stats.nr_free);
    SET(&out, f_bavail, from->stats.nr_free);
    SET(&out, f_files, from->stats.nr_files);
    SET(&out, f_ffree, from->stats.nr_files_free);
    SET(&out, f_fsid.val[0], from->fsid);
    SET(&out, f_fsid.val[1], from->fsid >> 32);
    SET(&out, f_namelen, FS_NAME_MAX);
    SET(&out, f_frsize, PAGE_SIZE);
    SET(&out, f_flags, from->flags | 0x20 /* ST_VALID */);
    return user_copy_out(addr, &out, sizeof(out));
}

SYSCALL_2(statfs, vaddr_t, name, vaddr_t, out)
{
    struct vfs_statfs stats;
    struct user_path path;
    int64_t result = user_path_get(&path, AT_FDCWD, name, 0);

    if (result != 0) {
        return result;
    }
    result = vfs_statfs(&path.at, &stats);
    user_path_put(&path);
    return result != 0 ? result : put_statfs(out, &stats);
}

SYSCALL_2(fstatfs, int, fd, vaddr_t, out)
{
    struct file *file = fd_get_raw(task_fds(), fd);
    struct vfs_statfs stats;

    if (file == NULL) {
        return -EBADF;
    }
    vfs_file_statfs(file, &stats);
    file_put(file);
    return put_statfs(out, &stats);
}

int64_t call_faccessat2(int dirfd, vaddr_t name, uint32_t mode, uint32_t flags)
{
    struct user_path path;
    int64_t result;

    if (mode & ~7u || flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    result = user_path_get(&path, dirfd, name, flags);
    if (result == 0) {
        result = vfs_access(&path.at, mode, flags);
        user_path_put(&path);
    }
    return result;
}

SYSCALL_3(faccessat, int, dirfd, vaddr_t, name, uint32_t, mode)
{
    return call_faccessat2(dirfd, name, mode, 0);
}

SYSCALL_4(faccessat2, int, dirfd, vaddr_t, name, uint32_t, mode, uint32_t, flags)
{
    return call_faccessat2(dirfd, name, mode, flags);
}

SYSCALL_2(fchmod, int, fd, uint32_t, mode)
{
    struct file *file = user_file(fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    result = vfs_file_chmod(file, task_cred(), mode);
    file_put(file);
    return result;
}

int64_t call_fchmodat(int dirfd, vaddr_t name, uint32_t mode, uint32_t flags)
{
    struct user_path path;
    int64_t result = user_path_get(&path, dirfd, name, flags);

    if (result == 0) {
        result = vfs_chmod(&path.at, mode, flags);
        user_path_put(&path);
    }
    return result;
}

SYSCALL_3(fchmodat, int, dirfd, vaddr_t, name, uint32_t, mode)
{
    return call_fchmodat(dirfd, name, mode, 0);
}

SYSCALL_3(fchown, int, fd, uint32_t, uid, uint32_t, gid)
{
    struct file *file = user_file(fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    result = vfs_file_chown(file, task_cred(), uid, gid);
    file_put(file);
    return result;
}

int64_t call_fchownat(int dirfd, vaddr_t name, uint32_t uid, uint32_t gid, uint32_t flags)
{
    struct user_path path;
    int64_t result;

    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    result = user_path_get(&path, dirfd, name, flags);
    if (result == 0) {
        result = vfs_chown(&path.at, uid, gid, flags);
        user_path_put(&path);
    }
    return result;
}

SYSCALL_5(fchownat, int, dirfd, vaddr_t, name, uint32_t, uid, uint32_t, gid, uint32_t, flags)
{
    return call_fchownat(dirfd, name, uid, gid, flags);
}

int64_t call_utimens(int dirfd, vaddr_t name, const struct vfs_times *times, uint32_t flags)
{
    struct user_path path;
    struct file *file;
    int64_t result;

    if (name == 0 && dirfd != AT_FDCWD) {
        if (flags != 0) {
            return -EINVAL;
        }
        file = user_file(dirfd);
        if (file == NULL) {
            return -EBADF;
        }
        result = vfs_file_utimens(file, task_cred(), times);
        file_put(file);
        return result;
    }
    if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    result = user_path_get(&path, dirfd, name, flags);
    if (result == 0) {
        result = vfs_utimens(&path.at, times, flags);
        user_path_put(&path);
    }
    return result;
}

/* <linux/stat.h> leaves these to the C library. */
#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

static int decode_utime(const struct __kernel_timespec *ts, uint64_t *out)
{
    if (ts->tv_nsec == UTIME_NOW) {
        *out = VFS_TIME_NOW;
    } else if (ts->tv_nsec == UTIME_OMIT) {
        *out = VFS_TIME_KEEP;
    } else if (ts->tv_nsec < 0 || (uint64_t)ts->tv_nsec >= NS_PER_SEC) {
        return -EINVAL;
    } else {
        /* Times before 1970 are stored as 1970, times past 2262 as the last that fits. */
        uint64_t seconds = (uint64_t)MAX(ts->tv_sec, (__kernel_time64_t)0);

        *out = MIN(seconds, (uint64_t)INT64_MAX / NS_PER_SEC) * NS_PER_SEC + (uint64_t)ts->tv_nsec;
    }
    return 0;
}

SYSCALL_4(utimensat, int, dirfd, vaddr_t, name, vaddr_t, user_times, uint32_t, flags)
{
    struct vfs_times times = {VFS_TIME_NOW, VFS_TIME_NOW};
    struct __kernel_timespec ts[2];
    int result;

    if (user_times != 0) {
        result = user_copy_in(ts, user_times, sizeof(ts));
        if (result != 0) {
            return result;
        }
        if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT) {
            return 0;
        }
        result = decode_utime(&ts[0], &times.atime);
        if (result == 0) {
            result = decode_utime(&ts[1], &times.mtime);
        }
        if (result != 0) {
            return result;
        }
    }
    return call_utimens(dirfd, name, &times, flags);
}
