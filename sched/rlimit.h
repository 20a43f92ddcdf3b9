/* Resource limits: prlimit64(2). */
#pragma once

#include <linux/resource.h>

#include "kernel/types.h"

struct process;

/* The soft limit of the running process. */
uint64_t rlimit_get(unsigned resource);
/*
 * prlimit64(2) on pid (0: the caller). set and old may be NULL.
 * Fails: -EINVAL, -EPERM, -ESRCH. A changed memory limit reaches the space at once.
 */
NODISCARD int rlimit_change(pid_nr_t pid, unsigned resource, const struct rlimit64 *set,
                            struct rlimit64 *old);
/* Gives the space its limits; at exec and on change. */
void rlimit_apply(struct process *process);
