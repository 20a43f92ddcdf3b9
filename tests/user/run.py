#!/usr/bin/env python3
"""Runs the user test programs and judges their lines.

    run.py ARCH [program...] [--on quoin|linux|native] [--record] [--out DIR] [-- RUN OPTIONS]

quoin: each program in its own guest by ./run; linux: all in one guest of Debian's kernel by
./run --oracle; native: on this host, x86_64 only. A program passes if it prints `# end`, no `not ok` line, the lines
of expected/ARCH/PROGRAM.txt where there is such a file, and exits with 0. --record rewrites those
files and belongs to --on linux. --tags few gives Quoin as few tags as it can do with, CPUs + 1, and
--tags 8 those of 8 bits; if they then never run out, the run fails. What follows `--` goes to ./run
(as in `-- --smp 2 --preset release`).
"""
import argparse
import os
import re
import shlex
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("QUOIN_BUILD", os.path.join(ROOT, "build"))
sys.path.insert(0, HERE)
import build  # noqa: E402

# Seconds a guest may need on a loaded machine, and arguments.
LIMIT = {"stress": 300, "oom": 300, "pointers": 240, "memory": 150, "elf": 150,
         "threads": 240, "contend": 240}
SLOW = 3  # so many times longer under Bochs
RECORDED = ("faults", "pointers", "elf")
ARGS = {("stress", "quoin"): "--exact"}
# Runs of a program that need a machine of their own, on Quoin only: program, arguments, options.
SPECIAL = {"oom": ("stress", "--exact --oom stress.oom", ["--mem", "64M", "--preset", "release"])}


# What makes the guest's tags run out.
TAGS = {"few": "quoin.asids=1", "8": "quoin.asid8"}
# What no test provokes: a panic, of the lock checker too.
REPORT = re.compile(r"panic:|lockdep:")


def guest_command(names, on):
    parts = ["cd /tmp"]
    for name in names:
        parts.append(f"echo '@@ {name}'; /t/{name} {ARGS.get((name, on), '')}; echo \"@@ rc $?\"")
    return "; ".join(parts)


def expected_path(arch, name):
    return os.path.join(HERE, "expected", arch, name + ".txt")


# ELF files against the specification that Linux runs all the same and we may refuse: another class
# or byte order, contents beyond the file's end, segments in page 0, overlapping or out of order.
STRICTER = re.compile(r"cut_|class|big_endian|data_vaddr_[0-2]$|offset_|text_bss_over|descending")


def as_good(name, case, linux, ours):
    """A bad ELF file refused by execve, where Linux first ends the old program and then dies."""
    if name != "elf" or not ours.startswith(("errno", "killed")):
        return False
    return linux.startswith("killed") or (linux == "exit 42" and STRICTER.match(case) is not None)


def compare(arch, name, lines):
    """Differences to the recorded lines, as text lines."""
    path = expected_path(arch, name)
    if not os.path.exists(path):
        return [f"no recording {os.path.relpath(path, ROOT)}"]
    with open(path) as f:
        want = dict(line.rstrip("\n").split(" = ", 1) for line in f if " = " in line)
    got = dict(line.split(" = ", 1) for line in lines if " = " in line)
    bad = [f"{k} = {got.get(k, 'nothing')}, Linux: {v}" for k, v in want.items()
           if got.get(k) != v and not as_good(name, k, v, got.get(k, ""))]
    bad += [f"{k} = {v}, not recorded" for k, v in got.items() if k not in want]
    return bad


def judge(arch, name, text, status, record):
    lines = text.splitlines()
    bad = [line for line in lines if line.startswith("not ok ")]
    good = sum(line.startswith("ok ") for line in lines)
    if "# end" not in lines:
        last = next((line for line in reversed(lines) if line.strip()), "no output")
        bad.append(f"stopped early, last line: {last}")
    if name in RECORDED:
        if record:
            path = expected_path(arch, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.writelines(line + "\n" for line in lines if " = " in line)
        if "# end" in lines:
            bad += compare(arch, name, lines)
        good += sum(" = " in line for line in lines)
    if status != 0 and not bad:
        bad.append(f"exit status {status}")
    return good, bad


def run_quoin(arch, name, out, limit, options, tags):
    program, args, more = SPECIAL.get(name, (name, ARGS.get((name, "quoin"), ""), []))
    if tags:
        more = [*more, "--append", TAGS[tags]]
    cmd = [os.path.join(ROOT, "run"), arch, "--add", f"{out}=/t", "--timeout", str(limit), "--log",
           *more, *options, "--exec", f"cd /tmp; exec /t/{program} {args}".rstrip()]
    r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace"), cmd


def judge_kernel(name, text, log, tags):
    """What the kernel's log and its counters have against the run."""
    bad = [line for line in log.splitlines() if REPORT.search(line)]
    # Of 255 tags only these programs use all.
    if tags == "few" or tags == "8" and name in ("process", "stress"):
        if not re.search(r"^# rollovers [1-9]", text, flags=re.M):
            bad.append("the tags never ran out")
    return bad


def run_many(arch, names, out, on):
    cmd = guest_command(names, on)
    limit = 60 + 60 * len(names)
    if on == "linux":
        cpu = ["--cpu", "max,-la57"] if arch == "x86_64" else []  # Quoin has four levels
        run = [os.path.join(ROOT, "run"), arch, "--oracle", *cpu, "--mem", "512M", "--timeout",
               str(limit), "--add", f"{out}=/t", "--exec", cmd]
        text = subprocess.run(run, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout
    else:
        cmd = cmd.replace("/t/", out + "/")
        text = subprocess.run(["timeout", "-k1", str(limit), "sh", "-c", cmd],
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout
    parts = re.split(r"^@@ (\w+)\n", text.decode(errors="replace"), flags=re.M)
    for name, body in zip(parts[1::2], parts[2::2]):
        body, _, rc = body.rpartition("@@ rc ")
        yield name, body, int(rc) if rc.strip().isdigit() else 124


def main():
    argv, options = sys.argv[1:], []
    if "--" in argv:
        at = argv.index("--")
        argv, options = argv[:at], argv[at + 1:]
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("arch", choices=["aarch64", "x86_64"])
    ap.add_argument("program", nargs="*")
    ap.add_argument("--on", choices=["quoin", "linux", "native"], default="quoin")
    ap.add_argument("--record", action="store_true")
    ap.add_argument("--out")
    ap.add_argument("--tags", choices=TAGS)
    a = ap.parse_intermixed_args(argv)
    special = list(SPECIAL) if a.on == "quoin" else []
    unknown = [p for p in a.program if p not in build.PROGRAMS + special]
    if unknown:
        ap.error(f"no program {unknown[0]}; there are: {' '.join(build.PROGRAMS + special)}")
    if a.record and a.on != "linux":
        ap.error("--record needs --on linux")
    if a.tags and a.on != "quoin":
        ap.error("--tags is for Quoin")
    out = os.path.abspath(a.out or os.path.join(BUILD, "tests", a.arch))
    names = a.program or build.PROGRAMS + special
    build.build(a.arch, out, sorted({SPECIAL.get(n, (n,))[0] for n in names}))
    failed = 0

    def report(name, text, status, hint, seconds, more_bad=()):
        good, bad = judge(a.arch, name, text, status, a.record)
        bad += more_bad
        log = os.path.join(out, f"{name}.{a.on}.log")
        with open(log, "w") as f:
            f.write(text)
        verdict = "FAIL" if bad else "PASS"
        where = f"{a.on}, {a.tags} tags" if a.tags else a.on
        print(f"{verdict} user/{name} {a.arch} {where}: {good} good, {len(bad)} bad, "
              f"{seconds:.1f} s")
        for line in bad[:25]:
            print("    " + line)
        if bad:
            print(f"    command: {hint}\n    log: {log}")
        sys.stdout.flush()
        return 1 if bad else 0

    again = f"tests/user/run.py {a.arch} %s --on {a.on}"
    if a.on == "quoin":
        for name in names:
            start = time.monotonic()
            limit = LIMIT.get(name, 90) * (SLOW if "bochs" in options else 1)
            status, text, err, cmd = run_quoin(a.arch, name, out, limit, options, a.tags)
            bad = judge_kernel(name, text, err, a.tags)
            if bad or "# end" not in text:
                text += "\n" + "".join(f"# {line}\n" for line in err.splitlines()[-60:])
            failed += report(name, text, status, shlex.join(cmd), time.monotonic() - start, bad)
    else:
        start = time.monotonic()
        seen = set()
        for name, text, status in run_many(a.arch, names, out, a.on):
            seen.add(name)
            failed += report(name, text, status, again % name, time.monotonic() - start)
        for name in set(names) - seen:
            failed += report(name, "", 125, again % name, 0)
    print(f"user programs on {a.arch}: {len(names) - failed} of {len(names)} pass")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
