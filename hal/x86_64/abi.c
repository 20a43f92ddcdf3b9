/* What shared code asks of the CPU by name: hwcaps, /proc/cpuinfo, random numbers, registers. */
#include <hal/abi.h>

#include <arch/cpu.h>
#include <hal/context.h>

#include "hal/x86_64/internal.h"
#include <arch/insn.h>

#include "kernel/printk.h"
#include "kernel/string.h"

#define HWCAP2_FSGSBASE 2u /* UAPI asm/hwcap2.h */
#define BACKTRACE_MAX   64
#define RANDOM_TRIES    10

uint64_t hal_hwcap(void)
{
    return insn_cpuid(1, 0).edx;
}

uint64_t hal_hwcap2(void)
{
    return x86_features.fsgsbase ? HWCAP2_FSGSBASE : 0;
}

struct flag_name {
    uint8_t bit;
    const char *name;
};

/* Feature words in Linux's names; only what user programs look for. */
static const struct flag_name flags_1_edx[] = {
    {0, "fpu"},  {4, "tsc"},   {5, "msr"},   {6, "pae"},   {8, "cx8"},
    {9, "apic"}, {13, "pge"},  {15, "cmov"}, {16, "pat"},  {19, "clflush"},
    {23, "mmx"}, {24, "fxsr"}, {25, "sse"},  {26, "sse2"},
};
static const struct flag_name flags_1_ecx[] = {
    {0, "pni"},   {1, "pclmulqdq"}, {9, "ssse3"},   {12, "fma"},    {13, "cx16"},
    {17, "pcid"}, {19, "sse4_1"},   {20, "sse4_2"}, {21, "x2apic"}, {22, "movbe"},
    {23, "popcnt"}, {25, "aes"},    {26, "xsave"},  {28, "avx"},    {29, "f16c"},
    {30, "rdrand"},
};
static const struct flag_name flags_7_ebx[] = {
    {0, "fsgsbase"}, {3, "bmi1"},     {5, "avx2"},    {7, "smep"}, {8, "bmi2"},
    {9, "erms"},     {10, "invpcid"}, {18, "rdseed"}, {19, "adx"}, {20, "smap"},
};

static int print_flags(char *buf, size_t size, uint32_t word, const struct flag_name *names,
                       size_t nr_names)
{
    int len = 0;

    for (size_t i = 0; i < nr_names; i++) {
        if (word >> names[i].bit & 1) {
            len += ksnprintf(buf + len, size - (size_t)len, " %s", names[i].name);
        }
    }
    return len;
}

static void brand(char out[49])
{
    if (insn_cpuid(0x80000000, 0).eax < 0x80000004) {
        strlcpy(out, "unknown", 49);
        return;
    }
    for (uint32_t i = 0; i < 3; i++) {
        struct insn_cpuid part = insn_cpuid(0x80000002 + i, 0);

        memcpy(out + i * 16, &part, sizeof(part));
    }
    out[48] = '\0';
}

size_t hal_cpuinfo(uint32_t cpu, char *buf, size_t size)
{
    struct insn_cpuid zero = insn_cpuid(0, 0);
    struct insn_cpuid one = insn_cpuid(1, 0);
    uint32_t family = one.eax >> 8 & 0xf;
    uint32_t model = (one.eax >> 4 & 0xf) | (one.eax >> 12 & 0xf0);
    uint64_t khz = hal_clock.mult != 0 ? ((1000000ull << 32) / hal_clock.mult) : 0;
    char vendor[13] = {0};
    char name[49];
    char text[512];
    int len = 0;

    memcpy(vendor, &zero.ebx, 4);
    memcpy(vendor + 4, &zero.edx, 4);
    memcpy(vendor + 8, &zero.ecx, 4);
    brand(name);
    family += family == 15 ? one.eax >> 20 & 0xff : 0;
    len += print_flags(text, sizeof(text), one.edx, flags_1_edx, ARRAY_SIZE(flags_1_edx));
    len += ksnprintf(text + len, sizeof(text) - (size_t)len, " syscall nx lm");
    len += print_flags(text + len, sizeof(text) - (size_t)len, one.ecx, flags_1_ecx,
                       ARRAY_SIZE(flags_1_ecx));
    if (zero.eax >= 7) {
        print_flags(text + len, sizeof(text) - (size_t)len, insn_cpuid(7, 0).ebx, flags_7_ebx,
                    ARRAY_SIZE(flags_7_ebx));
    }
    len = ksnprintf(buf, size,
                    "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
                    "model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %lu.%03lu\n"
                    "physical id\t: 0\ncore id\t\t: %u\nfpu\t\t: yes\nflags\t\t:%s\n"
                    "clflush size\t: 64\naddress sizes\t: %u bits physical, 48 bits virtual\n\n",
                    cpu, vendor, family, model, name, one.eax & 0xf, (unsigned long)(khz / 1000),
                    (unsigned long)(khz % 1000), cpu, text, insn_cpuid(0x80000008, 0).eax & 0xff);
    return MIN((size_t)len, size);
}

size_t hal_random(uint64_t *out)
{
    uint8_t ok;

    if (!x86_features.rdrand) {
        return 0;
    }
    for (int i = 0; i < RANDOM_TRIES; i++) {
        __asm__ volatile("rdrand %0\n setc %1" : "=r"(*out), "=qm"(ok) : : "cc");
        if (ok) {
            return sizeof(*out);
        }
    }
    return 0;
}

/* A frame pointer is followed only upwards within the stack where the walk began. */
void hal_backtrace(uintptr_t fp, void (*fn)(uintptr_t pc, void *arg), void *arg)
{
    uintptr_t end = ALIGN_UP(fp + 1, (uintptr_t)KERNEL_STACK_SIZE);

    for (int i = 0; i < BACKTRACE_MAX && fp >= STACK_VA_BASE && fp % 8 == 0 && fp + 16 <= end;
         i++) {
        const uintptr_t *record = (const uintptr_t *)fp;

        if (record[1] < KERNEL_IMAGE_BASE) {
            return;
        }
        fn(record[1], arg);
        if (record[0] <= fp) {
            return;
        }
        fp = record[0];
    }
}

uintptr_t hal_frame_fp(const struct trap_frame *frame)
{
    return frame->rbp;
}

void hal_frame_print(const struct trap_frame *frame)
{
    printk("vector %lu error %#lx rip %#lx cs %#lx rflags %#lx rsp %#lx\n", frame->vector,
           frame->error, frame->rip, frame->cs, frame->rflags, frame->rsp);
    printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", frame->rax, frame->rbx, frame->rcx,
           frame->rdx);
    printk("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", frame->rsi, frame->rdi, frame->rbp,
           frame->r8);
    printk("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", frame->r9, frame->r10, frame->r11,
           frame->r12);
    printk("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx\n", frame->r13, frame->r14, frame->r15,
           insn_read_cr2());
}
