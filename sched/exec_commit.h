/*
 * What execve(2) does to tasks: preparing can fail, committing cannot. Between them the process has
 * one thread, the caller, which is then the leader.
 */
#pragma once

#include "kernel/types.h"

struct address_space;
struct cred;
struct fd_table;
struct file;
struct sighand;
struct trap_frame;

struct exec_image {
    struct address_space *as; /* with a reference, which commit takes over */
    struct file *file;        /* likewise */
    struct cred *cred;        /* likewise; NULL: unchanged */
    bool dumpable;
    const char *comm;
    vaddr_t entry, sp;
    vaddr_t arg_start, arg_end, env_start, env_end, stack_start, vdso;
    const uint64_t (*auxv)[2];
    uint32_t nr_auxv;
    /* Filled by exec_prepare(): copies of what is shared with others, or NULL. */
    struct fd_table *fds;
    struct sighand *sighand;
};

/*
 * Does: unshares descriptors and handlers, ends the other threads and waits for them.
 * Fails: -ENOMEM, -EAGAIN (another thread execs), -EINTR (killed); nothing to undo then.
 */
NODISCARD int exec_prepare(struct exec_image *image);
/* Does: makes the image the process's program; *frame then starts it. */
void exec_commit(struct exec_image *image, struct trap_frame *frame);
