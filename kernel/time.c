/*
 * Clocks, the vDSO's data page and timers. Each CPU has a heap of timers under its own lock; the
 * hardware is programmed for the earliest and left alone when a later one changes.
 * No slack, no resolution coarser than the hardware's.
 */
#include "kernel/time.h"

#include <hal/abi.h>
#include <hal/board.h>

#include "kernel/cpu.h"
#include "kernel/spinlock.h"
#include "kernel/timer_heap.h"

struct timer_base {
    struct spinlock lock;
    struct timer *root;
    struct timer *running; /* fire() in progress */
    uint64_t programmed_ns;
};

static struct timer_base bases[CPU_MAX];
static struct spinlock wall_lock = SPINLOCK_INIT;
static _Atomic uint64_t wall_offset_ns;
static struct vdso_data *vdso_page;

uint64_t time_now_ns(void)
{
    return hal_board->now_ns();
}

uint64_t time_wall_ns(void)
{
    return time_now_ns() + atomic_load_explicit(&wall_offset_ns, memory_order_relaxed);
}

/* Readers in user mode retry while seq is odd or has changed. */
static void update_vdso_locked(void)
{
    struct vdso_data *page = vdso_page;
    uint32_t seq;

    if (page == NULL) {
        return;
    }
    seq = atomic_load_explicit(&page->seq, memory_order_relaxed);
    atomic_store_explicit(&page->seq, seq + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    page->base = hal_clock.base;
    page->mult = hal_clock.mult;
    page->shift = hal_clock.shift;
    page->wall_offset_ns = atomic_load_explicit(&wall_offset_ns, memory_order_relaxed);
    atomic_store_explicit(&page->seq, seq + 2, memory_order_release);
}

void time_set_wall_ns(uint64_t wall)
{
    spin_lock(&wall_lock);
    atomic_store_explicit(&wall_offset_ns, wall - time_now_ns(), memory_order_relaxed);
    update_vdso_locked();
    spin_unlock(&wall_lock);
}

void time_publish(struct vdso_data *page)
{
    spin_lock(&wall_lock);
    vdso_page = page;
    update_vdso_locked();
    spin_unlock(&wall_lock);
}

void time_init(void)
{
    for (uint32_t i = 0; i < CPU_MAX; i++) {
        bases[i].programmed_ns = UINT64_MAX;
    }
    time_set_wall_ns(hal_board->wall_seconds() * NS_PER_SEC);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
    *timer = (struct timer){.fire = fire};
}

static void base_program_locked(struct timer_base *base)
{
    uint64_t deadline = base->root != NULL ? base->root->deadline_ns : UINT64_MAX;

    if (deadline < base->programmed_ns) {
        base->programmed_ns = deadline;
        hal_board->timer_arm(deadline);
    }
}

static void timer_disarm_locked(struct timer_base *base, struct timer *timer)
{
    if (timer->armed) {
        timer->armed = false;
        timer_heap_remove(&base->root, timer);
    }
}

/* A timer stays with the CPU where fire() runs, which looks again afterwards. */
NO_LOCK_ANALYSIS void timer_arm(struct timer *timer, uint64_t deadline_ns)
{
    irqflags_t flags = cpu_irq_save();
    struct timer_base *own = &bases[cpu_id()], *base = &bases[timer->cpu];

    spin_lock(&base->lock);
    timer_disarm_locked(base, timer);
    if (base != own && base->running != timer) {
        spin_unlock(&base->lock);
        base = own;
        spin_lock(&base->lock);
    }
    timer->cpu = (uint32_t)(base - bases);
    timer->deadline_ns = deadline_ns;
    timer->armed = true;
    timer_heap_insert(&base->root, timer);
    if (base == own) {
        base_program_locked(base);
    }
    spin_unlock(&base->lock);
    cpu_irq_restore(flags);
}

void timer_cancel(struct timer *timer)
{
    bool running = true;

    /* fire() may arm again until it has ended. */
    while (running) {
        struct timer_base *base = &bases[READ_ONCE(timer->cpu)];

        spin_lock(&base->lock);
        if (base != &bases[timer->cpu]) {
            spin_unlock(&base->lock); /* fire() has armed it on another CPU meanwhile */
            continue;
        }
        timer_disarm_locked(base, timer);
        /* On the own CPU only fire() itself can be here while it runs: nothing to wait for. */
        running = base->running == timer && base != &bases[cpu_id()];
        spin_unlock(&base->lock);
        if (running) {
            cpu_relax();
        }
    }
}

void timer_interrupt(void)
{
    struct timer_base *base = &bases[cpu_id()];
    struct timer *timer;

    spin_lock(&base->lock);
    base->programmed_ns = UINT64_MAX;
    while ((timer = base->root) != NULL && timer->deadline_ns <= time_now_ns()) {
        timer_heap_remove(&base->root, timer);
        timer->armed = false;
        base->running = timer;
        spin_unlock(&base->lock);
        timer->fire(timer);
        spin_lock(&base->lock);
        base->running = NULL;
    }
    base->programmed_ns = base->root != NULL ? base->root->deadline_ns : UINT64_MAX;
    hal_board->timer_arm(base->programmed_ns);
    spin_unlock(&base->lock);
}
