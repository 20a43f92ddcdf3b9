/*
 * Path names to dentries. A walk holds fs_tree_lock and no references as long as names are pinned
 * in memory, and leaves it only for file systems that generate their names.
 */
#pragma once

#include "fs/file.h"

/* What CLONE_FS shares. */
struct fs_context {
    atomic_uint refs;
    struct dentry *cwd; /* with root: changed under fs_tree_lock */
    struct dentry *root;
    _Atomic uint32_t umask;
};

/* Returns a context at the given root, umask 022, one reference, or NULL. */
struct fs_context *fs_context_create(struct dentry *root);
struct fs_context *fs_context_copy(struct fs_context *ctx);
void fs_context_get(struct fs_context *ctx);
void fs_context_put(struct fs_context *ctx);
/* Return the directory with a reference. */
struct dentry *fs_context_cwd(struct fs_context *ctx);
struct dentry *fs_context_root(struct fs_context *ctx);

/* A path as a system call names it. */
struct path_at {
    struct fs_context *ctx;
    const struct cred *cred;
    struct file *at;  /* the dirfd's file; NULL: AT_FDCWD */
    const char *name; /* kernel memory, < FS_PATH_MAX */
};

enum path_flags {
    PATH_NOFOLLOW = 1 << 0,  /* do not follow a symlink in the last place */
    PATH_DIRECTORY = 1 << 1, /* -ENOTDIR unless the result is a directory */
    PATH_EMPTY = 1 << 2,     /* AT_EMPTY_PATH: "" is the file `at` (or cwd) itself */
};

/* Returns a referenced dentry in *out. Fails: as path_resolution(7), -ENAMETOOLONG, -ELOOP,
 * -ENOMEM. */
NODISCARD int path_resolve(const struct path_at *where, uint32_t flags, struct dentry **out);

enum path_last_kind { PATH_LAST_NAME, PATH_LAST_DOT, PATH_LAST_DOTDOT, PATH_LAST_ROOT };

/* The last component of a name to be made, opened or removed, and its directory. */
struct path_last {
    struct dentry *parent; /* referenced */
    struct dentry *found;  /* what is there now (mounts crossed), referenced, or NULL */
    const char *name;      /* inside where->name or text; not NUL-terminated */
    size_t len;
    enum path_last_kind kind;
    bool slash; /* slashes followed: a directory is meant */
    char *text; /* kmalloc'ed, or NULL */
};

/* flags: PATH_NOFOLLOW or 0: a symlink in the last place is followed to where it leads or would
 * lead. */
NODISCARD int path_resolve_last(const struct path_at *where, uint32_t flags, struct path_last *out);
void path_last_put(struct path_last *last);
/*
 * Requires: fs_tree_lock. Returns whether the path's end still leads to found, or to nothing if that is
 * NULL. Always, where names are made by looking: nobody can change those.
 */
bool path_last_holds_locked(const struct path_last *last) REQUIRES(&fs_tree_lock);
