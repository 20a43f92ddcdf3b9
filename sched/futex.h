/* futex(2) and robust lists. PI futexes answer -ENOSYS. */
#pragma once

#include "kernel/types.h"

struct task;

struct futex_args {
    vaddr_t addr;
    int op;              /* with FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME */
    uint32_t val;
    bool has_timeout;    /* WAIT and WAIT_BITSET with a timespec */
    uint64_t timeout_ns; /* the timespec in ns: relative for WAIT, absolute on its clock for WAIT_BITSET */
    uint32_t val2;       /* the timeout argument as a number: REQUEUE, WAKE_OP */
    vaddr_t addr2;
    uint32_t val3;
};

NODISCARD int64_t futex_call(const struct futex_args *args);
/* FUTEX_WAKE of n waiters on a shared word of the running task's space. */
void futex_wake_address(vaddr_t addr, uint32_t n);

/* set_robust_list(2), get_robust_list(2). */
NODISCARD int futex_set_robust_list(vaddr_t head, size_t len);
NODISCARD int futex_get_robust_list(pid_nr_t tid, vaddr_t *head);
/* Exit and exec: marks owned locks dead and wakes their waiters. */
void futex_exit_robust(struct task *task);
