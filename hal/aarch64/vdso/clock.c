/*
 * Clocks without a system call: the counter scaled by what the data page says. The kernel
 * changes that page under a sequence count. Clocks that the page does not describe go to the
 * kernel.
 */
#include <asm/unistd.h>
#include <hal/abi.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "hal/aarch64/timer.h"

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

struct timezone_arg {
    int minutes_west;
    int dst_time;
};

int __kernel_clock_gettime(int clock, struct __kernel_timespec *out);
int __kernel_gettimeofday(struct __kernel_timespec *out, struct timezone_arg *zone);
int __kernel_clock_getres(int clock, struct __kernel_timespec *out);

static inline long vdso_syscall(long nr, long a, long b)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
}

static inline uint64_t counter(void)
{
    uint64_t value;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
    return value;
}

static inline uint64_t read_ns(bool wall)
{
    const struct vdso_data *data = &vdso_data;
    uint64_t ns;
    uint32_t seq;

    do {
        do {
            seq = atomic_load_explicit(&data->seq, memory_order_acquire);
        } while (unlikely((seq & 1) != 0));
        ns = (uint64_t)((unsigned __int128)(counter() - data->base) * data->mult >> CLOCK_SHIFT);
        ns += wall ? data->wall_offset_ns : 0;
        atomic_thread_fence(memory_order_acquire);
    } while (unlikely(atomic_load_explicit(&data->seq, memory_order_relaxed) != seq));
    return ns;
}

/* Bit per clock number: CLOCK_REALTIME and CLOCK_REALTIME_COARSE; and all that the counter gives.
 */
#define WALL_CLOCKS (1u << CLOCK_REALTIME | 1u << CLOCK_REALTIME_COARSE)
#define ALL_CLOCKS                                                                                 \
    (WALL_CLOCKS | 1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_RAW |                             \
     1u << CLOCK_MONOTONIC_COARSE | 1u << CLOCK_BOOTTIME)

static inline bool has_clock(unsigned clock)
{
    return clock < 32 && (1u << clock & ALL_CLOCKS) != 0;
}

int __kernel_clock_gettime(int clock, struct __kernel_timespec *out)
{
    uint64_t ns;

    if (unlikely(!has_clock((unsigned)clock))) {
        return (int)vdso_syscall(__NR_clock_gettime, clock, (long)out);
    }
    ns = read_ns((1u << clock & WALL_CLOCKS) != 0);
    out->tv_sec = (__kernel_time64_t)(ns / NS_PER_SEC);
    out->tv_nsec = (long long)(ns % NS_PER_SEC);
    return 0;
}

/* struct timeval has the same two 64-bit fields as struct __kernel_timespec. */
int __kernel_gettimeofday(struct __kernel_timespec *out, struct timezone_arg *zone)
{
    if (zone != NULL) {
        return (int)vdso_syscall(__NR_gettimeofday, (long)out, (long)zone);
    }
    if (out != NULL) {
        uint64_t ns = read_ns(true);

        out->tv_sec = (__kernel_time64_t)(ns / NS_PER_SEC);
        out->tv_nsec = (long long)(ns % NS_PER_SEC / NS_PER_US);
    }
    return 0;
}

int __kernel_clock_getres(int clock, struct __kernel_timespec *out)
{
    return (int)vdso_syscall(__NR_clock_getres, clock, (long)out);
}
