"""Where the mutants come from: every place in the sources that a rule matches gives one.

A mutant is (file, line, rule, function, the statement, the new lines). Nothing is hand-picked: a
new call, field or codec line gives new mutants by itself. Fences are not removed here (pte_sync,
dsb, isb, atomic_thread_fence): one thread plays all CPUs, so their order shows nowhere.
"""
import dataclasses
import glob
import os
import re

ARCHES = ("aarch64", "x86_64")
FUNCTION = re.compile(r"^[a-zA-Z_][\w \*]*?[ \*](\w+)\([^;]*$")


@dataclasses.dataclass(frozen=True)
class Mutant:
    path: str
    line: int  # from 1
    rule: str
    function: str
    what: str
    text: str  # the whole mutated file
    arches: tuple

    def key(self):
        return f"{self.path} {self.function} {self.rule}: {self.what}"


# Calls whose whole statement goes.
REMOVED = {
    "invalidation": r"tlb_batch_add|tlb_batch_flush|hal_mmu\.shoot|hal_mmu\.icache_sync"
                    r"|frame_mark_written|tlb_shoot_kernel|sync_code|icache_sync\w*",
    "reference": r"frame_get|frame_put|vm_object_get|vm_object_put|tlb_batch_drop_frame"
                 r"|tlb_batch_drop_table|pt_table_put|vma_attach|as_put|as_get|\w+->ops->file_get"
                 r"|\w+->object->ops->file_get|object->ops->file_put",
    "vma": r"vma_insert|vma_remove|vma_set_bounds|gap_changed|vma_merge_range",
}
SWITCH = r"atomic_fetch_(?:or|and)\(&(?:as|before)->cpus_(?:on|stale).*"
MMU_OPS = (r"insn_tlbi_\w+|insn_invlpg|insn_invpcid|insn_write_cr3|insn_write_cr4|flush_all"
           r"|insn_write_ttbr0|insn_dc_cvau|insn_ic_\w+|mmu_shoot_range|insn_replace_ttbr1")
MMU_FUNCTIONS = re.compile(r"activate|shoot|flush|answer|icache|root|is_long|invalidate")
OPERANDS = [
    (r"\btag \| page\b", "page"), (r"\broot \| tag\b", "root"), (r"\btag \| page\b", "tag"),
    (r"\(uint64_t\)(\w+->)?asid\.value << TTBR_ASID_SHIFT", "0ull"),
    (r"shot->asid\.value", "0"), (r"\| asid\.value", "| 0"),
    (r"va = shot->start", "va = shot->start + PAGE_SIZE"),
    (r"va < shot->end", "va < shot->end - PAGE_SIZE"),
    (r"va \+= PAGE_SIZE", "va += 2 * PAGE_SIZE"), (r"va >> PAGE_SHIFT", "va >> (PAGE_SHIFT + 1)"),
    (r"(CR3_KEEP : 0)", "0 : 0"), (r"& ~CR3_KEEP", "& ~0ull"), (r"\bINVPCID_PCID, ", "INVPCID_ADDRESS, "),
    (r"\bINVPCID_ADDRESS, ", "INVPCID_ADDRESS, 1 + "), (r"\bINVPCID_ALL_GLOBAL, ", "INVPCID_ALL, "),
    (r"\bINVPCID_ALL, ", "INVPCID_PCID, "), (r"& CR3_PCID\b", "& 0xff"),
    (r"& TLBI_VA_MASK", "& (TLBI_VA_MASK >> 12)"), (r"& PTE_X86_ADDR", "& ~0ull"),
    (r"& TTBR_BADDR_MASK", "& ~0ull"), (r"tables && mmu\.pcid", "tables && false"),
    (r"drop == TLB_KEEP", "drop != TLB_DROP_ALL"), (r"drop == TLB_DROP_TAG", "drop != TLB_DROP_TAG"),
    (r"drop == TLB_DROP_ALL", "drop == TLB_DROP_TAG"), (r"TLB_SPACE \|\| shot->tables", "TLB_SPACE"),
    (r"> RANGE_PAGES_MAX", "> 0x100000"), (r"scope == TLB_GLOBAL", "scope != TLB_GLOBAL"),
    (r"va < end; va \+= data_line", "va < end; va += 2 * data_line"),
    (r"va < end; va \+= code_line", "va < end; va += 2 * code_line"),
    (r"pa \+ DIRECT_MAP_BASE", "pa + DIRECT_MAP_BASE + PAGE_SIZE"),
    (r"KERNEL_ENTRY_FIRST; i <", "KERNEL_ENTRY_FIRST + 1; i <"),
]
SHOT = [  # the operands that mm/tlb.c gives
    (r"\.tables = tables", ".tables = false"), (r"\.current = current", ".current = true"),
    (r"\.start = start, \.end = end", ".start = start + PAGE_SIZE, .end = end"),
    (r"\.start = start, \.end = end", ".start = start, .end = end - PAGE_SIZE"),
    (r"shot\.cpus = atomic_load\(&as->cpus_on\)", "shot.cpus = 0"),
    (r"batch->tables \|= tables", "batch->tables = tables"),
    (r"MIN\(batch->start, start\)", "start"), (r"MAX\(batch->end, end\)", "end"),
    (r"drop = TLB_DROP_TAG", "drop = TLB_KEEP"), (r"drop = TLB_DROP_ALL", "drop = TLB_KEEP"),
    (r"current \? ~self : ~0ull", "0"),
]
RIGHTS = [
    (r"raw \|= .*;", ""), (r"prot \|= .*;", ""), (r"(\(prot & PTE_\w+\) [!=]= 0)", r"!(\1)"),
    (r"if \((!?\(?prot & [^)]*\)?)\) \{", r"if (!(\1)) {"),
    (r"never_exec = prot != 0 \? (\w+) : (\w+)", r"never_exec = prot != 0 ? \2 : \1"),
    (r"\(writable \? ", "(!writable ? "), (r"\| ENTRY_AF\b", ""), (r"\| ENTRY_PRESENT\b", ""),
    (r"\| ENTRY_SH_INNER", ""), (r"pa \| PTE_X86_A\b", "pa"), (r"\| PTE_X86_US\b", ""),
    (r"\| ENTRY_NG\b", ""), (r"\| ENTRY_PXN\b", ""), (r"ENTRY_USER \| ", ""),
    (r"raw & ENTRY_TABLE_READ_ONLY\) == 0", "raw & ENTRY_TABLE_READ_ONLY) != 0"),
    (r"return \(e\.raw & PTE_X86_RW\) != 0", "return true"), (r"\| PTE_X86_D\b", ""),
    (r"\(e\.raw & ENTRY_VALID\) != 0", "true"), (r"\(e\.raw & PTE_X86_P\) != 0", "true"),
]
# Statements of the tag allocator; assertions and statistics decide nothing.
GENERATION = r"^\s+(?!return|if|for|while|kassert|kverify|panic|nr_rollovers|spin_|\}|uint|bool|break)" \
             r"[\w\*\(\[].*;(\s*/\*.*)?$"
GENERATION_CONDITIONS = [
    (r"if \(tag == 0\)", "if (false)"), (r"if \(tag != 0\)", "if (false)"),
    (r"if \(old != 0\)", "if (false)"), (r"reserved\[cpu\] == old", "false"),
    (r"before != 0 && ", ""), (r"is_current\(tag\) &&", "true &&"),
    (r"if \(!is_current\(tag\)\)", "if (tag == 0)"), (r"tag < nr_tags", "tag <= nr_tags"),
    (r"renew_reserved_locked\(old, renewed\) \|\| take\(.*\)\) \{", "true) {"),
    (r"= next_tag; tag", "= 1; tag"), (r"= free\b", "= true"), (r"== 0;$", "== 0 || true;"),
    (r"\(must_drop >> cpu\) & 1", "0"),
]


def statement_end(lines, start):
    """The last line of the statement that starts at the line; parentheses must close."""
    depth = 0
    for at in range(start, min(start + 8, len(lines))):
        depth += lines[at].count("(") - lines[at].count(")")
        if depth <= 0 and lines[at].split("/*")[0].rstrip().endswith(";"):
            return at
    return None


class Source:
    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.functions = []
        name = ""
        for line in self.lines:
            found = FUNCTION.match(line)
            if found and not line.startswith(("#", "return", "typedef")):
                name = found[1]
            self.functions.append(name)
            if line == "}":
                name = ""
        arch = [arch for arch in ARCHES if f"/{arch}/" in path]
        self.arches = tuple(arch) or ("x86_64", "aarch64")

    def mutant(self, at, end, new, rule):
        lines = self.lines[:at] + [new] + [""] * (end - at) + self.lines[end + 1:]
        what = " ".join(line.strip() for line in self.lines[at:end + 1]).split("/*")[0].strip()
        if new.strip() not in ("", ";"):
            what += f"  ->  {new.strip()}"
        return Mutant(self.path, at + 1, rule, self.functions[at], what, "\n".join(lines),
                      self.arches)

    def code(self):
        for at, line in enumerate(self.lines):
            if self.functions[at] and not line.lstrip().startswith(("*", "/*", "//", "#")):
                yield at, line

    def remove(self, pattern, rule, functions=None):
        call = re.compile(rf"^\s+(?:\(void\))?(?:{pattern})(?:\(.*|$)")
        for at, line in self.code():
            if call.match(line) and (functions is None or functions.search(self.functions[at])):
                end = statement_end(self.lines, at)
                if end is not None:
                    yield self.mutant(at, end, "    ;", rule)

    def replace(self, pairs, rule, functions=None):
        for at, line in self.code():
            if functions is not None and not functions.search(self.functions[at]):
                continue
            for old, new in pairs:
                changed = re.sub(old, new, line, count=1)
                if changed != line:
                    yield self.mutant(at, at, changed, rule)


def of_mm(source):
    for rule, pattern in REMOVED.items():
        yield from source.remove(pattern, rule)
    yield from source.replace([(r"(tlb_batch_add\(.*), true\);", r"\1, false);")], "operand")
    yield from source.replace([(r"(^\s+)pte_store\(.*PTE_NONE\);", r"\1;")], "break-before-make")
    yield from source.replace([(r"return error == 0 && .*pte_equal.*", "return true;")], "other")


def generate(root):
    """Every mutant of the tree, in order."""
    found = []
    paths = sorted(glob.glob(os.path.join(root, "mm/*.c")))
    skipped = {"kernel_map.c", "kernel_stack.c"}  # the target's own window, not on the host
    for path in paths:
        if os.path.basename(path) in skipped:
            continue
        source = Source(root, os.path.relpath(path, root))
        found += of_mm(source)
        if source.path == "mm/tlb.c":
            found += source.remove(SWITCH, "switch")
            found += source.replace(SHOT, "operand")
        if source.path == "mm/asid.c":
            for at, line in source.code():
                if re.match(GENERATION, line) and source.functions[at] != "asid_nr_rollovers":
                    found.append(source.mutant(at, at, "    ;", "generation"))
            found += source.replace(GENERATION_CONDITIONS, "generation")
    space = Source(root, "mm/space.h")
    found += space.replace(RIGHTS, "right", re.compile("vma_leaf_prot"))
    for arch in ARCHES:
        codec = Source(root, f"hal/{arch}/include/arch/pte.h")
        found += codec.replace(RIGHTS, "right")
        mmu = Source(root, f"hal/{arch}/mmu.c")
        found += mmu.remove(MMU_OPS, "invalidation", MMU_FUNCTIONS)
        found += mmu.replace(OPERANDS, "operand", MMU_FUNCTIONS)
    unique = {}
    for mutant in found:
        unique.setdefault((mutant.path, mutant.text), mutant)
    return list(unique.values())


if __name__ == "__main__":
    import sys
    for each in generate(sys.argv[1] if len(sys.argv) > 1 else "."):
        print(f"{each.path}:{each.line}: {each.rule}: {each.function}: {each.what}")
