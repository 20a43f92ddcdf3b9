/* wait4(2), waitid(2) and their kin: what a parent learns of its children. */
#pragma once

#include "sched/usage.h"

struct wait_request {
    int type;    /* P_ALL, P_PID, P_PGID of <linux/wait.h> */
    pid_nr_t id; /* for P_PGID 0: the caller's group */
    int options; /* WNOHANG, WEXITED, WSTOPPED, WCONTINUED, WNOWAIT, __WALL, __WCLONE, __WNOTHREAD */
};

struct wait_result {
    pid_nr_t pid; /* 0: nothing (WNOHANG) */
    uint32_t uid;
    int status; /* as wait4() shows it */
    int code;   /* CLD_* */
    int value;  /* si_status: exit code or signal */
    struct rusage usage;
};

/*
 * Does: waits for a child's change of state. Returns 0 with *out filled, or -ECHILD, -EINVAL, -ERESTARTSYS.
 * wait4() passes WEXITED itself.
 */
NODISCARD int process_wait(const struct wait_request *request, struct wait_result *out);
