#!/usr/bin/env python3
"""What a second CPU brings: scale.py ARCH [--linux] [--runs N] [-- RUN OPTIONS]

Boots one CPU and two in turn, each with the same two workers, and prints for each row the median of
the ratios of their figures beside the goal. On a host with fewer than two CPUs to give, or with
others at work, a figure says nothing. --linux: Debian's kernel on the same machine, without goals.
"""
import argparse
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tests", "user"), os.path.join(ROOT, "ci")]
import build  # noqa: E402
import host  # noqa: E402
import report as reports  # noqa: E402

GOALS = {"fork_exec_exit": {"aarch64": 1.4, "x86_64": 1.6},
         "fault_processes": {"aarch64": 1.7, "x86_64": 1.7},
         "fault_threads": {"aarch64": 1.6, "x86_64": 1.6}}
RUNS = 5
WORKERS = 2
ROUNDS = 11


def measure(arch, program, cpus, options):
    """Returns the rows of one boot, and its Result."""
    result = reports.run(arch, "--preset", "release", "--mem", "512M", "--smp", str(cpus),
                         *options, "--add", f"{program}=/scale", "--exec",
                         f"/scale all {WORKERS} {ROUNDS}")
    rows = {}
    for line in result.out.decode(errors="replace").splitlines():
        name, sep, value = line.partition(" = ")
        if sep and value.isdigit():
            rows[name] = int(value)
    return rows, result


def main():
    argv, options = sys.argv[1:], []
    if "--" in argv:
        at = argv.index("--")
        argv, options = argv[:at], argv[at + 1:]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arch", choices=host.ARCHES)
    parser.add_argument("--linux", action="store_true")
    parser.add_argument("--runs", type=int, default=RUNS)
    args = parser.parse_args(argv)
    if args.linux:
        options = ["--oracle", "--timeout", "200", *options]
    report = reports.Report()
    program = build.build(args.arch, os.path.join(host.BUILD, "tests", args.arch), ["scale"])[0]
    figures = {name: {1: [], 2: []} for name in GOALS}
    for _ in range(args.runs):
        for cpus in (1, 2):
            rows, result = measure(args.arch, program, cpus, options)
            if set(rows) != set(GOALS):
                report.check("runs", False, result.describe(), result.repeat)
                return report.status()
            for name, value in rows.items():
                figures[name][cpus].append(value)
    for name, got in figures.items():
        ratios = [two / one for one, two in zip(got[1], got[2])]
        ratio, goal = statistics.median(ratios), GOALS[name][args.arch]
        text = (f"{name}: {ratio:.2f} times with 2 CPUs ({statistics.median(got[1]):.0f} and "
                f"{statistics.median(got[2]):.0f} a second)")
        if args.linux:
            print(text)
        else:
            report.check(f"{text}, goal {goal}", ratio >= goal,
                         " ".join(f"{r:.2f}" for r in ratios))
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
