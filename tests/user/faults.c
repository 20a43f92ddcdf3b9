/*
 * What a faulting access looks like to its program: `case = SIGNAL code address pc`, compared with
 * what Linux printed (expected/ARCH/faults.txt). The address and the program counter are named
 * relative to the target: exact, +n, -n, 0, pc; anything else is printed as it is.
 */

#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static char data[64] __attribute__((aligned(64))) = "data";
static char bss[64] __attribute__((aligned(64)));
static char spot[64] __attribute__((aligned(64)));

static const char *name_place(char *buf, unsigned long at, unsigned long target, unsigned long pc)
{
    long d = (long)(at - target);

    if (at == target)
        return "exact";
    if (at == 0)
        return "0";
    if (pc && at == pc)
        return "pc";
    if (d > -4096 && d < 4096)
        text_format(buf, 32, d > 0 ? "+%ld" : "%ld", d);
    else if (at >> 47 || at < 4096)
        text_format(buf, 32, "0x%lx", at);
    else
        text_format(buf, 32, "elsewhere");
    return buf;
}

static const char *signal_name(int sig)
{
    switch (sig) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL";
    case SIGFPE: return "SIGFPE";
    default: return "SIGTRAP";
    }
}

/* with_pc: the program counter is compared with the target, as for a jump. */
static void show(const char *name, const char *kind, int r, unsigned long target, bool with_pc)
{
    char a[32], p[32];

    if (r == 0) {
        print("%s.%s = none\n", name, kind);
        return;
    }
    print("%s.%s = %s %d addr %s%s%s\n", name, kind, signal_name(r & 0xff), r >> 8,
          name_place(a, probe_addr, target, probe_pc), with_pc ? " pc " : "",
          with_pc ? name_place(p, probe_pc, target, 0) : "");
}

static void access_all(const char *name, unsigned long at)
{
    show(name, "read", probe_read((void *)at), at, false);
    show(name, "write", probe_write((void *)at), at, false);
    show(name, "exec", probe_exec((void *)at), at, true);
}

static void put_return(void *p)
{
#if ARCH_IS_X86
    *(unsigned char *)p = 0xc3;
#else
    *(uint32_t *)p = 0xd65f03c0u;
#endif
    code_sync(p, 4);
}

/* One access over a border between two pages. */
static void do_wide(void *p)
{
    *(volatile uint64_t *)p = 1;
}

static void access_wide(const char *name, unsigned long at)
{
    show(name, "wide", probe_run(do_wide, (void *)at), at, false);
}

static void test_places(void)
{
    char *p = map_anon(8 * PAGE, RW), *brk_page;
    char on_stack[64];
    long end = sys(brk, 0);
    size_t i;
    static const struct {
        const char *name;
        unsigned long at;
    } fixed[] = {
        { "null", 0 },
        { "null_field", 0x78 },
        { "low_page", 0xff8 },
        { "user_end", USER_TOP },
        { "canonical_end", 0x7ffffffffff8UL },
        { "noncanonical", 0x800000000000UL },
        { "noncanonical_mid", 0x4000000000000000UL },
        { "noncanonical_high", 0x8000000000000000UL },
        { "past_48", 0x1000000000000UL },
        { "past_52", 0x10000000000000UL },
        { "kernel_low", 0xffff000000000000UL },
        { "kernel_direct", 0xffff800000000000UL },
        { "kernel_direct2", 0xffff888000000000UL },
        { "kernel_text", 0xffffffff80000000UL },
        { "kernel_text2", 0xffffffff81000000UL },
        { "kernel_last", 0xfffffffffffffff8UL },
        { "vsyscall_after", 0xffffffffff601000UL },
    };

    sys(brk, end + 8192);
    brk_page = (char *)end + 64;
    put_return(p);
    put_return(data);
    put_return(bss);
    put_return(on_stack);
    put_return(brk_page);
    show("text", "write", probe_write((void *)(uintptr_t)&test_places), (unsigned long)&test_places,
         false);
    show("text", "read", probe_read((void *)(uintptr_t)&test_places), (unsigned long)&test_places,
         false);
    show("data", "exec", probe_exec(data), (unsigned long)data, true);
    show("bss", "exec", probe_exec(bss), (unsigned long)bss, true);
    show("stack", "exec", probe_exec(on_stack), (unsigned long)on_stack, true);
    show("heap", "exec", probe_exec(brk_page), (unsigned long)brk_page, true);
    show("mmap", "exec", probe_exec(p), (unsigned long)p, true);
    for (i = 0; i < ARRAY_LEN(fixed); i++)
        access_all(fixed[i].name, fixed[i].at);
    sys(mprotect, p, PAGE, PROT_NONE);
    access_all("prot_none", (unsigned long)p + 16);
    sys(mprotect, p, PAGE, PROT_READ);
    access_all("read_only", (unsigned long)p);
    sys(mprotect, p, PAGE, PROT_READ | PROT_EXEC);
    access_all("read_exec", (unsigned long)p);
    sys(mprotect, p, PAGE, PROT_WRITE);
    access_all("write_only", (unsigned long)p);
    sys(munmap, p + PAGE, PAGE);
    access_all("unmapped", (unsigned long)p + PAGE + 8);
    sys(mprotect, p, PAGE, RW);
    access_wide("into_unmapped", (unsigned long)p + PAGE - 4);
    sys(mprotect, p + 2 * PAGE, PAGE, PROT_READ);
    sys(mmap, p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    access_wide("into_read_only", (unsigned long)p + 2 * PAGE - 4);
    sys(mmap, p + 3 * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
    access_all("fresh_none", (unsigned long)p + 3 * PAGE);
    sys(munmap, p, 8 * PAGE);
}

static void test_files(void)
{
    long fd = open_rw("/tmp/faults.tmp");
    char *s, *v;

    sys(ftruncate, fd, 100);
    s = (char *)sys(mmap, 0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    v = (char *)sys(mmap, 0, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
    access_all("file_shared_beyond", (unsigned long)s + PAGE);
    access_all("file_private_beyond", (unsigned long)v + 2 * PAGE + 8);
    print("file.read_beyond = %ld\n", sys(write, fd, s + PAGE, 8));
    print("file.write_beyond = %ld\n", sys(pread64, fd, v + PAGE, 8, 0));
    sys(munmap, s, 3 * PAGE);
    sys(munmap, v, 3 * PAGE);
    sys(close, fd);
    sys(unlinkat, AT_FDCWD, "/tmp/faults.tmp", 0);
}

static void test_stack(void)
{
    unsigned long sp = current_sp(), low = (sp - (4UL << 20)) & ~(PAGE - 1);
    long r;

    show("stack_below", "write", probe_write((void *)(sp - 300000)), sp - 300000, false);
    show("stack_beyond_limit", "write", probe_write((void *)(sp - (12UL << 20))), sp - (12UL << 20),
         false);
    show("stack_beyond_limit", "read", probe_read((void *)(sp - (12UL << 20))), sp - (12UL << 20),
         false);
    /* The guard gap keeps the stack 1 MiB away from a neighbour. */
    r = sys(mmap, low, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    print("stack_gap.map = %s\n", r == (long)low ? "ok" : "other");
    show("stack_gap", "near", probe_write((void *)(low + 64 * PAGE)), low + 64 * PAGE, false);
    show("stack_gap", "edge_inside", probe_write((void *)(low + 255 * PAGE)), low + 255 * PAGE, false);
    show("stack_gap", "outside", probe_write((void *)(low + 260 * PAGE)), low + 260 * PAGE, false);
    sys(munmap, low, PAGE);
}

/* EFAULT where a kernel copy meets what the program may not touch. */
static void test_copies(void)
{
    long zero = sys(openat, AT_FDCWD, "/dev/zero", O_RDONLY, 0);
    long null = sys(openat, AT_FDCWD, "/dev/null", O_WRONLY, 0);
    int pipes[2];

    sys(pipe2, pipes, O_NONBLOCK);
    print("copy.zero_to_text = %ld\n", sys(read, zero, &test_copies, 16));
    print("copy.text_unchanged = %d\n", probe_read((void *)(uintptr_t)&test_copies));
    print("copy.zero_to_kernel = %ld\n", sys(read, zero, 0xffffffff80000000UL, 16));
    print("copy.zero_to_direct = %ld\n", sys(read, zero, 0xffff800000000000UL, 16));
    print("copy.pipe_from_null = %ld\n", sys(write, pipes[1], 0, 16));
    print("copy.pipe_from_kernel = %ld\n", sys(write, pipes[1], 0xffffffff81000000UL, 16));
    print("copy.pipe_from_text = %ld\n", sys(write, pipes[1], &test_copies, 16));
    sys(close, zero);
    sys(close, null);
}

/* ---- instructions ---- */

static void show_insn(const char *name, void (*fn)(void *), void *arg)
{
    int r = probe_run(fn, arg);
    unsigned long place = (unsigned long)arg;

    show("insn", name, r, place ? place : 1, false);
}

#if ARCH_IS_X86
#define INSN(name, text)                                                                          \
    static void insn_##name(void *arg)                                                            \
    {                                                                                             \
        __asm__ volatile(text ::"D"(arg), "a"(0), "c"(0), "d"(0) : "memory", "cc");               \
    }
INSN(ud2, "ud2")
INSN(hlt, "hlt")
INSN(cli, "cli")
INSN(sti, "sti")
INSN(in, "in $0x60, %%al")
INSN(out, "out %%al, $0x80")
INSN(rdmsr, "rdmsr")
INSN(wrmsr, "wrmsr")
INSN(read_cr0, "mov %%cr0, %%rax")
INSN(write_cr3, "mov %%rax, %%cr3")
INSN(read_dr7, "mov %%dr7, %%rax")
INSN(lgdt, "lgdt (%%rdi)")
INSN(lidt, "lidt (%%rdi)")
INSN(ltr, "ltr %%ax")
INSN(invlpg, "invlpg (%%rdi)")
INSN(wbinvd, "wbinvd")
INSN(clts, "clts")
INSN(swapgs, "swapgs")
INSN(sysret, "sysretq")
INSN(int3, "int3")
INSN(int42, "int $0x42")
INSN(int_df, "int $8")
INSN(int_pf, "int $14")
INSN(load_ss, "mov $0x18, %%eax; mov %%ax, %%ss")
INSN(load_ds, "mov $0xfff8, %%eax; mov %%ax, %%ds")
INSN(load_gs, "mov $0x10, %%eax; mov %%ax, %%gs")
INSN(unaligned_sse, "movaps 4(%%rdi), %%xmm0")
INSN(sse_noncanonical, "movabs $0x8000000000000000, %%rax; movups (%%rax), %%xmm0")
INSN(popf, "pushfq; orq $0x3000, (%%rsp); popfq")

static void insn_div0(void *arg)
{
    __asm__ volatile("div %%ecx" ::"a"(1), "d"(0), "c"(0), "D"(arg));
}

static void insn_div_big(void *arg)
{
    __asm__ volatile("idiv %%ecx" ::"a"(0x80000000), "d"(-1), "c"(-1), "D"(arg));
}

static void insn_trace(void *arg)
{
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop" ::"D"(arg) : "memory", "cc");
}

static void test_insns(void)
{
#define T(n, a) show_insn(#n, insn_##n, a)
    T(ud2, 0);
    T(hlt, 0);
    T(cli, 0);
    T(sti, 0);
    T(in, 0);
    T(out, 0);
    T(rdmsr, 0);
    T(wrmsr, 0);
    T(read_cr0, 0);
    T(write_cr3, 0);
    T(read_dr7, 0);
    T(lgdt, spot);
    T(lidt, spot);
    T(ltr, 0);
    T(invlpg, spot);
    T(wbinvd, 0);
    T(clts, 0);
    T(swapgs, 0);
    T(sysret, 0);
    T(int3, 0);
    T(int42, 0);
    T(int_df, 0);
    T(int_pf, 0);
    T(load_ss, 0);
    T(load_ds, 0);
    T(load_gs, 0);
    T(unaligned_sse, spot);
    T(sse_noncanonical, 0);
    T(popf, 0);
    T(div0, 0);
    T(div_big, 0);
    T(trace, 0);
}

#else
#define INSN(name, text)                                                                          \
    static void insn_##name(void *arg)                                                            \
    {                                                                                             \
        register void *x0 __asm__("x0") = arg;                                                    \
        __asm__ volatile(text : "+r"(x0)::"x1", "x2", "memory", "cc");                            \
    }
INSN(udf, ".inst 0x00000000")
INSN(udf7, ".inst 0x00000007")
INSN(unallocated, ".inst 0xffffffff")
INSN(hvc, "hvc #0")
INSN(smc, "smc #0")
INSN(hlt, "hlt #0x1234")
INSN(eret, "eret")
INSN(msr_daif, "msr daifset, #2")
INSN(read_sctlr, "mrs x1, sctlr_el1")
INSN(write_ttbr0, "msr ttbr0_el1, x0")
INSN(write_vbar, "msr vbar_el1, x0")
INSN(tlbi, "tlbi vmalle1")
INSN(at, "at s1e1r, x0")
INSN(dc_isw, "dc isw, xzr")
INSN(read_cntvct, "mrs x1, cntvct_el0")
INSN(read_cntfrq, "mrs x1, cntfrq_el0")
INSN(read_ctr, "mrs x1, ctr_el0")
INSN(read_dczid, "mrs x1, dczid_el0")
INSN(write_cntv, "msr cntv_ctl_el0, xzr")
INSN(read_pmccntr, "mrs x1, pmccntr_el0")
INSN(write_tpidrro, "msr tpidrro_el0, x0")
INSN(dc_zva, "dc zva, x0")
INSN(dc_cvau, "dc cvau, x0")
INSN(ic_ivau, "ic ivau, x0")
INSN(brk0, "brk #0")
INSN(brk_max, "brk #0xffff")
INSN(svc7, "mov x8, #172\n\tsvc #7")
INSN(ldxr_unaligned, "add x1, x0, #1\n\tldxr x2, [x1]")
INSN(ldar_unaligned, "add x1, x0, #1\n\tldar x2, [x1]")
INSN(ldr_unaligned, "add x1, x0, #1\n\tldr x2, [x1]")
INSN(sp_unaligned, "mov x1, sp\n\tadd sp, sp, #-8\n\tldr x2, [sp]\n\tmov sp, x1")
INSN(div0, "sdiv x1, x0, xzr")

static void test_insns(void)
{
#define T(n, a) show_insn(#n, insn_##n, a)
    T(udf, 0);
    T(udf7, 0);
    T(unallocated, 0);
    T(hvc, 0);
    T(smc, 0);
    T(hlt, 0);
    T(eret, 0);
    T(msr_daif, 0);
    T(read_sctlr, 0);
    T(write_ttbr0, 0);
    T(write_vbar, 0);
    T(tlbi, 0);
    T(at, 0);
    T(dc_isw, 0);
    T(read_cntvct, 0);
    T(read_cntfrq, 0);
    T(read_ctr, 0);
    T(read_dczid, 0);
    T(write_cntv, 0);
    T(read_pmccntr, 0);
    T(write_tpidrro, 0);
    T(dc_zva, spot);
    show_insn("dc_zva_null", insn_dc_zva, (void *)0x40);
    show_insn("dc_zva_text", insn_dc_zva, (void *)((unsigned long)&test_insns & ~63UL));
    T(dc_cvau, spot);
    show_insn("dc_cvau_null", insn_dc_cvau, (void *)0x40);
    T(ic_ivau, spot);
    T(brk0, 0);
    T(brk_max, 0);
    T(svc7, 0);
    T(ldxr_unaligned, spot);
    T(ldar_unaligned, spot);
    T(ldr_unaligned, spot);
    T(sp_unaligned, 0);
    T(div0, 0);
    show("insn", "pc_unaligned", probe_exec((char *)(uintptr_t)&test_insns + 2),
         (unsigned long)&test_insns + 2, true);
    /* The top byte is ignored for data. */
    show("insn", "tagged_read", probe_read((void *)((unsigned long)spot | 0x5aUL << 56)),
         (unsigned long)spot | 0x5aUL << 56, false);
    show("insn", "tagged_unmapped", probe_read((void *)(0x5aUL << 56 | 0x100)), 0x5aUL << 56 | 0x100,
         false);
    show("insn", "tagged_exec", probe_exec((void *)((unsigned long)spot | 0x5aUL << 56)),
         (unsigned long)spot, true);
}
#endif

/* A fault in the handler's own frame: nothing to deliver on, so the process dies. */
static int no_stack(void *arg)
{
    stack_t off = { 0, SS_DISABLE, 0 };

    sys(sigaltstack, &off, 0);
#if ARCH_IS_X86
    __asm__ volatile("mov %0, %%rsp\n\tud2" ::"r"(arg));
#else
    __asm__ volatile("mov sp, %0\n\tudf #0" ::"r"(arg));
#endif
    return 0;
}

/* A blocked fault kills although there is a handler. */
static int blocked_fault(void *arg)
{
    sig_block(SIGBIT(SIGSEGV));
    *(volatile char *)arg = 1;
    return 0;
}

static int ignored_fault(void *arg)
{
    sig_ignore(SIGSEGV);
    *(volatile char *)arg = 1;
    return 0;
}

static void test_deaths(void)
{
    print("death.no_stack = %d\n", child_result(no_stack, (void *)0x1000));
    print("death.kernel_stack = %d\n", child_result(no_stack, (void *)0xffffffff80001000UL));
    print("death.blocked = %d\n", child_result(blocked_fault, (void *)8));
    print("death.ignored = %d\n", child_result(ignored_fault, (void *)8));
}

int main(int argc, char **argv, char **envp, unsigned long *auxv)
{
    struct rlimit64 no_core = { 0, 0 };

    (void)argc;
    (void)argv;
    (void)envp;
    (void)auxv;
    sys(prlimit64, 0, RLIMIT_CORE, &no_core, 0);
    probe_init();
    test_places();
    test_files();
    test_stack();
    test_copies();
    test_insns();
    test_deaths();
    return test_end();
}
