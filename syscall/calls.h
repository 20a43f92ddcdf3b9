/* Calls that a newer and a legacy number share: the bodies of the newer ones. */
#pragma once

#include "kernel/types.h"

int64_t call_openat(int dirfd, vaddr_t name, uint32_t flags, uint32_t mode);
int64_t call_dup3(int from, int to, uint32_t flags);
int64_t call_pipe2(vaddr_t fds, uint32_t flags);
int64_t call_eventfd2(uint32_t initial, uint32_t flags);
int64_t call_mkdirat(int dirfd, vaddr_t name, uint32_t mode);
int64_t call_mknodat(int dirfd, vaddr_t name, uint32_t mode, uint32_t dev);
int64_t call_unlinkat(int dirfd, vaddr_t name, uint32_t flags);
int64_t call_linkat(int from_dir, vaddr_t from, int to_dir, vaddr_t to, uint32_t flags);
int64_t call_symlinkat(vaddr_t target, int dirfd, vaddr_t name);
int64_t call_renameat2(int from_dir, vaddr_t from, int to_dir, vaddr_t to, uint32_t flags);
int64_t call_readlinkat(int dirfd, vaddr_t name, vaddr_t buf, int size);
int64_t call_newfstatat(int dirfd, vaddr_t name, vaddr_t out, uint32_t flags);
int64_t call_faccessat2(int dirfd, vaddr_t name, uint32_t mode, uint32_t flags);
int64_t call_fchmodat(int dirfd, vaddr_t name, uint32_t mode, uint32_t flags);
int64_t call_fchownat(int dirfd, vaddr_t name, uint32_t uid, uint32_t gid, uint32_t flags);
struct vfs_times;
/* name 0: the file dirfd itself. */
int64_t call_utimens(int dirfd, vaddr_t name, const struct vfs_times *times, uint32_t flags);
/* Entries as struct linux_dirent64, or in the older form. */
int64_t call_getdents(int fd, vaddr_t buf, uint32_t size, bool old_form);
int64_t call_poll(vaddr_t fds, uint32_t nr, uint64_t deadline_ns);
/* fd sets are user addresses or 0. */
struct select_sets {
    vaddr_t in, out, except;
};
int64_t call_select(int nr, const struct select_sets *sets, uint64_t deadline_ns);
