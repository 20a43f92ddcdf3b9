/* Mounted file systems, for the core of fs/ only. */
#pragma once

#include "fs/inode.h"

void super_init(struct super *super, const struct fs_type *type, const char *source);
/* Makes a file system that is nowhere in the tree. Fails: -ENODEV (unknown type), -ENOMEM, the
 * type's own. */
NODISCARD int super_create(const char *type_name, const char *source, uint64_t flags,
                           const char *data, struct super **out);
void file_cache_init(void);
/* The root of the tree. */
NODISCARD int super_mount_root(const char *type, const char *source, struct super **out);
/* Does: frees the file systems that were unmounted while in use and are so no more. No fs lock held. */
void super_sweep_zombies(void);
