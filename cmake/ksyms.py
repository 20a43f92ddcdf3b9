"""The kernel's own symbol table, made from nm's output between its two links.

make:  writes ksyms.S with every function, sorted by address.
check: fails unless the second link left all functions where the table says
       (it does as long as .rodata.ksyms lies after the text).
"""
import subprocess
import sys


def read_functions(nm, elf):
    lines = subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in lines.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tTwW" and not fields[2].startswith(("$", ".L")):
            found.setdefault(int(fields[0], 16), fields[2])
    return sorted(found.items())


def render(functions):
    out = ["/* Made by cmake/ksyms.py. */", '    .section .rodata.ksyms, "a"', "    .balign 8",
           "    .globl ksyms_count, ksyms_addr, ksyms_name_off, ksyms_names",
           "ksyms_count:", f"    .quad {len(functions)}", "ksyms_addr:"]
    out += [f"    .quad {address:#x}" for address, _ in functions]
    out.append("ksyms_name_off:")
    offset = 0
    for _, name in functions:
        out.append(f"    .long {offset}")
        offset += len(name) + 1
    out.append("ksyms_names:")
    out += [f'    .asciz "{name}"' for _, name in functions]
    out.append('    .section .note.GNU-stack, "", %progbits')
    return "\n".join(out) + "\n"


def main():
    action, nm, elf, table = sys.argv[1:]
    text = render(read_functions(nm, elf))
    if action == "make":
        with open(table, "w", encoding="ascii") as file:
            file.write(text)
        return
    with open(table, encoding="ascii") as file:
        if file.read() != text:
            sys.exit(f"ksyms: functions moved between the two links of {elf}: "
                     "the linker script must place .rodata.ksyms after .text")


main()
