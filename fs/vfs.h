/*
 * File-system calls on names and on open files, with Linux's semantics and errors (the man page of
 * the call of that name). Strings are kernel memory. Creation modes are masked with ctx->umask
 * here.
 */
#pragma once

#include "fs/path.h"

/* Boot: the root tmpfs, mounted; types registered with vfs_register() before may be mounted after.
 */
void vfs_init(void);
/* The root directory, for the first fs_context. Not referenced. */
struct dentry *vfs_root(void);
void vfs_register(struct fs_type *type);
/* Boot: unpacks a cpio "newc" archive into the root. Fails: -EINVAL (broken archive), -ENOMEM. */
NODISCARD int initramfs_unpack(const void *data, size_t len);

struct vfs_stat {
    dev_nr_t dev, rdev;
    uint64_t ino, size, nr_blocks;
    uint32_t mode, nlink, uid, gid, block_size;
    uint64_t atime, mtime, ctime, btime; /* ns since 1970 */
    bool is_mount_root;
};

struct vfs_statfs {
    struct fs_stats stats;
    uint64_t fsid, flags; /* ST_* */
};

/* openat(2). flags O_*, mode permission bits. The file's reference is the caller's. */
NODISCARD int vfs_open(const struct path_at *where, uint32_t flags, uint32_t mode,
                       struct file **out);
/* execve(2): a regular file that may be executed; writers get -ETXTBSY while it is open. at_flags:
 * AT_*. */
NODISCARD int vfs_open_exec(const struct path_at *where, uint32_t at_flags, struct file **out);
/* memfd_create(2), shm: an unlinked tmpfs file "/memfd:name". */
NODISCARD int vfs_open_memory(const char *name, const struct cred *cred, uint32_t flags,
                              struct file **out);

NODISCARD int vfs_mkdir(const struct path_at *where, uint32_t mode);
/* mode with S_IF*: regular (or 0), FIFO, socket, character, block. */
NODISCARD int vfs_mknod(const struct path_at *where, uint32_t mode, dev_nr_t rdev);
NODISCARD int vfs_symlink(const struct path_at *where, const char *target);
/* at_flags: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH for the old name. */
NODISCARD int vfs_link(const struct path_at *from, const struct path_at *to, uint32_t at_flags);
NODISCARD int vfs_unlink(const struct path_at *where);
NODISCARD int vfs_rmdir(const struct path_at *where);
/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE. */
NODISCARD int vfs_rename(const struct path_at *from, const struct path_at *to, uint32_t flags);

/* at_flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT; unknown ones give -EINVAL. */
NODISCARD int vfs_stat(const struct path_at *where, uint32_t at_flags, struct vfs_stat *out);
void vfs_file_stat(struct file *file, struct vfs_stat *out);
/* mode: R_OK 4, W_OK 2, X_OK 1. at_flags: AT_EACCESS (else real ids count), AT_SYMLINK_NOFOLLOW,
 * AT_EMPTY_PATH. */
NODISCARD int vfs_access(const struct path_at *where, uint32_t mode, uint32_t at_flags);
NODISCARD int vfs_chmod(const struct path_at *where, uint32_t mode, uint32_t at_flags);
NODISCARD int vfs_file_chmod(struct file *file, const struct cred *cred, uint32_t mode);
/* uid, gid: (uint32_t)-1 keeps. */
NODISCARD int vfs_chown(const struct path_at *where, uint32_t uid, uint32_t gid, uint32_t at_flags);
NODISCARD int vfs_file_chown(struct file *file, const struct cred *cred, uint32_t uid,
                             uint32_t gid);

#define VFS_TIME_NOW  UINT64_MAX       /* UTIME_NOW */
#define VFS_TIME_KEEP (UINT64_MAX - 1) /* UTIME_OMIT */
struct vfs_times {
    uint64_t atime, mtime; /* ns since 1970, or the above */
};
NODISCARD int vfs_utimens(const struct path_at *where, const struct vfs_times *times,
                          uint32_t at_flags);
NODISCARD int vfs_file_utimens(struct file *file, const struct cred *cred,
                               const struct vfs_times *times);

/* limit: RLIMIT_FSIZE; growing past it gives -EFBIG, and SIGXFSZ is the caller's. */
NODISCARD int vfs_truncate(const struct path_at *where, int64_t size, uint64_t limit);
NODISCARD int vfs_file_truncate(struct file *file, int64_t size);
NODISCARD int vfs_file_allocate(struct file *file, int mode, int64_t offset, int64_t len);
/* Returns the length of the link's text, cut to size; not NUL-terminated. An empty name reads `at`
 * (O_PATH) itself. */
NODISCARD ssize64_t vfs_readlink(const struct path_at *where, char *buf, size_t size);
NODISCARD int vfs_statfs(const struct path_at *where, struct vfs_statfs *out);
void vfs_file_statfs(struct file *file, struct vfs_statfs *out);
/* xattr calls: 0 never; -EOPNOTSUPP where the file exists, else the walk's error. */
NODISCARD int vfs_xattr(const struct path_at *where, uint32_t at_flags);

NODISCARD int vfs_chdir(const struct path_at *where);
NODISCARD int vfs_file_chdir(struct file *file, struct fs_context *ctx, const struct cred *cred);
NODISCARD int vfs_chroot(const struct path_at *where);
/* Writes the path with its NUL. Returns the length with NUL (as the system call). Fails: -ERANGE,
 * -ENOENT. */
NODISCARD int vfs_getcwd(struct fs_context *ctx, char *buf, size_t size);

/* mount(2), flags MS_*; needs CAP_SYS_ADMIN. data may be NULL. */
NODISCARD int vfs_mount(const struct path_at *where, const char *source, const char *type,
                        uint64_t flags, const char *data);
/* flags: MNT_DETACH, MNT_FORCE, UMOUNT_NOFOLLOW. */
NODISCARD int vfs_umount(const struct path_at *where, uint32_t flags);
/* In-kernel mount on an existing directory given by absolute path, by root. */
NODISCARD int vfs_mount_kernel(const char *path, const char *type, const char *source);

/* One line of /proc/mounts. Calls show for each mount in order, no lock held; path as seen from
 * root. */
struct vfs_mount_info {
    const char *source, *path, *type;
    uint64_t flags;
    dev_nr_t dev;
};
int vfs_for_each_mount(struct dentry *root,
                       int (*show)(const struct vfs_mount_info *info, void *arg), void *arg);
/* For /proc/filesystems: the n-th type, or NULL. */
const struct fs_type *vfs_type_at(unsigned n);
