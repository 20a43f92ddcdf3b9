/*
 * Panic: stops this CPU with a report that starts with "quoin: panic: " and ends with
 * "quoin: end of panic". A panic inside a panic prints its line and stops; a third only stops.
 */
#include "kernel/panic.h"

#include <arch/cpu.h>
#include <hal/abi.h>
#include <hal/board.h>

#include "kernel/assert.h"
#include "kernel/ksyms.h"
#include "kernel/printk.h"

#define BACKTRACE_MAX 32u

static atomic_uint panic_depth;
static void (*task_printer)(void);

bool panic_active(void)
{
    return atomic_load_explicit(&panic_depth, memory_order_relaxed) != 0;
}

void panic_set_task_printer(void (*print)(void))
{
    task_printer = print;
}

static void print_return_address(uintptr_t pc, void *arg)
{
    unsigned *count = arg;
    uintptr_t offset;
    /* A call that never returns may be the last instruction of its function: look just before. */
    const char *name = ksyms_lookup(pc - 1, &offset);

    if (*count < BACKTRACE_MAX) {
        printk("  #%u %#018lx %s+%#lx\n", *count, pc, name, offset + 1);
    }
    (*count)++;
}

static void print_interrupted(const struct trap_frame *frame)
{
    uintptr_t offset;
    const char *name = ksyms_lookup(frame_pc(frame), &offset);

    hal_frame_print(frame);
    printk("at %#018lx %s+%#lx\n", (unsigned long)frame_pc(frame), name, offset);
}

static void print_report(const struct trap_frame *frame, uintptr_t fp)
{
    unsigned count = 0;

    printk("cpu %u\n", cpu_id());
    if (task_printer != NULL) {
        task_printer();
    }
    if (frame != NULL) {
        print_interrupted(frame);
    }
    if (frame != NULL && frame_is_user(frame)) {
        return;
    }
    printk("backtrace:\n");
    hal_backtrace(frame != NULL ? hal_frame_fp(frame) : fp, print_return_address, &count);
}

static NORETURN void panic_report(const struct trap_frame *frame, uintptr_t fp, const char *fmt,
                                  va_list args)
{
    unsigned depth;

    cpu_irq_disable();
    depth = atomic_fetch_add(&panic_depth, 1);
    if (depth < 2) {
        printk_finish_line();
        printk("quoin: panic: ");
        vprintk(fmt, args);
        printk("\n");
    }
    if (depth == 0) {
        print_report(frame, fp);
    }
    if (depth < 2) {
        printk("quoin: end of panic\n");
    }
    hal_board->power(POWER_PANIC);
}

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    panic_report(NULL, (uintptr_t)__builtin_frame_address(0), fmt, args);
}

void panic_frame(const struct trap_frame *frame, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    panic_report(frame, 0, fmt, args);
}
