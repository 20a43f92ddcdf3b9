/*
 * x86_64: trap frame, kernel context and floating-point area. The frame has the order in which
 * vectors.S pushes; `vector` and `error` (system call number or error code) are its own two words.
 */
#pragma once

#include <arch/asm.h>

#include "kernel/types.h"

struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;
    uint64_t error; /* error code; of a system call its number, which rax no longer holds */
    uint64_t rip, cs, rflags, rsp, ss;
};

_Static_assert(offsetof(struct trap_frame, r11) == FRAME_R11, "asm offset");
_Static_assert(offsetof(struct trap_frame, rcx) == FRAME_RCX, "asm offset");
_Static_assert(offsetof(struct trap_frame, rdi) == FRAME_RDI, "asm offset");
_Static_assert(offsetof(struct trap_frame, rip) == FRAME_RIP, "asm offset");
_Static_assert(offsetof(struct trap_frame, cs) == FRAME_CS, "asm offset");
_Static_assert(offsetof(struct trap_frame, rflags) == FRAME_RFLAGS, "asm offset");
_Static_assert(offsetof(struct trap_frame, rsp) == FRAME_RSP, "asm offset");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE, "asm offset");

/* Segment selectors move with the context too, since user mode may load null or its own data one.
 */
struct hal_context {
    uint64_t sp; /* rbp rbx r12-r15 and the return address lie there */
    uint64_t stack_top;
    uint64_t fs_base;
    uint64_t gs_base;
    uint16_t ds, es, fs, gs;
};

/* XSAVE standard form: legacy 512, header 64, AVX 256 bytes (SDM 1 13.4). */
#define HAL_FPU_LEGACY_SIZE 512
#define HAL_FPU_SIZE        832
struct hal_fpu {
    uint8_t area[HAL_FPU_SIZE];
} ALIGNED(64);

static inline bool frame_is_user(const struct trap_frame *f)
{
    return (f->cs & 3) != 0;
}

static inline vaddr_t frame_pc(const struct trap_frame *f)
{
    return f->rip;
}

static inline vaddr_t frame_sp(const struct trap_frame *f)
{
    return f->rsp;
}

static inline void frame_set_pc(struct trap_frame *f, vaddr_t pc)
{
    f->rip = pc;
}

static inline void frame_set_sp(struct trap_frame *f, vaddr_t sp)
{
    f->rsp = sp;
}

static inline uint64_t frame_syscall_nr(const struct trap_frame *f)
{
    return f->error;
}

/* System V ABI AMD64 supplement A.2.1: rdi rsi rdx r10 r8 r9. */
static inline uint64_t frame_syscall_arg(const struct trap_frame *f, unsigned i)
{
    switch (i) {
    case 0:
        return f->rdi;
    case 1:
        return f->rsi;
    case 2:
        return f->rdx;
    case 3:
        return f->r10;
    case 4:
        return f->r8;
    default:
        return f->r9;
    }
}

static inline uint64_t frame_return(const struct trap_frame *f)
{
    return f->rax;
}

static inline void frame_set_return(struct trap_frame *f, uint64_t value)
{
    f->rax = value;
}

/* SYSCALL is two bytes long. */
static inline void frame_restart_syscall(struct trap_frame *f)
{
    f->rax = f->error;
    f->rip -= 2;
}

static inline void frame_set_syscall_nr(struct trap_frame *f, uint64_t nr)
{
    f->error = nr;
    f->rax = nr;
}

/* What execve resets of the running task beside frame and FP: FS and GS base 0, null selectors. */
void hal_user_state_reset(void);

static inline void frame_init_user(struct trap_frame *f, vaddr_t pc, vaddr_t sp)
{
    *f = (struct trap_frame){.vector = VECTOR_SYSCALL,
                             .error = (uint64_t)-1,
                             .rip = pc,
                             .cs = USER_CS,
                             .rflags = RFLAGS_IF | 2,
                             .rsp = sp,
                             .ss = USER_SS};
}

/* FS base; a value that is not canonical ends in SIGSEGV, callers refuse it before (arch_prctl(2)).
 */
uint64_t hal_tls_get(void);
void hal_tls_set(uint64_t base);

static inline void hal_context_set_tls(struct hal_context *ctx, uint64_t base)
{
    ctx->fs_base = base;
}

/* GS base, for arch_prctl(2). */
uint64_t hal_gs_get(void);
void hal_gs_set(uint64_t base);
