/*
 * Memory exhaustion. Whoever got -ENOMEM for a user access holds no lock, calls oom_relieve() and tries again.
 * The user_* forms of the copies do that for the running task.
 */
#pragma once

#include "kernel/types.h"

/* Does: kills the largest process and waits for its frames. Returns 0: try again; -EINTR: it is the caller that dies. */
NODISCARD int oom_relieve(void);

/* As as_copy_*() on the running task's space. Fails: -EFAULT, -EINTR (dying). */
NODISCARD int user_copy_in(void *dst, vaddr_t src, size_t len);
NODISCARD int user_copy_out(vaddr_t dst, const void *src, size_t len);
NODISCARD int user_clear(vaddr_t dst, size_t len);
NODISCARD ssize64_t user_copy_in_string(char *dst, vaddr_t src, size_t size);
