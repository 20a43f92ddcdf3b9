"""run.py: x86_64 under Bochs, whose CPU has PCID and INVPCID; QEMU's has neither.

Bochs decodes PCID by the manual and its TLB keeps no tags: these tests show that the kernel's
instructions are legal and that its counters are right, hal/sim shows that it drops enough.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../ci"))
import report as reports  # noqa: E402
import suites  # noqa: E402

FLAGS = ("pcid", "invpcid", "smep", "smap", "x2apic")
ROUNDS = 200
# Two shells pass a line to and fro through FIFOs; nothing forks between the two readings.
PING_PONG = f"""
count() {{ while read name value; do eval "$1_$name=$value"; done </proc/quoin/tlb; }}
cd /tmp; mkfifo a b
while read x; do echo $x; done <a >b &
exec 3>a 4<b
echo warm >&3; read x <&4
count old
i=0; while [ $i -lt {ROUNDS} ]; do echo $i >&3; read x <&4; i=$((i+1)); done
count new
echo last $x switches $((new_switches-old_switches)) drops \
$((new_drops_tag-old_drops_tag+new_drops_all-old_drops_all))
exec 3>&-; wait; exit 7
"""


def check(report, name, command, judge, *options):
    start = time.monotonic()
    result = reports.run("x86_64", "--emulator", "bochs", *options, "--exec", command)
    lines = result.out.decode(errors="replace").splitlines()
    report.check(f"{name} ({time.monotonic() - start:.1f} s)", judge(result.status, lines),
                 result.describe(), result.repeat)


def has_flags(status, lines):
    words = " ".join(lines).split()
    return status == 0 and all(flag in words for flag in FLAGS)


def no_drops(status, lines):
    words = lines[-1].split() if lines else []
    return (status == 7 and len(words) == 6 and words[1] == str(ROUNDS - 1) and
            int(words[3]) >= 2 * ROUNDS and words[5] == "0")


def main():
    report = reports.Report()
    check(report, "cpuinfo has " + " ".join(FLAGS), "grep ^flags /proc/cpuinfo", has_flags)
    check(report, f"{ROUNDS} rounds of ping-pong drop no translation, status 7", PING_PONG, no_drops)
    check(report, "two CPUs", "nproc; seq 999 | tail -n1 & seq 999 | tail -n1; wait",
          lambda status, lines: status == 0 and lines == ["2", "999", "999"], "--smp", "2")
    program = suites.script("tests/user/run.py", "x86_64", "process", "--", "--emulator", "bochs")
    status = os.spawnv(os.P_WAIT, program[0], program)
    return report.status() or (1 if status else 0)


sys.exit(main())
