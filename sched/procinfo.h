/* What /proc shows of processes: the provider behind fs/procfs.h. */
#pragma once

#include "fs/procfs.h"
#include "sched/task.h"

/* Boot, once: registers the provider. */
void procinfo_init(void);

/* sched/procinfo_*.c: the larger items. `whole`: of the process, else of the thread. */
/* Whether the running task may see what PTRACE_MODE_READ_FSCREDS guards. */
bool procinfo_may_inspect(struct task *task);
void procinfo_stat(struct task *task, bool whole, struct text *text);
void procinfo_status(struct task *task, struct text *text);
void procinfo_statm(struct process *process, struct text *text);
void procinfo_limits(struct process *process, struct text *text);
void procinfo_maps(struct process *process, bool details, struct text *text);
/* The letter of /proc/PID/stat. */
char procinfo_state(struct task *task);
