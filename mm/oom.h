/* The way out when memory is gone: sched/oom.c defines it, the outer loops of mm/ call it. */
#pragma once

#include "kernel/types.h"

/*
 * Requires: no lock that a dying process could need; no spinlock. Does: picks a victim, kills it and
 * waits until it has given frames back. Returns 0: try again; -EINTR: the caller is the victim.
 */
NODISCARD int oom_reclaim(void);
