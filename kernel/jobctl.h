/*
 * Job control as the tty sees it; sched/ defines these. The running process is meant.
 * Groups and sessions are numbers (0: none); signals may be sent from IRQ context.
 */
#pragma once

#include "kernel/types.h"

pid_nr_t job_pgid(void);
pid_nr_t job_sid(void);
bool job_is_session_leader(void);
/* Whether the group exists and belongs to the session. */
bool job_group_in_session(pid_nr_t pgid, pid_nr_t sid);
bool job_group_is_orphaned(pid_nr_t pgid);
/* Whether the running task blocks or ignores the signal. */
bool job_signal_is_ignored(int signo);
/* Does nothing if the group is no longer the session's: its number may belong to others by now. */
void job_signal_group(pid_nr_t pgid, pid_nr_t sid, int signo);
/* The controlling terminal of the running process's session, an opaque pointer, NULL if none. */
void *job_tty(void);
void job_set_tty(void *tty);
/* Whether any signal is deliverable to the running task. */
bool job_signal_pending(void);
