"""./run and ./test answer wrong use with one line that names what is right, and status 2."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../ci"))
import host  # noqa: E402
from report import Report  # noqa: E402

WRONG = [
    (["./run", "--nonsense"], "--exec"),
    (["./run", "riscv64"], "aarch64"),
    (["./run", "--exec"], "--exec"),
    (["./run", "--mem", "lots"], "256M"),
    (["./run", "--mem", "0M"], "256M"),
    (["./run", "--smp", "0"], "1 to 64"),
    (["./run", "--smp", "many"], "1 to 64"),
    (["./run", "--timeout", "-1"], "above 0"),
    (["./run", "--timeout", "soon"], "above 0"),
    (["./run", "--boot", "floppy"], "uefi"),
    (["./run", "aarch64", "--boot", "iso"], "direct"),
    (["./run", "aarch64", "--board", "q35"], "virt"),
    (["./run", "x86_64", "--board", "virt"], "q35"),
    (["./run", "--gic", "4"], "3"),
    (["./run", "x86_64", "--dtb", "/dev/null"], "device tree"),
    (["./run", "--el", "3"], "2"),
    (["./run", "x86_64", "--el", "2"], "virt"),
    (["./run", "aarch64", "--board", "raspi3b", "--gic", "2"], "virt"),
    (["./run", "--monitor", "/tmp/monitor"], "Ctrl-A C"),
    (["./run", "--preset", "fast"], "release"),
    (["./run", "--emulator", "other"], "qemu"),
    (["./run", "--add", "/no/such/file=/x"], "no such file"),
    (["./run", "--kernel", "/no/such/file"], "no such file"),
    (["./test", "nonsense"], "unit"),
    (["./test", "--nonsense"], "--jobs"),
    (["./test", "--jobs", "0"], "above 0"),
]


def main():
    report = Report()
    for command, expected in WRONG:
        result = subprocess.run(command, cwd=host.ROOT, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False)
        good = (result.returncode == 2 and expected in result.stderr and not result.stdout and
                result.stderr.count("\n") == 1)
        report.check(" ".join(command), good,
                     f"status {result.returncode}, not one line with {expected}:\n"
                     + result.stdout + result.stderr, " ".join(command))
    for command in (["./run", "--help"], ["./test", "--list"]):
        result = subprocess.run(command, cwd=host.ROOT, capture_output=True, text=True,
                                check=False)
        report.check(" ".join(command), result.returncode == 0 and len(result.stdout) > 100,
                     result.stderr)
    return report.status()


sys.exit(main())
