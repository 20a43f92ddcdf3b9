"""run.py ARCH: every way to boot, each up to a command in the shell."""

import os
import struct
import subprocess
import sys
import tempfile
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
        "--smp 2", "--smp 4", "--board microvm", "--board microvm --smp 4 --mem 8G",
        "--board microvm --mem 64M --preset release"],
    "aarch64": [f"--gic {gic} --el {el} --mem {mem}" for gic in (2, 3) for el in (1, 2)
                for mem in ("64M", "8G")] + [
        "--preset release", "--compiler clang", "--compiler clang --preset release",
        "--cpu cortex-a53", "--cpu cortex-a72", "--cpu cortex-a76", "--cpu neoverse-n1",
        "--cpu max,pauth-impdef=on", "--icount"] + [
        f"--smp {cpus} --gic {gic}" for cpus in (2, 4, 8) for gic in (2, 3)] + [
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


def trim(tree):
    """Sets the tree's size to what it holds: QEMU leaves a megabyte of room (Devicetree 5.2)."""
    with open(tree, "r+b") as file:
        header = struct.unpack(">10I", file.read(40))
        size = max(header[2] + header[9], header[3] + header[8])
        file.seek(4)
        file.write(struct.pack(">I", size))
        file.truncate(size)


def check_absent_cpu(report):
    """The tree promises a third CPU that the machine does not have."""
    with tempfile.TemporaryDirectory(prefix="quoin-") as folder:
        tree = os.path.join(folder, "three.dtb")
        subprocess.run(["qemu-system-aarch64", "-M", f"virt,gic-version=3,dumpdtb={tree}", "-cpu",
                        "max", "-smp", "3", "-display", "none"], check=True, capture_output=True)
        trim(tree)
        result = reports.run("aarch64", "--smp", "2", "--dtb", tree, "--log", "--exec", "nproc")
    report.check("a CPU that does not start is reported and left out",
                 result.status == 0 and result.out == b"2\n" and b"cpu 2 does not start" in result.err,
                 result.describe(), result.repeat)


def main():
    arch = sys.argv[1]
    report = reports.Report()
    for row in ROWS[arch]:
        check_row(report, arch, row)
    if arch == "aarch64":
        check_absent_cpu(report)
    return report.status()


sys.exit(main())
