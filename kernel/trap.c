/*
 * What the HAL's entry code calls. It comes with interrupts off and gets them back off. System
 * calls and user faults run with them on; the last thing before user mode is one test of the
 * task's work word. A fault in the kernel itself is a bug and ends in a panic.
 */
#include <hal/mmu.h>
#include <hal/trap.h>

#include "kernel/errno.h"
#include "kernel/ipi.h"
#include "kernel/irq.h"
#include "kernel/panic.h"
#include "mm/address_space.h"
#include "sched/core.h"
#include "sched/oom.h"
#include "syscall/syscall.h"

ALWAYS_INLINE void return_to_user(struct task *task, struct trap_frame *frame, bool syscall)
{
    if (unlikely(atomic_load_explicit(&task->work, memory_order_relaxed) != 0)) {
        task_return_to_user(frame, syscall);
    }
#if defined(QUOIN_DEBUG)
    as_check_register(task->process->as);
#endif
}

void trap_syscall(struct trap_frame *frame)
{
    struct task *task = task_current();

    cpu_irq_enable();
    frame_set_return(frame, (uint64_t)syscall_dispatch(frame));
    cpu_irq_disable();
    return_to_user(task, frame, true);
}

static NORETURN void kernel_fault(const struct trap_frame *frame, const struct fault_info *fault)
{
    if (fault->kind == FAULT_PAGE) {
        panic_frame(frame, "kernel fault: %s of %#lx",
                    fault->access == PTE_EXEC    ? "execution"
                    : fault->access == PTE_WRITE ? "write"
                                                 : "read",
                    (unsigned long)fault->addr);
    }
    panic_frame(frame, "kernel exception: signal %d code %d address %#lx syndrome %#lx",
                fault->signo, fault->code, (unsigned long)fault->addr,
                (unsigned long)fault->syndrome);
}

static void user_page_fault(const struct fault_info *fault)
{
    struct as_fault_signal signal;
    int result;

    do {
        result = as_fault(task_as(), fault->addr, fault->access, &signal);
    } while (result == -ENOMEM && oom_reclaim() == 0);
    if (result == -EFAULT) {
        task_fault_signal(signal.signo, signal.code, fault->addr, fault->syndrome, fault->trap_nr);
    }
}

void trap_fault(struct trap_frame *frame, const struct fault_info *fault)
{
    if (!frame_is_user(frame)) {
        kernel_fault(frame, fault);
    }
    cpu_irq_enable();
    if (fault->kind == FAULT_PAGE) {
        user_page_fault(fault);
    } else {
        task_fault_signal(fault->signo, fault->code, fault->addr, fault->syndrome, fault->trap_nr);
    }
    cpu_irq_disable();
    return_to_user(task_current(), frame, false);
}

static void handle_ipi(const struct trap_frame *frame)
{
    /* What the sender wrote before is read after the interrupt was acknowledged, by a load. */
    atomic_thread_fence(memory_order_acquire);
    as_ipi();
    if (ipi_handle(frame)) {
        sched_ipi();
    }
}

void trap_irq(struct trap_frame *frame)
{
    struct task *task = task_current();

    task->irq_from_user = frame_is_user(frame);
    cpu_self()->irq_frame = frame;
    if (irq_dispatch()) {
        handle_ipi(frame);
    }
    if (task->irq_from_user) {
        return_to_user(task, frame, false);
    }
}

void trap_ipi(struct trap_frame *frame)
{
    handle_ipi(frame);
    if (frame_is_user(frame)) {
        return_to_user(task_current(), frame, false);
    }
}
