"""Prints the size of each HAL beside its budget: the functions of it that the portable kernel
uses (vtable members included), all that it defines, and its lines of code.
"""
import os
import re

import host

CONTRACT_BUDGET = 50
LINES_BUDGET = 2000
PORTABLE = ("kernel", "mm", "sched", "fs", "drivers", "loader", "syscall")
COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
# A definition starts in the first column and its body's brace stands alone or ends the line.
FUNCTION = re.compile(r"^(?!static_assert|struct\b[^(]*\{|enum|typedef)[A-Za-z_][^;{}=]*?"
                      r"\b([a-z_]\w*)\s*\([^;{}]*\)\s*(?:[A-Z_]+(?:\([^)]*\))?\s*)*\{", re.M)
MEMBER = re.compile(r"\(\*(?:const )?(\w+)\)\(")
VTABLE = re.compile(r"^struct hal_(?:mmu|board) \{(.*?)^\}", re.M | re.S)
LABEL = re.compile(r"^\s*\.glob[a]?l\s+(.+)$|^\s*(?:FUNCTION|ENTRY)\((\w+)", re.M)


def sources(top):
    for folder, _, names in sorted(os.walk(os.path.join(host.ROOT, top))):
        for name in sorted(names):
            if name.endswith((".c", ".h", ".S")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    yield os.path.join(folder, name), COMMENTS.sub("", file.read())


def count_lines(text):
    return sum(bool(line.strip()) for line in text.splitlines())


def measure(arch):
    """(functions defined, those of them that others can see, lines) of one architecture."""
    functions, shared, lines = set(), set(), 0
    for path, text in sources(f"hal/{arch}"):
        lines += count_lines(text)
        if path.endswith(".S"):
            for many, one in LABEL.findall(text):
                shared |= {name.strip() for name in (many or one).split(",")}
            continue
        for match in FUNCTION.finditer(text):
            functions.add(match.group(1))
            if path.endswith(".h") or not match.group().startswith("static"):
                shared.add(match.group(1))
    return functions | shared, shared, lines


def contract(functions, portable_words):
    """The functions of a HAL that portable code names, and the members of its vtables."""
    members = set()
    for _, text in sources("hal/include"):
        for body in VTABLE.findall(text):
            members |= set(MEMBER.findall(body))
    return {name for name in functions if name in portable_words} | members


def main():
    words = set()
    for top in PORTABLE:
        for _, text in sources(top):
            words |= set(re.findall(r"[a-z_]\w*", text))
    for arch in host.ARCHES:
        functions, shared, lines = measure(arch)
        used = contract(shared, words)
        print(f"PASS hal/{arch}: {len(used)} functions of the contract (budget {CONTRACT_BUDGET}), "
              f"{len(functions)} defined, {lines} lines (budget {LINES_BUDGET})")
        print("  | " + " ".join(sorted(used)))


main()
