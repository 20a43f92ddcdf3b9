"""run.py ARCH: ./run --exec passes streams byte for byte and gives the right statuses."""
import os
import random
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../ci"))
import host  # noqa: E402
import report as reports  # noqa: E402

MAPS_LINE = re.compile(rb"[0-9a-f]{8,16}-[0-9a-f]{8,16} [r-][w-][x-][ps] [0-9a-f]{8} "
                       rb"[0-9a-f]{2,}:[0-9a-f]{2,} \d+ .*")
STUCK_INIT = "#!/bin/sh\nwhile :; do sleep 1000; done\n"
ENDING_INIT = "#!/bin/sh\nexit 3\n"


def check_example(report, arch):
    result = reports.run(arch, "--exec", "uname -m; echo a b c | wc -w; cat /proc/self/maps")
    lines = result.out.splitlines()
    good = (result.status == 0 and result.err == b"" and len(lines) > 4 and
            lines[0] == arch.encode() and lines[1] == b"3" and
            all(MAPS_LINE.fullmatch(line) for line in lines[2:]) and
            any(b"busybox" in line for line in lines[2:]) and
            any(b"[stack]" in line for line in lines[2:]))
    report.check("prints uname, wc and maps, and nothing else", good, result.describe(),
                 result.repeat)


def check_bytes(report, arch):
    data = random.Random(1).randbytes(1 << 20)
    result = reports.run(arch, "--exec", "cat", stdin=data)
    report.check("1 MiB of random bytes through cat", result.status == 0 and result.out == data,
                 f"{len(result.out)} bytes came back, status {result.status}\n"
                 + result.err[-500:].decode(errors="replace"), result.repeat)


def check_statuses(report, arch):
    for command, status in (("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", 139),
                            ("sh -c 'kill -TERM $$'", 143), ("/no/such/program", 127)):
        result = reports.run(arch, "--exec", command)
        report.check(f"status {status} of {command}", result.status == status,
                     result.describe(), result.repeat)


def check_streams(report, arch):
    result = reports.run(arch, "--exec", "echo out; echo err >&2; exec >&-; echo late >&2")
    report.check("stdout and stderr stay apart",
                 (result.out, result.err) == (b"out\n", b"err\nlate\n"), result.describe(),
                 result.repeat)
    result = reports.run(arch, "--exec", "sleep 1000 & echo started; exit 4")
    report.check("a job in the background does not hold the end up",
                 (result.status, result.out) == (4, b"started\n"), result.describe(),
                 result.repeat)
    result = reports.run(arch, "--exec", "read a; echo got $a", stdin=b"first\n" + bytes(700000))
    report.check("a command that leaves its input unread", result.out == b"got first\n",
                 result.describe(), result.repeat)
    long_command = "echo " + "x" * 100000
    result = reports.run(arch, "--exec", long_command)
    report.check("a command of 100,000 bytes", result.out == long_command[5:].encode() + b"\n",
                 result.describe()[:2000])
    result = reports.run(arch, "--log", "--exec", "echo out")
    report.check("--log puts the kernel's log on stderr, not stdout",
                 result.out == b"out\n" and len(result.err) > 100, result.describe(),
                 result.repeat)


def check_slow_reader(report, arch):
    """The reader waits before it reads: everything must be there, in order."""
    size = 2000000
    arguments = ["./run", arch, "--exec", f"yes | head -c {size}", *reports.EXTRA]
    with subprocess.Popen(arguments, cwd=host.ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as process:
        select.select([process.stdout], [], [], reports.LIMIT_S)
        time.sleep(3)
        data = process.stdout.read()
        status = process.wait()
    report.check("2 MB to a slow reader", status == 0 and data == b"y\n" * (size // 2),
                 f"{len(data)} bytes, status {status}", " ".join(arguments))


def check_additions(report, arch):
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/tree/sub")
        with open(f"{folder}/tree/sub/file", "wb") as file:
            file.write(b"in a tree\n")
        with open(f"{folder}/script", "w", encoding="ascii") as file:
            file.write("#!/bin/sh\necho script $1\n")
        os.chmod(f"{folder}/script", 0o755)
        os.symlink("sub/file", f"{folder}/tree/link")
        result = reports.run(arch, "--add", f"{folder}/tree", "--add", f"{folder}/script=/bin/my",
                             "--exec", "cat /tree/link; my ran")
        report.check("--add of a folder and a program", result.out == b"in a tree\nscript ran\n",
                     result.describe(), result.repeat)


def check_failures(report, arch):
    result = reports.run(arch, "--timeout", "30", "--exec", "echo before; sleep 1000")
    report.check("124 at a time-out", result.status == 124 and result.out == b"before\n",
                 result.describe(), result.repeat)
    result = reports.run(arch, "--exec", "poweroff -f; sleep 100")
    report.check("125 if the machine goes off", result.status == 125, result.describe(),
                 result.repeat)
    with tempfile.TemporaryDirectory() as folder:
        for name, text, options, status, why in (
                ("stuck", STUCK_INIT, ("--timeout", "20"), 124, "a guest that hangs"),
                ("ending", ENDING_INIT, (), 125, "a kernel that panics")):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o755)
            result = reports.run(arch, *options, "--add", f"{path}=/init", "--exec", "true")
            report.check(f"{status} for {why}, with the log's tail",
                         result.status == status and result.err.count(b"\n") > 3,
                         result.describe(), result.repeat)


def processes_of(folder):
    """Ids of this user's processes that run in the folder's name space of one marker."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if folder in file.read():
                    found.append(int(pid))
        except OSError:
            continue
    return found


def check_interrupt(report, arch):
    """A killed ./run takes its machine along."""
    marker = f"quoin.marker={os.getpid()}"
    arguments = ["./run", arch, "--append", marker, "--exec", "echo up; sleep 1000",
                 *reports.EXTRA]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with subprocess.Popen(arguments, cwd=host.ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            line = process.stdout.readline()
            process.send_signal(number)
            process.wait()
        time.sleep(0.5)
        left = processes_of(marker.encode())
        report.check(f"{signal.Signals(number).name} leaves nothing behind",
                     line == b"up\n" and not left, f"first line {line}, still there: {left}")


def main():
    arch = sys.argv[1]
    report = reports.Report()
    for check in (check_example, check_bytes, check_statuses, check_streams, check_slow_reader,
                  check_additions, check_failures, check_interrupt):
        check(report, arch)
    return report.status()


sys.exit(main())
