/* What a task and a process keep about signals. Masks: bit n - 1 is signal n. */
#pragma once

#include <linux/signal.h>

#include "kernel/list.h"
#include "kernel/spinlock.h"
#include "kernel/types.h"

#define SIGNAL_MAX 64

#define SIGNAL_BIT(signo) (1ull << ((signo)-1))

/* rt_sigaction(2)'s structure, on both architectures. */
struct signal_action {
    uint64_t handler; /* SIG_DFL 0, SIG_IGN 1 */
    uint64_t flags;   /* SA_* */
    uint64_t restorer;
    uint64_t mask;
};

/* The table of handlers, shared by CLONE_SIGHAND. */
struct sighand {
    atomic_uint refs;
    struct spinlock lock;
    struct signal_action action[SIGNAL_MAX];
};

struct signal_pending {
    _Atomic uint64_t set;
    struct list queue; /* struct signal_entry, oldest first */
};
