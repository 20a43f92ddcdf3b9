#!/usr/bin/env python3
"""The speed table: runs the bench under ./run --icount and prints it beside lean Linux.

    report.py [aarch64|x86_64]... [--result ARCH=FILE]... [--save DIR] [--markdown] [-- RUN OPTIONS]

--result takes the bench's lines from a file. Exit status 1 if a row is above lean Linux's, is missing,
or fork_64m is above a tenth of it.
"""
import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("QUOIN_BUILD", os.path.join(ROOT, "build"))
sys.path.insert(0, os.path.join(ROOT, "tests", "user"))
import build  # noqa: E402

ARCHES = ("aarch64", "x86_64")
LIMITS = {"fork_64m": 0.1}


def linux_rows():
    table = {}
    with open(os.path.join(HERE, "linux.txt")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, a64, x86 = line.split()
                table[name] = {"aarch64": int(a64), "x86_64": int(x86)}
    return table


def parse(text):
    rows = {}
    for line in text.splitlines():
        name, sep, value = line.partition(" = ")
        if sep and value.strip().isdigit():
            rows[name] = int(value)
    return rows


def measure(arch, options):
    out = os.path.join(BUILD, "tests", arch)
    prog = build.build(arch, out, ["bench"])[0]
    cmd = [os.path.join(ROOT, "run"), arch, "--icount", "--add", f"{prog}=/bench", "--timeout", "240",
           *options, "--exec", "/bench"]
    print(f"bench on {arch} ...", file=sys.stderr, flush=True)
    r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if r.returncode:
        print(f"bench on {arch}: exit status {r.returncode}; repeat: {' '.join(cmd)}", file=sys.stderr)
    return r.stdout


def short(n):
    if n >= 10_000_000:
        return f"{n / 1e6:.0f}M"
    return f"{n / 1000:.0f}k" if n >= 100_000 else f"{n / 1000:.1f}k" if n >= 10_000 else str(n)


def main():
    argv, options = sys.argv[1:], []
    if "--" in argv:
        at = argv.index("--")
        argv, options = argv[:at], argv[at + 1:]
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("arch", nargs="*")
    ap.add_argument("--result", action="append", default=[])
    ap.add_argument("--save")
    ap.add_argument("--markdown", action="store_true")
    a = ap.parse_intermixed_args(argv)
    wrong = [x for x in a.arch if x not in ARCHES]
    if wrong:
        ap.error(f"no architecture {wrong[0]}; there are: {' '.join(ARCHES)}")
    files = dict(r.split("=", 1) for r in a.result)
    arches = a.arch or list(files) or list(ARCHES)
    ours = {}
    for arch in arches:
        if arch in files:
            with open(files[arch]) as f:
                text = f.read()
        else:
            text = measure(arch, options)
        if a.save:
            os.makedirs(a.save, exist_ok=True)
            with open(os.path.join(a.save, f"bench.{arch}"), "w") as f:
                f.write(text)
        ours[arch] = parse(text)
    sep = " | " if a.markdown else "  "
    edge = "|" if a.markdown else ""
    head = ["row".ljust(18)]
    for arch in arches:
        head += [arch.rjust(9), "Linux".rjust(9), "ratio".rjust(6)]
    print(edge + sep.join(head) + edge)
    if a.markdown:
        print("|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|")
    bad, third = [], 0
    for name, lean in linux_rows().items():
        cells = [name.ljust(18)]
        for arch in arches:
            got = ours[arch].get(name)
            if got is None:
                bad.append(f"{name} on {arch}: no figure")
                cells += ["-".rjust(9), short(lean[arch]).rjust(9), "-".rjust(6)]
                continue
            ratio = got / lean[arch]
            limit = LIMITS.get(name, 1.0)
            if ratio > limit:
                bad.append(f"{name} on {arch}: {got} is {ratio:.2f} of lean Linux, allowed {limit}")
            third += ratio <= 1 / 3
            cells += [short(got).rjust(9), short(lean[arch]).rjust(9), f"{ratio:.3f}".rjust(6)]
        print(edge + sep.join(cells) + edge)
    total = len(linux_rows()) * len(arches)
    print(f"\n{total - len(bad)} of {total} rows within their limit, {third} at a third or less")
    for line in bad:
        print("above: " + line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
