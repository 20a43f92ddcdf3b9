#!/usr/bin/env python3
"""Where a bench row's instructions go: profile.py ARCH ROW [--top N] [--tree PREFIX]

Runs one row under ./run --icount with the emulator's execution trace on, counts the instructions of
each translated block, and prints the share of each kernel symbol (and of user mode) after boot.
The trace makes the run some 50 times slower; instructions stay what they are.
"""
import argparse
import bisect
import collections
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("QUOIN_BUILD", os.path.join(ROOT, "build"))
sys.path.insert(0, os.path.join(ROOT, "tests", "user"))
import build  # noqa: E402

KERNEL_BASE = 0xFFFF800000000000
TRACE = re.compile(rb"^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/")
INSN = re.compile(rb"^0x([0-9a-f]+):")


def symbols(arch):
    elf = os.path.join(BUILD, f"{arch}-release", "quoin.elf")
    nm = "aarch64-linux-gnu-nm" if arch == "aarch64" and os.uname().machine != "aarch64" else "nm"
    out = subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout
    table = [line.split() for line in out.splitlines()]
    table = [(int(a, 16), name) for a, kind, name in table if kind in "tTwW"]
    return [a for a, _ in table], [name for _, name in table]


def wrap(folder, arch, fifo):
    tool = f"qemu-system-{arch}"
    real = subprocess.run(["which", tool], check=True, capture_output=True, text=True).stdout.strip()
    path = os.path.join(folder, tool)
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\nexec {real} -d in_asm,exec,nochain -D {fifo} "$@"\n')
    os.chmod(path, 0o755)


def count(stream):
    """Executed instructions for each block start, kernel by address, user as None."""
    length, executed, block = {}, collections.Counter(), None
    for line in stream:
        match = TRACE.match(line)
        if match:
            executed[int(match[1], 16)] += 1
            continue
        if line.startswith(b"IN:"):
            block = None
            continue
        match = INSN.match(line)
        if match:
            pc = int(match[1], 16)
            if block is None:
                block = pc
                length[block] = 0
            length[block] += 1
    return length, executed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arch", choices=["aarch64", "x86_64"])
    parser.add_argument("row")
    parser.add_argument("--top", type=int, default=40)
    args = parser.parse_args()
    prog = build.build(args.arch, os.path.join(BUILD, "tests", args.arch), ["bench"])[0]
    runs = []
    # Twice, with and without the row: the difference is the row's own.
    for row in (args.row, "none"):
        with tempfile.TemporaryDirectory() as folder:
            fifo = os.path.join(folder, "trace")
            os.mkfifo(fifo)
            wrap(folder, args.arch, fifo)
            env = dict(os.environ, PATH=folder + ":" + os.environ["PATH"])
            run = subprocess.Popen([os.path.join(ROOT, "run"), args.arch, "--icount", "--timeout",
                                    "600", "--add", f"{prog}=/bench", "--exec", f"/bench {row}"],
                                   env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            with open(fifo, "rb") as stream:
                length, executed = count(stream)
            sys.stdout.write(run.communicate()[0].decode())
            runs.append(collections.Counter({pc: n * length.get(pc, 1) for pc, n in executed.items()}))
    addresses, names = symbols(args.arch)
    shares = collections.Counter()
    for pc, n in runs[0].items():
        n -= runs[1].get(pc, 0)
        if pc < KERNEL_BASE:
            shares["(user)"] += n
        else:
            index = bisect.bisect_right(addresses, pc) - 1
            shares[names[index] if index >= 0 else "?"] += n
    total = sum(shares.values())
    for name, n in shares.most_common(args.top):
        print(f"{100 * n / total:6.2f} % {n:12d} {name}")
    print(f"         {total:12d} in all")


main()
