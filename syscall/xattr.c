/*
 * Extended attributes: no file system keeps any, so every existing file has an empty list and
 * refuses to get, set or remove one. Names and paths are checked as Linux does.
 */
#include <linux/limits.h>
#include <linux/xattr.h>

#include "syscall/syscall.h"
#include "syscall/user.h"

static int check_name(vaddr_t addr)
{
    char name[XATTR_NAME_MAX + 1];
    ssize64_t len = user_copy_in_string(name, addr, sizeof(name));

    if (len == 0 || len == -ENAMETOOLONG) {
        return -ERANGE;
    }
    return len < 0 ? (int)len : -EOPNOTSUPP;
}

/* Whether the file exists: 0, or the walk's error. */
static int check_path(vaddr_t name, uint32_t at_flags)
{
    struct user_path path;
    int result = user_path_get(&path, AT_FDCWD, name, 0);

    if (result == 0) {
        result = vfs_xattr(&path.at, at_flags);
        user_path_put(&path);
    }
    return result == -EOPNOTSUPP ? 0 : result;
}

static int check_fd(int fd)
{
    struct file *file = user_file(fd);

    if (file == NULL) {
        return -EBADF;
    }
    file_put(file);
    return 0;
}

/* Whether the value can be read; nobody keeps it. */
static int check_value(vaddr_t addr, size_t size)
{
    char bytes[256];

    if (size > XATTR_SIZE_MAX) {
        return -E2BIG;
    }
    for (size_t done = 0; done < size; done += sizeof(bytes)) {
        if (user_copy_in(bytes, addr + done, MIN(size - done, sizeof(bytes))) != 0) {
            return -EFAULT;
        }
    }
    return -EOPNOTSUPP;
}

struct new_value {
    vaddr_t addr;
    size_t size;
};

/* setxattr checks the flags, then the path, the name and the value. */
static int64_t set(int found, vaddr_t name, struct new_value value, int flags)
{
    if (flags & ~(XATTR_CREATE | XATTR_REPLACE)) {
        return -EINVAL;
    }
    if (found == 0) {
        found = check_name(name);
    }
    return found == -EOPNOTSUPP ? check_value(value.addr, value.size) : found;
}

SYSCALL_5(setxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, size_t, size, int,
          flags)
{
    return set(check_path(path, 0), name, (struct new_value){value, size}, flags);
}

SYSCALL_5(lsetxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value, size_t, size, int,
          flags)
{
    return set(check_path(path, AT_SYMLINK_NOFOLLOW), name, (struct new_value){value, size}, flags);
}

SYSCALL_5(fsetxattr, int, fd, vaddr_t, name, vaddr_t, value, size_t, size, int, flags)
{
    return set(check_fd(fd), name, (struct new_value){value, size}, flags);
}

static int64_t get(int found, vaddr_t name)
{
    return found != 0 ? found : check_name(name);
}

SYSCALL_4(getxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value UNUSED, size_t, size UNUSED)
{
    return get(check_path(path, 0), name);
}

SYSCALL_4(lgetxattr, vaddr_t, path, vaddr_t, name, vaddr_t, value UNUSED, size_t, size UNUSED)
{
    return get(check_path(path, AT_SYMLINK_NOFOLLOW), name);
}

SYSCALL_4(fgetxattr, int, fd, vaddr_t, name, vaddr_t, value UNUSED, size_t, size UNUSED)
{
    return get(check_fd(fd), name);
}

SYSCALL_3(listxattr, vaddr_t, path, vaddr_t, list UNUSED, size_t, size UNUSED)
{
    return check_path(path, 0);
}

SYSCALL_3(llistxattr, vaddr_t, path, vaddr_t, list UNUSED, size_t, size UNUSED)
{
    return check_path(path, AT_SYMLINK_NOFOLLOW);
}

SYSCALL_3(flistxattr, int, fd, vaddr_t, list UNUSED, size_t, size UNUSED)
{
    return check_fd(fd);
}

SYSCALL_2(removexattr, vaddr_t, path, vaddr_t, name)
{
    return get(check_path(path, 0), name);
}

SYSCALL_2(lremovexattr, vaddr_t, path, vaddr_t, name)
{
    return get(check_path(path, AT_SYMLINK_NOFOLLOW), name);
}

SYSCALL_2(fremovexattr, int, fd, vaddr_t, name)
{
    return get(check_fd(fd), name);
}
