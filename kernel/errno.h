/* Error numbers: Linux's, and the four that only kernels see. */
#pragma once

#include <asm/errno.h>

/* Never reach user mode: sched/signal.c turns them into a restart or EINTR. */
#define ERESTARTSYS 512           /* restart if SA_RESTART or no handler ran */
#define ERESTARTNOINTR 513        /* always restart */
#define ERESTARTNOHAND 514        /* restart only if no handler ran */
#define ERESTART_RESTARTBLOCK 516 /* restart through restart_syscall(2) */
