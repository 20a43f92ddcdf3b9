/* When memory is gone, or is to seem so: what mm/ needs to know from sched/oom.c, which defines it. */
#pragma once

#include "kernel/types.h"

/*
 * Requires: no lock that a dying process could need; no spinlock. Does: picks a victim, kills it and
 * waits until it has given frames back. Returns 0: try again; -EINTR: the caller is the victim.
 */
NODISCARD int oom_reclaim(void);

/* Returns where the running task keeps the number that it gave to frame_fail_nth(), counted down; the
 * failure leaves OOM_FAKED, upon which the next oom_reclaim() has nothing to do. */
#define OOM_FAKED UINT64_MAX
uint64_t *oom_fail_countdown(void);
