#!/usr/bin/env python3
"""Builds the test programs: build.py ARCH OUTDIR [program...]. Freestanding, static, one folder."""
import os
import platform
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = [HERE] + [os.path.join(os.path.dirname(HERE), kind) for kind in ("bench", "boot", "soak")]
PROGRAMS = ["memory", "process", "signals", "files", "faults", "stress", "elf", "pointers",
            "threads", "cpus", "terminal", "contend"]
FLAGS = ("-std=gnu17 -static -nostdlib -ffreestanding -O2 -fno-stack-protector -fno-pic -no-pie "
         "-fomit-frame-pointer -fno-tree-loop-distribute-patterns -fno-builtin "
         "-Wall -Wextra -Wshadow -Wconversion -Werror -Wl,--build-id=none").split()


def compiler(arch):
    host = platform.machine().replace("arm64", "aarch64")
    cross = f"{arch}-linux-gnu-gcc"
    if arch == host and not shutil.which(cross):
        return "gcc"
    return cross


def uapi(arch):
    for cand in ([f"/usr/include/{arch}-linux-gnu", "/usr/include"], [f"/usr/{arch}-linux-gnu/include"]):
        if os.path.exists(os.path.join(cand[0], "asm/unistd.h")):
            return cand
    sys.exit(f"no Linux headers for {arch}: install linux-libc-dev or linux-libc-dev-*-cross")


def source(name):
    for folder in FOLDERS:
        path = os.path.join(folder, name + ".c")
        if os.path.exists(path):
            return path
    return None


def build(arch, out, names=None):
    """Builds what is older than its sources; returns the list of program paths."""
    lib = os.path.join(HERE, "lib")
    adir = os.path.join(lib, arch)
    os.makedirs(out, exist_ok=True)
    cc = compiler(arch)
    gcc_inc = subprocess.check_output([cc, "-print-file-name=include"], text=True).strip()
    inc = ["-nostdinc", "-isystem", gcc_inc]
    for path in uapi(arch):
        inc += ["-isystem", path]
    inc += ["-I" + lib, "-I" + adir]
    common = [os.path.join(lib, f) for f in sorted(os.listdir(lib)) if f.endswith(".c")]
    common += [os.path.join(adir, f) for f in sorted(os.listdir(adir)) if f.endswith(".S")]
    deps = common + [os.path.join(d, f) for d in (lib, adir) for f in os.listdir(d)]
    built = []
    for name in names or PROGRAMS + ["bench"]:
        src = source(name)
        if not src:
            continue
        prog = os.path.join(out, name)
        newest = max(os.path.getmtime(p) for p in deps + [src, os.path.abspath(__file__)])
        if not os.path.exists(prog) or os.path.getmtime(prog) < newest:
            extra = ["-mno-outline-atomics"] if arch == "aarch64" else []
            cmd = [cc, *FLAGS, *extra, *inc, "-o", prog, src, *common, "-lgcc"]
            if subprocess.run(cmd).returncode:
                sys.exit(f"cannot build {name} for {arch}")
        built.append(prog)
    return built


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("aarch64", "x86_64"):
        sys.exit("usage: build.py aarch64|x86_64 OUTDIR [program...]")
    print("\n".join(build(sys.argv[1], sys.argv[2], sys.argv[3:])))
