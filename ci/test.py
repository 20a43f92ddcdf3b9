"""./test [suite...]: builds and tests Quoin.

Without names the tier of at most 15 minutes; `all` adds the long suites.
"""
import argparse
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time

import host
import suites

LOGS = os.path.join(host.BUILD, "test-logs")
RESULT = re.compile(r"(?:\x1b\[[0-9;]*m)*(PASS|FAIL|SKIP|ok|not ok)\b[ :]*(.*)")
TAIL_LINES = 15
PRINT_LOCK = threading.Lock()


class Run:
    """One suite's run: its tests' verdicts, printed as they come, and its log."""

    def __init__(self, suite):
        self.suite = suite
        self.log_path = os.path.join(LOGS, suite.name + ".log")
        self.passed = self.failed = self.skipped = 0
        self.explaining = False
        self.seconds = 0.0

    def print(self, text):
        with PRINT_LOCK:
            print(text, flush=True)

    def fail(self, what):
        self.failed += 1
        self.print(f"FAIL {self.suite.name}: {what}\n"
                   f"    repeat: ./test {self.suite.name}\n    log: {self.log_path}")

    def take_line(self, line):
        if self.suite.whole:
            self.print("    " + line)
            return
        match = RESULT.match(line)
        if not match:
            if self.explaining and line.startswith("    "):
                self.print(line)
            else:
                self.explaining = False
            return
        verdict, name = match.groups()
        self.explaining = verdict in ("FAIL", "not ok")
        if self.explaining:
            self.fail(name)
        elif verdict == "SKIP" or re.search(r"# skip", name, re.I):
            self.skipped += 1
            self.print(f"SKIP {self.suite.name}: {name}")
        else:
            self.passed += 1
            self.print(f"PASS {self.suite.name}: {name}")

    def execute(self, children):
        """Runs the suite's command; children lists the live ones, for whoever must end them."""
        start = time.monotonic()
        limit_s = self.suite.minutes * 60
        timed_out = threading.Event()
        with open(self.log_path, "w", encoding="utf-8") as log, subprocess.Popen(
                self.suite.command, cwd=host.ROOT, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                start_new_session=True) as process:
            children.append(process)

            def end():
                timed_out.set()
                end_suite(process)

            timer = threading.Timer(limit_s, end)
            timer.start()
            for line in process.stdout:
                log.write(line)
                log.flush()
                self.take_line(line.rstrip("\n"))
            status = process.wait()
            timer.cancel()
            children.remove(process)
        self.seconds = time.monotonic() - start
        self.conclude(status, timed_out.is_set())

    def conclude(self, status, timed_out):
        if timed_out:
            self.fail(f"no end within {self.suite.minutes:g} minutes")
        elif status != 0 and self.failed == 0:
            self.fail(f"exit status {status}")
            self.print(self.log_tail())
        elif status == 0 and self.suite.whole:
            self.passed = 1
            self.print(f"PASS {self.suite.name}: {self.suite.about}")
        elif self.passed + self.failed + self.skipped == 0:
            self.fail("no test ran")
        self.print(f"---- {self.suite.name}: {self.passed} passed, {self.failed} failed"
                   + (f", {self.skipped} skipped" if self.skipped else "")
                   + f", {self.seconds:.1f} s")

    def log_tail(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            lines = log.read().splitlines()[-TAIL_LINES:]
        return "\n".join("    | " + line for line in lines)


def descendants(pid):
    """The process ids below pid, whatever session they are in; children come last."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                parents.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(
                    int(name))
        except OSError:
            continue
    found = [pid]
    for known in found:
        found += parents.get(known, [])
    return found


def end_suite(process):
    """Ends a suite and all that it started: terminal tests run in sessions of their own."""
    pids = descendants(process.pid)
    for number, pause_s in ((signal.SIGTERM, 2), (signal.SIGKILL, 0)):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        time.sleep(pause_s)
        pids = [pid for pid in pids if os.path.exists(f"/proc/{pid}")]


def run_all(chosen, jobs):
    runs = [Run(suite) for suite in chosen]
    children = []
    waiting = queue.Queue()

    def interrupted(number, _):
        for process in list(children):
            end_suite(process)
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    for run in runs:
        if run.suite.alone:
            run.execute(children)
        else:
            waiting.put(run)

    def work():
        while True:
            try:
                waiting.get_nowait().execute(children)
            except queue.Empty:
                return

    workers = [threading.Thread(target=work, daemon=True) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(0.2)
    return runs


def parse(arguments):
    names = [suite.name for suite in suites.SUITES]
    usage = f"suites: all {' '.join(suites.groups())} {' '.join(names)}"
    parser = argparse.ArgumentParser(prog="./test", description=__doc__, epilog=usage,
                                     allow_abbrev=False)

    def error(message):
        host.say(f"test: {message}; options: --list --jobs N --minutes N; {usage}")
        sys.exit(2)

    parser.error = error
    parser.add_argument("suites", nargs="*", metavar="suite")
    parser.add_argument("--list", action="store_true", help="print the suites and end")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N",
                        help="suites at a time")
    parser.add_argument("--minutes", type=float, metavar="N",
                        help="time for suites that search (fuzz, mutants, soak)")
    options = parser.parse_args(arguments)
    try:
        options.chosen = suites.select(options.suites)
    except KeyError as missing:
        error(f"no suite {missing.args[0]}")
    if options.jobs < 1:
        error("--jobs takes a number above 0")
    return options


def main():
    options = parse(sys.argv[1:])
    if options.list:
        for suite in options.chosen if options.suites else suites.SUITES:
            print(f"{suite.name:16} {'long' if suite.long else '':5} {suite.about}")
        return 0
    start = time.monotonic()
    os.makedirs(LOGS, exist_ok=True)
    if options.minutes:
        os.environ["QUOIN_TEST_MINUTES"] = str(options.minutes)
    if "all" in options.suites:
        os.environ["QUOIN_TEST_ALL"] = "1"
    runs = run_all(options.chosen, options.jobs)
    failed = sum(run.failed for run in runs)
    passed = sum(run.passed for run in runs)
    print("\nseconds: " + "  ".join(f"{run.suite.name} {run.seconds:.0f}" for run in runs)
          + f"  in all {time.monotonic() - start:.0f}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
