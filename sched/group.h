/* Process groups and sessions: setpgid(2), setsid(2) and the controlling terminal. See kernel/jobctl.h. */
#pragma once

#include "kernel/types.h"

NODISCARD int group_set(pid_nr_t pid, pid_nr_t pgid); /* setpgid(2) */
NODISCARD int64_t group_get(pid_nr_t pid);            /* getpgid(2), 0: self */
NODISCARD int64_t group_get_session(pid_nr_t pid);    /* getsid(2) */
NODISCARD int64_t group_new_session(void);            /* setsid(2) */
