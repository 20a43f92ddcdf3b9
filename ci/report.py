"""What the test scripts share: PASS and FAIL lines, and runs of ./run.

QUOIN_RUN_OPTIONS adds options to every run: `--oracle` checks the tests themselves on Linux.
"""
import os
import shlex
import subprocess

import host

EXTRA = shlex.split(os.environ.get("QUOIN_RUN_OPTIONS", ""))
LIMIT_S = 240
SHOWN = 600
LINE_MAX = 160


class Report:
    """Counts verdicts; the script's exit status is status()."""

    def __init__(self):
        self.failed = 0

    def check(self, name, good, why="", repeat=""):
        print(f"{'PASS' if good else 'FAIL'} {name}", flush=True)
        if not good:
            self.failed += 1
            for line in str(why).splitlines():
                print("    " + line[:LINE_MAX])
            if repeat:
                print(f"    command: {repeat}", flush=True)
        return good

    def status(self):
        return 1 if self.failed else 0


class Result:
    """One ended run: status, stdout and stderr as bytes, and how to repeat it."""

    def __init__(self, arguments, status, out, err):
        self.repeat = shlex.join(["./run", *arguments])
        self.status = status
        self.out = out
        self.err = err

    def describe(self):
        out = self.out[-SHOWN:].decode(errors="replace")
        err = self.err[-3 * SHOWN:].decode(errors="replace")
        return f"status {self.status}\nstdout: {out}\nstderr: {err}"


def run(*arguments, stdin=b"", limit_s=LIMIT_S):
    """Runs ./run with the arguments to its end; the host's own limit gives status -1."""
    arguments = [*arguments, *EXTRA]
    with subprocess.Popen(["./run", *arguments], cwd=host.ROOT, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            out, err = process.communicate(stdin, limit_s)
            return Result(arguments, process.returncode, out, err)
        except subprocess.TimeoutExpired:
            process.terminate()
            out, err = process.communicate()
            return Result(arguments, -1, out, err)
