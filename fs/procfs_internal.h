/* Between the files of procfs. */
#pragma once

#include "fs/procfs.h"
#include "fs/pseudo_table.h"

#define PROCFS_MAGIC 0x9fa0u /* PROC_SUPER_MAGIC */

/* Set before /proc is mounted. */
extern const struct procfs_provider *procfs_provider;

/* procfs_global.c, procfs_sys.c, procfs_quoin.c */
extern const struct pseudo_entry procfs_root_table[];
extern const struct pseudo_entry procfs_sys_table[];
extern const struct pseudo_entry procfs_quoin_table[];

/* procfs_pid.c: the directory of a thread. whole: it stands for its process. */
struct inode *procfs_pid_inode(struct super *super, pid_nr_t tid, bool whole);
/* Does: sets what stat(2) shows of an inode that belongs to a thread. */
void procfs_own_inode(struct inode *inode, pid_nr_t tid, uint64_t code);
/* Returns whether the number still means the process that it meant to procfs_own_inode(). */
bool procfs_is_same(const struct inode *inode);
/*
 * Whether the running task may look at what only the process's owner may see. Asked again after the look:
 * the process may have executed a set-user-ID program before it. Fails: -ENOENT (it is gone), -EACCES.
 */
NODISCARD int procfs_inspect(const struct inode *inode);
/* Parses a directory's name as a number. Returns it, or 0. */
pid_nr_t procfs_parse_number(const char *name, size_t len);

/* procfs_fd.c */
extern const struct pseudo_dir procfs_fd_dir;
extern const struct pseudo_dir procfs_fdinfo_dir;

/* procfs_mounts.c: the mounts below the root of the thread. */
NODISCARD int procfs_show_mounts(pid_nr_t tid, struct text *text);
NODISCARD int procfs_show_mountinfo(pid_nr_t tid, struct text *text);

/* Returns the running task's root directory with a reference, or NULL. */
struct dentry *procfs_own_root(void);

/* A number and a small code in one inode->private. */
static inline void *procfs_pack(pid_nr_t tid, uint32_t code)
{
    return (void *)((uintptr_t)(uint32_t)tid << 32 | code);
}

static inline pid_nr_t procfs_packed_tid(const void *private)
{
    return (pid_nr_t)((uintptr_t) private >> 32);
}

static inline uint32_t procfs_packed_code(const void *private)
{
    return (uint32_t)(uintptr_t) private;
}
