/* Times and resources used: getrusage(2), times(2), the CPU clocks. */
#pragma once

#include <linux/resource.h>
#include <linux/times.h>

#include "kernel/types.h"

struct process;
struct task;

/* who: RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD. Fails: -EINVAL. */
NODISCARD int usage_get(int who, struct rusage *out);
/* RUSAGE_SELF of any process, with its waited-for children on request. */
void usage_fill(struct process *process, bool children, struct rusage *out);
/* times(2), in ticks of 100 Hz. */
void usage_get_times(struct tms *out);
/* ns on CLOCK_PROCESS_CPUTIME_ID and CLOCK_THREAD_CPUTIME_ID. */
uint64_t usage_process_ns(struct process *process);
uint64_t usage_task_ns(struct task *task);
/* user and system time of all threads, dead ones included. */
void usage_process_split(struct process *process, uint64_t *user_ns, uint64_t *system_ns);
/* One CPU's times since boot, for /proc/stat. */
void usage_cpu(uint32_t cpu, uint64_t *user_ns, uint64_t *system_ns, uint64_t *idle_ns);
uint64_t usage_context_switches(void);
/* Runnable tasks now, and the three load averages in 1/2048. */
uint32_t usage_runnable(void);
void usage_load(uint32_t out[3]);
