/*
 * The vDSO: time and CPU number without a system call. User code, built position-independent and on
 * its own; reads struct vdso_data in the page before its image. Any other clock is the kernel's.
 */
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/time.h>

#include <stdatomic.h>
#include <stdint.h>

struct vdso_data { /* as in <hal/abi.h> */
    _Atomic uint32_t seq;
    uint32_t shift;
    uint64_t base;
    uint64_t mult;
    uint64_t wall_offset_ns;
};

#define NS_PER_SEC 1000000000ull
#define EXPORT     __attribute__((visibility("default")))

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

struct vdso_timespec {
    int64_t tv_sec;
    int64_t tv_nsec;
};

struct vdso_timeval {
    int64_t tv_sec;
    int64_t tv_usec;
};

EXPORT int __vdso_clock_gettime(int clock, struct vdso_timespec *out);
EXPORT int __vdso_clock_getres(int clock, struct vdso_timespec *out);
EXPORT int __vdso_gettimeofday(struct vdso_timeval *out, void *zone);
EXPORT int64_t __vdso_time(int64_t *out);
EXPORT long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static long system_call(long nr, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static inline uint64_t read_cycles(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory"); /* as cpu_cycles() */
    return (uint64_t)high << 32 | low;
}

static inline uint64_t load(const uint64_t *field)
{
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* Fields are read atomically, or the compiler may move the reads behind the check. shift < 64. */
static inline uint64_t now_ns(uint64_t *wall_offset)
{
    const struct vdso_data *data = &vdso_data;
    uint32_t seq, shift;
    uint64_t ns, high;

    do {
        seq = atomic_load_explicit(&data->seq, memory_order_acquire);
        ns = read_cycles() - load(&data->base);
        shift = __atomic_load_n(&data->shift, __ATOMIC_RELAXED);
        __asm__("mulq %2" : "+a"(ns), "=d"(high) : "r"(load(&data->mult)) : "cc");
        *wall_offset = load(&data->wall_offset_ns);
        atomic_thread_fence(memory_order_acquire);
    } while ((seq & 1) != 0 || seq != atomic_load_explicit(&data->seq, memory_order_relaxed));
    __asm__("shrdq %%cl, %1, %0" : "+r"(ns) : "r"(high), "c"(shift) : "cc");
    return ns;
}

int __vdso_clock_gettime(int clock, struct vdso_timespec *out)
{
    uint64_t wall_offset;
    uint64_t ns;

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        ns = now_ns(&wall_offset) + wall_offset;
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        ns = now_ns(&wall_offset);
        break;
    default:
        return (int)system_call(__NR_clock_gettime, clock, (long)out, 0);
    }
    out->tv_sec = (int64_t)(ns / NS_PER_SEC);
    out->tv_nsec = (int64_t)(ns % NS_PER_SEC);
    return 0;
}

int __vdso_clock_getres(int clock, struct vdso_timespec *out)
{
    return (int)system_call(__NR_clock_getres, clock, (long)out, 0);
}

int __vdso_gettimeofday(struct vdso_timeval *out, void *zone)
{
    uint64_t wall_offset;
    uint64_t ns;

    if (zone != (void *)0) {
        return (int)system_call(__NR_gettimeofday, (long)out, (long)zone, 0);
    }
    if (out != (void *)0) {
        ns = now_ns(&wall_offset);
        ns += wall_offset;
        out->tv_sec = (int64_t)(ns / NS_PER_SEC);
        out->tv_usec = (int64_t)(ns % NS_PER_SEC / 1000);
    }
    return 0;
}

int64_t __vdso_time(int64_t *out)
{
    uint64_t wall_offset;
    uint64_t ns = now_ns(&wall_offset);
    int64_t seconds = (int64_t)((ns + wall_offset) / NS_PER_SEC);

    if (out != (void *)0) {
        *out = seconds;
    }
    return seconds;
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    return system_call(__NR_getcpu, (long)cpu, (long)node, (long)unused);
}
