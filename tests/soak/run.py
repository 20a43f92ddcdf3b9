"""./test soak [--minutes N]: both architectures at once, 4 CPUs each, random jobs for N minutes.

    run.py [ARCH...] [--minutes N] [--seed S] [--round R] [--keep] [-- RUN OPTIONS]

The guest's program (soak.c) runs rounds of jobs and says what is wrong; a round depends on the seed
and its number, so that --round R begins with the one that failed. A guest that is silent for SILENT_S
has hung. What a machine that hangs was doing goes to its log; --keep leaves it running for gdb.
"""
import argparse
import os
import queue
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../ci"), os.path.join(HERE, "../user")]
import build  # noqa: E402
import host  # noqa: E402

MINUTES = 5
MINUTES_ALL = 20
SILENT_S = 90
EXTRA_S = 1800  # the first round, and the end of the last
GDB = "gdb-multiarch"
PROGRAMS = [*build.PROGRAMS, "soak", "soak_work"]
# What a kernel that is well does not write; programs that die are told about with other words.
COMPLAINT = re.compile(r"panic|lockdep|lock order|assert|corrupt|leak|does not answer|BUG")
OUT = os.path.join(host.BUILD, "soak")


class Soak:
    """One machine: its output, its console's log, and the verdict."""

    def __init__(self, arch, options, folder):
        self.arch = arch
        self.options = options
        self.monitor = os.path.join(folder, arch)
        self.log_path = os.path.join(OUT, f"{arch}.log")  # the console
        self.said_path = os.path.join(OUT, f"{arch}.out")
        self.problems = []
        self.state = "booting"
        self.ended = False
        self.rounds = 0

    def command(self):
        programs = os.path.join(host.BUILD, "tests", self.arch)
        seconds = int(self.options.minutes * 60)
        added = [f"{os.path.join(programs, name)}=/t/" for name in PROGRAMS]
        added.append(f"{os.path.join(HERE, 'jobs')}=/s")
        return ["./run", self.arch, "--smp", "4", "--log", "--monitor", self.monitor, "--timeout",
                str(seconds + EXTRA_S), *(word for path in added for word in ("--add", path)),
                *self.options.run_options, "--exec",
                f"exec /t/soak {self.options.seed} {seconds} {self.options.round}"]

    def repeat(self):
        more = shlex.join(["--", *self.options.run_options]) if self.options.run_options else ""
        return (f"python3 tests/soak/run.py {self.arch} --minutes {self.options.minutes:g} --seed "
                f"{self.options.seed} --round {max(self.rounds, 1)} {more}".rstrip())

    def take(self, line):
        if line.startswith("beat "):
            self.state = line[5:]
        elif line.startswith("round "):
            self.rounds = int(line.split()[1]) + 1
        elif line.startswith(("bad ", "| ")):
            self.problems.append(line)
            if line.startswith("bad round "):
                self.rounds = int(line.split()[2].rstrip(":"))  # the one to repeat
        elif line.startswith("end "):
            self.ended = True
            if line == "end stuck":
                self.examine("the guest gave up")

    def ask_monitor(self, *commands):
        """Answers of QEMU's monitor, as text."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(2)
            line.connect(self.monitor)
            line.sendall("".join(f"{command}\n" for command in commands).encode())
            text = b""
            try:
                while data := line.recv(65536):
                    text += data
            except socket.timeout:
                pass
        return text.decode(errors="replace")

    def examine(self, why):
        """Where each CPU is, three times a second apart; with gdb all tasks' stacks, in a file."""
        self.problems.append(f"hangs: {why}")
        try:
            for _ in range(3):
                self.problems += places(self.arch, self.ask_monitor("info registers -a"))
            self.write_stacks()
        except OSError as error:
            self.problems.append(f"no answer of the emulator's monitor: {error}")
        if self.options.keep:
            print("\n".join([*self.problems, f"{self.arch} is kept, its monitor at {self.monitor}"]),
                  flush=True)
            while True:
                time.sleep(10)

    def write_stacks(self):
        path = os.path.join(OUT, f"{self.arch}.tasks")
        if not shutil.which(GDB):
            self.problems.append(f"no {GDB}: no stacks of tasks")
            return
        self.ask_monitor(f"gdbserver unix:{self.monitor}.gdb,server=on,wait=off")
        with open(path, "wb") as out:
            subprocess.run([GDB, "-batch", "-ex", f"target remote {self.monitor}.gdb", "-x",
                            os.path.join(HERE, "tasks.py"), kernel(self.arch)], stdout=out,
                           stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=120,
                           check=False)
        self.problems.append(f"stacks of all tasks: {path}")

    def run(self):
        lines = queue.Queue()
        with open(self.log_path, "wb") as log, open(self.said_path, "wb") as said, subprocess.Popen(
                self.command(), cwd=host.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, preexec_fn=die_with_parent) as process:

            def read():
                for line in process.stdout:
                    said.write(line)
                    said.flush()
                    lines.put(line.decode(errors="replace").rstrip("\n"))
                lines.put(None)

            threading.Thread(target=read, daemon=True).start()
            try:
                while (line := lines.get(timeout=SILENT_S)) is not None:
                    self.take(line)
                    if line == "end stuck":
                        break
            except queue.Empty:
                self.examine(f"no word for {SILENT_S} s, the last: {self.state}")
            if not self.ended or self.problems:
                process.terminate()
            status = process.wait()
        self.conclude(status)

    def conclude(self, status):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            text = log.read().replace("\r", "").splitlines()
        said = [number for number, line in enumerate(text) if COMPLAINT.search(line)]
        if said:
            self.problems += text[said[0]:said[0] + 40]
        if not self.problems and (status != 0 or not self.ended):
            self.problems += [f"status {status}, the last word: {self.state}", *text[-10:]]


def kernel(arch):
    return os.path.join(host.build_dir(host.preset_name(arch, "debug")), "quoin.elf")


def places(arch, registers):
    """The functions that the program counters of `info registers -a` lie in."""
    text = subprocess.run(["nm", "-n", kernel(arch)], check=True, capture_output=True,
                          text=True).stdout
    symbols = [(int(line.split()[0], 16), line.split()[2]) for line in text.splitlines()
               if line.split()[1] in "tTwW"]
    found = []
    for cpu, value in re.findall(r"CPU#(\d+).*?(?:RIP|PC)=([0-9a-f]+)", registers, re.S):
        pc = int(value, 16)
        below = [symbol for symbol in symbols if symbol[0] <= pc]
        where = f"{below[-1][1]}+{pc - below[-1][0]:#x}" if below and pc >> 63 else "user mode"
        found.append(f"cpu {cpu} at {pc:#x} {where}")
    return found


def die_with_parent():
    import guest
    guest.die_with_parent()


def parse(arguments):
    run_options = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, run_options = arguments[:at], arguments[at + 1:]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arch", nargs="*", choices=[*host.ARCHES, []])
    given = os.environ.get("QUOIN_TEST_MINUTES")
    parser.add_argument("--minutes", type=float, default=float(given) if given else MINUTES_ALL
                        if os.environ.get("QUOIN_TEST_ALL") else MINUTES)
    parser.add_argument("--seed", type=int, default=int(time.time()) & 0xffffff)
    parser.add_argument("--round", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave a machine that hangs running")
    options = parser.parse_args(arguments)
    options.run_options = run_options
    return options


def main():
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.makedirs(OUT, exist_ok=True)
    for arch in options.arch or host.ARCHES:
        host.build(host.preset_name(arch, "debug"), ["quoin.elf", "user/init"])
        build.build(arch, os.path.join(host.BUILD, "tests", arch), PROGRAMS)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="quoin-soak-") as folder:
        soaks = [Soak(arch, options, folder) for arch in options.arch or host.ARCHES]
        threads = [threading.Thread(target=soak.run, daemon=True) for soak in soaks]
        start = shown = time.monotonic()
        print(f"soak: {options.minutes:g} minutes, seed {options.seed}", flush=True)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.5)
            if time.monotonic() > shown + 60:
                shown = time.monotonic()
                print(f"{shown - start:4.0f} s  " + "  ".join(
                    f"{soak.arch}: {soak.state}" for soak in soaks), flush=True)
    for soak in soaks:
        if not soak.ended and not soak.problems:
            soak.problems.append("no end; this script failed")
        good = not soak.problems
        failed += not good
        print(f"{'PASS' if good else 'FAIL'} soak {soak.arch}: {soak.rounds} rounds, "
              f"{soak.state.split()[-1]} jobs, seed {options.seed}", flush=True)
        if not good:
            for line in soak.problems[:120]:
                print("    " + line[:180])
            print(f"    command: {soak.repeat()}\n    console: {soak.log_path}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
