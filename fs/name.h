/* Making and removing names, for the core of fs/ only. */
#pragma once

#include "fs/path.h"

/*
 * Makes an inode of the mode (with S_IF*; target: text of a symlink) and links it as last->name.
 * Checks the directory's permissions. *out (may be NULL): its dentry, referenced. Fails: -EEXIST,
 * -EACCES, ...
 */
NODISCARD int name_make(const struct path_last *last, const struct cred *cred, uint32_t mode,
                        dev_nr_t rdev, const char *target, struct dentry **out);
/* An inode without a name in the directory's file system (O_TMPFILE). flags: INODE_LINKABLE or 0. */
NODISCARD int name_make_unlinked(struct dentry *dir, const struct cred *cred, uint32_t mode,
                                 uint32_t flags, struct dentry **out);
/* Requires: fs_tree_lock. Does: counts one name of a file less. */
void name_drop_locked(struct inode *inode);
/* Whether cred may remove or replace child in dir: write permission and the sticky bit. */
NODISCARD int name_may_remove(struct inode *dir, const struct inode *child,
                              const struct cred *cred);
/*
 * Sets the size of a regular file for cred, or for the kernel (NULL): takes the write lock; set-ID
 * bits go as by a write. Fails: -ETXTBSY, -EINVAL, -EINTR.
 */
NODISCARD int inode_truncate(struct inode *inode, uint64_t size, const struct cred *cred);
