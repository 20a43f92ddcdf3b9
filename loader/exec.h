/*
 * execve(2): builds the new image beside the old one and commits by one pointer.
 * Strings and paths come from user memory of the running task.
 */
#pragma once

#include "kernel/types.h"

struct trap_frame;

/* Where the program is: path relative to a directory, as execveat(2). */
struct exec_request {
    int dirfd;        /* AT_FDCWD or a directory (or, with AT_EMPTY_PATH, the file) */
    const char *path; /* kernel memory */
    int flags;        /* AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW */
    vaddr_t argv;     /* user array of user strings; 0: none */
    vaddr_t envp;
};

/*
 * Does: replaces the running process's program and sets *frame to its first instruction. Returns 0, or
 * an -errno with the old program unharmed. Past the commit nothing fails (a kill aside).
 */
NODISCARD int exec_user(const struct exec_request *request, struct trap_frame *frame);

/*
 * For pid 1's first program: as above with kernel strings (NULL-ended), then enters user mode.
 * Returns only on failure.
 */
NODISCARD int exec_init(const char *path, const char *const argv[], const char *const envp[]);
