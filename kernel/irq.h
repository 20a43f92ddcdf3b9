/* Interrupt dispatch: board interrupt numbers to handlers. */
#pragma once

#include "kernel/types.h"

typedef void (*irq_handler_t)(void *arg);

/* Does: registers and unmasks. Fails: -EBUSY if taken, -EINVAL for a number that cannot be. */
NODISCARD int irq_register(uint32_t irq, irq_handler_t handler, void *arg);
/*
 * Does: claims and handles everything pending. Called from trap_irq(). Returns whether another CPU
 * interrupted, for the caller to handle.
 */
NODISCARD bool irq_dispatch(void);
