/*
 * Panic: stops every CPU with a report that starts with "quoin: panic: " and ends with
 * "quoin: end of panic". A panic inside a panic prints its line and stops; a third only stops.
 * The CPU that comes first reports; another that panics meanwhile is stopped by it.
 */
#include "kernel/panic.h"

#include <arch/cpu.h>
#include <hal/abi.h>
#include <hal/board.h>

#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "kernel/ipi.h"
#include "kernel/ksyms.h"
#include "kernel/printk.h"

#define BACKTRACE_MAX 32u

#define NO_CPU UINT32_MAX

static atomic_uint panic_depth;
static _Atomic uint32_t panic_cpu = NO_CPU;
static void (*task_printer)(const struct task *task);

bool panic_active(void)
{
    return atomic_load_explicit(&panic_depth, memory_order_relaxed) != 0;
}

void panic_set_task_printer(void (*print)(const struct task *task))
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

static void print_task(const struct cpu *cpu)
{
    if (task_printer != NULL && cpu->current != NULL) {
        task_printer(cpu->current);
    }
}

static void print_others(cpumask_t stopped)
{
    cpumask_t others = atomic_load(&cpus_online) & ~((cpumask_t)1 << cpu_id());

    for (; others != 0; others &= others - 1) {
        const struct cpu *cpu = &cpus[__builtin_ctzll(others)];
        uintptr_t offset;

        if ((stopped >> cpu->id & 1) == 0) {
            printk("cpu %u does not answer\n", cpu->id);
        } else if (frame_is_user(cpu->irq_frame)) {
            printk("cpu %u in user mode at %#lx\n", cpu->id,
                   (unsigned long)frame_pc(cpu->irq_frame));
        } else {
            const char *name = ksyms_lookup(frame_pc(cpu->irq_frame), &offset);

            printk("cpu %u at %#018lx %s+%#lx\n", cpu->id,
                   (unsigned long)frame_pc(cpu->irq_frame), name, offset);
        }
        print_task(cpu);
    }
}

static void print_report(const struct trap_frame *frame, uintptr_t fp)
{
    unsigned count = 0;

    printk("cpu %u\n", cpu_id());
    print_task(cpu_self());
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
    uint32_t nobody = NO_CPU;
    cpumask_t stopped = 0;
    unsigned depth;

    cpu_irq_disable();
    if (!atomic_compare_exchange_strong(&panic_cpu, &nobody, cpu_id()) && nobody != cpu_id()) {
        panic_stop_cpu();
    }
    depth = atomic_fetch_add(&panic_depth, 1);
    if (depth == 0) {
        stopped = ipi_stop_others();
    }
    if (depth < 2) {
        printk_finish_line();
        printk("quoin: panic: ");
        vprintk(fmt, args);
        printk("\n");
    }
    if (depth == 0) {
        print_report(frame, fp);
        print_others(stopped);
    }
    if (depth < 2) {
        printk("quoin: end of panic\n");
    }
    hal_board->power(POWER_PANIC);
}

void panic_stop_cpu(void)
{
    cpu_irq_disable();
    for (;;) {
        cpu_relax();
    }
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
