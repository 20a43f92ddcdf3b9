/*
 * Generated files and directories (procfs, sysfs): text made at the first read of an open file, and
 * directories whose names are computed. What procfs knows about tasks is not here.
 */
#pragma once

#include "fs/file.h"
#include "fs/text.h"

struct pseudo_file {
    /* Does: writes the whole content. Fails: -errno, which the read returns. */
    int (*show)(struct inode *inode, struct text *text);
    /* Gets all that one write(2) carries, NUL-terminated, at most a page. NULL: -EACCES at open
     * (EIO). */
    ssize64_t (*store)(struct inode *inode, const char *data, size_t len);
};

struct pseudo_dir {
    /* As inode_ops.lookup. */
    int (*lookup)(struct inode *dir, const char *name, size_t len, struct inode **out);
    /*
     * Emits entries from *pos on (2 = first after the dots) with dir_emit(), sets *pos behind each
     * emitted one, returns 0.
     */
    int (*iterate)(struct inode *dir, uint64_t *pos, struct dir_emitter *emitter);
};

/*
 * Make inodes with one reference, owner root, size 0, or NULL. private goes to inode->private
 * (numbers as well as pointers; not freed). ino 0: the next free number. The descriptors live for
 * good.
 */
struct inode *pseudo_file_inode(struct super *super, uint32_t permissions,
                                const struct pseudo_file *file, void *private);
struct inode *pseudo_dir_inode(struct super *super, uint32_t permissions,
                               const struct pseudo_dir *dir, void *private);
/* A symlink with fixed text (copied), or with ops->readlink / ops->follow of the caller. */
struct inode *pseudo_link_inode(struct super *super, const char *target);
struct inode *pseudo_magic_inode(struct super *super, const struct inode_ops *ops, void *private);
/* A pinned directory or file below a pinned directory. *out (may be NULL) gets the dentry,
 * referenced. */
NODISCARD int pseudo_add_dir(struct dentry *parent, const char *name, struct dentry **out);
NODISCARD int pseudo_add_file(struct dentry *parent, const char *name, uint32_t permissions,
                              const struct pseudo_file *file, void *private);
NODISCARD int pseudo_add_link(struct dentry *parent, const char *name, const char *target);

/* An open of a file that is neither: the descriptor behind a pseudo_file inode. */
const struct pseudo_file *pseudo_file_of(const struct inode *inode);
