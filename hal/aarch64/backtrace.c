/*
 * Backtraces along frame records (AAPCS64 6.4.6). A record is read only where it must be mapped: in
 * the upper half of the stack slot that the walk is in, or in the boot CPU's stacks. The one step
 * to another stack is from an emergency stack to the one that overflowed.
 */
#include <arch/consts.h>
#include <hal/abi.h>

#define BACKTRACE_MAX 64
#define STACK_HALF    (1ull << 14)
#define RECORD_SIZE   16

extern char boot_stack[], emergency_stack_top[], boot_stack_top[];

static bool in_range(uintptr_t fp, const char *start, const char *end)
{
    return fp >= (uintptr_t)start && fp <= (uintptr_t)end - RECORD_SIZE;
}

/* Returns a number that differs between stacks, 0 where no record can be. */
static uintptr_t stack_of(uintptr_t fp)
{
    if ((fp & 7) != 0) {
        return 0;
    }
    if (in_range(fp, boot_stack, emergency_stack_top)) {
        return 1;
    }
    if (in_range(fp, emergency_stack_top, boot_stack_top)) {
        return 2;
    }
    if (fp >= STACK_VA_BASE && fp < STACK_VA_END && (fp & STACK_HALF) != 0 &&
        ((fp + RECORD_SIZE - 1) & STACK_HALF) != 0) {
        return fp & ~(2 * STACK_HALF - 1);
    }
    return 0;
}

void hal_backtrace(uintptr_t fp, void (*fn)(uintptr_t pc, void *arg), void *arg)
{
    uintptr_t stack = stack_of(fp);

    for (unsigned i = 0; i < BACKTRACE_MAX && stack != 0; i++) {
        const uintptr_t *record = (const uintptr_t *)fp;
        uintptr_t next = record[0];

        if (record[1] == 0) {
            return;
        }
        fn(record[1], arg);
        if (stack_of(next) == stack && next <= fp) {
            return;
        }
        if (stack_of(next) != stack && stack != 1) {
            return;
        }
        stack = stack_of(next);
        fp = next;
    }
}

uintptr_t hal_frame_fp(const struct trap_frame *frame)
{
    return frame_is_user(frame) ? 0 : frame->x[29];
}
