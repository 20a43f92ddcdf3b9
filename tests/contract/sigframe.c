/* Signal frames over a piece of memory that stands for the user's: a pop gives back what was pushed. */
#include <arch/consts.h>
#include <hal/abi.h>
#include <hal/context.h>

#include "kernel/errno.h"
#include "kernel/string.h"
#include "tests/contract/contract.h"

#define BASE 0x10000ull
#define SIZE 16384u

static uint8_t memory[SIZE];

static bool inside(vaddr_t at, size_t len)
{
    return at >= BASE && at + len <= BASE + SIZE;
}

static int read_user(void *dst, vaddr_t src, size_t len)
{
    if (!inside(src, len)) {
        return -EFAULT;
    }
    memcpy(dst, memory + (src - BASE), len);
    return 0;
}

static int write_user(vaddr_t dst, const void *src, size_t len)
{
    if (!inside(dst, len)) {
        return -EFAULT;
    }
    memcpy(memory + (dst - BASE), src, len);
    return 0;
}

void contract_sigframe(void)
{
    static const struct hal_user_io io = {read_user, write_user};
    static const uint8_t siginfo[128];
    static struct hal_fpu fpu;
    struct hal_signal signal = {.signo = 10, .handler = 0x401000, .flags = 4, .restorer = 0x402000,
                                .siginfo = siginfo, .old_mask = 0x1234,
                                .stack_top = BASE + SIZE / 2};
    struct trap_frame frame, before;
    struct hal_sigreturn out;

    hal_fpu_init(&fpu);
    frame_init_user(&frame, 0x403000, BASE + SIZE);
    before = frame;
    bool good = hal_sigframe_push(&frame, &fpu, &signal, &io) == 0;

    contract_ok(good && frame_pc(&frame) == 0x401000 && frame_is_user(&frame) &&
                    frame_sp(&frame) < signal.stack_top && frame_sp(&frame) > BASE,
                "sigframe_push: at the handler, below the stack's top");
    /* x86's handler returns by RET, which takes the restorer's address. */
    frame_set_sp(&frame, frame_sp(&frame) + (HAL_ABI_LEGACY_CALLS ? 8 : 0));
    good = hal_sigframe_pop(&frame, &fpu, &io, &out) == 0;
    contract_ok(good && frame_pc(&frame) == frame_pc(&before) && frame_is_user(&frame) &&
                    frame_sp(&frame) == frame_sp(&before) && out.mask == 0x1234,
                "sigframe_pop: the interrupted state and the mask");
    signal.stack_top = BASE + 64;
    before = frame;
    good = hal_sigframe_push(&frame, &fpu, &signal, &io) == -EFAULT;
    contract_ok(good && memcmp(&frame, &before, sizeof(frame)) == 0,
                "sigframe_push: -EFAULT leaves the frame alone");
    frame_set_sp(&frame, BASE + SIZE - 32);
    before = frame;
    good = hal_sigframe_pop(&frame, &fpu, &io, &out) == -EFAULT;
    contract_ok(good && memcmp(&frame, &before, sizeof(frame)) == 0,
                "sigframe_pop: -EFAULT leaves the frame alone");
}
