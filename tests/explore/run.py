"""./test explore: every interleaving of the scenarios, on both codecs (all: those of three CPUs too).

ThreadSanitizer runs beside it: race-<arch>, 8 CPUs as threads in the whole of mm/.
--mutants: every break of mutants.py must make a scenario fail instead. Words choose scenarios, or
mutants by a part of their names.
"""
import concurrent.futures
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "ci"))
import host  # noqa: E402
import mutants  # noqa: E402

PRESET = "sim-release"
JOBS = 2
LIMIT_S = 900
MUTANT_LIMIT_S = 120
RACE_LIMIT_S = 300
RACE_LINES = 40
RACE_STEPS, RACE_STEPS_ALL = 10000, 300000


def program_of(arch):
    return f"tests/explore/explore-{arch}"


def explore(folder, arch, options):
    command = [os.path.join(folder, program_of(arch)), *options]
    try:
        output = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S,
                                check=False).stdout
    except subprocess.TimeoutExpired:
        return False, [f"FAIL {arch}: not done after {LIMIT_S} s"]
    lines, before, good, nr = [], [], True, 0
    for line in output.splitlines():
        found = re.match(r"(ok|not ok) (.*)", line)
        if found and found[1] == "ok":
            nr += 1
            lines.append(f"PASS {arch} {found[2]}")
        elif found:
            good = False
            lines += [f"FAIL {arch} {found[2]}", f"    command: {shlex.join(command)}", *before]
        else:
            before.append(line)
            continue
        before = []
    lines += before
    if nr == 0 and good:
        return False, [f"FAIL {arch}: no scenario ran"]
    return good, lines


def race(folder, arch, steps):
    command = [os.path.join(folder, f"tests/explore/race-{arch}"), "--steps", str(steps)]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace",
                                timeout=RACE_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return False, [f"FAIL {arch} race: not done after {RACE_LIMIT_S} s"]
    lines = result.stdout.splitlines()
    if result.returncode == 0 and lines and lines[-1].startswith("ok "):
        return True, [f"PASS {arch} {lines[-1][3:]}"]
    return False, [f"FAIL {arch} race", f"    command: {shlex.join(command)}",
                   *("    " + line for line in lines[:RACE_LINES])]


class Builder:
    """Compile and link commands of the explorer, as ninja has them."""

    def __init__(self, folder):
        self.folder = folder
        self.compile, self.link = {}, {}
        text = subprocess.run(["ninja", "-C", folder, "-t", "commands",
                               *[program_of(arch) for arch in host.ARCHES]], check=True,
                              capture_output=True, text=True).stdout
        for line in text.splitlines():
            words = [word for word in shlex.split(line) if word not in (":", "&&")]
            out = words[words.index("-o") + 1]
            if "-c" in words:
                self.compile[out] = words
            else:
                self.link[out] = words

    def make(self, arch, path, text, work):
        """Links the program with one source replaced; None where it has no such source."""
        name = f"explore-real-{arch}.dir"
        source = os.path.join(host.ROOT, path)
        for out, words in self.compile.items():
            if name in out and os.path.realpath(words[-1]) == os.path.realpath(source):
                break
        else:
            return None
        changed = os.path.join(work, os.path.basename(path))
        with open(changed, "w", encoding="utf-8") as file:
            file.write(text)
        new = os.path.join(work, "changed.o")
        words = [word for word in words if word != "-Werror"] + ["-w"]
        words[words.index(source)] = changed
        words[words.index("-o") + 1] = new
        words[words.index("-MF") + 1] = new + ".d"
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)
        link = [new if word == out else word for word in self.link[program_of(arch)]]
        program = os.path.join(work, "explore")
        link[link.index("-o") + 1] = program
        subprocess.run(link, cwd=self.folder, check=True, capture_output=True)
        return program


def first_failure(program):
    """The scenario that fails, and why; None: all pass."""
    with subprocess.Popen([program, "--stop"], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        try:
            output, _ = process.communicate(timeout=MUTANT_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return "no end"
    found = re.search(r"^not ok ([\w-]+):.*\n\s*(.*)", output, re.M)
    return f"{found[1]}: {found[2]}" if found else None


def try_mutant(builder, mutant, arch):
    with open(os.path.join(host.ROOT, mutant.path), encoding="utf-8") as file:
        text = file.read()
    for old, new in mutant.edits:
        if text.count(old) != 1:
            return False, f"FAIL {arch} mutant {mutant.name}: its text is not in {mutant.path}"
        text = text.replace(old, new)
    with tempfile.TemporaryDirectory(dir=builder.folder) as work:
        try:
            program = builder.make(arch, mutant.path, text, work)
        except subprocess.CalledProcessError as error:
            return False, (f"FAIL {arch} mutant {mutant.name}: does not compile\n    "
                           + error.stderr.decode(errors="replace").strip())
        if program is None:
            return True, ""
        found = first_failure(program)
    if found:
        return True, f"PASS {arch} mutant {mutant.name}: {found}"
    if arch not in mutant.arches and mutant.explained:
        return True, f"PASS {arch} mutant {mutant.name} survives: {mutant.explained}"
    return False, f"FAIL {arch} mutant {mutant.name}: every scenario passes"


def run_mutants(folder, words):
    builder = Builder(folder)
    chosen = [(mutant, arch) for mutant in mutants.MUTANTS for arch in host.ARCHES
              if not words or any(word in mutant.name for word in words)]
    good = bool(chosen)
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for passed, line in pool.map(lambda each: try_mutant(builder, *each), chosen):
            good = passed and good
            if line:
                print(line, flush=True)
    return good


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    whole = bool(os.environ.get("QUOIN_TEST_ALL"))
    try:
        folder = host.build(PRESET, [program for arch in host.ARCHES for program in
                                     (program_of(arch), f"tests/explore/race-{arch}")])
    except host.HostError as error:
        print(f"FAIL the build\n    {error}")
        return 1
    if "--mutants" in sys.argv:
        return 0 if run_mutants(folder, words) else 1
    options = (["--long"] if whole or "--long" in sys.argv else []) + words
    good = True
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for passed, lines in pool.map(lambda arch: explore(folder, arch, options), host.ARCHES):
            good = passed and good
            print("\n".join(lines), flush=True)
    for arch in host.ARCHES if not words else ():
        passed, lines = race(folder, arch, RACE_STEPS_ALL if whole else RACE_STEPS)
        good = passed and good
        print("\n".join(lines), flush=True)
    if whole:
        good = run_mutants(folder, []) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
