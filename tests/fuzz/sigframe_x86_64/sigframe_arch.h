/* What the signal frame fuzzer knows of x86_64 (Intel SDM 1 3.4.3, 13.8; SDM 3A 2.3). */
#pragma once

#include <hal/context.h>

#include "hal/x86_64/internal.h"
#include "tests/fuzz/fuzz.h"

#define USER_FLAGS 0x40dd5ull /* CF PF AF ZF SF TF DF OF AC: user mode sets them by POPF */
#define RESUME     RFLAGS_RF  /* and RF, which only skips one debug event */
#define MXCSR_MASK 0xffffu
#define XCR0       7ull

struct x86_features x86_features = {.xsave = true, .xcr0 = XCR0, .mxcsr_mask = MXCSR_MASK};

void hal_fpu_init(struct hal_fpu *fpu)
{
    *fpu = (struct hal_fpu){0};
    fpu->area[0] = 0x7f;
    fpu->area[1] = 0x03;
    fpu->area[24] = 0x80;
    fpu->area[25] = 0x1f;
}

static inline void sigframe_fill(struct fuzz_input *input, struct trap_frame *frame)
{
    uint64_t *registers = &frame->r15;

    for (unsigned i = 0; i < 15; i += 1 + fuzz_below(input, 8)) {
        registers[i] = fuzz_word(input);
    }
    frame->rflags = (fuzz_word(input) & USER_FLAGS) | RFLAGS_IF | 2;
}

/* The handler's RET takes the return address. */
static inline void sigframe_return(struct trap_frame *frame)
{
    frame->rsp += 8;
}

static inline bool sigframe_same(const struct trap_frame *a, const struct trap_frame *b)
{
    return memcmp(&a->r15, &b->r15, 15 * sizeof(uint64_t)) == 0 && a->rip == b->rip &&
           a->rsp == b->rsp && a->rflags == b->rflags && a->cs == b->cs && a->ss == b->ss;
}

/* Past the header's first word, where "in use" may be said of a component in its first state. */
static inline bool sigframe_fpu_same(const struct hal_fpu *a, const struct hal_fpu *b)
{
    return memcmp(a->area, b->area, 464) == 0 &&
           memcmp(a->area + 520, b->area + 520, sizeof(a->area) - 520) == 0;
}

static inline void sigframe_check(const struct trap_frame *frame, const struct trap_frame *before)
{
    uint64_t high = frame->rip >> 47;

    fuzz_require(frame->cs == USER_CS && frame->ss == USER_SS, "cs %lx ss %lx",
                 (unsigned long)frame->cs, (unsigned long)frame->ss);
    fuzz_require((frame->rflags & ~(USER_FLAGS | RESUME)) == (before->rflags & ~(USER_FLAGS | RESUME)) &&
                     (frame->rflags & RFLAGS_IF) != 0,
                 "rflags %lx", (unsigned long)frame->rflags);
    fuzz_require(high == 0 || high == 0x1ffff, "rip %lx", (unsigned long)frame->rip);
}

/* What XRSTOR would refuse with #GP in ring 0 must not be there. */
static inline void sigframe_fpu_check(const struct hal_fpu *fpu)
{
    uint64_t header[8];
    uint32_t mxcsr;

    memcpy(header, fpu->area + 512, sizeof(header));
    memcpy(&mxcsr, fpu->area + 24, sizeof(mxcsr));
    fuzz_require((header[0] & ~XCR0) == 0, "XSTATE_BV %lx", (unsigned long)header[0]);
    for (unsigned i = 1; i < 8; i++) {
        fuzz_require(header[i] == 0, "XSAVE header word %u", i);
    }
    fuzz_require((mxcsr & ~MXCSR_MASK) == 0, "MXCSR %x", mxcsr);
}
