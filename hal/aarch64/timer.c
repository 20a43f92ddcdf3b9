/* The virtual counter as clock and its comparator as the one-shot timer. */
#include "hal/aarch64/timer.h"

#include <arch/cpu.h>
#include <hal/board.h>

#define CTL_ENABLE 1u

struct hal_clock hal_clock;
static uint64_t cycles_per_ns; /* times 2^32 */

static void write_ctl(uint64_t value)
{
    __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" ::"r"(value) : "memory");
}

void timer_clock_init(void)
{
    uint64_t freq;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(freq));
    freq = MAX(freq & UINT32_MAX, 1ull);
    cycles_per_ns = (freq << CLOCK_SHIFT) / NS_PER_SEC;
    hal_clock.shift = CLOCK_SHIFT;
    hal_clock.mult = (NS_PER_SEC << CLOCK_SHIFT) / freq;
    hal_clock.base = cpu_cycles();
}

uint64_t timer_now_ns(void)
{
    uint64_t cycles = cpu_cycles() - hal_clock.base;

    return (uint64_t)((unsigned __int128)cycles * hal_clock.mult >> CLOCK_SHIFT);
}

/* Two cycles more for rounding: the deadline has passed when the interrupt comes. */
void timer_set_deadline(uint64_t deadline_ns)
{
    uint64_t cycles;

    if (deadline_ns == UINT64_MAX) {
        timer_quiet();
        return;
    }
    cycles = (uint64_t)((unsigned __int128)deadline_ns * cycles_per_ns >> CLOCK_SHIFT) + 2;
    __asm__ volatile("msr cntv_cval_el0, %0" ::"r"(hal_clock.base + cycles) : "memory");
    write_ctl(CTL_ENABLE);
}

void timer_quiet(void)
{
    write_ctl(0);
}
