/*
 * Time: the TSC as the clock, the local APIC's one-shot timer for interrupts, the CMOS for the
 * date. Rates come from CPUID where it tells them, else from one window of channel 2 of the 8254
 * (data sheet: 1.193182 MHz, mode 0). The TSC is taken as invariant and equal on all CPUs.
 */
#include <hal/board.h>

#include "hal/x86_64/internal.h"
#include <arch/cpu.h>
#include <arch/insn.h>

#define PIT_HZ       1193182ull
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61
#define PIT_WINDOW   4773 /* 4 ms */
#define SAMPLE_TRIES 8
#define CLOCK_SHIFT  32

#define CMOS_INDEX    0x70
#define CMOS_DATA     0x71
#define CMOS_STATUS_A 0x0a
#define CMOS_STATUS_B 0x0b
#define CMOS_UPDATING 0x80
#define CMOS_BINARY   0x04
#define CMOS_24_HOURS 0x02
#define CMOS_PM       0x80

struct sample {
    uint64_t tsc;
    uint32_t pit;
    uint32_t apic;
};

struct date {
    uint8_t second, minute, hour, day, month, year, century;
};

struct hal_clock hal_clock;
static uint64_t timer_mult; /* APIC ticks = ns * timer_mult >> CLOCK_SHIFT */

static uint32_t pit_count(void)
{
    uint32_t low;

    port_write8(PIT_COMMAND, 0x80);
    low = port_read8(PIT_CHANNEL2);
    return low | (uint32_t)port_read8(PIT_CHANNEL2) << 8;
}

/* The three counters at one instant: the closest of some tries, for an emulator may pause between.
 */
static struct sample sample_take(void)
{
    struct sample best = {0};
    uint64_t best_width = UINT64_MAX;

    for (int i = 0; i < SAMPLE_TRIES; i++) {
        uint64_t before = cpu_cycles();
        uint32_t pit = pit_count();
        uint32_t apic = apic_timer_count();
        uint64_t width = cpu_cycles() - before;

        if (width < best_width) {
            best_width = width;
            best = (struct sample){before + width / 2, pit, apic};
        }
    }
    return best;
}

/* Returns Hz if CPUID tells them (SDM 2A leaf 15h; hypervisors' leaf 40000010h), else 0. */
static uint64_t tsc_hz_cpuid(void)
{
    struct insn_cpuid r;

    if (insn_cpuid(1, 0).ecx >> 31 && insn_cpuid(0x40000000, 0).eax >= 0x40000010) {
        r = insn_cpuid(0x40000010, 0);
        return (uint64_t)r.eax * 1000;
    }
    if (insn_cpuid(0, 0).eax >= 0x15) {
        r = insn_cpuid(0x15, 0);
        if (r.eax != 0 && r.ebx != 0 && r.ecx != 0) {
            return (uint64_t)r.ecx * r.ebx / r.eax;
        }
    }
    return 0;
}

/* Rates of TSC and APIC timer in Hz. */
static void calibrate(uint64_t *tsc_hz, uint64_t *apic_hz)
{
    struct sample start, end;
    uint64_t ticks;

    port_write8(PIT_GATE, (uint8_t)((port_read8(PIT_GATE) & ~2) | 1));
    port_write8(PIT_COMMAND, 0xb0);
    port_write8(PIT_CHANNEL2, 0xff);
    port_write8(PIT_CHANNEL2, 0xff);
    apic_timer_set(UINT32_MAX);
    start = sample_take();
    do {
        end = sample_take();
        ticks = (start.pit - end.pit) & 0xffff;
    } while (ticks < PIT_WINDOW);
    apic_timer_set(0);
    *apic_hz = (start.apic - end.apic) * PIT_HZ / ticks;
    *tsc_hz = tsc_hz_cpuid();
    if (*tsc_hz == 0) {
        *tsc_hz = (end.tsc - start.tsc) * PIT_HZ / ticks;
    }
}

void clock_init(void)
{
    uint64_t tsc_hz, apic_hz;

    if (hal_clock.mult != 0) {
        return;
    }
    calibrate(&tsc_hz, &apic_hz);
    timer_mult = (apic_hz << CLOCK_SHIFT) / NS_PER_SEC;
    hal_clock = (struct hal_clock){
        .base = cpu_cycles(), .mult = (NS_PER_SEC << CLOCK_SHIFT) / tsc_hz, .shift = CLOCK_SHIFT};
}

uint64_t clock_now_ns(void)
{
    unsigned __int128 scaled = (unsigned __int128)(cpu_cycles() - hal_clock.base) * hal_clock.mult;

    return (uint64_t)(scaled >> CLOCK_SHIFT);
}

/* A deadline beyond the counter's range interrupts early; the caller then arms again. */
void clock_timer_arm(uint64_t deadline_ns)
{
    uint64_t now, ticks;

    if (deadline_ns == UINT64_MAX) {
        apic_timer_set(0);
        return;
    }
    now = clock_now_ns();
    ticks = 1;
    if (deadline_ns > now) {
        uint64_t delta = MIN(deadline_ns - now, 60 * NS_PER_SEC);

        ticks += (uint64_t)(((unsigned __int128)delta * timer_mult) >> CLOCK_SHIFT);
    }
    apic_timer_set((uint32_t)MIN(ticks, (uint64_t)UINT32_MAX));
}

static uint8_t cmos_read(uint8_t reg)
{
    port_write8(CMOS_INDEX, reg);
    return port_read8(CMOS_DATA);
}

static struct date cmos_date(void)
{
    uint8_t century = acpi_info.century_register;

    return (struct date){.second = cmos_read(0),
                         .minute = cmos_read(2),
                         .hour = cmos_read(4),
                         .day = cmos_read(7),
                         .month = cmos_read(8),
                         .year = cmos_read(9),
                         .century = century != 0 ? cmos_read(century) : 0};
}

static bool date_equal(const struct date *a, const struct date *b)
{
    return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
           a->day == b->day && a->month == b->month && a->year == b->year;
}

static uint8_t from_bcd(uint8_t value)
{
    return (uint8_t)((value >> 4) * 10 + (value & 0xf));
}

/* Days from 1970-01-01 in the Gregorian calendar, years counted from March. */
static uint64_t days_since_1970(uint64_t year, uint64_t month, uint64_t day)
{
    uint64_t shifted = month > 2 ? month - 3 : month + 9;
    uint64_t y = month > 2 ? year : year - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 + (shifted * 153 + 2) / 5 + day - 1 - 719468;
}

uint64_t clock_wall_seconds(void)
{
    uint8_t status = cmos_read(CMOS_STATUS_B);
    struct date date = cmos_date();
    struct date again;
    uint64_t year;
    bool pm;

    if (status == 0xff) {
        return 0; /* no such device */
    }
    /* Twice the same and no update under way: not torn. */
    for (int i = 0; i < 1000; i++) {
        again = date;
        while (cmos_read(CMOS_STATUS_A) & CMOS_UPDATING) {
            cpu_relax();
        }
        date = cmos_date();
        if (date_equal(&date, &again)) {
            break;
        }
    }
    pm = (status & CMOS_24_HOURS) == 0 && (date.hour & CMOS_PM) != 0;
    date.hour &= (uint8_t)~CMOS_PM;
    if ((status & CMOS_BINARY) == 0) {
        date = (struct date){from_bcd(date.second), from_bcd(date.minute), from_bcd(date.hour),
                             from_bcd(date.day),    from_bcd(date.month),  from_bcd(date.year),
                             from_bcd(date.century)};
    }
    if ((status & CMOS_24_HOURS) == 0) {
        date.hour = (uint8_t)(date.hour % 12 + (pm ? 12 : 0));
    }
    year = (date.century >= 19 ? date.century * 100u : 2000u) + date.year;
    return days_since_1970(year, date.month, date.day) * 86400 + date.hour * 3600u +
           date.minute * 60u + date.second;
}
