/*
 * Linux's rt_sigframe of x86_64 (UAPI asm/ucontext.h, asm/sigcontext.h): return address, ucontext,
 * siginfo, and above them the FP area in XSAVE's form with the two magic words around it.
 * Popping takes nothing from the frame that user mode could not set by itself.
 * Small copies are spelt as builtins, which the compiler may open-code in a freestanding build.
 */
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>

#include <arch/consts.h>
#include <arch/insn.h>
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

/* The whole frame as it lies in user memory, so that it moves in one piece. */
struct signal_image {
    struct rt_sigframe frame;
    uint64_t gap[2]; /* between 16 n + 8 and 64 m */
    uint8_t fpu[HAL_FPU_SIZE + FP_XSTATE_MAGIC2_SIZE];
};

#define IMAGE_FPU offsetof(struct signal_image, fpu)
_Static_assert(IMAGE_FPU % 64 == 8, "the frame starts at 16 n + 8, its FP area at 64 m");

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
    return (struct _fpx_sw_bytes *)(void *)(area + offsetof(struct _fpstate_64, sw_reserved));
}

/* Returns the size of what it filled. */
static size_t fill_fpu(uint8_t *area, const struct hal_fpu *fpu)
{
    const uint32_t magic2 = FP_XSTATE_MAGIC2;
    size_t size = user_fpu_size();

    insn_copy_words(area, fpu->area, size);
    __builtin_memset(fpu_sw_bytes(area), 0, sizeof(struct _fpx_sw_bytes));
    if (!x86_features.xsave) {
        return size;
    }
    fpu_sw_bytes(area)->magic1 = FP_XSTATE_MAGIC1;
    fpu_sw_bytes(area)->extended_size = (uint32_t)size + FP_XSTATE_MAGIC2_SIZE;
    fpu_sw_bytes(area)->xfeatures = x86_features.xcr0;
    fpu_sw_bytes(area)->xstate_size = (uint32_t)size;
    /* As Linux: a handler that edits the legacy part finds it taken on return. */
    area[XSAVE_HEADER] |= X87_SSE;
    __builtin_memcpy(area + size, &magic2, sizeof(magic2));
    return size + sizeof(magic2);
}

/* Field by field: a compound literal would be built aside and copied. */
static void fill_context(struct sigcontext *sc, const struct trap_frame *frame,
                         const struct hal_signal *signal, vaddr_t fpstate)
{
    sc->r8 = frame->r8;
    sc->r9 = frame->r9;
    sc->r10 = frame->r10;
    sc->r11 = frame->r11;
    sc->r12 = frame->r12;
    sc->r13 = frame->r13;
    sc->r14 = frame->r14;
    sc->r15 = frame->r15;
    sc->rdi = frame->rdi;
    sc->rsi = frame->rsi;
    sc->rbp = frame->rbp;
    sc->rbx = frame->rbx;
    sc->rdx = frame->rdx;
    sc->rax = frame->rax;
    sc->rcx = frame->rcx;
    sc->rsp = frame->rsp;
    sc->rip = frame->rip;
    sc->eflags = frame->rflags;
    sc->cs = USER_CS;
    sc->gs = 0;
    sc->fs = 0;
    sc->ss = USER_SS;
    sc->err = signal->syndrome;
    sc->trapno = signal->trap_nr;
    sc->oldmask = signal->old_mask;
    sc->cr2 = signal->fault_addr;
    sc->fpstate = (struct _fpstate *)fpstate;
    __builtin_memset(sc->reserved1, 0, sizeof(sc->reserved1));
}

/* Every byte of it: it lay on the kernel's stack. */
static void fill_frame(struct rt_sigframe *user, const struct trap_frame *frame,
                       const struct hal_signal *signal, vaddr_t fpstate)
{
    user->restorer = signal->restorer;
    user->uc.uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    user->uc.uc_flags |= x86_features.xsave ? UC_FP_XSTATE : 0;
    user->uc.uc_link = NULL;
    __builtin_memset(&user->uc.uc_stack, 0, sizeof(user->uc.uc_stack));
    user->uc.uc_stack.ss_sp = (void *)signal->altstack_sp;
    user->uc.uc_stack.ss_flags = signal->altstack_flags;
    user->uc.uc_stack.ss_size = signal->altstack_size;
    fill_context(&user->uc.uc_mcontext, frame, signal, fpstate);
    __builtin_memcpy(&user->uc.uc_sigmask, &signal->old_mask, sizeof(signal->old_mask));
    insn_copy_words(user->info, signal->siginfo, sizeof(user->info));
}

int hal_sigframe_push(struct trap_frame *frame, const struct hal_fpu *fpu,
                      const struct hal_signal *signal, const struct hal_user_io *io)
{
    struct signal_image image;
    vaddr_t top = signal->stack_top;
    vaddr_t fpstate, sp;
    size_t size;

    if (top == frame->rsp) {
        top -= RED_ZONE;
    }
    fpstate = ALIGN_DOWN(top - user_fpu_size() - FP_XSTATE_MAGIC2_SIZE, (vaddr_t)64);
    sp = fpstate - IMAGE_FPU;
    if (sp >= USER_VA_END || signal->stack_top > USER_VA_END) {
        return -EFAULT;
    }
    fill_frame(&image.frame, frame, signal, fpstate);
    image.gap[0] = 0;
    image.gap[1] = 0;
    size = IMAGE_FPU + fill_fpu(image.fpu, fpu);
    if (io->write(sp, &image, size) != 0) {
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

/* Whether the extended part is said to be there; else only the legacy part counts, as on Linux. */
static bool claims_extended(const struct _fpx_sw_bytes *sw)
{
    size_t size = user_fpu_size();

    return x86_features.xsave && sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == size &&
           sw->extended_size == size + FP_XSTATE_MAGIC2_SIZE;
}

static bool has_magic2(const uint8_t *area)
{
    uint32_t magic2;

    __builtin_memcpy(&magic2, area + user_fpu_size(), sizeof(magic2));
    return magic2 == FP_XSTATE_MAGIC2;
}

/*
 * Reads the frame at sp. A frame of our own making comes in one piece; of any other, which may end
 * at the end of a mapping or have its FP area elsewhere, the parts that it has.
 */
static int read_image(struct signal_image *image, vaddr_t sp, const struct hal_user_io *io)
{
    size_t size = user_fpu_size();
    const struct _fpstate *there = (const struct _fpstate *)(sp + IMAGE_FPU);
    vaddr_t from;

    if (io->read(image, sp, IMAGE_FPU + size + FP_XSTATE_MAGIC2_SIZE) == 0 &&
        image->frame.uc.uc_mcontext.fpstate == there) {
        return 0;
    }
    if (io->read(&image->frame, sp, offsetof(struct rt_sigframe, info)) != 0) {
        return -EFAULT;
    }
    from = (vaddr_t)image->frame.uc.uc_mcontext.fpstate;
    if (from != 0 && io->read(image->fpu, from, HAL_FPU_LEGACY_SIZE) != 0) {
        return -EFAULT;
    }
    if (from != 0 && claims_extended(fpu_sw_bytes(image->fpu)) &&
        io->read(image->fpu + XSAVE_HEADER, from + XSAVE_HEADER,
                 size + FP_XSTATE_MAGIC2_SIZE - XSAVE_HEADER) != 0) {
        fpu_sw_bytes(image->fpu)->magic1 = 0;
    }
    return 0;
}

/* XSAVE header (SDM 1 13.4.2): known components only, standard form, the rest zero. */
static int check_header(struct hal_fpu *fpu, uint64_t wanted)
{
    uint64_t *header = (uint64_t *)(void *)(fpu->area + XSAVE_HEADER);

    if ((header[0] & ~x86_features.xcr0) != 0) {
        return -EFAULT;
    }
    for (unsigned i = 1; i < XSAVE_HEADER_SIZE / 8; i++) {
        if (header[i] != 0) {
            return -EFAULT;
        }
    }
    header[0] &= wanted;
    return 0;
}

/* from: where the area lies in user memory. */
static int take_fpu(struct hal_fpu *out, uint8_t *area, vaddr_t from)
{
    struct _fpx_sw_bytes sw;
    uint32_t mxcsr;

    if (from == 0) {
        hal_fpu_init(out);
        return 0;
    }
    __builtin_memcpy(&mxcsr, area + MXCSR_OFFSET, sizeof(mxcsr));
    if (from % FXRSTOR_ALIGNMENT != 0 || (mxcsr & ~x86_features.mxcsr_mask) != 0) {
        return -EFAULT;
    }
    sw = *fpu_sw_bytes(area);
    if (claims_extended(&sw) && has_magic2(area)) {
        insn_copy_words(out->area, area, user_fpu_size());
        return from % XRSTOR_ALIGNMENT == 0 ? check_header(out, sw.xfeatures) : -EFAULT;
    }
    hal_fpu_init(out);
    memcpy(out->area, area, HAL_FPU_LEGACY_SIZE);
    out->area[XSAVE_HEADER] = X87_SSE;
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

static void take_context(struct trap_frame *frame, const struct sigcontext *sc)
{
    frame->r8 = sc->r8;
    frame->r9 = sc->r9;
    frame->r10 = sc->r10;
    frame->r11 = sc->r11;
    frame->r12 = sc->r12;
    frame->r13 = sc->r13;
    frame->r14 = sc->r14;
    frame->r15 = sc->r15;
    frame->rdi = sc->rdi;
    frame->rsi = sc->rsi;
    frame->rbp = sc->rbp;
    frame->rbx = sc->rbx;
    frame->rdx = sc->rdx;
    frame->rax = sc->rax;
    frame->rcx = sc->rcx;
    frame->rsp = sc->rsp;
    frame->rip = sc->rip;
    frame->rflags = (frame->rflags & ~FLAGS_USER) | (sc->eflags & FLAGS_USER) | RFLAGS_IF;
    frame->cs = USER_CS;
    frame->ss = USER_SS;
    frame->vector = VECTOR_SYSCALL;
    frame->error = (uint64_t)-1; /* no system call to restart */
}

int hal_sigframe_pop(struct trap_frame *frame, struct hal_fpu *fpu, const struct hal_user_io *io,
                     struct hal_sigreturn *out)
{
    struct signal_image image;
    const struct ucontext *uc = &image.frame.uc;

    /* The handler's RET has taken the return address. */
    if (read_image(&image, frame->rsp - 8, io) != 0 || !can_return_to(uc) ||
        take_fpu(fpu, image.fpu, (vaddr_t)uc->uc_mcontext.fpstate) != 0) {
        return -EFAULT;
    }
    take_context(frame, &uc->uc_mcontext);
    __builtin_memcpy(&out->mask, &uc->uc_sigmask, sizeof(out->mask));
    out->altstack_sp = (vaddr_t)uc->uc_stack.ss_sp;
    out->altstack_size = uc->uc_stack.ss_size;
    out->altstack_flags = uc->uc_stack.ss_flags;
    return 0;
}
