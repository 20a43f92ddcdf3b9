/* What the tests of fs/ share: a mounted root, a root user and an ordinary one, short forms of
 * calls. */
#pragma once

#include "fs/fd_table.h"
#include "fs/lock.h"
#include "fs/pipe.h"
#include "fs/poll.h"
#include "fs/super.h"
#include "fs/vfs.h"
#include "kernel/string.h"
#include "mm/asid.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "mm/space.h"

#include <linux/fs.h>
#include <sim/machine.h>

#include "tests/unit/tap.h"

static struct fs_context *ctx;
static struct cred *root_cred, *user_cred;

static void fs_start(void)
{
    sim_init(MIB(64), 1, 8);
    slab_init();
    asid_init(0);
    as_init();
    vfs_init();
    ctx = fs_context_create(vfs_root());
    root_cred = cred_create_root();
    user_cred = cred_create_root();
    user_cred->uid = user_cred->euid = user_cred->suid = user_cred->fsuid = 1000;
    user_cred->gid = user_cred->egid = user_cred->sgid = user_cred->fsgid = 1000;
    user_cred->cap_effective = user_cred->cap_permitted = 0;
}

static inline struct path_at at_root(const char *name)
{
    return (struct path_at){ctx, root_cred, NULL, name};
}

static inline struct path_at at_user(const char *name)
{
    return (struct path_at){ctx, user_cred, NULL, name};
}

/* Calls by root, by path. */
static inline int do_mkdir(const char *name, uint32_t mode)
{
    struct path_at where = at_root(name);

    return vfs_mkdir(&where, mode);
}

static inline int do_symlink(const char *target, const char *name)
{
    struct path_at where = at_root(name);

    return vfs_symlink(&where, target);
}

static inline int do_link(const char *from, const char *to)
{
    struct path_at a = at_root(from), b = at_root(to);

    return vfs_link(&a, &b, 0);
}

static inline int do_unlink(const char *name)
{
    struct path_at where = at_root(name);

    return vfs_unlink(&where);
}

static inline int do_rmdir(const char *name)
{
    struct path_at where = at_root(name);

    return vfs_rmdir(&where);
}

static inline int do_rename(const char *from, const char *to, uint32_t flags)
{
    struct path_at a = at_root(from), b = at_root(to);

    return vfs_rename(&a, &b, flags);
}

static inline int do_stat(const char *name, uint32_t flags, struct vfs_stat *out)
{
    struct path_at where = at_root(name);

    return vfs_stat(&where, flags, out);
}

static inline int do_open(const char *name, uint32_t flags, uint32_t mode, struct file **out)
{
    struct path_at where = at_root(name);

    return vfs_open(&where, flags, mode, out);
}

/* Opens and closes; the error, or 0. */
static inline int try_open(const struct cred *cred, const char *name, uint32_t flags)
{
    struct path_at where = {ctx, cred, NULL, name};
    struct file *file;
    int error = vfs_open(&where, flags, 0666, &file);

    if (error == 0) {
        file_put(file);
    }
    return error;
}

static inline int64_t put(struct file *file, const void *data, size_t len)
{
    struct uio_segment segment;
    struct uio uio = uio_kernel(&segment, (void *)(uintptr_t)data, len);

    return file_write(file, &uio);
}

static inline int64_t get(struct file *file, void *data, size_t len)
{
    struct uio_segment segment;
    struct uio uio = uio_kernel(&segment, data, len);

    return file_read(file, &uio);
}

static inline int make_file(const char *name, const char *text)
{
    struct file *file;
    int error = do_open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666, &file);

    if (error == 0) {
        int64_t n = put(file, text, strlen(text));

        error = n < 0 ? (int)n : 0;
        file_put(file);
    }
    return error;
}

static inline bool file_holds(const char *name, const char *text)
{
    char buf[256];
    struct file *file;
    int64_t n;

    if (do_open(name, O_RDONLY, 0, &file) != 0) {
        return false;
    }
    n = get(file, buf, sizeof(buf));
    file_put(file);
    return n == (int64_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

#define is(call, want)                                                                             \
    do {                                                                                           \
        long got_ = (long)(call);                                                                  \
                                                                                                   \
        tap_ok(got_ == (long)(want), "%s is %ld (got %ld)", #call, (long)(want), got_);            \
    } while (0)
