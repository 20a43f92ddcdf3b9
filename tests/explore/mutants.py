"""Breaks of mm/ and the MMU drivers that the explorer must find: text of the sources, replaced.

Each: name, what it stands for, file, [(old, new)...], architectures on which a scenario must fail.
On the others the explanation says why nothing can be seen there.
"""
import dataclasses

BOTH = ("aarch64", "x86_64")
ARM = ("aarch64",)
X86 = ("x86_64",)
TLB, ASID, SPACE = "mm/tlb.c", "mm/asid.c", "mm/address_space.c"
MMU_ARM, MMU_X86 = "hal/aarch64/mmu.c", "hal/x86_64/mmu.c"

FENCE = "    atomic_thread_fence(memory_order_seq_cst);\n"


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    path: str
    edits: tuple
    arches: tuple = BOTH
    explained: str = ""


def swap(first, second):
    return ((first + second, second + first),)


def gone(text):
    return ((text, ""),)


SHOOT_SYNC = "    pte_sync();\n    cpumask_t stale"
SET_STALE = "        atomic_fetch_or(&as->cpus_stale, stale);\n"
SHOOT_FENCE = FENCE + "    if (!asid_of"
READ_CPUS = "    shot.cpus = atomic_load(&as->cpus_on);\n"
SET_ON = "    atomic_fetch_or(&as->cpus_on, self);\n"
LOAD_ROOT = "    hal_mmu.activate(as->root, asid, drop);\n"
CLEAR_ON = ("    if (before != NULL) {\n        atomic_fetch_and(&before->cpus_on, ~self);\n    }\n")
CLEAR_STALE = ("    if ((atomic_load(&as->cpus_stale) & self) != 0) {\n"
               "        atomic_fetch_and(&as->cpus_stale, ~self);\n"
               "        drop = TLB_DROP_TAG;\n    }\n")
EMPTY_ROOT = "    hal_mmu.activate(empty_space.root, (asid_t){0}, TLB_KEEP);\n"
LEAVE_ON = "    atomic_fetch_and(&as->cpus_on, ~(1ull << cpu->id));\n"
EVICT_WAIT = ("    while (atomic_load(&as->cpus_on) != 0) {\n        cpu_relax();\n    }\n")
FLUSH_SHOT = "shoot(batch->as, batch->start, batch->end, batch->tables);"
ANSWER = "        if (mmu.pcid) {\n            flush_local(&shot, (insn_read_cr3() & CR3_PCID)"
ACKNOWLEDGE = ("        atomic_fetch_and_explicit(&mailbox.pending, ~self, "
               "memory_order_release);\n")
MAIL_WAIT = ("    while (atomic_load_explicit(&mailbox.pending, memory_order_acquire) != 0) {\n"
             "        insn_pause();\n    }\n")
TURN_WAIT = ("    while (atomic_exchange_explicit(&mailbox.turn, 1, memory_order_acquire) != 0) {\n"
             "        mmu_shot_answer();\n        insn_pause();\n    }\n")
DSB_LAST = ("    if (everywhere || shot->scope == TLB_GLOBAL) {\n        insn_dsb_ish();\n"
            "    } else {\n        insn_dsb_nsh();\n    }\n")
EXCHANGE = "atomic_exchange_explicit(&active[cpu], 0, memory_order_relaxed)"

MUTANTS = [
    # Each fence removed.
    Mutant("fence of the shooter", TLB, ((SHOOT_FENCE, "    if (!asid_of"),)),
    Mutant("pte_sync of the shooter", TLB, ((SHOOT_SYNC, "    cpumask_t stale"),), (),
           "the fence that follows and the DSB of mmu_shoot() order the stores too"),
    Mutant("fence and pte_sync of the shooter", TLB,
           ((SHOOT_FENCE, "    if (!asid_of"), (SHOOT_SYNC, "    cpumask_t stale"))),
    Mutant("fence of the switcher", TLB, ((SET_ON + FENCE, SET_ON),)),
    Mutant("fence of a kernel shot", TLB,
           ((FENCE + "    count(&own()->shots_global)", "    count(&own()->shots_global)"),), X86,
           "pte_sync() is a DSB there, and nothing is read before the TLBIs"),
    Mutant("DSB after the TLBIs", MMU_ARM, gone(DSB_LAST), ARM),
    Mutant("DSB for the own CPU only", MMU_ARM, ((DSB_LAST, "    insn_dsb_nsh();\n"),), ARM),
    Mutant("TLBI for the own CPU only", MMU_ARM,
           (("bool everywhere = (shot->cpus & ~((cpumask_t)1 << cpu_id())) != 0;",
             "bool everywhere = false;"),), ARM),
    Mutant("DSB before the TLBIs", MMU_ARM, gone("    insn_dsb_ishst();\n"), (),
           "mm/tlb.c calls pte_sync(), the same DSB, before"),
    Mutant("DSB after a local drop", MMU_ARM,
           (("    insn_dsb_nsh();\n    insn_isb();\n}\n\n/*\n * The drop",
             "    insn_isb();\n}\n\n/*\n * The drop"),), ARM),
    Mutant("ISB after TTBR0", MMU_ARM, (("    insn_write_ttbr0(root | tag);\n    insn_isb();\n",
                                         "    insn_write_ttbr0(root | tag);\n"),), ARM),
    # A CPU left out.
    Mutant("no stale bits", TLB, gone(SET_STALE)),
    Mutant("no stale bit of the shooter's own", TLB, (("current ? ~self : ~0ull", "~self"),)),
    Mutant("stale bits after cpus_on was read", TLB,
           ((SET_STALE, ""), (READ_CPUS, READ_CPUS + SET_STALE))),
    Mutant("cpus_on read before the stale bits", TLB,
           (("    pte_sync();\n    cpumask_t", "    shot.cpus = atomic_load(&as->cpus_on);\n"
             "    pte_sync();\n    cpumask_t"), (FENCE + "    if (!asid_of(as, &shot.asid)) {\n"
             "        return; /* never loaded anywhere: nobody can hold a translation */\n    }\n"
             + READ_CPUS, FENCE + "    if (!asid_of(as, &shot.asid)) {\n        return;\n    }\n"))),
    Mutant("CPU 1 is not in the shot", TLB, ((READ_CPUS, READ_CPUS.replace(";", " & ~2ull;")),)),
    Mutant("CPU 0 is not in the shot", TLB, ((READ_CPUS, READ_CPUS.replace(";", " & ~1ull;")),)),
    Mutant("no interrupt for a shot", MMU_X86, gone("    hal_board->ipi(others);\n"), X86),
    Mutant("no interrupt at the end of a space", TLB, gone("        hal_board->ipi(others);\n")),
    Mutant("an interrupt that nobody heeds", TLB,
           (("atomic_load(&as->refs) == 0) {\n        leave", "false) {\n        leave"),)),
    # Early acknowledgement.
    Mutant("shot acknowledged before the flush", MMU_X86,
           ((ACKNOWLEDGE, ""), (ANSWER, ACKNOWLEDGE + ANSWER)), X86),
    Mutant("shot not waited for", MMU_X86, gone(MAIL_WAIT), X86),
    Mutant("two shots at once", MMU_X86, gone(TURN_WAIT), X86),
    Mutant("shot answered by none but the interrupt", MMU_X86,
           gone("        mmu_shot_answer();\n"), (),
           "who waits has interrupts on, as mm/tlb.c asserts"),
    Mutant("frames freed before the shot", TLB,
           (("    if (batch->start < batch->end) {\n        shoot",
             "    for (unsigned i = 0; i < batch->nr; i++) {\n"
             "        if (batch->drop[i].level == TLB_LEVEL_FRAME) {\n"
             "            frame_put(batch->drop[i].frame);\n            batch->drop[i].frame = NULL;\n"
             "        }\n    }\n    if (batch->start < batch->end) {\n        shoot"),
            ("            frame_put(batch->drop[i].frame);\n        } else {",
             "            (void)0;\n        } else {"))),
    # A tag reused before its flush.
    Mutant("rollover drops nothing", ASID,
           (("    must_drop = nr_cpus >= 64 ? ~0ull : (1ull << nr_cpus) - 1;\n", ""),)),
    Mutant("rollover drops on this CPU only", ASID,
           (("    must_drop = nr_cpus >= 64 ? ~0ull : (1ull << nr_cpus) - 1;\n",
             "    must_drop = 1ull << cpu_id();\n"),)),
    Mutant("drop forgotten before it is made", ASID,
           (("    *drop_all = (must_drop >> cpu) & 1;\n    must_drop &= ~(1ull << cpu);\n",
             "    must_drop &= ~(1ull << cpu);\n    *drop_all = (must_drop >> cpu) & 1;\n"),)),
    Mutant("tags in use are not reserved", ASID,
           (("            (void)take((uint32_t)(tag & TAG_MASK));\n", ""),)),
    Mutant("reserved tags are forgotten at the next rollover", ASID,
           (("            tag = reserved[cpu];\n", ""),)),
    Mutant("rollover leaves the slots", ASID,
           ((EXCHANGE, "atomic_load_explicit(&active[cpu], memory_order_relaxed)"),)),
    Mutant("fast path claims by a store", ASID,
           (("atomic_compare_exchange_strong(&active[cpu], &before, tag)",
             "(atomic_store(&active[cpu], tag), true)"),)),
    Mutant("fast path takes an emptied slot", ASID, (("before != 0 && is_current", "is_current"),)),
    Mutant("tag taken without the lock", ASID,
           (("    spin_lock(&lock);\n", ""), ("    spin_unlock(&lock);\n", ""))),
    Mutant("activation does not drop", TLB, (("        drop = TLB_DROP_ALL;\n", ""),)),
    # A root freed under a lazy CPU.
    Mutant("space freed without moving CPUs off", SPACE, gone("    tlb_evict(as);\n")),
    Mutant("space freed without waiting", TLB, gone(EVICT_WAIT)),
    Mutant("space freed under the CPU itself", TLB,
           (("        leave(cpu_self(), as);\n", "        atomic_fetch_and(&as->cpus_on, "
             "~(1ull << cpu_id()));\n"),)),
    Mutant("bit cleared before the empty root is loaded", TLB,
           ((EMPTY_ROOT, LEAVE_ON + EMPTY_ROOT),
            ("    cpu->active_as = NULL;\n" + LEAVE_ON, "    cpu->active_as = NULL;\n"))),
    # The order of cpus_on and the root.
    Mutant("bit cleared before the next root is loaded", TLB,
           ((CLEAR_ON, ""), (LOAD_ROOT, CLEAR_ON + LOAD_ROOT))),
    Mutant("root written before cpus_on", TLB,
           ((SET_ON + FENCE, ""), (LOAD_ROOT, LOAD_ROOT + SET_ON + FENCE))),
    # A stale bit cleared too early.
    Mutant("stale bit cleared before cpus_on is set", TLB,
           ((CLEAR_STALE, ""), ("    enum tlb_drop drop = TLB_KEEP;\n", ""),
            (SET_ON, "    enum tlb_drop drop = TLB_KEEP;\n" + CLEAR_STALE + SET_ON))),
    Mutant("stale bit cleared without a drop", TLB, (("        drop = TLB_DROP_TAG;\n", ""),)),
    Mutant("stale bits cleared by the shooter", TLB,
           (("    hal_mmu.shoot(&shot);\n}\n\nvoid tlb_batch_begin",
             "    hal_mmu.shoot(&shot);\n    atomic_store(&as->cpus_stale, 0);\n}\n\n"
             "void tlb_batch_begin"),)),
]
