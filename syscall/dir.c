/* Names and directories. */
#include "fs/file.h"
#include "kernel/string.h"
#include "mm/slab.h"
#include "syscall/calls.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

/* Runs vfs_call with the path at hand and puts it. */
#define WITH_PATH(dirfd, name, at_flags, path, vfs_call)                                           \
    ({                                                                                             \
        struct user_path path;                                                                     \
        int64_t with_result_ = user_path_get(&path, dirfd, name, at_flags);                        \
        if (with_result_ == 0) {                                                                   \
            with_result_ = vfs_call;                                                               \
            user_path_put(&path);                                                                  \
        }                                                                                          \
        with_result_;                                                                              \
    })

int64_t call_mkdirat(int dirfd, vaddr_t name, uint32_t mode)
{
    return WITH_PATH(dirfd, name, 0, path, vfs_mkdir(&path.at, mode));
}

SYSCALL_3(mkdirat, int, dirfd, vaddr_t, name, uint32_t, mode)
{
    return call_mkdirat(dirfd, name, mode);
}

int64_t call_mknodat(int dirfd, vaddr_t name, uint32_t mode, uint32_t dev)
{
    return WITH_PATH(dirfd, name, 0, path, vfs_mknod(&path.at, mode, dev));
}

SYSCALL_4(mknodat, int, dirfd, vaddr_t, name, uint32_t, mode, uint32_t, dev)
{
    return call_mknodat(dirfd, name, mode, dev);
}

int64_t call_unlinkat(int dirfd, vaddr_t name, uint32_t flags)
{
    if (flags & ~(uint32_t)AT_REMOVEDIR) {
        return -EINVAL;
    }
    if (flags & AT_REMOVEDIR) {
        return WITH_PATH(dirfd, name, 0, path, vfs_rmdir(&path.at));
    }
    return WITH_PATH(dirfd, name, 0, path, vfs_unlink(&path.at));
}

SYSCALL_3(unlinkat, int, dirfd, vaddr_t, name, uint32_t, flags)
{
    return call_unlinkat(dirfd, name, flags);
}

int64_t call_linkat(int from_dir, vaddr_t from, int to_dir, vaddr_t to, uint32_t flags)
{
    struct user_path from_path, to_path;
    int64_t result;

    if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) {
        return -EINVAL;
    }
    result = user_path_get(&from_path, from_dir, from, flags);
    if (result != 0) {
        return result;
    }
    result = user_path_get(&to_path, to_dir, to, 0);
    if (result == 0) {
        result = vfs_link(&from_path.at, &to_path.at, flags);
        user_path_put(&to_path);
    }
    user_path_put(&from_path);
    return result;
}

SYSCALL_5(linkat, int, from_dir, vaddr_t, from, int, to_dir, vaddr_t, to, uint32_t, flags)
{
    return call_linkat(from_dir, from, to_dir, to, flags);
}

int64_t call_symlinkat(vaddr_t target, int dirfd, vaddr_t name)
{
    struct user_path text, path;
    int64_t result = user_path_get(&text, AT_FDCWD, target, 0);

    if (result != 0) {
        return result;
    }
    result = user_path_get(&path, dirfd, name, 0);
    if (result == 0) {
        result = vfs_symlink(&path.at, text.name);
        user_path_put(&path);
    }
    user_path_put(&text);
    return result;
}

SYSCALL_3(symlinkat, vaddr_t, target, int, dirfd, vaddr_t, name)
{
    return call_symlinkat(target, dirfd, name);
}

int64_t call_renameat2(int from_dir, vaddr_t from, int to_dir, vaddr_t to, uint32_t flags)
{
    struct user_path from_path, to_path;
    int64_t result = user_path_get(&from_path, from_dir, from, 0);

    if (result != 0) {
        return result;
    }
    result = user_path_get(&to_path, to_dir, to, 0);
    if (result == 0) {
        result = vfs_rename(&from_path.at, &to_path.at, flags);
        user_path_put(&to_path);
    }
    user_path_put(&from_path);
    return result;
}

SYSCALL_4(renameat, int, from_dir, vaddr_t, from, int, to_dir, vaddr_t, to)
{
    return call_renameat2(from_dir, from, to_dir, to, 0);
}

SYSCALL_5(renameat2, int, from_dir, vaddr_t, from, int, to_dir, vaddr_t, to, uint32_t, flags)
{
    return call_renameat2(from_dir, from, to_dir, to, flags);
}

static int64_t read_link(const struct path_at *where, vaddr_t buf, size_t size)
{
    char *text = kmalloc(FS_PATH_MAX);
    int64_t result;

    if (text == NULL) {
        return -ENOMEM;
    }
    result = vfs_readlink(where, text, FS_PATH_MAX);
    if (result > 0) {
        result = MIN(result, (int64_t)size);
        int error = user_copy_out(buf, text, (size_t)result);

        result = error != 0 ? error : result;
    }
    kfree(text);
    return result;
}

int64_t call_readlinkat(int dirfd, vaddr_t name, vaddr_t buf, int size)
{
    if (size <= 0) {
        return -EINVAL;
    }
    return WITH_PATH(dirfd, name, AT_EMPTY_PATH, path, read_link(&path.at, buf, (size_t)size));
}

SYSCALL_4(readlinkat, int, dirfd, vaddr_t, name, vaddr_t, buf, int, size)
{
    return call_readlinkat(dirfd, name, buf, size);
}

SYSCALL_1(chdir, vaddr_t, name)
{
    return WITH_PATH(AT_FDCWD, name, 0, path, vfs_chdir(&path.at));
}

SYSCALL_1(chroot, vaddr_t, name)
{
    return WITH_PATH(AT_FDCWD, name, 0, path, vfs_chroot(&path.at));
}

SYSCALL_1(fchdir, int, fd)
{
    struct file *file = fd_get_raw(task_fds(), fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    result = vfs_file_chdir(file, task_fs(), task_cred());
    file_put(file);
    return result;
}

SYSCALL_2(getcwd, vaddr_t, buf, size_t, size)
{
    char *text = kmalloc(FS_PATH_MAX);
    int64_t result;

    if (text == NULL) {
        return -ENOMEM;
    }
    result = vfs_getcwd(task_fs(), text, FS_PATH_MAX);
    if (result > 0 && (uint64_t)result > size) {
        result = -ERANGE;
    }
    if (result > 0) {
        int error = user_copy_out(buf, text, (size_t)result);

        result = error != 0 ? error : result;
    }
    kfree(text);
    return result;
}

SYSCALL_1(umask, uint32_t, mask)
{
    return atomic_exchange(&task_fs()->umask, mask & 0777);
}

/* Both forms of an entry have the same length; the older keeps its type in the last byte. */
struct dirent64_head {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
} PACKED;

static void convert_to_old_form(char *buf, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct dirent64_head *entry = (struct dirent64_head *)(buf + at);
        uint8_t type = entry->type;
        uint16_t reclen = entry->reclen;
        char *name = (char *)&entry->type;

        memmove(name, entry->name, strlen(entry->name) + 1);
        buf[at + reclen - 1] = (char)type;
        at += reclen;
    }
}

#define GETDENTS_MAX 32768u

static int64_t get_entries(struct file *file, vaddr_t buf, uint32_t size, bool old_form)
{
    char *entries = kmalloc(MAX(size, 1u));
    int64_t result;

    if (entries == NULL) {
        return -ENOMEM;
    }
    result = file_getdents(file, entries, size);
    if (result > 0) {
        int error;

        if (old_form) {
            convert_to_old_form(entries, (size_t)result);
        }
        error = user_copy_out(buf, entries, (size_t)result);
        result = error != 0 ? error : result;
    }
    kfree(entries);
    return result;
}

int64_t call_getdents(int fd, vaddr_t buf, uint32_t size, bool old_form)
{
    struct file *file = user_file(fd);
    int64_t result;

    if (file == NULL) {
        return -EBADF;
    }
    /* Linux keeps the size in an int: a negative one has no room for an entry. */
    result = (int32_t)size < 0 ? -EINVAL
                               : get_entries(file, buf, MIN(size, GETDENTS_MAX), old_form);
    file_put(file);
    return result;
}

SYSCALL_3(getdents64, int, fd, vaddr_t, buf, uint32_t, size)
{
    return call_getdents(fd, buf, size, false);
}
