/*
 * Clocks and timers. Time is ns since boot (monotonic) in uint64_t; the wall clock is an offset.
 * Timers fire in IRQ context on the CPU that armed them.
 */
#pragma once

#include "kernel/types.h"

struct vdso_data;

uint64_t time_now_ns(void);           /* CLOCK_MONOTONIC */
uint64_t time_wall_ns(void);          /* CLOCK_REALTIME, ns since 1970 */
void time_set_wall_ns(uint64_t wall); /* clock_settime(2) */
void time_init(void);
/* Does: keeps this page, the one below every vDSO image, up to date from now on. */
void time_publish(struct vdso_data *page);

struct timer {
    struct timer *child, *next, *prev; /* pairing heap of the CPU, kernel/timer_heap.c */
    uint64_t deadline_ns;
    void (*fire)(struct timer *timer); /* IRQ context; may re-arm */
    uint32_t cpu;                      /* whose heap, while armed */
    bool armed;
};

void timer_init(struct timer *timer, void (*fire)(struct timer *timer));
/* Does: (re-)arms for the deadline. Any context; one caller at a time for each timer. */
void timer_arm(struct timer *timer, uint64_t deadline_ns);
/* Does: disarms; on return fire() is not running and will not run (unless fire() itself calls). */
void timer_cancel(struct timer *timer);
/* Called by kernel/irq.c on the timer interrupt: fires what is due and re-arms the hardware. */
void timer_interrupt(void);
