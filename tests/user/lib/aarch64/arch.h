/*
 * aarch64 half of the test support: system call instruction and machine words of a signal frame.
 * Facts: Arm Procedure Call Standard, asm/sigcontext.h (frame), Arm ARM B2.4 (cache upkeep).
 */
#pragma once

#include <asm/ptrace.h>
#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#define ARCH_NAME "aarch64"
#define ARCH_IS_X86 0
#define USER_TOP 0x1000000000000UL
#define ELF_MACHINE_SELF 183
#define ELF_MACHINE_OTHER 62

static inline __attribute__((always_inline)) long sys_call6(long nr, long a, long b, long c, long d,
                                                            long e, long f)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

static inline unsigned long uc_pc(const struct ucontext *uc)
{
    return uc->uc_mcontext.pc;
}

static inline void uc_set_pc(struct ucontext *uc, unsigned long pc)
{
    uc->uc_mcontext.pc = pc;
}

static inline void uc_stop_trace(struct ucontext *uc)
{
    (void)uc;
}

static inline unsigned long uc_sp(const struct ucontext *uc)
{
    return uc->uc_mcontext.sp;
}

static inline unsigned long current_sp(void)
{
    unsigned long sp;

    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

static inline void code_sync(void *start, unsigned long len)
{
    __builtin___clear_cache((char *)start, (char *)start + len);
}

/* The first word of the block that the thread pointer names, and a new thread pointer. */
static inline unsigned long tls_word(void)
{
    unsigned long *block;

    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(block));
    return *(volatile unsigned long *)block;
}

static inline long tls_set(void *block)
{
    __asm__ volatile("msr tpidr_el0, %0" ::"r"(block));
    return 0;
}

/* Time since the machine was reset, in ns. */
static inline unsigned long machine_ns(void)
{
    unsigned long count, hz;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return count * (1000000000UL / hz);
}
