/*
 * x86_64 half of the test support: system call instruction and machine words of a signal frame.
 * Facts: System V ABI AMD64 supplement A.2.1 (system calls), asm/sigcontext.h (frame).
 */
#pragma once

#include <asm/ptrace.h>
#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

#define ARCH_NAME "x86_64"
#define ARCH_IS_X86 1
#define USER_TOP 0x7ffffffff000UL
#define ELF_MACHINE_SELF 62
#define ELF_MACHINE_OTHER 183

static inline __attribute__((always_inline)) long sys_call6(long nr, long a, long b, long c, long d,
                                                            long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;

    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

static inline unsigned long uc_pc(const struct ucontext *uc)
{
    return uc->uc_mcontext.rip;
}

static inline void uc_set_pc(struct ucontext *uc, unsigned long pc)
{
    uc->uc_mcontext.rip = pc;
}

static inline void uc_stop_trace(struct ucontext *uc)
{
    uc->uc_mcontext.eflags &= ~0x100UL;
}

static inline unsigned long uc_sp(const struct ucontext *uc)
{
    return uc->uc_mcontext.rsp;
}

static inline unsigned long current_sp(void)
{
    unsigned long sp;

    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
    return sp;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static inline void code_sync(void *start, unsigned long len)
{
    (void)start;
    (void)len;
}

/* The first word of the block that the thread pointer names, and a new thread pointer. */
static inline unsigned long tls_word(void)
{
    unsigned long v;

    __asm__ volatile("mov %%fs:0, %0" : "=r"(v));
    return v;
}

static inline long tls_set(void *block)
{
    return sys_call6(158, 0x1002, (long)block, 0, 0, 0, 0); /* arch_prctl(ARCH_SET_FS) */
}

/* Time since the machine was reset, in ns under -icount (a tick is an instruction there). */
static inline unsigned long machine_ns(void)
{
    unsigned lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (unsigned long)hi << 32 | lo;
}
