/* The virtual timer of the generic timer (Arm ARM D12.2), one per CPU. */
#pragma once

#include "kernel/types.h"

/* hal_clock.shift, known to the vDSO as a constant. */
#define CLOCK_SHIFT 32

/* Does: sets hal_clock so that time starts now. Boot CPU, once. */
void timer_clock_init(void);
uint64_t timer_now_ns(void);
/* As hal_board->timer_arm. */
void timer_set_deadline(uint64_t deadline_ns);
/* Does: takes the interrupt condition away until the next timer_set_deadline(). */
void timer_quiet(void);
