/*
 * Interrupts between CPUs; see kernel/ipi.h. The word says why, the interrupt only that there is
 * something in it, so interrupts may merge. One call is under way at a time; whoever waits for its
 * turn has its interrupts on, so that it answers the one before.
 */
#include "kernel/ipi.h"

#include <arch/cpu.h>
#include <hal/board.h>

#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "kernel/panic.h"

#define STOP_WAIT_NS (200 * NS_PER_MS)

static struct {
    _Atomic uint32_t turn;
    _Atomic cpumask_t pending;
    void (*fn)(void *arg);
    void *arg;
} call;

static _Atomic cpumask_t stopped;

void ipi_send(cpumask_t to, enum ipi_kind kind)
{
    for (cpumask_t left = to; left != 0; left &= left - 1) {
        atomic_fetch_or(&cpus[__builtin_ctzll(left)].ipi_pending, (uint32_t)kind);
    }
    if (to != 0) {
        hal_board->ipi(to);
    }
}

static void answer_call(void)
{
    cpumask_t self = (cpumask_t)1 << cpu_id();

    if ((atomic_load(&call.pending) & self) != 0) {
        call.fn(call.arg);
        atomic_fetch_and(&call.pending, ~self);
    }
}

void ipi_call(cpumask_t to, void (*fn)(void *arg), void *arg)
{
    irqflags_t flags;

    to &= atomic_load(&cpus_online);
    kassert(cpu_irqs_on());
    while (atomic_exchange(&call.turn, 1) != 0) {
        cpu_relax();
    }
    call.fn = fn;
    call.arg = arg;
    atomic_store(&call.pending, to);
    flags = cpu_irq_save();
    ipi_send(to & ~((cpumask_t)1 << cpu_id()), IPI_CALL);
    answer_call();
    cpu_irq_restore(flags);
    while (atomic_load(&call.pending) != 0) {
        cpu_relax();
    }
    atomic_store(&call.turn, 0);
}

static NORETURN void stop_self(const struct trap_frame *frame)
{
    cpu_self()->irq_frame = frame;
    atomic_fetch_or(&stopped, (cpumask_t)1 << cpu_id());
    panic_stop_cpu();
}

bool ipi_handle(const struct trap_frame *frame)
{
    uint32_t pending = atomic_exchange(&cpu_self()->ipi_pending, 0);

    if (unlikely((pending & IPI_STOP) != 0)) {
        stop_self(frame);
    }
    if ((pending & IPI_CALL) != 0) {
        answer_call();
    }
    return (pending & IPI_RESCHED) != 0;
}

cpumask_t ipi_stop_others(void)
{
    cpumask_t others = atomic_load(&cpus_online) & ~((cpumask_t)1 << cpu_id());
    uint64_t end;

    if (others == 0) {
        return 0;
    }
    ipi_send(others, IPI_STOP);
    end = hal_board->now_ns() + STOP_WAIT_NS;
    while ((atomic_load(&stopped) & others) != others && hal_board->now_ns() < end) {
        cpu_relax();
    }
    return atomic_load(&stopped);
}
