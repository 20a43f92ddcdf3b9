/* Deliberate forbidden accesses in kernel mode, to see that each is stopped. */
#pragma once

#include "kernel/types.h"

/*
 * Does: what quoin.selftest=NAME asks for; an access that is stopped ends in a panic report, one
 * that is not in a line of the log and power off. Returns if the option is not there.
 * Requires: a task, memory management up.
 */
void selftest_run(void);
/* The same for the tests that belong on the boot stack, before there is a task; skips all others. */
void selftest_run_boot(void);
/* The HAL's contract; absent from an ordinary kernel. Does: prints its verdicts, powers off. */
void contract_run(void) __attribute__((weak));
