/*
 * Contexts: the first switch enters with its argument on its own stack; later ones come back where
 * they left, with the TLS register of whoever runs. Frame accessors, FP state.
 */
#include <arch/cpu.h>
#include <hal/abi.h>
#include <hal/context.h>

#include "kernel/string.h"
#include "mm/kernel_map.h"
#include "tests/contract/contract.h"

#define ROUNDS    64u
#define TLS_MAIN  0x10000ull
#define TLS_OTHER 0x20000ull
#define ARGUMENT  ((void *)0x5aa5)

static struct hal_context main_context, other_context;
static void *other_stack;
static unsigned nr_entered;
static bool other_good;

static void other_entry(void *arg)
{
    uintptr_t here = (uintptr_t)&arg, base = (uintptr_t)other_stack;

    other_good = arg == ARGUMENT && here > base && here < base + KERNEL_STACK_SIZE;
    for (;;) {
        nr_entered++;
        other_good &= hal_tls_get() == TLS_OTHER && !cpu_irqs_on();
        hal_context_switch(&other_context, &main_context);
    }
}

static void check_switch(void)
{
    irqflags_t flags = cpu_irq_save();
    uint64_t tls = hal_tls_get();
    unsigned sum = 0;
    bool good = true;

    other_stack = kernel_stack_alloc();
    kverify(other_stack != NULL);
    hal_context_init(&other_context, (char *)other_stack + KERNEL_STACK_SIZE, other_entry, ARGUMENT);
    hal_context_set_tls(&other_context, TLS_OTHER);
    hal_tls_set(TLS_MAIN);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        sum += i; /* lives in a callee-saved register over the switch */
        hal_context_switch(&main_context, &other_context);
        good &= nr_entered == i && hal_tls_get() == TLS_MAIN;
    }
    hal_tls_set(tls);
    cpu_irq_restore(flags);
    kernel_stack_free(other_stack);
    contract_ok(other_good, "context_init: entry, argument, stack, TLS of its own");
    contract_ok(good && sum == ROUNDS * (ROUNDS + 1) / 2, "context_switch: back to where it left");
}

static void check_frame(void)
{
    struct trap_frame frame;
    bool good;

    frame_init_user(&frame, 0x401000, 0x7ff000);
    good = frame_is_user(&frame) && frame_pc(&frame) == 0x401000 && frame_sp(&frame) == 0x7ff000;
    frame_set_return(&frame, 77);
    good &= frame_return(&frame) == 77;
    frame_set_pc(&frame, 0x402000);
    frame_set_sp(&frame, 0x7fe000);
    good &= frame_pc(&frame) == 0x402000 && frame_sp(&frame) == 0x7fe000;
    frame_set_syscall_nr(&frame, 93);
    good &= frame_syscall_nr(&frame) == 93;
    frame_restart_syscall(&frame);
    good &= frame_pc(&frame) < 0x402000 && frame_syscall_nr(&frame) == 93 && frame_is_user(&frame);
    contract_ok(good, "frame accessors");
}

static void check_fpu(void)
{
    static struct hal_fpu first, second, third;
    struct hal_fpu own;

    hal_fpu_save(&own);
    hal_fpu_init(&first);
    hal_fpu_restore(&first);
    hal_fpu_save(&second);
    hal_fpu_restore(&second);
    hal_fpu_save(&third);
    hal_fpu_restore(&own);
    contract_ok(memcmp(&second, &third, sizeof(third)) == 0, "fpu_save gives what fpu_restore took");
}

static void count_return(uintptr_t pc, void *arg)
{
    unsigned *nr = arg;

    *nr += pc >= KERNEL_IMAGE_BASE;
}

void contract_context(void)
{
    unsigned nr_returns = 0;

    check_switch();
    check_frame();
    check_fpu();
    hal_backtrace((uintptr_t)__builtin_frame_address(0), count_return, &nr_returns);
    contract_ok(nr_returns >= 2, "backtrace finds this function's callers");
}
