/*
 * Signal frames of one architecture over a small piece of user memory: a push and a pop of what it
 * wrote change nothing; a pop of hostile bytes never yields a privileged state, and a refused one
 * changes nothing.
 */
#include <arch/consts.h>
#include <hal/abi.h>
#include <hal/context.h>

#include "kernel/errno.h"
#include "tests/fuzz/fuzz.h"
#include "sigframe_arch.h"

#define MEMORY_SIZE 16384u
#define MEMORY_BASE 0x10000ull

static uint8_t memory[MEMORY_SIZE];

static bool inside(vaddr_t at, size_t len)
{
    return at >= MEMORY_BASE && len <= MEMORY_SIZE && at - MEMORY_BASE <= MEMORY_SIZE - len;
}

static int read_user(void *dst, vaddr_t src, size_t len)
{
    if (!inside(src, len)) {
        return -EFAULT;
    }
    memcpy(dst, memory + (src - MEMORY_BASE), len);
    return 0;
}

static int write_user(vaddr_t dst, const void *src, size_t len)
{
    if (!inside(dst, len)) {
        return -EFAULT;
    }
    memcpy(memory + (dst - MEMORY_BASE), src, len);
    return 0;
}

static const struct hal_user_io io = {read_user, write_user};

static vaddr_t address(struct fuzz_input *input)
{
    unsigned kind = fuzz_byte(input);

    return kind < 8 ? fuzz_word(input)
                    : MEMORY_BASE + (((vaddr_t)kind << 8 | fuzz_byte(input)) % MEMORY_SIZE);
}

static bool push(struct fuzz_input *input, struct trap_frame *frame, struct hal_fpu *fpu)
{
    static const uint8_t siginfo[128];
    const struct hal_signal signal = {
        .signo = 1 + (int)fuzz_below(input, 64),
        .handler = fuzz_word(input) % USER_VA_END,
        .flags = fuzz_byte(input) * 4u,
        .restorer = fuzz_word(input) % USER_VA_END,
        .siginfo = siginfo,
        .old_mask = fuzz_word(input),
        .stack_top = fuzz_byte(input) % 2 == 0 ? frame_sp(frame) : address(input),
        .altstack_sp = fuzz_word(input),
        .altstack_size = fuzz_word(input),
        .altstack_flags = (int)fuzz_below(input, 3),
        .syndrome = fuzz_byte(input) % 2 == 0 ? 0 : fuzz_word(input),
    };
    struct trap_frame before = *frame;
    struct hal_fpu fpu_before = *fpu;
    struct hal_sigreturn out;

    int error = hal_sigframe_push(frame, fpu, &signal, &io);

    if (error != 0) {
        fuzz_require(error == -EFAULT && memcmp(frame, &before, sizeof(before)) == 0,
                     "a push that fails (%d) changes the frame", error);
        return false;
    }
    fuzz_require(frame_pc(frame) == signal.handler && frame_is_user(frame), "handler's entry");
    struct trap_frame handler = *frame;

    sigframe_return(&handler);
    fuzz_require(hal_sigframe_pop(&handler, fpu, &io, &out) == 0, "a pushed frame is refused");
    fuzz_require(sigframe_same(&handler, &before), "push and pop change the registers");
    fuzz_require(sigframe_fpu_same(fpu, &fpu_before), "push and pop change FP state");
    fuzz_require(out.mask == signal.old_mask && out.altstack_sp == signal.altstack_sp &&
                     out.altstack_size == signal.altstack_size &&
                     out.altstack_flags == signal.altstack_flags,
                 "push and pop change mask or stack");
    return true;
}

static bool pop(struct trap_frame *frame, struct hal_fpu *fpu)
{
    struct trap_frame before = *frame;
    struct hal_sigreturn out;
    int error = hal_sigframe_pop(frame, fpu, &io, &out);

    if (error != 0) {
        fuzz_require(error == -EFAULT && memcmp(frame, &before, sizeof(before)) == 0,
                     "a pop that fails (%d) changes the frame", error);
        return false;
    }
    sigframe_check(frame, &before);
    sigframe_fpu_check(fpu);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct trap_frame frame;
    struct hal_fpu fpu;

    memset(memory, 0, sizeof(memory));
    do {
        frame_init_user(&frame, fuzz_word(&input) % USER_VA_END, address(&input));
        sigframe_fill(&input, &frame);
        hal_fpu_init(&fpu);
        bool good = push(&input, &frame, &fpu);

        /* Spoil what was pushed, or anything, and return through it. */
        for (unsigned nr = fuzz_below(&input, 8); nr > 0; nr--) {
            vaddr_t at = good && fuzz_byte(&input) % 2 == 0
                             ? frame_sp(&frame) + fuzz_byte(&input) * 4u
                             : address(&input);

            if (inside(at, 8)) {
                uint64_t value = fuzz_word(&input);

                memcpy(memory + (at - MEMORY_BASE), &value, 1 + fuzz_below(&input, 8));
            }
        }
        if (fuzz_byte(&input) < 64) {
            frame_set_sp(&frame, address(&input));
        }
        sigframe_return(&frame);
        good |= pop(&frame, &fpu);
        fuzz_done(good);
    } while (input.left > 0);
    return 0;
}
