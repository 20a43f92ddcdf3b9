"""./test coverage: how much of mm/ and loader/ the host's tests run: lines, branches, undo labels.

Builds the host tests with gcc --coverage (build/sim-coverage), runs them with fewer random steps,
reads gcov's JSON. A source is built once for each codec and library: a line counts if any ran it, a
branch likewise within one build of the source. What assertions would do if they failed does not
count. Words after the command are files whose missing lines are printed.
"""
import collections
import glob
import json
import os
import re
import subprocess
import sys

import host

FOLDERS = ("mm", "loader")
SKIPPED = {"mm/kernel_map.c", "mm/kernel_stack.c",  # the kernel's own half: QEMU's, kernelmap
           "loader/vdso.c"}
LINES, BRANCHES = 97.0, 90.0
# Ends of the kernel, not of a test: their branches and lines are no goal.
EXCLUDED = re.compile(r"\b(kassert|kverify|panic|report)\s*\(|NORETURN")
UNDO = re.compile(r"^(undo_\w+):")


# Sanitizers and the optimiser make branches of their own: the build goes without them.
LAUNCHER = """#!/bin/sh
for word; do
    shift
    case $word in
    -fsanitize=* | -fno-sanitize* | -O?) ;;
    *) set -- "$@" "$word" ;;
    esac
done
exec "$@"
"""


def build():
    folder = os.path.join(host.BUILD, "sim-coverage")
    launcher = os.path.join(folder, "launcher")
    os.makedirs(folder, exist_ok=True)
    with open(launcher, "w", encoding="ascii") as file:
        file.write(LAUNCHER)
    os.chmod(launcher, 0o755)
    subprocess.run(["cmake", "--preset", "sim-debug", "-B", folder, "-DCMAKE_C_FLAGS=--coverage",
                    f"-DCMAKE_C_COMPILER_LAUNCHER={launcher}",
                    f"-DCMAKE_C_LINKER_LAUNCHER={launcher}"],
                   cwd=host.ROOT, check=True, stdout=subprocess.DEVNULL)
    result = subprocess.run(["ninja", "-C", folder], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise host.HostError("\n".join(result.stdout.splitlines()[-12:]))
    for path in glob.glob(os.path.join(folder, "**/*.gcda"), recursive=True):
        os.remove(path)
    return folder


def run_tests(folder):
    """Every host test; those with many random steps do a part of them."""
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], check=True,
                             capture_output=True, text=True).stdout
    failed = []
    for test in json.loads(listing)["tests"]:
        command = list(test.get("command", ()))
        if "--steps" in command:
            command[command.index("--steps") + 1] = "6000"
        if command and subprocess.run(command, stdout=subprocess.DEVNULL, check=False,
                                      stderr=subprocess.DEVNULL).returncode != 0:
            failed.append(test["name"])
    return failed


class File:
    def __init__(self, path):
        self.path = path
        with open(os.path.join(host.ROOT, path), encoding="utf-8") as file:
            self.text = file.read().split("\n")
        self.lines = collections.Counter()
        self.branches = {}  # build of the source -> line -> list of counts

    def skips(self, number):
        start = number
        while start > 1 and number - start < 4 and not re.search(r"[;{}]\s*$", self.text[start - 2]):
            start -= 1
        last = number
        if re.match(r"\s*(\} else )?if \(", self.text[start - 1]):
            while last < number + 4 and not self.text[last - 1].endswith("{"):
                last += 1
            last += 1  # the first statement of the block: a condition that only ends the kernel
        return any(EXCLUDED.search(self.text[at - 1])
                   for at in range(start, min(last, len(self.text)) + 1))

    def add(self, kind, record):
        for line in record["lines"]:
            number = line["line_number"]
            self.lines[number] += line["count"]
            counts = [branch["count"] for branch in line["branches"]]
            if counts:
                known = self.branches.setdefault(kind, {}).setdefault(number, [0] * len(counts))
                if len(known) == len(counts):
                    self.branches[kind][number] = [a + b for a, b in zip(known, counts)]

    def measure(self):
        lines = {number: count for number, count in self.lines.items() if not self.skips(number)}
        best = {}
        for of_kind in self.branches.values():
            for number, counts in of_kind.items():
                if self.skips(number):
                    continue
                share = sum(count > 0 for count in counts) / len(counts)
                if number not in best or share > best[number][0]:
                    best[number] = (share, counts)
        taken = [count > 0 for _, counts in best.values() for count in counts]
        return lines, taken, {number: counts for number, (_, counts) in best.items()}


def collect(folder):
    files = {}
    for data in glob.glob(os.path.join(folder, "**/*.gcda"), recursive=True):
        name = os.path.basename(data)
        if not re.search(r"/__/__/(mm|loader)/[\w.]+$", data) and "/fuzz/" not in data:
            continue
        result = subprocess.run(["gcov", "--json-format", "--stdout", "-b", data], check=True,
                                capture_output=True, text=True, cwd=folder)
        kind = "aarch64" if "aarch64" in data else "x86_64"
        for text in result.stdout.splitlines():
            for record in json.loads(text)["files"]:
                path = record["file"]  # from the top: the build maps its own prefix away
                if path.startswith(FOLDERS) and path.endswith(".c") and path not in SKIPPED:
                    files.setdefault(path, File(path)).add(f"{kind} {name}", record)
    return files


def main():
    try:
        folder = build()
    except (host.HostError, subprocess.CalledProcessError) as error:
        print(f"FAIL the build with --coverage\n    {error}")
        return 1
    status = 0
    for name in run_tests(folder):
        print(f"FAIL {name} in the build with --coverage")
        status = 1
    files = collect(folder)
    for path in glob.glob(os.path.join(host.ROOT, "*/*.c")):
        path = os.path.relpath(path, host.ROOT)
        if path.split("/")[0] in FOLDERS and path not in SKIPPED and path not in files:
            print(f"FAIL {path}: no host test is built with it")
            status = 1
    total = collections.Counter()
    undone, nr_labels = [], 0
    for path in sorted(files):
        lines, taken, branches = files[path].measure()
        ran = sum(count > 0 for count in lines.values())
        total.update(lines=len(lines), ran=ran, branches=len(taken), taken=sum(taken))
        print(f"  {path:24} lines {ran:4} of {len(lines):4}  branches {sum(taken):4} of {len(taken)}")
        if path in sys.argv[1:] or "--missing" in sys.argv:
            for number, count in sorted(lines.items()):
                if count == 0:
                    print(f"      {number}: {files[path].text[number - 1].strip()}")
                elif 0 in branches.get(number, ()):
                    print(f"      {number}: branches {branches[number]}: "
                          f"{files[path].text[number - 1].strip()}")
        for number, line in enumerate(files[path].text, 1):
            label = UNDO.match(line.strip())
            nr_labels += bool(label)
            if label:
                after = [count for at, count in sorted(lines.items()) if at > number][:1]
                if after == [0]:
                    undone.append(f"{path}: {label[1]}")
    line_share = 100 * total["ran"] / max(1, total["lines"])
    branch_share = 100 * total["taken"] / max(1, total["branches"])
    for good, what in ((line_share >= LINES, f"{line_share:.1f} % of {total['lines']} lines "
                        f"(goal {LINES:g})"),
                       (branch_share >= BRANCHES, f"{branch_share:.1f} % of {total['branches']} "
                        f"branches (goal {BRANCHES:g})"),
                       (not undone, f"every undo label has run ({nr_labels} in all)" if not undone
                        else "undo labels never ran: " + ", ".join(undone))):
        print(f"{'PASS' if good else 'FAIL'} {what}")
        status |= not good
    return status


if __name__ == "__main__":
    sys.exit(main())
