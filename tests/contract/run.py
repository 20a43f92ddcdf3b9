"""./test contract: the HAL's contract on the simulator with both codecs, and in the kernel in QEMU.

For each architecture a score counts what a new port reaches, from the first byte of the serial
port to the shell: 0 to 10, one line, with the first step that is missing.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "ci"))
import host  # noqa: E402
from report import Report, run  # noqa: E402

LINE = re.compile(r"(not ok|ok) \d+ - (.*)")
SCORE = re.compile(r"contract: (\d+) of (\d+)")


def verdicts(report, name, text):
    """Reports every failed line; returns the share that held, or None without a score line."""
    for verdict, what in LINE.findall(text):
        if verdict == "not ok":
            report.check(f"{name}: {what.strip()}", False)
    score = SCORE.search(text)
    return (int(score[1]), int(score[2])) if score else None


def on_simulator(report):
    for arch in host.ARCHES:
        program = f"tests/contract/contract-{arch}"
        folder = host.build("sim-debug", [program])
        result = subprocess.run([os.path.join(folder, program)], capture_output=True, text=True,
                                errors="replace", check=False)
        score = verdicts(report, f"sim-{arch}", result.stdout + result.stderr)
        report.check(f"sim-{arch}: {score[0] if score else 0} checks",
                     result.returncode == 0 and score and score[0] == score[1],
                     (result.stdout + result.stderr)[-400:])


def steps(console, shell):
    """What a port goes through, in order, and whether this one did."""
    score = SCORE.search(console)

    def held(words):
        found = [verdict for verdict, what in LINE.findall(console) if words in what]
        return bool(found) and "not ok" not in found

    return [
        ("a byte from the serial port", bool(console.strip())),
        ("the kernel's first line", " on " in console and "board" in console),
        ("memory is up, a task runs", "selftest contract" in console),
        ("the codec", held("pte_")),
        ("interrupts on and off", held("irq_")),
        ("the MMU: registers and shots", held("activate:") and held("shoot:")),
        ("contexts and FP state", held("context_") and held("fpu_")),
        ("signal frames", held("sigframe_")),
        ("clock, timer, ports", held("now_ns") and held("timer_arm") and bool(score)
         and score[1] == score[2]),
        ("user mode: the shell", shell),
    ]


def on_target(report, arch):
    result = run(arch, "--preset", "contract", "--append", "quoin.selftest=contract")
    console = (result.out + result.err).decode(errors="replace")
    score = verdicts(report, arch, console)
    report.check(f"{arch}: {score[0] if score else 0} checks in the kernel",
                 bool(score) and score[0] == score[1], result.describe(), result.repeat)
    shell = run(arch, "--preset", "contract", "--exec", "echo reached")
    found = steps(console, shell.status == 0 and shell.out == b"reached\n")
    reached = sum(good for _, good in found)
    missing = next((f", first missing: {what}" for what, good in found if not good), "")
    report.check(f"{arch}: score {reached} of {len(found)} from the first byte to the shell"
                 + missing, reached == len(found), shell.describe(), shell.repeat)


def main():
    report = Report()
    try:
        on_simulator(report)
    except host.HostError as error:
        report.check("the build of sim-debug", False, str(error)[-600:])
    for arch in host.ARCHES:
        on_target(report, arch)
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
