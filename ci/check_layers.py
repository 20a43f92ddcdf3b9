"""The layer rules: what each folder may include, from the compiler's own record of what it
read, and no architecture's name, condition or asm outside hal/, from the sources' code.
"""
import os
import re
import subprocess
import sys

import host

# Folder: the folders below it. Every folder also sees itself and hal/include.
BELOW = {
    "kernel": set(),
    "mm": {"kernel"},
    "fs": {"kernel", "mm"},
    "drivers": {"kernel", "mm", "fs"},
    "sched": {"kernel", "mm", "fs"},
    "loader": {"kernel", "mm", "fs", "sched"},
    "syscall": {"kernel", "mm", "fs", "sched", "loader", "drivers"},
    "hal": {"kernel"},
}
# The composition root: these files put the layers together and may include anything.
ROOTS = {"kernel/main.c", "kernel/trap.c", "kernel/selftest.c"}
# Named seams: (file or folder, header) that a layer may see above itself, and why.
SEAMS = {
    ("kernel/uio.c", "mm/address_space.h"): "user memory is copied by its owner",
    ("kernel/cred.c", "mm/slab.h"): "credentials are allocated",
    ("hal", "mm/kernel_map.h"): "boards map their device registers",
}
SOURCES = (".c", ".h", ".S")
ARCH_WORDS = re.compile(r"(?i)\b(aarch64|arm64|armv[89]\w*|x86|x86_64|x86-64|amd64|i[3-6]86|"
                        r"__aarch64__|__x86_64__|asm|__asm|__asm__)\b")
COMMENTS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def compiled_files(folder):
    """(source, headers) of every object, relative to the repository."""
    text = subprocess.run(["ninja", "-C", folder, "-t", "deps"], check=True,
                          capture_output=True, text=True).stdout
    for block in text.split("\n\n"):
        paths = [os.path.relpath(os.path.join(folder, line.strip()), host.ROOT)
                 for line in block.splitlines()[1:] if line.startswith("    ")]
        paths = [path for path in paths if not path.startswith("..")]
        if paths:
            yield paths[0], paths[1:]


def layer(path):
    return path.split("/")[0]


def allowed(source, header):
    below = BELOW.get(layer(source))
    if below is None or source in ROOTS or header.startswith("hal/include/"):
        return True
    if layer(header) == "hal":
        return header.startswith(f"hal/{source.split('/')[1]}/") or "/include/arch/" in header
    if layer(header) == layer(source) or layer(header) not in BELOW:
        return True
    return layer(header) in below or (source, header) in SEAMS or (layer(source), header) in SEAMS


def check_includes(arch):
    folder = host.build(host.preset_name(arch, "debug"))
    count = 0
    bad = []
    for source, headers in compiled_files(folder):
        count += 1
        bad += [f"{source} sees {header}" for header in headers if not allowed(source, header)]
    return count, sorted(set(bad))


def strip_comments(text):
    """Blanks comments and string literals, keeps the line numbers."""
    return COMMENTS.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def check_names():
    count = 0
    bad = []
    for top in BELOW:
        if top == "hal":
            continue
        for folder, _, names in os.walk(os.path.join(host.ROOT, top)):
            for name in names:
                if not name.endswith(SOURCES):
                    continue
                count += 1
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    text = strip_comments(file.read())
                for number, line in enumerate(text.splitlines(), 1):
                    if re.match(r"\s*#\s*include\s*<asm/", line):
                        continue  # Linux's own headers, of the target's folder
                    if ARCH_WORDS.search(line):
                        bad.append(f"{os.path.relpath(path, host.ROOT)}:{number}: "
                                   f"{line.strip()[:80]}")
    return count, bad


def check_lists():
    """Every source is in its folder's list, so that none is forgotten."""
    count = 0
    bad = []
    for top in [*BELOW, *(f"hal/{arch}" for arch in host.ARCHES)]:
        folder = os.path.join(host.ROOT, top)
        names = [name for name in os.listdir(folder) if name.endswith((".c", ".S"))]
        if not names:
            continue
        with open(os.path.join(folder, "CMakeLists.txt"), encoding="utf-8") as file:
            listed = set(re.findall(r"[\w./-]+", file.read()))
        count += len(names)
        bad += [f"{top}/{name} is in no list" for name in sorted(names) if name not in listed]
    return count, bad


def report(what, count, bad):
    print(f"{'FAIL' if bad or not count else 'PASS'} {what} ({count} files)")
    for line in bad:
        print("    " + line)
    return bool(bad) or not count


def main():
    failed = False
    for arch in host.ARCHES:
        try:
            failed |= report(f"includes on {arch}", *check_includes(arch))
        except host.HostError as error:
            failed = True
            print(f"FAIL includes on {arch}: it does not build")
            print("\n".join("  | " + line for line in str(error).splitlines()))
    failed |= report("lists of sources", *check_lists())
    failed |= report("names outside hal/", *check_names())
    return failed


sys.exit(main())
