/*
 * From exception syndrome to upcall (Arm ARM D17.2.37, ESR_EL1): decides what kind of fault it was
 * and which signal Linux's arm64 would send; what to do about it is shared code's business.
 */
#include <arch/cpu.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <hal/abi.h>
#include <hal/trap.h>

#include "hal/aarch64/trap.h"
#include "kernel/panic.h"
#include "kernel/printk.h"

enum esr_class {
    EC_UNKNOWN = 0x00,
    EC_FPAC = 0x1c,
    EC_INSN_ABORT_USER = 0x20,
    EC_INSN_ABORT_KERNEL = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DATA_ABORT_USER = 0x24,
    EC_DATA_ABORT_KERNEL = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_FP_EXCEPTION = 0x2c,
    EC_STEP_USER = 0x32,
    EC_WATCHPOINT_USER = 0x34,
    EC_BREAKPOINT_USER = 0x30,
    EC_BRK = 0x3c,
};

#define ESR_EC(esr)  ((esr) >> 26 & 0x3f)
#define ESR_FSC(esr) ((esr)&0x3f)
#define ESR_WNR      (1u << 6)
#define ESR_CM       (1u << 8)
#define ESR_IL       (1u << 25)
#define ESR_EC_MASK  (0x3fu << 26)

#define FSC_LEVEL_MASK  0x3u
#define FSC_TRANSLATION 0x04u
#define FSC_ACCESS_FLAG 0x08u
#define FSC_PERMISSION  0x0cu
#define FSC_EXTERNAL    0x10u
#define FSC_TAG_CHECK   0x11u
#define FSC_ALIGNMENT   0x21u
#define FSC_EXCLUSIVE   0x35u

static void set_signal(struct fault_info *fault, int signo, int code, vaddr_t addr)
{
    fault->kind = FAULT_SIGNAL;
    fault->signo = signo;
    fault->code = code;
    fault->addr = addr;
}

/* User pointers carry a free top byte (TCR.TBI0); bit 55 says which half was meant. */
static vaddr_t untag(vaddr_t far)
{
    return (far & (1ull << 55)) == 0 ? far & ~(0xffull << 56) : far;
}

/* User mode learns nothing about kernel addresses: all look unmapped at level 0, as on Linux. */
static uint64_t visible_syndrome(uint64_t esr, vaddr_t far)
{
    uint64_t ec = ESR_EC(esr);

    if ((far & (1ull << 55)) != 0 && ec == EC_DATA_ABORT_USER) {
        return (esr & (ESR_EC_MASK | ESR_IL | ESR_CM | ESR_WNR)) | FSC_TRANSLATION;
    }
    if ((far & (1ull << 55)) != 0 && ec == EC_INSN_ABORT_USER) {
        return (esr & (ESR_EC_MASK | ESR_IL)) | FSC_TRANSLATION;
    }
    return esr;
}

static void decode_abort(struct fault_info *fault, uint64_t esr, vaddr_t far, uint32_t access)
{
    uint32_t fsc = ESR_FSC(esr);

    fault->syndrome = visible_syndrome(esr, far);
    switch (fsc & ~FSC_LEVEL_MASK) {
    case FSC_TRANSLATION:
    case FSC_ACCESS_FLAG:
    case FSC_PERMISSION:
        fault->kind = FAULT_PAGE;
        fault->addr = untag(far);
        fault->access = access;
        return;
    default:
        break;
    }
    if (fsc == FSC_ALIGNMENT) {
        set_signal(fault, SIGBUS, BUS_ADRALN, untag(far));
    } else if (fsc == FSC_EXTERNAL || fsc == FSC_EXCLUSIVE) {
        set_signal(fault, SIGBUS, BUS_OBJERR, untag(far));
    } else if (fsc == FSC_TAG_CHECK) {
        set_signal(fault, SIGSEGV, SEGV_MTESERR, far);
    } else {
        set_signal(fault, SIGKILL, SI_KERNEL, untag(far));
    }
}

/* The lowest exception flag that is set decides (Arm ARM, ISS of a trapped FP exception). */
static int fp_code(uint64_t esr)
{
    static const int codes[] = {FPE_FLTINV, FPE_FLTDIV, FPE_FLTOVF, FPE_FLTUND, FPE_FLTRES};

    for (unsigned bit = 0; (esr & (1u << 23)) != 0 && bit < ARRAY_SIZE(codes); bit++) {
        if ((esr & (1u << bit)) != 0) {
            return codes[bit];
        }
    }
    return FPE_FLTUNK;
}

static void decode_data_abort(struct fault_info *fault, uint64_t esr, vaddr_t far)
{
    bool write = (esr & ESR_WNR) != 0 && (esr & ESR_CM) == 0;

    decode_abort(fault, esr, far, write ? PTE_WRITE : PTE_READ);
}

void trap_sync(struct trap_frame *frame, vaddr_t far)
{
    uint64_t esr = frame->esr;
    struct fault_info fault = {.syndrome = esr};

    switch (ESR_EC(esr)) {
    case EC_DATA_ABORT_USER:
    case EC_DATA_ABORT_KERNEL:
        decode_data_abort(&fault, esr, far);
        break;
    case EC_INSN_ABORT_USER:
    case EC_INSN_ABORT_KERNEL:
        decode_abort(&fault, esr, far, PTE_EXEC);
        break;
    case EC_PC_ALIGN:
        set_signal(&fault, SIGBUS, BUS_ADRALN, far);
        break;
    case EC_SP_ALIGN:
        set_signal(&fault, SIGBUS, BUS_ADRALN, frame->sp);
        break;
    case EC_FP_EXCEPTION:
        set_signal(&fault, SIGFPE, fp_code(esr), frame->pc);
        break;
    case EC_BRK:
        set_signal(&fault, SIGTRAP, TRAP_BRKPT, frame->pc);
        break;
    case EC_STEP_USER:
        set_signal(&fault, SIGTRAP, TRAP_TRACE, frame->pc);
        break;
    case EC_BREAKPOINT_USER:
    case EC_WATCHPOINT_USER:
        set_signal(&fault, SIGTRAP, TRAP_HWBKPT, frame->pc);
        break;
    case EC_FPAC:
        set_signal(&fault, SIGILL, ILL_ILLOPN, frame->pc);
        break;
    case EC_UNKNOWN: /* and every instruction that is trapped because it is not offered */
    default:
        set_signal(&fault, SIGILL, ILL_ILLOPC, frame->pc);
        break;
    }
    trap_fault(frame, &fault);
}

void trap_serror(struct trap_frame *frame)
{
    panic_frame(frame, "SError, syndrome %#llx", (unsigned long long)frame->esr);
}

void trap_bad_vector(struct trap_frame *frame)
{
    panic_frame(frame, "exception through a vector that is not in use, syndrome %#llx",
                (unsigned long long)frame->esr);
}

void trap_stack_overflow(struct trap_frame *frame, vaddr_t far)
{
    panic_frame(frame, "kernel stack overflow: sp %#llx, fault address %#llx, syndrome %#llx",
                (unsigned long long)frame->sp, (unsigned long long)far,
                (unsigned long long)frame->esr);
}

void hal_frame_print(const struct trap_frame *frame)
{
    for (unsigned i = 0; i < 30; i += 2) {
        printk("x%-2u %016llx  x%-2u %016llx\n", i, (unsigned long long)frame->x[i], i + 1,
               (unsigned long long)frame->x[i + 1]);
    }
    printk("lr  %016llx  sp  %016llx\n", (unsigned long long)frame->x[30],
           (unsigned long long)frame->sp);
    printk("pc  %016llx  pstate %08llx  esr %08llx\n", (unsigned long long)frame->pc,
           (unsigned long long)frame->pstate, (unsigned long long)frame->esr);
}
