/*
 * Per-CPU tables (GDT, TSS, IDT) and the registers that are not the MMU's: XCR0, SYSCALL's, the
 * SYSENTER ones that turn it off, debug registers. Each is written whole.
 */
#include <arch/asm.h>
#include <arch/cpu.h>

#include "hal/x86_64/internal.h"
#include <arch/insn.h>
#include <hal/context.h>

#include "kernel/cpu.h"
#include "kernel/string.h"
#include "mm/kernel_map.h"

#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_KERNEL_GS_BASE 0xc0000102

#define CPUID_1_ECX_XSAVE    (1u << 26)
#define CPUID_1_ECX_RDRAND   (1u << 30)
#define CPUID_7_EBX_FSGSBASE (1u << 0)
#define XCR0_X87_SSE         3ull
#define XCR0_AVX             4ull
#define AVX_OFFSET           576
#define MXCSR_MASK_OFFSET    28
#define MXCSR_MASK_DEFAULT   0xffbfu

#define GATE_INTERRUPT 0x8e
#define GATE_USER      0xee
#define NR_VECTORS     256
#define STUB_SIZE      16

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} PACKED;

struct x86_features x86_features;
static struct gate idt[NR_VECTORS] ALIGNED(16);

/* The top of each interrupt stack holds the CPU pointer: vectors.S finds it there. */
struct ist_stack {
    uint8_t space[IST_STACK_SIZE - 16];
    struct cpu *cpu;
    uint64_t reserved;
} ALIGNED(IST_STACK_SIZE);
static struct ist_stack boot_ist[IST_COUNT];
static struct ist_stack *cpu_ist[CPU_MAX][IST_COUNT];

static void idt_set(unsigned vector, uint8_t ist, uint8_t type)
{
    uint64_t offset = (uint64_t)vector_stubs + vector * STUB_SIZE;

    idt[vector] = (struct gate){.offset_low = (uint16_t)offset,
                                .selector = KERNEL_CS,
                                .ist = ist,
                                .type = type,
                                .offset_middle = (uint16_t)(offset >> 16),
                                .offset_high = (uint32_t)(offset >> 32)};
}

static void init_idt(void)
{
    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        idt_set(vector, 0, GATE_INTERRUPT);
    }
    idt_set(1, IST_DB + 1, GATE_INTERRUPT);
    idt_set(2, IST_NMI + 1, GATE_INTERRUPT);
    idt_set(8, IST_DF + 1, GATE_INTERRUPT);
    idt_set(18, IST_MC + 1, GATE_INTERRUPT);
    /* int3 and into are the user's to raise. */
    idt_set(3, 0, GATE_USER);
    idt_set(4, 0, GATE_USER);
}

/* Intel SDM 3A 3.4.5, 7.2.3. No 32-bit user segment: compatibility mode cannot be entered. */
static void init_gdt(struct arch_cpu *cpu)
{
    uint64_t tss = (uint64_t)&cpu->tss;

    cpu->gdt[KERNEL_CS / 8] = 0x00af9b000000ffff;
    cpu->gdt[KERNEL_SS / 8] = 0x00cf93000000ffff;
    cpu->gdt[USER_SS / 8] = 0x00cff3000000ffff;
    cpu->gdt[USER_CS / 8] = 0x00affb000000ffff;
    cpu->gdt[TSS_SELECTOR / 8] =
        (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ull << 40 | (tss >> 24 & 0xff) << 56;
    cpu->gdt[TSS_SELECTOR / 8 + 1] = tss >> 32;
}

static void load_tables(const struct arch_cpu *cpu)
{
    struct table_pointer gdt_pointer = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};
    struct table_pointer idt_pointer = {sizeof(idt) - 1, (uint64_t)idt};

    __asm__ volatile("lgdt %0\n"
                     "lidt %1\n"
                     "pushq %2\n"
                     "leaq 1f(%%rip), %%rax\n"
                     "pushq %%rax\n"
                     "lretq\n"
                     "1: movl %3, %%eax\n"
                     "movl %%eax, %%ss\n"
                     "ltr %w4\n"
                     :
                     : "m"(gdt_pointer), "m"(idt_pointer), "i"(KERNEL_CS), "i"(KERNEL_SS),
                       "r"(TSS_SELECTOR)
                     : "rax", "memory");
}

bool cpu_alloc_stacks(struct cpu *cpu)
{
    _Static_assert(KERNEL_STACK_SIZE % sizeof(struct ist_stack) == 0, "interrupt stacks");
    unsigned each = KERNEL_STACK_SIZE / sizeof(struct ist_stack);

    for (unsigned i = 0; i < IST_COUNT; i += each) {
        struct ist_stack *stacks = kernel_stack_alloc();

        if (stacks == NULL) {
            return false;
        }
        for (unsigned j = 0; j < each && i + j < IST_COUNT; j++) {
            cpu_ist[cpu->id][i + j] = &stacks[j];
        }
    }
    return true;
}

void cpu_init_tables(struct cpu *cpu)
{
    struct arch_cpu *arch = &cpu->arch;

    arch->self = cpu;
    arch->id = cpu->id;
    if (cpu->id == 0) {
        init_idt();
    }
    init_gdt(arch);
    for (unsigned i = 0; i < IST_COUNT; i++) {
        struct ist_stack *stack = cpu->id == 0 ? &boot_ist[i] : cpu_ist[cpu->id][i];

        stack->cpu = cpu;
        arch->tss.ist[i] = (uint64_t)&stack->cpu;
    }
    arch->tss.iomap_base = sizeof(arch->tss); /* none: every user port access faults */
    load_tables(arch);
    insn_wrmsr(MSR_FS_BASE, 0);
    insn_wrmsr(MSR_KERNEL_GS_BASE, 0);
    insn_wrmsr(MSR_GS_BASE, (uint64_t)cpu);
}

void cpu_set_stack(uint64_t stack_top)
{
    struct arch_cpu *cpu = &cpu_self()->arch;

    cpu->stack_top = stack_top;
    cpu->tss.rsp[0] = stack_top;
}

/* Reserved bits of MXCSR fault in XRSTOR; FXSAVE tells them (SDM 1 11.6.6). */
static uint32_t mxcsr_mask(void)
{
    static struct hal_fpu probe;
    uint32_t mask;

    __asm__ volatile("fxsave64 %0" : "+m"(probe) : : "memory");
    memcpy(&mask, probe.area + MXCSR_MASK_OFFSET, sizeof(mask));
    return mask != 0 ? mask : MXCSR_MASK_DEFAULT;
}

static void detect(void)
{
    struct insn_cpuid one = insn_cpuid(1, 0);
    bool seven = insn_cpuid(0, 0).eax >= 7;

    x86_features.mxcsr_mask = mxcsr_mask();
    x86_features.rdrand = (one.ecx & CPUID_1_ECX_RDRAND) != 0;
    x86_features.fsgsbase = seven && (insn_cpuid(7, 0).ebx & CPUID_7_EBX_FSGSBASE) != 0;
    x86_features.xsave = (one.ecx & CPUID_1_ECX_XSAVE) != 0;
    if (x86_features.xsave) {
        x86_features.xcr0 = XCR0_X87_SSE;
        if ((insn_cpuid(0xd, 0).eax & XCR0_AVX) != 0 && insn_cpuid(0xd, 2).ebx == AVX_OFFSET) {
            x86_features.xcr0 |= XCR0_AVX;
        }
    }
}

void cpu_init_registers(void)
{
    uint64_t zero = 0;

    if (cpu_id() == 0) {
        detect();
    }
    if (x86_features.xsave) {
        __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)x86_features.xcr0), "d"(0) : "memory");
    }
    insn_wrmsr(MSR_STAR, (uint64_t)USER_SYSRET_BASE << 48 | (uint64_t)KERNEL_CS << 32);
    insn_wrmsr(MSR_LSTAR, (uint64_t)entry_syscall);
    insn_wrmsr(MSR_CSTAR, (uint64_t)entry_syscall32);
    insn_wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | RFLAGS_NT);
    /* A null SYSENTER_CS makes SYSENTER raise #GP. */
    insn_wrmsr(MSR_SYSENTER_CS, 0);
    insn_wrmsr(MSR_SYSENTER_ESP, 0);
    insn_wrmsr(MSR_SYSENTER_EIP, 0);
    __asm__ volatile("movq %0, %%dr7\n movq %1, %%dr6\n"
                     "movq %2, %%dr0\n movq %2, %%dr1\n movq %2, %%dr2\n movq %2, %%dr3"
                     :
                     : "r"(0x400ull), "r"(0xffff0ff0ull), "r"(zero));
}
