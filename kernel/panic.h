/*
 * The end of the kernel: a report on the console, then the board's panic power action.
 * panic() itself is declared in kernel/assert.h.
 */
#pragma once

#include "kernel/types.h"

struct task;
struct trap_frame;

/* As panic(), with the registers and the backtrace of the trap that could not be handled. */
NORETURN void panic_frame(const struct trap_frame *frame, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool panic_active(void);
/* Does: sets what prints the line of a CPU's running task; the report goes without before. */
void panic_set_task_printer(void (*print)(const struct task *task));
/* A CPU that another one's panic stops: waits for the end of the machine. IRQs off. */
NORETURN void panic_stop_cpu(void);
/* Ends an unfinished line of the log, so that the report starts on one of its own. Panic only. */
void printk_finish_line(void);
