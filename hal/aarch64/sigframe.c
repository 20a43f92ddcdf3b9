/*
 * Linux's rt_sigframe of arm64: siginfo and ucontext, whose reserved area holds a list of records.
 * We write FP state, the syndrome of a fault if there was one, and the end; of a frame that comes
 * back we take FP state only, and only from where those three can lie. Pop trusts nothing: see
 * check_pstate().
 */
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <hal/abi.h>

#include "kernel/errno.h"
#include "kernel/string.h"

#define SIGINFO_SIZE  128
#define SIGFRAME_SIZE (SIGINFO_SIZE + sizeof(struct ucontext))

#define PSTATE_BTYPE     (3ull << 10)
#define PSTATE_SS        (1ull << 21)
#define PSTATE_NZCV      (0xfull << 28)
#define PSTATE_TCO       (1ull << 25)
#define PSTATE_DIT       (1ull << 24)
#define PSTATE_SSBS      (1ull << 12)
#define PSTATE_USER_BITS (PSTATE_NZCV | PSTATE_TCO | PSTATE_DIT | PSTATE_SSBS | PSTATE_BTYPE)
#define PSTATE_AARCH32   (1ull << 4)

/* The part of the frame that is used; in user memory the reserved area goes on for 4096 bytes. */
struct sigframe {
    uint8_t info[SIGINFO_SIZE];
    uint64_t uc_flags;
    uint64_t uc_link;
    stack_t uc_stack;
    uint64_t uc_sigmask;
    uint8_t unused[120];
    uint64_t pad;
    uint64_t fault_address;
    uint64_t regs[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t pstate;
    uint64_t pad2;
    struct fpsimd_context fpsimd;
    struct esr_context esr;
    struct _aarch64_ctx end;
    uint64_t pad3;
};

#define UC(field) (SIGINFO_SIZE + offsetof(struct ucontext, field))
_Static_assert(offsetof(struct sigframe, uc_stack) == UC(uc_stack), "sigframe");
_Static_assert(offsetof(struct sigframe, uc_sigmask) == UC(uc_sigmask), "sigframe");
_Static_assert(offsetof(struct sigframe, fault_address) == UC(uc_mcontext), "sigframe");
_Static_assert(offsetof(struct sigframe, regs) == UC(uc_mcontext.regs), "sigframe");
_Static_assert(offsetof(struct sigframe, pstate) == UC(uc_mcontext.pstate), "sigframe");
_Static_assert(offsetof(struct sigframe, fpsimd) == UC(uc_mcontext.__reserved), "sigframe");
_Static_assert(SIGFRAME_SIZE == 4688, "sigframe");
_Static_assert(sizeof(((struct fpsimd_context *)0)->vregs) == sizeof(((struct hal_fpu *)0)->v),
               "sigframe");

static void fill_registers(struct sigframe *out, const struct trap_frame *frame)
{
    memcpy(out->regs, frame->x, sizeof(out->regs));
    out->sp = frame->sp;
    out->pc = frame->pc;
    out->pstate = frame->pstate;
}

static void fill_records(struct sigframe *out, const struct hal_fpu *fpu, uint64_t syndrome)
{
    out->fpsimd.head = (struct _aarch64_ctx){FPSIMD_MAGIC, sizeof(out->fpsimd)};
    out->fpsimd.fpsr = fpu->fpsr;
    out->fpsimd.fpcr = fpu->fpcr;
    memcpy(out->fpsimd.vregs, fpu->v, sizeof(fpu->v));
    if (syndrome != 0) {
        out->esr.head = (struct _aarch64_ctx){ESR_MAGIC, sizeof(out->esr)};
        out->esr.esr = syndrome;
    } else {
        out->esr = (struct esr_context){0}; /* ends the list here */
    }
    out->end = (struct _aarch64_ctx){0};
    out->pad3 = 0;
}

static void fill_ucontext(struct sigframe *out, const struct hal_signal *signal)
{
    memcpy(out->info, signal->siginfo, sizeof(out->info));
    out->uc_flags = 0;
    out->uc_link = 0;
    memset(&out->uc_stack, 0, sizeof(out->uc_stack));
    out->uc_stack.ss_sp = (void *)signal->altstack_sp;
    out->uc_stack.ss_flags = signal->altstack_flags;
    out->uc_stack.ss_size = signal->altstack_size;
    out->uc_sigmask = signal->old_mask;
    memset(out->unused, 0, sizeof(out->unused));
    out->pad = 0;
    out->fault_address = signal->fault_addr;
    out->pad2 = 0;
}

int hal_sigframe_push(struct trap_frame *frame, const struct hal_fpu *fpu,
                      const struct hal_signal *signal, const struct hal_user_io *io)
{
    uint64_t record[2] = {frame->x[29], frame->x[30]};
    vaddr_t record_sp, sp;
    struct sigframe image;
    int err;

    if (signal->stack_top < SIGFRAME_SIZE + 2 * sizeof(record)) {
        return -EFAULT;
    }
    record_sp = ALIGN_DOWN(signal->stack_top - sizeof(record), 16);
    sp = record_sp - SIGFRAME_SIZE;
    fill_ucontext(&image, signal);
    fill_registers(&image, frame);
    fill_records(&image, fpu, signal->syndrome);
    err = io->write(sp, &image, sizeof(image));
    if (err != 0) {
        return err;
    }
    err = io->write(record_sp, record, sizeof(record));
    if (err != 0) {
        return err;
    }

    frame->x[0] = (uint64_t)signal->signo;
    if ((signal->flags & SA_SIGINFO) != 0) {
        frame->x[1] = sp;
        frame->x[2] = sp + SIGINFO_SIZE;
    }
    frame->x[29] = record_sp;
    frame->x[30] = signal->restorer;
    frame->sp = sp;
    frame->pc = signal->handler;
    frame->pstate &= ~(PSTATE_BTYPE | PSTATE_SS | PSTATE_TCO);
    return 0;
}

/* As Linux: reserved bits are dropped, another mode or masked interrupts are an error. */
static int check_pstate(uint64_t pstate, uint64_t *out)
{
    if ((pstate & (PSTATE_MODE_MASK | PSTATE_DAIF | PSTATE_AARCH32)) != PSTATE_EL0T) {
        return -EFAULT;
    }
    *out = pstate & PSTATE_USER_BITS;
    return 0;
}

/* Returns the one FP record of the list, or NULL for a list that is not well-formed or has none. */
static const struct fpsimd_context *find_fpsimd(const struct sigframe *image)
{
    const uint8_t *records = (const uint8_t *)&image->fpsimd;
    size_t size = sizeof(*image) - offsetof(struct sigframe, fpsimd);
    const struct fpsimd_context *found = NULL;
    struct _aarch64_ctx head;

    for (size_t offset = 0; size - offset >= sizeof(head); offset += head.size) {
        memcpy(&head, records + offset, sizeof(head));
        if (head.magic == 0) {
            return head.size == 0 ? found : NULL;
        }
        if (head.size < sizeof(head) || head.size % 16 != 0 || head.size > size - offset) {
            return NULL;
        }
        if (head.magic == FPSIMD_MAGIC) {
            if (found != NULL || head.size != sizeof(*found)) {
                return NULL;
            }
            found = (const struct fpsimd_context *)(const void *)(records + offset);
        } else if (head.magic != ESR_MAGIC) {
            return NULL;
        }
    }
    return NULL;
}

int hal_sigframe_pop(struct trap_frame *frame, struct hal_fpu *fpu, const struct hal_user_io *io,
                     struct hal_sigreturn *out)
{
    const struct fpsimd_context *fpsimd;
    struct sigframe image;
    uint64_t pstate;

    if ((frame->sp & 15) != 0 || io->read(&image, frame->sp, sizeof(image)) != 0) {
        return -EFAULT;
    }
    fpsimd = find_fpsimd(&image);
    if (fpsimd == NULL || check_pstate(image.pstate, &pstate) != 0) {
        return -EFAULT;
    }

    memcpy(frame->x, image.regs, sizeof(frame->x));
    frame->sp = image.sp;
    frame->pc = image.pc;
    frame->pstate = pstate;
    memcpy(fpu->v, fpsimd->vregs, sizeof(fpu->v));
    fpu->fpsr = fpsimd->fpsr;
    fpu->fpcr = fpsimd->fpcr;
    out->mask = image.uc_sigmask;
    out->altstack_sp = (vaddr_t)image.uc_stack.ss_sp;
    out->altstack_size = image.uc_stack.ss_size;
    out->altstack_flags = image.uc_stack.ss_flags;
    return 0;
}
