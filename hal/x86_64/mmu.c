/*
 * const struct hal_mmu of x86_64: control registers, CR3 with PCID, INVLPG and INVPCID, shots at
 * other CPUs by IPI. Touches the machine only through <arch/insn.h>, so that it runs on the host
 * too. Without PCID the TLB holds nothing of spaces that are not current, so a shot at one is void
 * here.
 */
#include <hal/mmu.h>

#include <arch/asm.h>
#include <arch/cpu.h>
#include <arch/insn.h>
#include <arch/pte.h>
#include <hal/board.h>

#include "hal/x86_64/internal.h"
#include "kernel/cpu.h"

#define MSR_PAT        0x277
#define PAT_VALUE      0x0007040600070406ull /* WB WT UC- UC, twice: entries 0 and 3 are used */
#define EFER_LMA       0x400
#define CR0_ET         0x10
#define CR4_PSE        (1ull << 4)
#define CR4_MCE        (1ull << 6)
#define CR4_PGE        (1ull << 7)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_UMIP       (1ull << 11)
#define CR4_FSGSBASE   (1ull << 16)
#define CR4_PCIDE      (1ull << 17)
#define CR4_OSXSAVE    (1ull << 18)
#define CR4_SMEP       (1ull << 20)
#define CR4_SMAP       (1ull << 21)
#define CR3_KEEP       (1ull << 63)
#define CR3_PCID       0xfffull

#define CPUID_1_ECX_PCID     (1u << 17)
#define CPUID_1_ECX_XSAVE    (1u << 26)
#define CPUID_1_EDX_MCE      (1u << 7)
#define CPUID_1_EDX_PGE      (1u << 13)
#define CPUID_7_EBX_FSGSBASE (1u << 0)
#define CPUID_7_EBX_SMEP     (1u << 7)
#define CPUID_7_EBX_INVPCID  (1u << 10)
#define CPUID_7_EBX_SMAP     (1u << 20)
#define CPUID_7_ECX_UMIP     (1u << 2)
#define CPUID_EXT_EDX_1G     (1u << 26)

#define INVPCID_ADDRESS    0
#define INVPCID_PCID       1
#define INVPCID_ALL_GLOBAL 2
#define INVPCID_ALL        3

/* More pages than this in one shot cost more than refilling the TLB. */
#define RANGE_PAGES_MAX    64
#define KERNEL_ENTRY_FIRST 256

struct hal_caps hal_caps;

static struct {
    uint64_t cr4;
    bool pcid;
    bool invpcid;
    paddr_t kernel_root;
} mmu;

/* The one shot that other CPUs are asked for; `turn` serialises the askers. */
static struct {
    _Atomic uint32_t turn;
    _Atomic uint64_t pending;
    struct tlb_shot shot;
} mailbox;

static uint64_t detect_cr4(void)
{
    struct insn_cpuid one = insn_cpuid(1, 0);
    struct insn_cpuid seven = {0};
    uint64_t cr4 = CR4_PSE | CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (insn_cpuid(0, 0).eax >= 7) {
        seven = insn_cpuid(7, 0);
    }
    mmu.pcid = (one.ecx & CPUID_1_ECX_PCID) != 0;
    mmu.invpcid = (seven.ebx & CPUID_7_EBX_INVPCID) != 0;
    cr4 |= (one.edx & CPUID_1_EDX_MCE) ? CR4_MCE : 0;
    cr4 |= (one.edx & CPUID_1_EDX_PGE) ? CR4_PGE : 0;
    cr4 |= (one.ecx & CPUID_1_ECX_XSAVE) ? CR4_OSXSAVE : 0;
    cr4 |= (seven.ebx & CPUID_7_EBX_FSGSBASE) ? CR4_FSGSBASE : 0;
    cr4 |= (seven.ebx & CPUID_7_EBX_SMEP) ? CR4_SMEP : 0;
    cr4 |= (seven.ebx & CPUID_7_EBX_SMAP) ? CR4_SMAP : 0;
    cr4 |= (seven.ecx & CPUID_7_ECX_UMIP) ? CR4_UMIP : 0;
    cr4 |= mmu.pcid ? CR4_PCIDE : 0;
    return cr4;
}

static void mmu_cpu_init(void)
{
    mmu.cr4 = detect_cr4();
    insn_wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
    insn_wrmsr(MSR_PAT, PAT_VALUE);
    insn_write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
    /* PCIDE may be set only with PCID 0 in CR3 (SDM 3A 4.10.1). */
    insn_write_cr3(insn_read_cr3() & PTE_X86_ADDR);
    insn_write_cr4(mmu.cr4);
    hal_caps.asid_bits = mmu.pcid ? 12 : 0;
    hal_caps.pa_bits = (uint8_t)MIN(insn_cpuid(0x80000008, 0).eax & 0xff, 52u);
    hal_caps.block_1g = (insn_cpuid(0x80000001, 0).edx & CPUID_EXT_EDX_1G) != 0;
}

/* Everything, global translations too (SDM 3A 4.10.4.1: a change of PGE does). */
static void flush_all(void)
{
    if (mmu.invpcid) {
        insn_invpcid(INVPCID_ALL_GLOBAL, 0, 0);
    } else if (mmu.cr4 & CR4_PGE) {
        insn_write_cr4(mmu.cr4 & ~CR4_PGE);
        insn_write_cr4(mmu.cr4);
    } else {
        insn_write_cr3(insn_read_cr3());
    }
}

static void mmu_kernel_activate(paddr_t kernel_root)
{
    mmu.kernel_root = kernel_root;
    insn_write_cr3(kernel_root);
    flush_all();
}

static void mmu_root_init(paddr_t root)
{
    const uint64_t *from = insn_table(mmu.kernel_root);
    uint64_t *to = insn_table(root);

    for (unsigned i = KERNEL_ENTRY_FIRST; i < PT_ENTRIES; i++) {
        to[i] = from[i];
    }
}

static void mmu_activate(paddr_t root, asid_t asid, enum tlb_drop drop)
{
    if (!mmu.pcid) {
        insn_write_cr3(root);
        return;
    }
    if (drop == TLB_DROP_ALL) {
        if (mmu.invpcid) {
            insn_invpcid(INVPCID_ALL, 0, 0);
        } else {
            flush_all();
        }
    }
    insn_write_cr3(root | asid.value | (drop == TLB_KEEP ? CR3_KEEP : 0));
}

static bool range_is_long(const struct tlb_shot *shot)
{
    return (shot->end - shot->start) >> PAGE_SHIFT > RANGE_PAGES_MAX;
}

static void flush_current(const struct tlb_shot *shot)
{
    if (shot->scope == TLB_SPACE || range_is_long(shot)) {
        insn_write_cr3(insn_read_cr3() & ~CR3_KEEP);
        return;
    }
    /* Also drops the walk caches of the current PCID, whichever the address (SDM 3A 4.10.4.1). */
    for (vaddr_t va = shot->start; va < shot->end; va += PAGE_SIZE) {
        insn_invlpg(va);
    }
}

static void flush_other(const struct tlb_shot *shot)
{
    if (!mmu.pcid) {
        return;
    }
    if (!mmu.invpcid) {
        flush_all();
        return;
    }
    if (shot->scope == TLB_SPACE || shot->tables || range_is_long(shot)) {
        insn_invpcid(INVPCID_PCID, shot->asid.value, 0);
        return;
    }
    for (vaddr_t va = shot->start; va < shot->end; va += PAGE_SIZE) {
        insn_invpcid(INVPCID_ADDRESS, shot->asid.value, va);
    }
}

/* INVLPG drops global translations of the address, but walk caches of the current PCID only. */
static void flush_kernel(const struct tlb_shot *shot)
{
    if (range_is_long(shot) || (shot->tables && mmu.pcid)) {
        flush_all();
        return;
    }
    for (vaddr_t va = shot->start; va < shot->end; va += PAGE_SIZE) {
        insn_invlpg(va);
    }
}

static void flush_local(const struct tlb_shot *shot, bool current)
{
    if (shot->scope == TLB_GLOBAL) {
        flush_kernel(shot);
    } else if (current) {
        flush_current(shot);
    } else {
        flush_other(shot);
    }
}

/*
 * With interrupts off: its own handler could answer in the middle, and the next asker's shot would
 * then be torn, or answered without having been flushed.
 */
void mmu_shot_answer(void)
{
    irqflags_t flags = cpu_irq_save();
    uint64_t self = 1ull << insn_cpu_id();
    struct tlb_shot shot;

    if (atomic_load_explicit(&mailbox.pending, memory_order_acquire) & self) {
        /* What this CPU holds now is not known here: with tags flush the tag, else all of it. */
        shot = mailbox.shot;
        if (mmu.pcid) {
            flush_local(&shot, (insn_read_cr3() & CR3_PCID) == shot.asid.value);
        } else {
            flush_local(&shot, true);
        }
        atomic_fetch_and_explicit(&mailbox.pending, ~self, memory_order_release);
    }
    cpu_irq_restore(flags);
}

/* Answers while it waits, since the CPU that it waits for may be asking this one. */
static void shoot_others(const struct tlb_shot *shot, cpumask_t others)
{
    while (atomic_exchange_explicit(&mailbox.turn, 1, memory_order_acquire) != 0) {
        mmu_shot_answer();
        insn_pause();
    }
    mailbox.shot = *shot;
    atomic_store_explicit(&mailbox.pending, others, memory_order_release);
    hal_board->ipi(others);
    while (atomic_load_explicit(&mailbox.pending, memory_order_acquire) != 0) {
        insn_pause();
    }
    atomic_store_explicit(&mailbox.turn, 0, memory_order_release);
}

static void mmu_shoot(const struct tlb_shot *shot)
{
    cpumask_t self = 1ull << insn_cpu_id();
    cpumask_t others = shot->cpus & ~self & (~(cpumask_t)0 >> (CPU_MAX - nr_cpus));

    if (shot->cpus & self) {
        /* An interrupt could move this CPU off a dying root between the read and the write of CR3. */
        irqflags_t flags = cpu_irq_save();

        flush_local(shot, shot->current);
        cpu_irq_restore(flags);
    }
    if (others != 0) {
        shoot_others(shot, others);
    }
}

/* Caches are coherent; a jump or the return to user mode serialises (SDM 3A 11.6). */
static void mmu_icache_sync(paddr_t pa, size_t len)
{
    (void)pa;
    (void)len;
}

static paddr_t mmu_active_root(asid_t *out)
{
    uint64_t cr3 = insn_read_cr3();

    out->value = mmu.pcid ? (uint16_t)(cr3 & CR3_PCID) : 0;
    return cr3 & PTE_X86_ADDR;
}

const struct hal_mmu hal_mmu = {
    .cpu_init = mmu_cpu_init,
    .kernel_activate = mmu_kernel_activate,
    .root_init = mmu_root_init,
    .activate = mmu_activate,
    .shoot = mmu_shoot,
    .icache_sync = mmu_icache_sync,
    .active_root = mmu_active_root,
};
