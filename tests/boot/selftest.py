"""selftest.py ARCH: forbidden accesses of the kernel, and of a program, each stopped by the hardware.

Every row boots once with quoin.selftest=NAME; the deliberate access must end in a panic report that
names it. On a CPU without the feature the same access must get through, which shows that it is the
feature that stops it.
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../ci"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../user"))
import build  # noqa: E402
import host  # noqa: E402
import report as reports  # noqa: E402

STOPPED = r"quoin: panic: .*fault|quoin: panic: kernel"
THROUGH = r"selftest {}: not stopped"
OVERFLOW = r"kernel stack overflow: "
LOCKDEP = "quoin: panic: lockdep: "
CLEAN = r"selftest kernelmap: \d+ leaves, none writable and executable"

# Name, options, what the log must show.
COMMON = [
    ("nx", "", STOPPED), ("wx", "", STOPPED), ("nullderef", "", STOPPED),
    ("stackoverflow", "", OVERFLOW), ("bootoverflow", "", OVERFLOW),
    ("kernelmap", "", CLEAN), ("panic", "", "quoin: panic: selftest"),
    ("spinorder", "", LOCKDEP + "taking"), ("mutexorder", "", LOCKDEP + "taking"),
    ("spinsleep", "", LOCKDEP + "sleeping under a spinlock"),
    ("panic", "--smp 4", r"(?s)cpu 1 at .*cpu 2 at .*cpu 3 at "),
]
ROWS = {
    "x86_64": COMMON + [
        ("smep", "", STOPPED), ("smap", "", STOPPED),
        ("smep", "--cpu max,-smep", THROUGH), ("smap", "--cpu max,-smap", THROUGH),
    ],
    "aarch64": COMMON + [
        ("pxn", "", STOPPED), ("pan", "", STOPPED), ("pxn", "--cpu cortex-a53", STOPPED),
        ("pan", "--cpu cortex-a53", THROUGH),
    ],
}
SIGSEGV_STATUS = 139


def check_kernel(report, arch, name, options, expected):
    options = options.split()
    result = reports.run(arch, *options, "--append", f"quoin.selftest={name}", "--timeout", "60",
                         "--log", "--exec", "true")
    expected = expected.format(name)
    found = re.search(expected, result.err.decode(errors="replace"))
    report.check(" ".join([name, *options]), found is not None and result.status == 125,
                 f"no line matches {expected!r}\n{result.describe()}", result.repeat)


def check_umip(report, options, expected):
    program = build.build("x86_64", os.path.join(host.BUILD, "tests", "x86_64"), ["umip"])[0]
    result = reports.run("x86_64", *options.split(), "--add", f"{program}=/umip", "--timeout", "60",
                         "--exec", "/umip")
    report.check(f"umip {options}".rstrip(), result.status == expected, result.describe(),
                 result.repeat)


def main():
    arch = sys.argv[1]
    report = reports.Report()
    for name, options, expected in ROWS[arch]:
        check_kernel(report, arch, name, options, expected)
    if arch == "x86_64":
        check_umip(report, "", SIGSEGV_STATUS)
        check_umip(report, "--cpu max,-umip", 0)
    return report.status()


sys.exit(main())
