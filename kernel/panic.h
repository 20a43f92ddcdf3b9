/*
 * The end of the kernel: a report on the console, then the board's panic power action.
 * panic() itself is declared in kernel/assert.h.
 */
#pragma once

#include "kernel/types.h"

struct trap_frame;

/* As panic(), with the registers and the backtrace of the trap that could not be handled. */
NORETURN void panic_frame(const struct trap_frame *frame, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool panic_active(void);
/* Does: sets what prints the running task's line of the report; the report goes without before. */
void panic_set_task_printer(void (*print)(void));
/* Ends an unfinished line of the log, so that the report starts on one of its own. Panic only. */
void printk_finish_line(void);
