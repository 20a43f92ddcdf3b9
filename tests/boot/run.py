"""run.py ARCH: every way to boot, each up to a command in the shell."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../ci"))
import report as reports  # noqa: E402

PROBE = "echo up; nproc; sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo"
SIZES = {"64M": 64, "256M": 256, "1G": 1024, "8G": 8192}
USABLE = 0.55  # of the memory given: the kernel, its root and its frame table take the rest

ROWS = {
    "x86_64": [f"--boot {boot} --mem {mem}" for boot in ("direct", "iso", "uefi")
               for mem in ("64M", "8G")] + [
        "--preset release", "--compiler clang", "--compiler clang --preset release",
        "--cpu qemu64", "--cpu Nehalem", "--cpu Skylake-Client", "--cpu EPYC",
        "--cpu max,-smap,-smep,-umip", "--cpu max,-fsgsbase,-pge", "--icount", "--smp 8",
        "--board microvm", "--board microvm --smp 4 --mem 8G",
        "--board microvm --mem 64M --preset release"],
    "aarch64": [f"--gic {gic} --el {el} --mem {mem}" for gic in (2, 3) for el in (1, 2)
                for mem in ("64M", "8G")] + [
        "--preset release", "--compiler clang", "--compiler clang --preset release",
        "--cpu cortex-a53", "--cpu cortex-a72", "--cpu cortex-a76", "--cpu neoverse-n1",
        "--cpu max,pauth-impdef=on", "--icount", "--smp 8 --gic 2", "--smp 8 --gic 3",
        "--board raspi3b", "--board raspi3b --smp 4", "--board raspi3b --preset release"],
}


def value_of(options, name, default):
    return options[options.index(name) + 1] if name in options else default


def check_row(report, arch, row):
    start = time.monotonic()
    options = row.split()
    result = reports.run(arch, *options, "--exec", PROBE)
    default = "1G" if "--icount" in options or "raspi3b" in options else "256M"
    expected_kb = SIZES[value_of(options, "--mem", default)] * 1024
    lines = result.out.decode(errors="replace").split()
    good = (result.status == 0 and len(lines) == 3 and lines[0] == "up" and
            lines[1] == value_of(options, "--smp", "1") and
            expected_kb * USABLE < int(lines[2]) <= expected_kb)
    report.check(f"{row} ({time.monotonic() - start:.1f} s)", good, result.describe(),
                 result.repeat)


def main():
    arch = sys.argv[1]
    report = reports.Report()
    for row in ROWS[arch]:
        check_row(report, arch, row)
    return report.status()


sys.exit(main())
