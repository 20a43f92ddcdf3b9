/*
 * Interrupt dispatch. Handlers run with IRQs off on the interrupted task's stack and do not sleep.
 * A handler is never removed, so the table needs its lock only for registration.
 */
#include "kernel/irq.h"

#include <hal/board.h>

#include "kernel/errno.h"
#include "kernel/spinlock.h"
#include "kernel/time.h"

struct irq_entry {
    _Atomic(irq_handler_t) handler;
    void *arg;
};

static struct irq_entry entries[HAL_IRQ_MAX];
static struct spinlock irq_lock = SPINLOCK_INIT;

int irq_register(uint32_t irq, irq_handler_t handler, void *arg)
{
    int result = 0;

    if (irq >= HAL_IRQ_MAX) {
        return -EINVAL;
    }
    spin_lock(&irq_lock);
    if (atomic_load(&entries[irq].handler) != NULL) {
        result = -EBUSY;
    } else {
        entries[irq].arg = arg;
        atomic_store(&entries[irq].handler, handler);
        hal_board->irq_enable(irq);
    }
    spin_unlock(&irq_lock);
    return result;
}

static void irq_handle(uint32_t irq)
{
    irq_handler_t handler;

    if (irq == HAL_IRQ_TIMER) {
        timer_interrupt();
    } else if (irq < HAL_IRQ_MAX) {
        handler = atomic_load_explicit(&entries[irq].handler, memory_order_acquire);
        if (handler != NULL) {
            handler(entries[irq].arg);
        }
    }
}

bool irq_dispatch(void)
{
    uint32_t irq;
    bool ipi = false;

    while ((irq = hal_board->irq_claim()) != HAL_IRQ_NONE) {
        ipi |= irq == HAL_IRQ_IPI;
        irq_handle(irq);
        hal_board->irq_done(irq);
    }
    return ipi;
}
