/*
 * The objects of the name space: super (a mounted file system), inode (a file), dentry (a name).
 * One spinlock, fs_tree_lock, guards the whole tree of names: parent, name, children, hash, mounts,
 * nlink. Nothing sleeps or copies user memory under it. A dentry holds its inode and
 * its parent; an in-memory file system pins the dentries of its existing names, others make them
 * per look-up.
 */
#pragma once

#include <linux/fcntl.h>
#include <linux/stat.h>

#include "fs/io_lock.h"
#include "kernel/cred.h"
#include "kernel/errno.h"
#include "kernel/list.h"
#include "kernel/spinlock.h"
#include "kernel/types.h"

#define FS_NAME_MAX     255u
#define FS_PATH_MAX     4096u
#define FS_SYMLINKS_MAX 40u
#define FS_SIZE_MAX     INT64_MAX
#define FS_BLOCK        512u

struct dentry;
struct dir_emitter;
struct file;
struct file_ops;
struct inode;
struct pipe;
struct super;

/* Device numbers in Linux's 32-bit form, as stat(2) gives them. */
typedef uint32_t dev_nr_t;

static inline dev_nr_t dev_make(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

static inline uint32_t dev_major(dev_nr_t dev)
{
    return (dev >> 8) & 0xfff;
}

static inline uint32_t dev_minor(dev_nr_t dev)
{
    return (dev & 0xff) | ((dev >> 12) & 0xfff00);
}

struct fs_stats {
    uint64_t magic;
    uint64_t nr_blocks, nr_free, nr_files, nr_files_free; /* blocks of PAGE_SIZE */
};

#define SUPER_ENTRY_SIZE 20u /* as Linux's tmpfs shows */

enum super_flags {
    SUPER_FIXED_ATTR = 1 << 0, /* chmod, chown and utimens give -EPERM */
    SUPER_NO_CREATE = 1 << 1,  /* names cannot be made or removed by programs: -EPERM */
    SUPER_DIR_SIZE = 1 << 3,   /* directories count SUPER_ENTRY_SIZE bytes for each name */
    SUPER_DEAD = 1 << 2,       /* unmounted */
};

/* A file-system type, registered by name once at boot. */
struct fs_type {
    const char *name;
    bool nodev; /* as /proc/filesystems shows it */
    /*
     * Does: fills super->root (a directory dentry made by dentry_create_root), ops, magic, private
     * from the mount data (a NUL-terminated option string, maybe ""). Fails: -errno, with nothing
     * left behind.
     */
    int (*mount)(struct super *super, const char *data);
    struct fs_type *next;
};

struct super_ops {
    void (*stats)(struct super *super, struct fs_stats *out);
    /* A further name of a file, which pins memory as an inode does. Fails: -ENOSPC. May be NULL. */
    int (*charge_name)(struct super *super);
    void (*uncharge_name)(struct super *super);
    /* The last use went; frees what is private. May be NULL. */
    void (*destroy)(struct super *super);
    /* The last reference to the inode went: frees it with inode_free() or otherwise. NULL:
     * inode_free(). */
    void (*evict)(struct inode *inode);
};

struct super {
    atomic_uint refs; /* its mount and each of its inodes */
    const struct fs_type *type;
    const struct super_ops *ops;
    uint32_t flags;       /* enum super_flags */
    uint64_t mount_flags; /* MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | ... */
    uint64_t magic;
    dev_nr_t dev; /* st_dev */
    _Atomic uint64_t next_ino;
    void *private;
    struct dentry *root;
    struct dentry *covered; /* the directory it is mounted on; NULL: the root, or not in the tree */
    struct list node;       /* mount table, oldest first */
    char source[64];
};

struct inode_ops {
    /*
     * Only for directories whose names are not all pinned. Does: finds a name.
     * Fails: -ENOENT, -ENOMEM. *out holds a reference.
     */
    int (*lookup)(struct inode *dir, const char *name, size_t len, struct inode **out);
    /* Makes a file of any kind in the directory's file system, not linked yet. NULL: -EPERM. */
    int (*make)(struct inode *dir, uint32_t mode, dev_nr_t rdev, const struct cred *cred,
                struct inode **out);
    /* Symlinks without inode->link: text to buf, NUL-terminated. Returns its length. */
    ssize64_t (*readlink)(struct inode *inode, char *buf, size_t size);
    /* Symlinks that name an object, not a path (/proc/PID/exe): referenced dentry, or -ENOENT,
     * -EACCES. */
    int (*follow)(struct inode *inode, struct dentry **out);
    /* Called with inode->write_lock held. NULL: -EINVAL. */
    int (*truncate)(struct inode *inode, uint64_t size);
    /* fallocate(2), mode FALLOC_FL_*; with inode->write_lock held. NULL: -EOPNOTSUPP. */
    int (*allocate)(struct inode *inode, int mode, uint64_t offset, uint64_t len);
    /* Brings size, nlink or times up to date before stat(2). May be NULL. */
    void (*refresh)(struct inode *inode);
};

enum inode_flags {
    INODE_DEAD = 1 << 0,     /* a removed directory: nothing may be made in it */
    INODE_LINKABLE = 1 << 1, /* of O_TMPFILE without O_EXCL: link(2) may give it its first name */
};

struct inode {
    atomic_uint refs;
    struct super *super;
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* of files opened on it; devices and FIFOs have their own */
    uint64_t ino;
    dev_nr_t rdev;
    void *private;    /* the file system's */
    const char *link; /* S_IFLNK: the target, freed with the inode; or NULL and ops->readlink */
    const void *descriptor;    /* fs/pseudo.c: struct pseudo_file or pseudo_dir */
    union {
        struct pipe *pipe;          /* S_IFIFO: while it is open; fs/pipe.c */
        uint64_t procfs_generation; /* procfs: of the process that had the number at look-up */
    };
    struct io_lock write_lock; /* one writer or truncate at a time */
    _Atomic int32_t
        nr_writers; /* > 0: opens for writing; < 0: programs running from it (ETXTBSY) */

    uint32_t flags, nlink; /* enum inode_flags; both change under fs_tree_lock */

    struct spinlock lock;  /* guards what follows */
    _Atomic uint32_t mode; /* S_IF* never changes */
    uint32_t uid, gid;
    _Atomic uint64_t size;
    uint64_t nr_blocks;                  /* of FS_BLOCK */
    uint64_t atime, mtime, ctime, btime; /* ns since 1970 */
    struct list locks;                   /* struct file_lock, fs/lock.c */
};

/* Flags of inode_permission(). */
#define MAY_EXEC  1u
#define MAY_WRITE 2u
#define MAY_READ  4u

/* Does: fills a new inode's fields, one reference, all times now. Takes a reference on super. */
void inode_init(struct inode *inode, struct super *super, uint32_t mode);
/* Returns a new inode with one reference, or NULL. Its file system sets ops and file_ops. */
struct inode *inode_create(struct super *super, uint32_t mode);
void inode_get(struct inode *inode);
void inode_put(struct inode *inode);
/* Does: sets owner and mode of a file made in dir: fsuid, fsgid or the set-group-ID directory's
 * group. */
void inode_init_owner(struct inode *inode, const struct inode *dir, const struct cred *cred);
/* Does: releases what inode_init() took. The memory is the caller's. */
void inode_fini(struct inode *inode);
/* Does: inode_fini() and frees; for inodes of inode_create(). */
void inode_free(struct inode *inode);
/* Does: sets atime if the mount wants it (relatime). */
void inode_accessed(struct inode *inode);
/* Does: sets mtime and ctime to now. */
void inode_modified(struct inode *inode);
/* Checks MAY_* for the credential's fsuid, groups and capabilities. Fails: -EACCES, -EROFS. */
NODISCARD int inode_permission(struct inode *inode, const struct cred *cred, uint32_t may);
/* Counts a use for writing. Fails: -ETXTBSY while a program runs from the file. */
NODISCARD int inode_get_write(struct inode *inode);
void inode_put_write(struct inode *inode);
/* Does: what a change of contents does to times and, unless cred may keep them, to set-ID bits. */
void inode_written(struct inode *inode, const struct cred *cred);
/* Whether the credential owns the inode or may act so (CAP_FOWNER). */
bool inode_is_owner(const struct inode *inode, const struct cred *cred);
static inline uint32_t inode_mode(const struct inode *inode)
{
    return atomic_load_explicit(&((struct inode *)inode)->mode, memory_order_relaxed);
}
static inline uint64_t inode_size(const struct inode *inode)
{
    return atomic_load_explicit(&((struct inode *)inode)->size, memory_order_acquire);
}
static inline bool inode_is(const struct inode *inode, uint32_t type)
{
    return (inode_mode(inode) & S_IFMT) == type;
}

enum dentry_flags {
    DENTRY_HASHED = 1 << 0,  /* found by name; holds a reference on itself for that */
    DENTRY_DELETED = 1 << 1, /* unlinked or moved over: "(deleted)" */
    DENTRY_ANON =
        1 << 2, /* no place in the tree: pipes, sockets, memfd; the name says what it is */
};

struct dentry {
    atomic_uint refs;
    uint32_t flags;
    uint32_t hash;
    uint32_t name_len;
    struct dentry *hash_next;
    struct dentry *parent; /* itself for a root; holds a reference otherwise */
    struct inode *inode;   /* holds a reference; never NULL */
    struct super *mounted; /* file system mounted here, or NULL */
    uint64_t cookie;       /* position in the parent's children, for readdir; > 2 */
    uint64_t next_cookie;  /* of the next child */
    struct list children;  /* hashed ones, by cookie */
    struct list sibling;
    char *name; /* name_inline, or allocated */
    char name_inline[32];
};

extern struct spinlock fs_tree_lock;

/* Boot: the caches of this layer. */
void inode_cache_init(void);
void dentry_cache_init(void);
void super_put(struct super *super);

void dentry_get(struct dentry *dentry);
void dentry_put(struct dentry *dentry);
/* Returns the root of a file system, holding a reference on inode (its own), or NULL. */
struct dentry *dentry_create_root(struct inode *inode);
/* Returns a nameless object's dentry, "pipe:[7]" and the like, or NULL. */
struct dentry *dentry_create_anon(struct inode *inode, const char *name);
/* Returns an unhashed dentry below parent (a look-up's answer), or NULL. Takes references. */
struct dentry *dentry_create(struct dentry *parent, struct inode *inode, const char *name,
                             size_t len);
/* Does: hashes a dentry of dentry_create() below its parent for good. Fails: -EEXIST, -ENOENT
 * (parent removed). */
NODISCARD int dentry_link(struct dentry *dentry);
/* Returns the hashed child of that name or NULL, not referenced. Requires: fs_tree_lock. */
struct dentry *dentry_find_locked(struct dentry *parent, const char *name, size_t len);
/* As dentry_link(). */
NODISCARD int dentry_link_locked(struct dentry *dentry);
/* Does: takes a hashed dentry out of the tree; its own reference becomes the caller's. */
void dentry_unlink_locked(struct dentry *dentry);
/*
 * Does: gives a hashed dentry the parent and the name of `other` and the reverse. `other` is hashed
 * too (both stay in the tree) or its place is free.
 */
void dentry_exchange_locked(struct dentry *dentry, struct dentry *other);
/* Whether `dentry` is `above` or lies below it, mounts not crossed. */
bool dentry_is_below_locked(const struct dentry *dentry, const struct dentry *above);
/*
 * Boot and in-kernel population of a directory: makes and pins name below parent.
 * *out (may be NULL) gets a reference. Fails: -EEXIST, -ENOMEM.
 */
NODISCARD int dentry_add(struct dentry *parent, const char *name, struct inode *inode,
                         struct dentry **out);
/*
 * Does: writes the path as seen from root (NULL: the real root) to the end of buf, NUL-terminated;
 * " (deleted)" is appended for removed names. Returns its first byte inside buf, or NULL if too
 * long; *reachable (may be NULL) says whether it lies below root.
 */
char *dentry_path(struct dentry *dentry, struct dentry *root, char *buf, size_t size,
                  bool *reachable);
char *dentry_path_locked(struct dentry *dentry, struct dentry *root, char *buf, size_t size,
                         bool *reachable) REQUIRES(&fs_tree_lock);
