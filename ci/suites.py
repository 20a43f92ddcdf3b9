"""The list of test suites: the one place to add one.

A suite is a command, run from the top of the repository. Its lines that start with PASS, FAIL
or SKIP (or TAP's `ok`, `not ok`) are its tests; indented lines below a FAIL say more about it.
What follows ARCH in a command is set per architecture; a suite with arches exists once for
each, as NAME-ARCH, and NAME runs them all.
"""
import dataclasses
import sys

import host

PYTHON = (sys.executable, "-B")


@dataclasses.dataclass(frozen=True)
class Suite:
    name: str
    command: tuple
    minutes: float  # the limit, on a loaded machine with two cores
    about: str
    long: bool = False  # only in ./test all
    alone: bool = False  # nothing else runs meanwhile
    whole: bool = False  # one test, judged by its status; all that it prints is shown


def script(path, *arguments):
    return (*PYTHON, path, *arguments)


def per_arch(name, path, *arguments, **fields):
    return [Suite(f"{name}-{arch}", script(path, arch, *arguments), **fields)
            for arch in host.ARCHES]


SUITES = [
    Suite("build", script("ci/check_build.py"), 10, "both targets, gcc and clang, debug and "
          "release, without a warning", alone=True),
    Suite("layers", script("ci/check_layers.py"), 1, "includes go down only; no architecture's "
          "name and no asm outside hal/"),
    Suite("budget", script("ci/check_budget.py"), 1, "functions and lines of each HAL"),
    Suite("unit", script("ci/check_unit.py"), 10, "host tests, with the simulator"),
    Suite("sim", script("tests/model/run.py"), 40, "mm/ and mmu.c on a machine that keeps every stale "
          "entry; every short sequence"),
    Suite("inject", script("tests/inject/run.py"), 15, "every allocation of every memory operation "
          "fails once"),
    Suite("fuzz", script("tests/fuzz/run.py"), 60, "libFuzzer with sanitizers over models "
          "(--minutes N; all: 10)"),
    Suite("mutants", script("tests/mutants/run.py"), 90, "a break in one place of mm/ and mmu.c must "
          "fail a host test (a sample; all: every one)"),
    Suite("explore", script("tests/explore/run.py"), 20, "every interleaving of switch, shoot, "
          "rollover, exec and exit (all: 3 CPUs, mutants)"),
    Suite("contract", script("tests/contract/run.py"), 10, "every HAL operation, on the simulator "
          "and in QEMU; a score for a port"),
    Suite("coverage", script("ci/coverage.py"), 20, "lines, branches and undo labels of mm/ and "
          "loader/ that host tests run", long=True),
    Suite("cli", script("tests/cli/run.py"), 2, "./run and ./test refuse what is wrong"),
    *per_arch("exec", "tests/exec/run.py", minutes=8, about="./run --exec: streams, statuses"),
    *per_arch("boot", "tests/boot/run.py", minutes=10, about="boot paths, memory sizes, CPUs"),
    Suite("bochs", script("tests/bochs/run.py"), 8, "x86_64 on a CPU with PCID: Bochs"),
    *per_arch("selftest", "tests/boot/selftest.py", minutes=5, about="forbidden accesses that the "
              "hardware must stop"),
    *per_arch("user", "tests/user/run.py", minutes=12, about="programs that pass on Linux too"),
    *per_arch("races", "tests/user/run.py", "memory", "process", "signals", "files",
              "faults", "elf", "stress", "threads", "cpus", "terminal", "contend", "--", "--smp", "4",
              minutes=8, about="user programs on 4 CPUs"),
    *per_arch("rollover", "tests/user/rollover.py", minutes=40, about="user programs where tags run "
              "out (all: every program)"),
    Suite("soak", script("tests/soak/run.py"), 90, "random jobs on 4 CPUs, both architectures at "
          "once, nothing lost (--minutes N; all: 20)", long=True),
    *per_arch("shell", "tests/shell/run.py", minutes=10, about="a person's shell session, "
              "busybox applets compared to Linux"),
    *per_arch("shell-smp", "tests/shell/run.py", "--", "--smp", "4", minutes=10, about="the same on "
              "4 CPUs"),
    *per_arch("programs", "tests/programs/run.py", minutes=8, about="Debian's bash, coreutils, perl, "
              "python3, sqlite3, tcc, dynamically linked"),
    Suite("bench", script("tests/bench/report.py"), 8, "instruction counts beside lean Linux's",
          whole=True),
    *per_arch("scale", "tests/bench/scale.py", minutes=10, about="two CPUs against one: exec, "
              "faults", long=True, alone=True),
]


def groups():
    """Names that stand for several suites."""
    found = {}
    for suite in SUITES:
        base = suite.name.rsplit("-", 1)
        if len(base) == 2 and base[1] in host.ARCHES:
            found.setdefault(base[0], []).append(suite)
    return found


def select(names):
    """Returns the suites that the names mean; raises KeyError with the first unknown name."""
    if not names:
        return [suite for suite in SUITES if not suite.long]
    by_name = {suite.name: [suite] for suite in SUITES} | groups() | {"all": SUITES}
    chosen = []
    for name in names:
        chosen += [suite for suite in by_name[name] if suite not in chosen]
    return chosen
