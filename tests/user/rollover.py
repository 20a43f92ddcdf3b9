"""rollover.py ARCH: user programs with tags that run out, on 1 and 4 CPUs.

With as few tags as the kernel can do with, CPUs + 1, and on aarch64 with those of 8 bits, too. On
x86_64 under Bochs, which is slow: the CPU that QEMU emulates has no PCID, so no tags.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../ci"))
import suites  # noqa: E402

ALL = bool(os.environ.get("QUOIN_TEST_ALL"))
BOCHS = ("--emulator", "bochs")
SHORT = ("process", "signals", "memory")
# Tags, CPUs, options, programs: () is every one, None that the run is for ./test all.
LEGS = {
    "aarch64": (("few", "1", (), () if ALL else SHORT),
                ("few", "4", (), () if ALL else (*SHORT, "threads")),
                ("8", "4", (), () if ALL else ("process",))),
    "x86_64": (("few", "1", BOCHS, ("process", "signals") if ALL else ("process",)),
               ("few", "4", BOCHS, ("process",) if ALL else None)),
}


def main():
    arch = sys.argv[1]
    failed = False
    for tags, cpus, options, programs in LEGS[arch]:
        if programs is None:
            continue
        print(f"tags: {tags}, CPUs: {cpus}", flush=True)
        command = suites.script("tests/user/run.py", arch, *programs, "--tags", tags, "--", "--smp",
                                cpus, *options)
        failed |= os.spawnv(os.P_WAIT, command[0], command) != 0
    return 1 if failed else 0


sys.exit(main())
