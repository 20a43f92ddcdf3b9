/* What vectors.S calls; interrupts off, the frame saved. */
#pragma once

#include <arch/frame.h>

#include "kernel/types.h"

void trap_sync(struct trap_frame *frame, vaddr_t far);
NORETURN void trap_serror(struct trap_frame *frame);
NORETURN void trap_bad_vector(struct trap_frame *frame);
NORETURN void trap_stack_overflow(struct trap_frame *frame, vaddr_t far);
