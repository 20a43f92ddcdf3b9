/*
 * From vectors to upcalls: what each exception means in Linux's terms (signal, si_code, si_addr),
 * fix-ups of instructions that a user's values make fault, and the emergency reports.
 * Runs with interrupts off; decides nothing.
 */
#include <hal/trap.h>

#include <arch/cpu.h>
#include <hal/context.h>
#include <hal/mmu.h>

#include "hal/x86_64/internal.h"
#include <arch/insn.h>

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "kernel/assert.h"
#include "kernel/cpu.h"
#include "kernel/printk.h"

enum {
    X86_DE = 0,
    X86_DB = 1,
    X86_NMI = 2,
    X86_BP = 3,
    X86_UD = 6,
    X86_DF = 8,
    X86_NP = 11,
    X86_SS = 12,
    X86_PF = 14,
    X86_MF = 16,
    X86_AC = 17,
    X86_MC = 18,
    X86_XM = 19,
    X86_EXCEPTIONS = 32,
};

#define PF_PRESENT   1u
#define PF_WRITE     2u
#define PF_RESERVED  8u
#define PF_FETCH     16u
#define DR6_STEP     (1ull << 14)
#define DR6_TRAPS    15ull
#define DR6_CLEAR    0xffff0ff0ull
#define NONCANONICAL 0x8000000000000000ull
#define STACK_SLOT   (2ull * KERNEL_STACK_SIZE)

/* x87 and SSE exception bits (SDM 1 8.1.3.3, 10.2.3): the lowest unmasked one counts. */
static int fp_code(uint32_t raised)
{
    if (raised & 1) {
        return FPE_FLTINV;
    }
    if (raised & 4) {
        return FPE_FLTDIV;
    }
    if (raised & 8) {
        return FPE_FLTOVF;
    }
    if (raised & (16 | 2)) {
        return FPE_FLTUND;
    }
    return (raised & 32) ? FPE_FLTRES : 0;
}

static int x87_code(void)
{
    uint16_t status, control;

    __asm__ volatile("fnstsw %0\n fnstcw %1" : "=m"(status), "=m"(control));
    return fp_code(status & ~control & 0x3fu);
}

static int sse_code(void)
{
    uint32_t mxcsr;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return fp_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

static int debug_code(void)
{
    uint64_t dr6;

    __asm__ volatile("movq %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("movq %0, %%dr6" : : "r"(DR6_CLEAR));
    if (dr6 & DR6_STEP) {
        return TRAP_TRACE;
    }
    return (dr6 & DR6_TRAPS) ? TRAP_HWBKPT : TRAP_BRKPT;
}

static void page_fault(struct trap_frame *frame, struct fault_info *fault, vaddr_t addr)
{
    uint64_t error = frame->error;

    if (error & PF_RESERVED) {
        panic("reserved bit set in the page table entry of %#lx", (unsigned long)addr);
    }
    fault->kind = FAULT_PAGE;
    fault->addr = addr;
    fault->access = (error & PF_WRITE) ? PTE_WRITE : PTE_READ;
    /* As Linux: a page is brought in first, and its rights judged when it is there. */
    if ((error & PF_FETCH) != 0 && ((error & PF_PRESENT) != 0 || !frame_is_user(frame))) {
        fault->access = PTE_EXEC;
    }
    /* As Linux: user mode does not learn what the kernel half maps. */
    fault->syndrome = error | (addr >= USER_VA_END ? PF_PRESENT : 0);
}

/* What Linux's arch/x86 raises for the exception; SI_KERNEL with address 0 where it says no more.
 */
static void signal_fault(const struct trap_frame *frame, struct fault_info *fault)
{
    fault->kind = FAULT_SIGNAL;
    fault->signo = SIGSEGV;
    fault->code = SI_KERNEL;
    fault->syndrome = frame->error;
    switch (frame->vector) {
    case X86_DE:
        fault->signo = SIGFPE;
        fault->code = FPE_INTDIV;
        fault->addr = frame->rip;
        break;
    case X86_DB:
        fault->signo = SIGTRAP;
        fault->code = debug_code();
        fault->addr = frame->rip;
        break;
    case X86_BP:
        fault->signo = SIGTRAP;
        break;
    case X86_UD:
        fault->signo = SIGILL;
        fault->code = ILL_ILLOPN;
        fault->addr = frame->rip;
        break;
    case X86_NP:
    case X86_SS:
        fault->signo = SIGBUS;
        break;
    case X86_MF:
    case X86_XM:
        fault->signo = SIGFPE;
        fault->code = frame->vector == X86_MF ? x87_code() : sse_code();
        fault->addr = frame->rip;
        break;
    case X86_AC:
        fault->signo = SIGBUS;
        fault->code = BUS_ADRALN;
        break;
    default:
        break;
    }
}

/*
 * IRET refused the user's frame, which the CPU had just popped from the top of this stack; the
 * registers it had restored are in *fault_frame, which overlaps it. Back to a whole user frame.
 */
static NORETURN void iret_fault(struct trap_frame *fault_frame, const struct fault_info *fault)
{
    struct trap_frame whole = *fault_frame;
    struct trap_frame *user =
        (struct trap_frame *)(cpu_self()->arch.stack_top - sizeof(struct trap_frame));

    whole.error = fault->syndrome;
    whole.rip = user->rip;
    whole.cs = USER_CS;
    whole.rflags = user->rflags;
    whole.rsp = user->rsp;
    whole.ss = USER_SS;
    *user = whole;
    trap_fault(user, fault);
    hal_enter_user(user);
}

/* Returns whether the faulting instruction has a fix-up; see FIXUP_INSN. */
static bool fix_up(struct trap_frame *frame)
{
    static struct hal_fpu initial;
    struct trap_frame *user;

    for (const struct fixup *fixup = fixup_table_start; fixup < fixup_table_end; fixup++) {
        if (frame->rip == fixup->insn) {
            printk("refused by the CPU: user state at %#lx\n", (unsigned long)frame->rip);
            user = (struct trap_frame *)(cpu_self()->arch.stack_top - sizeof(struct trap_frame));
            user->rip = NONCANONICAL;
            hal_fpu_init(&initial);
            hal_fpu_restore(&initial);
            frame->rip = fixup->landing;
            return true;
        }
    }
    return false;
}

/* The guard is the lower half of each stack's slot. */
static bool in_guard(vaddr_t va)
{
    return va >= STACK_VA_BASE && va < STACK_VA_END && va % STACK_SLOT < KERNEL_STACK_SIZE;
}

static void report_double_fault(const struct trap_frame *frame, vaddr_t addr)
{
    uint64_t boot_end = (uint64_t)boot_stack;
    bool boot_overflow = frame->rsp < boot_end && frame->rsp + PAGE_SIZE > boot_end;

    if (in_guard(addr) || in_guard(frame->rsp) || boot_overflow) {
        printk("kernel stack overflow: sp %#lx, address %#lx\n", (unsigned long)frame->rsp,
               (unsigned long)addr);
    } else {
        printk("double fault: address %#lx\n", (unsigned long)addr);
    }
}

/* Those with a stack of their own say nothing of the instruction that they interrupt. */
static void kernel_exception(struct trap_frame *frame, struct fault_info *fault, vaddr_t addr)
{
    switch (frame->vector) {
    case X86_DB:
        /* A trap that user mode left pending: nothing in the kernel asks for one. */
        frame->rflags &= ~(uint64_t)RFLAGS_TF;
        return;
    case X86_NMI:
    case X86_MC:
        break;
    case X86_DF:
        report_double_fault(frame, addr);
        break;
    default:
        if (frame->rip == (uint64_t)exit_iret) {
            iret_fault(frame, fault);
        }
        if (fix_up(frame)) {
            return;
        }
        break;
    }
    trap_fault(frame, fault);
}

static void exception(struct trap_frame *frame, vaddr_t addr)
{
    struct fault_info fault = {.trap_nr = (uint32_t)frame->vector};

    if (frame->vector == X86_PF) {
        page_fault(frame, &fault, addr);
    } else {
        signal_fault(frame, &fault);
    }
    if (!frame_is_user(frame)) {
        kernel_exception(frame, &fault, addr);
    } else if (frame->vector == X86_NMI || frame->vector == X86_MC) {
        panic("%s", frame->vector == X86_MC ? "machine check" : "non-maskable interrupt");
    } else {
        trap_fault(frame, &fault);
    }
}

void trap_dispatch(struct trap_frame *frame)
{
    vaddr_t addr = insn_read_cr2();

    if (frame->vector < X86_EXCEPTIONS) {
        exception(frame, addr);
    } else if (frame->vector == VECTOR_IPI) {
        apic_eoi();
        mmu_shot_answer();
        trap_ipi(frame);
    } else if (frame->vector >= VECTOR_IRQ && frame->vector <= VECTOR_TIMER) {
        cpu_self()->arch.irq_vector = (uint32_t)frame->vector;
        trap_irq(frame);
    }
    /* Any other vector is a spurious one: no end of interrupt. */
}
