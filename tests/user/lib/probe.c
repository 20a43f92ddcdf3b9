/*
 * Fault probes. A probe saves its registers with __builtin_setjmp; the handler of the fault sends
 * the program counter to a landing function that jumps back, so that the frame is left by
 * sigreturn and the signal mask is as before.
 */

#include "test.h"

volatile unsigned long probe_addr, probe_pc;
static volatile int probe_result;
static volatile bool probing;
static void *probe_buf[8];

static void NOINLINE NORETURN probe_land(void)
{
    __builtin_longjmp(probe_buf, 1);
}

static void probe_handler(int sig, siginfo_t *info, void *ctx)
{
    probe_result = FAULT(sig, info->si_code);
    probe_addr = (unsigned long)info->si_addr;
    probe_pc = uc_pc(ctx);
    if (!probing) {
        print("not ok fault outside a probe: signal %d code %d address %lx pc %lx\n", sig,
              info->si_code, probe_addr, probe_pc);
        sys(exit_group, 1);
    }
    uc_stop_trace(ctx);
    uc_set_pc(ctx, (unsigned long)probe_land);
}

void probe_init(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    stack_t ss = { .ss_sp = stack, .ss_flags = 0, .ss_size = sizeof(stack) };
    static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
    size_t i;

    sys(sigaltstack, &ss, 0);
    for (i = 0; i < ARRAY_LEN(sigs); i++)
        sig_install(sigs[i], probe_handler, SA_ONSTACK);
}

int NOINLINE probe_run(void (*fn)(void *), void *arg)
{
    probe_result = 0;
    probe_addr = probe_pc = 0;
    probing = true;
    if (__builtin_setjmp(probe_buf) == 0)
        fn(arg);
    probing = false;
    return probe_result;
}

static void do_read(void *p)
{
    (void)*(const volatile char *)p;
}

static void do_write(void *p)
{
    volatile char *c = p;

    *c = 'w';
}

static void do_exec(void *p)
{
    ((void (*)(void))p)();
}

int probe_read(const volatile void *p)
{
    return probe_run(do_read, (void *)(uintptr_t)p);
}

int probe_write(volatile void *p)
{
    return probe_run(do_write, (void *)(uintptr_t)p);
}

int probe_exec(const void *p)
{
    return probe_run(do_exec, (void *)(uintptr_t)p);
}
