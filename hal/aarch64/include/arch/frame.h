/*
 * The trap frame, kernel contexts and FP area of aarch64. Assembly knows the offsets below;
 * vectors.S and context.S store what they name.
 */
#pragma once

#define FRAME_X       0
#define FRAME_LR      240
#define FRAME_SP      248
#define FRAME_PC      256
#define FRAME_PSTATE  264
#define FRAME_ORIG_X0 272
#define FRAME_ESR     280
#define FRAME_RECORD  288
#define FRAME_SIZE    304

#define CONTEXT_X19 0
#define CONTEXT_FP  80
#define CONTEXT_PC  88
#define CONTEXT_SP  96
#define CONTEXT_TLS 104

#define PSTATE_EL0T      0x0
#define PSTATE_EL1H      0x5
#define PSTATE_MODE_MASK 0x1f
#define PSTATE_DAIF      0x3c0

#if !defined(__ASSEMBLER__)

#include "kernel/types.h"

struct trap_frame {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t pstate;
    uint64_t orig_x0;   /* x0 at the system call */
    uint64_t esr;       /* latched at entry */
    uint64_t record[2]; /* frame record that links a kernel backtrace over the exception */
};

struct hal_context {
    uint64_t x19[10]; /* x19 to x28 */
    uint64_t fp;
    uint64_t pc;
    uint64_t sp;
    uint64_t tls;
};

struct hal_fpu {
    uint64_t v[64]; /* V0 to V31, low half first */
    uint32_t fpsr;
    uint32_t fpcr;
} ALIGNED(16);

_Static_assert(offsetof(struct trap_frame, x[30]) == FRAME_LR, "frame");
_Static_assert(offsetof(struct trap_frame, sp) == FRAME_SP, "frame");
_Static_assert(offsetof(struct trap_frame, pc) == FRAME_PC, "frame");
_Static_assert(offsetof(struct trap_frame, pstate) == FRAME_PSTATE, "frame");
_Static_assert(offsetof(struct trap_frame, orig_x0) == FRAME_ORIG_X0, "frame");
_Static_assert(offsetof(struct trap_frame, esr) == FRAME_ESR, "frame");
_Static_assert(offsetof(struct trap_frame, record) == FRAME_RECORD, "frame");
_Static_assert(sizeof(struct trap_frame) == FRAME_SIZE && FRAME_SIZE % 16 == 0, "frame");
_Static_assert(offsetof(struct hal_context, fp) == CONTEXT_FP, "context");
_Static_assert(offsetof(struct hal_context, pc) == CONTEXT_PC, "context");
_Static_assert(offsetof(struct hal_context, sp) == CONTEXT_SP, "context");
_Static_assert(offsetof(struct hal_context, tls) == CONTEXT_TLS, "context");
_Static_assert(offsetof(struct hal_fpu, fpsr) == 512 && sizeof(struct hal_fpu) == 528, "fpu");

static inline bool frame_is_user(const struct trap_frame *frame)
{
    return (frame->pstate & PSTATE_MODE_MASK) == PSTATE_EL0T;
}

static inline vaddr_t frame_pc(const struct trap_frame *frame)
{
    return frame->pc;
}

static inline vaddr_t frame_sp(const struct trap_frame *frame)
{
    return frame->sp;
}

static inline void frame_set_pc(struct trap_frame *frame, vaddr_t pc)
{
    frame->pc = pc;
}

static inline void frame_set_sp(struct trap_frame *frame, vaddr_t sp)
{
    frame->sp = sp;
}

/* Linux reads the number from w8. */
static inline uint64_t frame_syscall_nr(const struct trap_frame *frame)
{
    return (uint32_t)frame->x[8];
}

static inline void frame_set_syscall_nr(struct trap_frame *frame, uint64_t nr)
{
    frame->x[8] = nr;
}

/* i = 0 .. 5. The result overwrites x0, so argument 0 is the copy. */
static inline uint64_t frame_syscall_arg(const struct trap_frame *frame, unsigned i)
{
    return i == 0 ? frame->orig_x0 : frame->x[i];
}

static inline uint64_t frame_return(const struct trap_frame *frame)
{
    return frame->x[0];
}

static inline void frame_set_return(struct trap_frame *frame, uint64_t value)
{
    frame->x[0] = value;
}

static inline void frame_restart_syscall(struct trap_frame *frame)
{
    frame->x[0] = frame->orig_x0;
    frame->pc -= 4;
}

static inline void frame_init_user(struct trap_frame *frame, vaddr_t pc, vaddr_t sp)
{
    *frame = (struct trap_frame){.pc = pc, .sp = sp, .pstate = PSTATE_EL0T};
}

static inline uint64_t hal_tls_get(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, tpidr_el0" : "=r"(value));
    return value;
}

static inline void hal_tls_set(uint64_t value)
{
    __asm__ volatile("msr tpidr_el0, %0" ::"r"(value));
}

static inline void hal_context_set_tls(struct hal_context *context, uint64_t value)
{
    context->tls = value;
}

#endif
