/*
 * Kernel contexts and what moves with them: the stack for traps, FS and GS base, data selectors.
 * FP state moves through its own two calls.
 */
#include <hal/context.h>

#include <arch/cpu.h>

#include "hal/x86_64/internal.h"
#include <arch/insn.h>

#include "kernel/assert.h"
#include "kernel/string.h"

#define MSR_FS_BASE        0xc0000100
#define MSR_KERNEL_GS_BASE 0xc0000102
#define FPU_CONTROL_INIT   0x037f
#define MXCSR_INIT         0x1f80
#define MXCSR_OFFSET       24
#define XSAVE_HEADER_SIZE  64

struct first_stack { /* as context_swap() pops it */
    uint64_t r15, r14, r13, r12, rbx, rbp, ret;
};

static void write_msr_checked(uint32_t msr, uint64_t value)
{
    __asm__ volatile(FIXUP_INSN("wrmsr")
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}

uint64_t hal_tls_get(void)
{
    uint64_t base;

    if (!x86_features.fsgsbase) {
        return insn_rdmsr(MSR_FS_BASE);
    }
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

void hal_tls_set(uint64_t base)
{
    if (!x86_features.fsgsbase) {
        write_msr_checked(MSR_FS_BASE, base);
        return;
    }
    __asm__ volatile(FIXUP_INSN("wrfsbase %0") : : "r"(base) : "memory");
}

/* While the kernel runs, SWAPGS keeps the user's there. */
uint64_t hal_gs_get(void)
{
    return insn_rdmsr(MSR_KERNEL_GS_BASE);
}

void hal_gs_set(uint64_t base)
{
    write_msr_checked(MSR_KERNEL_GS_BASE, base);
}

static void save_selectors(struct hal_context *ctx)
{
    __asm__ volatile("movw %%ds, %0\n movw %%es, %1\n movw %%fs, %2\n movw %%gs, %3"
                     : "=m"(ctx->ds), "=m"(ctx->es), "=m"(ctx->fs), "=m"(ctx->gs));
}

/* IRQs off. A selector load also loads the base, so bases come after; GS's own goes to the user's
 * side. */
static void load_selectors(const struct hal_context *ctx)
{
    __asm__ volatile("movw %0, %%ds\n movw %1, %%es\n movw %2, %%fs\n"
                     "swapgs\n movw %3, %%gs\n swapgs"
                     :
                     : "m"(ctx->ds), "m"(ctx->es), "m"(ctx->fs), "m"(ctx->gs)
                     : "memory");
}

static bool has_selectors(const struct hal_context *ctx)
{
    return (ctx->ds | ctx->es | ctx->fs | ctx->gs) != 0;
}

void hal_user_state_reset(void)
{
    irqflags_t flags = cpu_irq_save();
    struct hal_context ctx;

    save_selectors(&ctx);
    if (has_selectors(&ctx)) {
        load_selectors(&(struct hal_context){0});
    }
    hal_tls_set(0);
    hal_gs_set(0);
    cpu_irq_restore(flags);
}

void hal_context_switch(struct hal_context *from, struct hal_context *to)
{
    bool reload;

    from->fs_base = hal_tls_get();
    from->gs_base = hal_gs_get();
    save_selectors(from);
    /* First the stack: the fix-ups below name the task by it. */
    cpu_set_stack(to->stack_top);
    reload = has_selectors(from) || has_selectors(to);
    if (reload) {
        load_selectors(to);
    }
    hal_tls_set(to->fs_base);
    if (reload || from->gs_base != to->gs_base) {
        hal_gs_set(to->gs_base);
    }
    context_swap(&from->sp, to->sp);
}

/* Stacks are aligned to their size, so the top follows from any address in one. */
void hal_context_init(struct hal_context *ctx, void *stack_top, void (*entry)(void *arg), void *arg)
{
    uint64_t top = ALIGN_UP((uint64_t)stack_top, (uint64_t)KERNEL_STACK_SIZE);
    /* Below the user's frame; one word more, so that the stack is aligned at the call of entry. */
    uint64_t start = MIN((uint64_t)stack_top, top - sizeof(struct trap_frame)) - 8;
    struct first_stack *first = (struct first_stack *)start - 1;

    _Static_assert((8 + sizeof(*first)) % 16 == 0, "stack alignment");
    *ctx = (struct hal_context){.sp = (uint64_t)first, .stack_top = top, .gs_base = hal_gs_get()};
    save_selectors(ctx);
    *first = (struct first_stack){
        .r12 = (uint64_t)arg, .rbx = (uint64_t)entry, .ret = (uint64_t)context_first};
}

void hal_fpu_init(struct hal_fpu *fpu)
{
    const uint16_t control = FPU_CONTROL_INIT;
    const uint32_t mxcsr = MXCSR_INIT;

    memset(fpu, 0, sizeof(*fpu));
    memcpy(fpu->area, &control, sizeof(control));
    memcpy(fpu->area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

/* XSAVE writes only the bits that it covers; XRSTOR wants the others zero (SDM 1 13.7, 13.8). */
static void clear_header(struct hal_fpu *fpu)
{
    uint64_t *header = (uint64_t *)(void *)(fpu->area + HAL_FPU_LEGACY_SIZE);

    for (unsigned i = 0; i < XSAVE_HEADER_SIZE / 8; i++) {
        header[i] = 0;
    }
}

void hal_fpu_save(struct hal_fpu *fpu)
{
    kassert(IS_ALIGNED((uintptr_t)fpu, 64));
    if (x86_features.xsave) {
        clear_header(fpu);
        __asm__ volatile("xsave64 %0"
                         : "+m"(*fpu)
                         : "a"((uint32_t)x86_features.xcr0), "d"(0)
                         : "memory");
    } else {
        __asm__ volatile("fxsave64 %0" : "+m"(*fpu) : : "memory");
    }
}

void hal_fpu_restore(const struct hal_fpu *fpu)
{
    if (x86_features.xsave) {
        __asm__ volatile(FIXUP_INSN("xrstor64 %0")
                         :
                         : "m"(*fpu), "a"((uint32_t)x86_features.xcr0), "d"(0)
                         : "memory");
    } else {
        __asm__ volatile(FIXUP_INSN("fxrstor64 %0") : : "m"(*fpu) : "memory");
    }
}
