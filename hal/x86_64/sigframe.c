/*
 * Linux's rt_sigframe of x86_64 (UAPI asm/ucontext.h, asm/sigcontext.h): return address, ucontext,
 * siginfo, and above them the FP area in XSAVE's form with the two magic words around it.
 * Popping takes nothing from the frame that user mode could not set by itself.
 */
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

#include <arch/consts.h>
#include <hal/abi.h>
#include <hal/context.h>

#include "hal/x86_64/internal.h"
#include "kernel/errno.h"
#include "kernel/string.h"

#define RED_ZONE          128
#define SIGINFO_SIZE      128
#define MXCSR_OFFSET      24
#define XSAVE_HEADER      512
#define XSAVE_HEADER_SIZE 64
#define FXRSTOR_ALIGNMENT 16 /* what the instructions would want of the user's area */
#define XRSTOR_ALIGNMENT  64
#define X87_SSE           3ull
/* CF PF AF ZF SF TF DF OF RF AC: what Linux takes from a frame. */
#define FLAGS_USER 0x50dd5ull

struct rt_sigframe {
    uint64_t restorer;
    struct ucontext uc;
    uint8_t info[SIGINFO_SIZE];
};

/* As user mode sees it, without the magic word behind it. */
static size_t user_fpu_size(void)
{
    if (!x86_features.xsave) {
        return HAL_FPU_LEGACY_SIZE;
    }
    return (x86_features.xcr0 == X87_SSE) ? XSAVE_HEADER + XSAVE_HEADER_SIZE : HAL_FPU_SIZE;
}

static struct _fpx_sw_bytes *fpu_sw_bytes(uint8_t *area)
{
    return (struct _fpx_sw_bytes *)(area + offsetof(struct _fpstate_64, sw_reserved));
}

static int write_fpu(vaddr_t to, const struct hal_fpu *fpu, const struct hal_user_io *io)
{
    const uint32_t magic2 = FP_XSTATE_MAGIC2;
    struct hal_fpu copy = *fpu;
    size_t size = user_fpu_size();

    memset(fpu_sw_bytes(copy.area), 0, sizeof(struct _fpx_sw_bytes));
    if (x86_features.xsave) {
        *fpu_sw_bytes(copy.area) =
            (struct _fpx_sw_bytes){.magic1 = FP_XSTATE_MAGIC1,
                                   .extended_size = (uint32_t)size + FP_XSTATE_MAGIC2_SIZE,
                                   .xfeatures = x86_features.xcr0,
                                   .xstate_size = (uint32_t)size};
        /* As Linux: a handler that edits the legacy part finds it taken on return. */
        copy.area[XSAVE_HEADER] |= X87_SSE;
        if (io->write(to + size, &magic2, sizeof(magic2)) != 0) {
            return -EFAULT;
        }
    }
    return io->write(to, copy.area, size);
}

static void fill_context(struct sigcontext *sc, const struct trap_frame *frame,
                         const struct hal_signal *signal, vaddr_t fpstate)
{
    *sc = (struct sigcontext){.r8 = frame->r8,
                              .r9 = frame->r9,
                              .r10 = frame->r10,
                              .r11 = frame->r11,
                              .r12 = frame->r12,
                              .r13 = frame->r13,
                              .r14 = frame->r14,
                              .r15 = frame->r15,
                              .rdi = frame->rdi,
                              .rsi = frame->rsi,
                              .rbp = frame->rbp,
                              .rbx = frame->rbx,
                              .rdx = frame->rdx,
                              .rax = frame->rax,
                              .rcx = frame->rcx,
                              .rsp = frame->rsp,
                              .rip = frame->rip,
                              .eflags = frame->rflags,
                              .cs = USER_CS,
                              .ss = USER_SS,
                              .err = signal->syndrome,
                              .trapno = signal->trap_nr,
                              .oldmask = signal->old_mask,
                              .cr2 = signal->fault_addr,
                              .fpstate = (struct _fpstate *)fpstate};
}

int hal_sigframe_push(struct trap_frame *frame, const struct hal_fpu *fpu,
                      const struct hal_signal *signal, const struct hal_user_io *io)
{
    struct rt_sigframe user = {.restorer = signal->restorer};
    vaddr_t fpstate = signal->stack_top;
    vaddr_t sp;

    if (signal->stack_top == frame->rsp) {
        fpstate -= RED_ZONE;
    }
    fpstate = ALIGN_DOWN(fpstate - user_fpu_size() - FP_XSTATE_MAGIC2_SIZE, (vaddr_t)64);
    /* At a function's entry the return address lies on top: 16 n + 8. */
    sp = ALIGN_DOWN(fpstate - sizeof(user), (vaddr_t)16) - 8;
    if (sp >= USER_VA_END || signal->stack_top > USER_VA_END) {
        return -EFAULT;
    }
    user.uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    user.uc.uc_flags |= x86_features.xsave ? UC_FP_XSTATE : 0;
    user.uc.uc_stack.ss_sp = (void *)signal->altstack_sp;
    user.uc.uc_stack.ss_flags = signal->altstack_flags;
    user.uc.uc_stack.ss_size = signal->altstack_size;
    memcpy(&user.uc.uc_sigmask, &signal->old_mask, sizeof(signal->old_mask));
    memcpy(user.info, signal->siginfo, sizeof(user.info));
    fill_context(&user.uc.uc_mcontext, frame, signal, fpstate);
    if (write_fpu(fpstate, fpu, io) != 0 || io->write(sp, &user, sizeof(user)) != 0) {
        return -EFAULT;
    }

    frame->rdi = (uint64_t)signal->signo;
    frame->rsi = sp + offsetof(struct rt_sigframe, info);
    frame->rdx = sp + offsetof(struct rt_sigframe, uc);
    frame->rax = 0;
    frame->rip = signal->handler;
    frame->rsp = sp;
    frame->cs = USER_CS;
    frame->ss = USER_SS;
    frame->rflags &= ~(uint64_t)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
    return 0;
}

/* Whether the extended part is there and whole; else only the legacy part counts, as on Linux. */
static bool has_extended(const struct _fpx_sw_bytes *sw, vaddr_t from, const struct hal_user_io *io)
{
    size_t size = user_fpu_size();
    uint32_t magic2;

    return x86_features.xsave && sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == size &&
           sw->extended_size == size + FP_XSTATE_MAGIC2_SIZE &&
           io->read(&magic2, from + size, sizeof(magic2)) == 0 && magic2 == FP_XSTATE_MAGIC2;
}

/* XSAVE header (SDM 1 13.4.2): known components only, standard form, the rest zero. */
static int check_header(struct hal_fpu *fpu, uint64_t wanted)
{
    uint64_t header[XSAVE_HEADER_SIZE / 8];

    memcpy(header, fpu->area + XSAVE_HEADER, sizeof(header));
    if ((header[0] & ~x86_features.xcr0) != 0) {
        return -EFAULT;
    }
    for (unsigned i = 1; i < ARRAY_SIZE(header); i++) {
        if (header[i] != 0) {
            return -EFAULT;
        }
    }
    header[0] &= wanted;
    memcpy(fpu->area + XSAVE_HEADER, header, sizeof(header));
    return 0;
}

static int read_fpu(struct hal_fpu *out, vaddr_t from, const struct hal_user_io *io)
{
    const uint64_t legacy = X87_SSE;
    struct _fpx_sw_bytes sw;
    uint32_t mxcsr;

    hal_fpu_init(out);
    if (from == 0) {
        return 0;
    }
    if (from % FXRSTOR_ALIGNMENT != 0 || io->read(out->area, from, HAL_FPU_LEGACY_SIZE) != 0) {
        return -EFAULT;
    }
    memcpy(&mxcsr, out->area + MXCSR_OFFSET, sizeof(mxcsr));
    if ((mxcsr & ~x86_features.mxcsr_mask) != 0) {
        return -EFAULT;
    }
    sw = *fpu_sw_bytes(out->area);
    memset(fpu_sw_bytes(out->area), 0, sizeof(sw));
    if (has_extended(&sw, from, io)) {
        if (from % XRSTOR_ALIGNMENT != 0 || io->read(out->area + XSAVE_HEADER, from + XSAVE_HEADER,
                                                     user_fpu_size() - XSAVE_HEADER) != 0) {
            return -EFAULT;
        }
        return check_header(out, sw.xfeatures);
    }
    memcpy(out->area + XSAVE_HEADER, &legacy, sizeof(legacy));
    return 0;
}

/* What IRET would refuse, or would take to 32-bit code: Linux sets RPL 3 in both first. */
static bool can_return_to(const struct ucontext *uc)
{
    const struct sigcontext *sc = &uc->uc_mcontext;
    bool canonical = sc->rip >> 47 == 0 || sc->rip >> 47 == 0x1ffff;
    bool strict = (uc->uc_flags & UC_STRICT_RESTORE_SS) != 0;

    return canonical && (sc->cs | 3) == USER_CS && (!strict || (sc->ss | 3) == USER_SS);
}

int hal_sigframe_pop(struct trap_frame *frame, struct hal_fpu *fpu, const struct hal_user_io *io,
                     struct hal_sigreturn *out)
{
    const struct sigcontext *sc;
    struct rt_sigframe user;
    struct hal_fpu new_fpu;

    /* The handler's RET has taken the return address. */
    if (io->read(&user, frame->rsp - 8, offsetof(struct rt_sigframe, info)) != 0) {
        return -EFAULT;
    }
    sc = &user.uc.uc_mcontext;
    if (!can_return_to(&user.uc) || read_fpu(&new_fpu, (vaddr_t)sc->fpstate, io) != 0) {
        return -EFAULT;
    }

    *frame = (struct trap_frame){.r15 = sc->r15,
                                 .r14 = sc->r14,
                                 .r13 = sc->r13,
                                 .r12 = sc->r12,
                                 .rbp = sc->rbp,
                                 .rbx = sc->rbx,
                                 .r11 = sc->r11,
                                 .r10 = sc->r10,
                                 .r9 = sc->r9,
                                 .r8 = sc->r8,
                                 .rax = sc->rax,
                                 .rcx = sc->rcx,
                                 .rdx = sc->rdx,
                                 .rsi = sc->rsi,
                                 .rdi = sc->rdi,
                                 .vector = VECTOR_SYSCALL,
                                 .error = (uint64_t)-1, /* no system call to restart */
                                 .rip = sc->rip,
                                 .cs = USER_CS,
                                 .rflags = (frame->rflags & ~FLAGS_USER) |
                                           (sc->eflags & FLAGS_USER) | RFLAGS_IF,
                                 .rsp = sc->rsp,
                                 .ss = USER_SS};
    *fpu = new_fpu;
    memcpy(&out->mask, &user.uc.uc_sigmask, sizeof(out->mask));
    out->altstack_sp = (vaddr_t)user.uc.uc_stack.ss_sp;
    out->altstack_size = user.uc.uc_stack.ss_size;
    out->altstack_flags = user.uc.uc_stack.ss_flags;
    return 0;
}
