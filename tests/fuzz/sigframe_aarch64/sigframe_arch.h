/* What the signal frame fuzzer knows of aarch64 (Arm ARM C5.2.19, SPSR_EL1). */
#pragma once

#include <hal/context.h>

#include "tests/fuzz/fuzz.h"

#define USER_PSTATE 0xf3001c00ull /* NZCV TCO DIT SSBS BTYPE: all that user mode owns */

void hal_fpu_init(struct hal_fpu *fpu)
{
    *fpu = (struct hal_fpu){0};
}

static inline void sigframe_fill(struct fuzz_input *input, struct trap_frame *frame)
{
    for (unsigned i = 0; i < ARRAY_SIZE(frame->x); i += 1 + fuzz_below(input, 16)) {
        frame->x[i] = fuzz_word(input);
    }
    frame->pstate = fuzz_word(input) & USER_PSTATE;
}

/* The handler returns by the restorer, which does not move the stack. */
static inline void sigframe_return(struct trap_frame *frame)
{
    (void)frame;
}

static inline bool sigframe_same(const struct trap_frame *a, const struct trap_frame *b)
{
    return memcmp(a->x, b->x, sizeof(a->x)) == 0 && a->sp == b->sp && a->pc == b->pc &&
           a->pstate == b->pstate;
}

static inline bool sigframe_fpu_same(const struct hal_fpu *a, const struct hal_fpu *b)
{
    return memcmp(a->v, b->v, sizeof(a->v)) == 0 && a->fpsr == b->fpsr && a->fpcr == b->fpcr;
}

/* An address of any form is safe as ELR_EL1 on the way to EL0: it faults there. */
static inline void sigframe_check(const struct trap_frame *frame, const struct trap_frame *before)
{
    (void)before;
    fuzz_require((frame->pstate & ~USER_PSTATE) == 0, "pstate %lx", (unsigned long)frame->pstate);
}

static inline void sigframe_fpu_check(const struct hal_fpu *fpu)
{
    (void)fpu; /* every value is legal (Arm ARM C5.2.7, C5.2.8) */
}
