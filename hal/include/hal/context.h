/*
 * Kernel contexts, user entry and floating-point state.
 * <arch/frame.h> gives struct trap_frame (complete), struct hal_context (callee-saved state and stack
 * pointer), struct hal_fpu (aligned save area) and the accessors
 *   frame_is_user(f) frame_pc(f) frame_sp(f) frame_set_pc(f, v) frame_set_sp(f, v)
 *   frame_syscall_nr(f) frame_syscall_arg(f, i) frame_return(f) frame_set_return(f, v)
 *   frame_restart_syscall(f)        back to the instruction, with the number and arguments of the call
 *   frame_set_syscall_nr(f, nr)     so that a restart runs another call (restart_syscall)
 *   frame_init_user(f, pc, sp)      all other registers zero, user mode, IRQs on
 * and for the TLS base, whose one owner is the register while the task runs, its context otherwise:
 *   hal_tls_get() hal_tls_set(v)    of the running task
 *   hal_context_set_tls(ctx, v)     of a task that is not running
 */
#pragma once

#include <arch/frame.h>

#include "kernel/types.h"

/* Does: prepares ctx so that the first switch to it calls entry(arg) on the given stack; entry never returns. */
void hal_context_init(struct hal_context *ctx, void *stack_top, void (*entry)(void *arg), void *arg);
/*
 * Requires: IRQs off. Does: saves callee-saved state in from, loads to's. Returns when someone switches back.
 * The TLS register and the stack that user entry uses move with the context.
 */
void hal_context_switch(struct hal_context *from, struct hal_context *to);
/* Requires: IRQs off; frame lies at the top of the current kernel stack. Does: returns to user mode through it. */
NORETURN void hal_enter_user(struct trap_frame *frame);
/* User FP/SIMD state of this CPU to and from the area. The kernel itself uses none. */
void hal_fpu_save(struct hal_fpu *fpu);
void hal_fpu_restore(const struct hal_fpu *fpu);
/* Does: the state that execve gives. */
void hal_fpu_init(struct hal_fpu *fpu);

/* Kernel stacks: STACK_SIZE bytes, the frame of the user at the very top. */
#define KERNEL_STACK_SIZE 16384u

static inline struct trap_frame *hal_stack_frame(void *stack_base)
{
    return (struct trap_frame *)((char *)stack_base + KERNEL_STACK_SIZE - sizeof(struct trap_frame));
}
