#!/usr/bin/env python3
"""A person's shell session, and busybox applets against Linux.

    run.py ARCH [applets|session|--record]... [-- RUN OPTIONS]

--record rewrites expected/ARCH/applets.txt from Debian's Linux (./run --oracle). QUOIN_RUN_OPTIONS
has options for ./run as well, as in `--oracle` to check the tests themselves.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXTRA = shlex.split(os.environ.get("QUOIN_RUN_OPTIONS", ""))
LIMIT_S = 280
PREPARE = """cd / && rm -rf /tmp/w && mkdir /tmp/w && cd /tmp/w || exit 1
cp /t/words /t/bin . && seq 100 > nums
"""


def cases():
    """(names, command) of each line of applets.txt."""
    found = []
    with open(os.path.join(HERE, "applets.txt")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                names, _, command = line.rstrip("\n").partition(": ")
                found.append((names, command))
    return found


def write_guest(folder):
    """The script that runs every case in one guest, each in a shell and a folder of its own."""
    words = ("apple banana cherry date elderberry fig grape honeydew kiwi lemon mango nectarine "
             "orange papaya quince raspberry strawberry tangerine ugli watermelon").split()
    with open(os.path.join(folder, "words"), "w") as f:
        f.write("\n".join(words) + "\n")
    with open(os.path.join(folder, "bin"), "wb") as f:
        f.write(bytes((i * 7 + i // 256) & 255 for i in range(4096)))
    lines = ["export LC_ALL=C TZ=UTC0 PATH=/bin:/sbin:/usr/bin:/usr/sbin\n"]
    for number, (_, command) in enumerate(cases()):
        lines += [PREPARE, f"cat > /tmp/applets.case <<'@@END'\n{command}\n@@END\n",
                  f"echo '@@ {number}'\n", "sh /tmp/applets.case </dev/null 2>&1\n",
                  'echo "@@ rc $?"\n']
    with open(os.path.join(folder, "applets"), "w") as f:
        f.writelines(lines)


def split_output(text):
    """Output with status by case number; a case without an end is left out."""
    parts = re.split(r"^@@ (\d+)\n", text, flags=re.M)
    found = {}
    for number, body in zip(parts[1::2], parts[2::2]):
        body, mark, status = body.rpartition("@@ rc ")
        if mark:
            found[int(number)] = f"{body}@@ rc {status.split()[0]}\n"
    return found


def run_cases(arch, *options):
    with tempfile.TemporaryDirectory() as folder:
        write_guest(folder)
        command = ["./run", arch, "--add", f"{folder}=/t", "--timeout", str(LIMIT_S), *options,
                   *EXTRA, "--exec", "sh /t/applets"]
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def expected_path(arch):
    return os.path.join(HERE, "expected", arch, "applets.txt")


def record(arch):
    status, out, err = run_cases(arch, "--oracle")
    got = split_output(out)
    os.makedirs(os.path.dirname(expected_path(arch)), exist_ok=True)
    with open(expected_path(arch), "w") as f:
        for number, (names, command) in enumerate(cases()):
            if number not in got:
                sys.exit(f"no output of case {number}, {command} (status {status})\n{err[-2000:]}")
            f.write(f"## {names}: {command}\n{got[number]}")
    print(f"recorded {len(got)} cases for {arch}")


def recorded(arch):
    """Expected output by command line."""
    with open(expected_path(arch)) as f:
        parts = re.split(r"^## (.*)\n", f.read(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def check_applets(arch):
    want = recorded(arch)
    status, out, err = run_cases(arch)
    got = split_output(out)
    failed, applets = 0, set()
    for number, (names, command) in enumerate(cases()):
        key = f"{names}: {command}"
        good = got.get(number) == want.get(key)
        print(f"{'PASS' if good else 'FAIL'} applet {names}")
        if good:
            applets.update(n for n in names.split() if "-" not in n)
            continue
        failed += 1
        if key not in want:
            print(f"    not recorded: tests/shell/run.py {arch} --record")
            continue
        for title, text in (("Linux", want[key]), ("here", got.get(number, "nothing\n"))):
            print(f"    {title}: " + text[:700].rstrip("\n").replace("\n", "\n        "))
        print(f"    command: ./run {arch} --exec {shlex.quote(command)}")
    if status:
        print(f"FAIL applets' guest ended with status {status}")
        print("    " + err[-3000:].rstrip("\n").replace("\n", "\n    "))
        failed += 1
    print(f"{len(applets)} applets as on Linux, {failed} cases differ")
    if len(applets) < 60 and not failed:
        print("FAIL fewer than 60 applets")
        failed += 1
    return failed


def main():
    args = sys.argv[1:]
    if "--" in args:
        EXTRA.extend(args[args.index("--") + 1:])
        del args[args.index("--"):]
    if not args or args[0] not in ("aarch64", "x86_64") or \
            set(args[1:]) - {"applets", "session", "--record"}:
        sys.exit("usage: run.py aarch64|x86_64 [applets|session|--record]... [-- RUN OPTIONS]")
    arch, parts = args[0], args[1:] or ["applets", "session"]
    if "--record" in parts:
        record(arch)
        return
    failed = 0
    if "applets" in parts:
        failed += check_applets(arch)
    if "session" in parts:
        import session
        failed += session.run(arch, EXTRA)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
