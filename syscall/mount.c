/* mount(2) and umount2(2). */
#include <linux/mount.h>

#include "mm/slab.h"
#include "syscall/syscall.h"
#include "syscall/user.h"

#define UMOUNT_KNOWN 0xfu /* MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW */

/* Strings of mount(2): at most a page each, and any of them may be missing. */
struct mount_strings {
    char *type, *source, *data;
};

static int string_get(vaddr_t addr, char **out)
{
    ssize64_t len;
    char *text;

    *out = NULL;
    if (addr == 0) {
        return 0;
    }
    text = kmalloc(PAGE_SIZE);
    if (text == NULL) {
        return -ENOMEM;
    }
    len = user_copy_in_string(text, addr, PAGE_SIZE);
    if (len < 0) {
        kfree(text);
        return len == -ENAMETOOLONG ? -EINVAL : (int)len;
    }
    *out = text;
    return 0;
}

/* Mount data is a page of which the part that can be read counts. */
static int data_get(vaddr_t addr, char **out)
{
    size_t len;
    char *data;

    *out = NULL;
    if (addr == 0) {
        return 0;
    }
    data = kzalloc(PAGE_SIZE);
    if (data == NULL) {
        return -ENOMEM;
    }
    len = as_copy_in_partial(task_as(), data, addr, PAGE_SIZE - 1);
    if (len == 0) {
        kfree(data);
        return -EFAULT;
    }
    data[len] = 0;
    *out = data;
    return 0;
}

static void strings_put(struct mount_strings *strings)
{
    kfree(strings->type);
    kfree(strings->source);
    kfree(strings->data);
}

static int strings_get(struct mount_strings *strings, vaddr_t type, vaddr_t source, vaddr_t data)
{
    int result;

    *strings = (struct mount_strings){0};
    result = string_get(type, &strings->type);
    if (result == 0) {
        result = string_get(source, &strings->source);
    }
    if (result == 0) {
        result = data_get(data, &strings->data);
    }
    if (result != 0) {
        strings_put(strings);
    }
    return result;
}

SYSCALL_5(mount, vaddr_t, source, vaddr_t, target, vaddr_t, type, uint64_t, flags, vaddr_t, data)
{
    struct mount_strings strings;
    struct user_path path;
    int64_t result = strings_get(&strings, type, source, data);

    if (result != 0) {
        return result;
    }
    result = user_path_get(&path, AT_FDCWD, target, 0);
    if (result == 0) {
        result = vfs_mount(&path.at, strings.source, strings.type, flags, strings.data);
        user_path_put(&path);
    }
    strings_put(&strings);
    return result;
}

SYSCALL_2(umount2, vaddr_t, target, uint32_t, flags)
{
    struct user_path path;
    int64_t result;

    if (flags & ~UMOUNT_KNOWN) {
        return -EINVAL;
    }
    result = user_path_get(&path, AT_FDCWD, target, 0);
    if (result == 0) {
        result = vfs_umount(&path.at, flags);
        user_path_put(&path);
    }
    return result;
}
