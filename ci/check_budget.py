"""Prints the size of each HAL: the functions that the portable kernel uses of it, all the
functions it defines, and its lines of code. Fails where an architecture passes the budget.
"""
import os
import re
import sys

import host

CONTRACT_MAX = 60
LINES_MAX = 5000
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
    """(functions defined in C, global labels of asm, lines) of one architecture."""
    functions, labels, lines = set(), set(), 0
    for path, text in sources(f"hal/{arch}"):
        lines += count_lines(text)
        if path.endswith(".S"):
            for many, one in LABEL.findall(text):
                labels |= {name.strip() for name in (many or one).split(",")}
        else:
            functions |= set(FUNCTION.findall(text))
    return functions, labels, lines


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
    failed = False
    for arch in host.ARCHES:
        functions, labels, lines = measure(arch)
        used = contract(functions | labels, words)
        over = len(used) > CONTRACT_MAX or lines > LINES_MAX
        failed |= over
        print(f"{'FAIL' if over else 'PASS'} hal/{arch}: {len(used)} functions of the contract "
              f"(at most {CONTRACT_MAX}), {len(functions)} defined in C, {lines} lines "
              f"(at most {LINES_MAX})")
        print("  | " + " ".join(sorted(used)))
    return failed


sys.exit(main())
