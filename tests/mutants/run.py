"""./test mutants: breaks mm/ and the MMU drivers in one place at a time; a host test must notice.

rules.py finds the places. For each mutant only what depends on the changed file is compiled, linked
with the ready objects of the sim-release build, and the tests below run until one fails or hangs.
Without `all` a sample that fits into MINUTES; --list prints every mutant; words choose by key.
What survives and is not in explained.txt is a failure, and so are 5 % of explained ones.
"""
import concurrent.futures
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "ci"))
import host  # noqa: E402
import rules  # noqa: E402

JOBS = 2
MINUTES = 1.0
SAMPLE_MIN = 10
LIMIT_S = 60
EXPLAINED_MAX = 0.05
HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = "6000"
MODELS = ("", "--chaos 15", "--chaos 15 --cpus 1 --asids 0", "--chaos 2 --cpus 4 --asids 6",
          "--chaos 6 --bits 0 --no-invpcid --vipt", "--chaos 2 --cpus 4 --asids 6 --no-invpcid")


def tests_of(arch):
    """The kit: (program, arguments), the quick and sharp ones first."""
    kit = [(f"tests/contract/contract-{arch}-fast", []),
           (f"tests/contract/contract-{arch}-fast", ["no-invpcid"])]
    for number, options in enumerate(MODELS):
        kit.append((f"tests/model/as-model-{arch}-fast",
                    ["--seed", str(number + 1), "--steps", STEPS, *options.split()]))
    kit.append((f"tests/inject/inject-{arch}", ["2", "300"]))
    kit += [(f"tests/unit/shot_test-{arch}", []), (f"tests/unit/mm_test-{arch}", []),
            (f"tests/unit/mm_test-{arch}", ["vipt"])]
    if arch == "x86_64":
        kit += [("tests/fuzz/replay-asid", ["--random", "1", "60",
                                            os.path.join(host.ROOT, "tests/fuzz/cases/asid")]),
                ("tests/unit/vma_test", []), ("tests/unit/fs_file_test", []),
                ("tests/unit/fs_name_test", [])]
    return kit


class Kit:
    """What ninja knows of the programs: compile commands, dependencies, link commands."""

    def __init__(self, folder):
        self.folder = folder
        known = set(re.findall(r"^(\S+): \w*EXECUTABLE_LINKER", self.ninja("targets", "all"), re.M))
        self.kits = {arch: [(program, arguments) for program, arguments in tests_of(arch)
                            if program in known] for arch in rules.ARCHES}
        self.programs = sorted({program for kit in self.kits.values() for program, _ in kit})
        host.build("sim-release", self.programs)
        self.compile, self.archive, self.link = {}, {}, {}
        for line in self.ninja("commands", *self.programs).splitlines():
            words = [word for word in shlex.split(line) if word not in (":", "&&")]
            if "-c" in words:
                self.compile[words[words.index("-o") + 1]] = words
            elif " qc " in line:
                at = words.index("qc")
                end = next((i for i in range(at, len(words)) if words[i].endswith("ranlib")),
                           len(words))
                self.archive[words[at + 1]] = words[at + 2:end]
            elif "-o" in words:
                self.link[words[words.index("-o") + 1]] = words
        self.users = {}
        for block in self.ninja("deps").split("\n\n"):
            lines = block.strip().splitlines()
            if lines and lines[0].split(":")[0] in self.compile:
                for path in lines[1:]:
                    self.users.setdefault(os.path.realpath(os.path.join(folder, path.strip())),
                                          set()).add(lines[0].split(":")[0])

    def ninja(self, tool, *arguments):
        return subprocess.run(["ninja", "-C", self.folder, "-t", tool, *arguments], check=True,
                              capture_output=True, text=True).stdout

    def objects(self, program):
        found = []
        for word in self.link[program]:
            if word.endswith(".a") and word in self.archive:
                found += [each for each in self.archive[word] if each.endswith(".o")]
            elif word.endswith(".o"):
                found.append(word)
        return found

    def make(self, program, overlay, path, ready):
        """Links the program with what the changed file touches compiled anew; None: not touched."""
        source = os.path.realpath(os.path.join(host.ROOT, path))
        replaced = {}
        for each in self.objects(program):
            if each in self.users.get(source, ()):
                if each not in ready:
                    ready[each] = self.compile_one(each, overlay, path)
                replaced[each] = ready[each]
        if not replaced:
            return None
        out = os.path.join(overlay, os.path.basename(program))
        words = []
        for word in self.link[program]:
            if word.endswith(".a") and word in self.archive:
                # Members that nothing asks for stay out, as they did in the archive.
                new = os.path.join(overlay, os.path.basename(word))
                members = [replaced.get(each, os.path.join(self.folder, each))
                           for each in self.archive[word] if each.endswith(".o")]
                if os.path.exists(new):
                    os.remove(new)
                subprocess.run(["ar", "qcT", new, *members], check=True, capture_output=True)
                words.append(new)
            else:
                words.append(replaced.get(word, word))
        words[words.index("-o") + 1] = out
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)
        return out

    def compile_one(self, name, overlay, path):
        words = list(self.compile[name])
        out = os.path.join(overlay, name.replace("/", "_"))
        words[words.index("-o") + 1] = out
        for flag in ("-MF", "-MT"):
            words[words.index(flag) + 1] = out + ".d"
        source = words.index("-c") + 1
        relative = os.path.relpath(os.path.realpath(words[source]), host.ROOT)
        if relative == path:
            words[source] = os.path.join(overlay, path)
        first = ["-w", "-g0", "-O1", "-I", overlay]
        if "/include/arch/" in path:
            first += ["-I", os.path.join(overlay, path.split("/arch/")[0])]
        words = [words[0], *first, *[word for word in words[1:] if word not in ("-Werror", "-g", "-O2")]]
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)
        return out


def ends_well(program, arguments):
    try:
        return subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, timeout=LIMIT_S,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                              cwd=os.path.dirname(program)).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class Trial:
    def __init__(self, kit, work):
        self.kit = kit
        self.work = work
        self.local = threading.local()

    def overlay(self, mutant):
        if not hasattr(self.local, "folder"):
            self.local.folder = os.path.join(self.work, str(threading.get_ident()))
        folder = self.local.folder
        shutil.rmtree(folder, ignore_errors=True)
        target = os.path.join(folder, mutant.path)
        os.makedirs(os.path.dirname(target))
        with open(target, "w", encoding="utf-8") as file:
            file.write(mutant.text)
        return folder

    def run(self, mutant):
        """Returns what killed it, or "" for a survivor."""
        for arch in mutant.arches:
            overlay = self.overlay(mutant)
            ready, made = {}, {}
            for program, arguments in self.kit.kits[arch]:
                try:
                    if program not in made:
                        made[program] = self.kit.make(program, overlay, mutant.path, ready)
                except subprocess.CalledProcessError as error:
                    last = error.stderr.decode(errors="replace").strip().splitlines()
                    return "compiler: " + (last[-1] if last else "")
                if made[program] and not ends_well(made[program], arguments):
                    return os.path.basename(program) + " " + " ".join(arguments[4:])
        return ""


def load_explained():
    found = {}
    with open(os.path.join(HERE, "explained.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                key, _, why = line.strip().partition(" ## ")
                found[key] = why
    return found


def main():
    mutants = rules.generate(host.ROOT)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    whole = bool(os.environ.get("QUOIN_TEST_ALL")) or "--all" in sys.argv or bool(words)
    if words:
        mutants = [each for each in mutants if all(word in each.key() for word in words)]
    if "--list" in sys.argv:
        print("\n".join(f"{each.path}:{each.line}: {each.key()}" for each in mutants))
        return 0
    try:
        kit = Kit(host.build("sim-release", ["build.ninja"]))
    except host.HostError as error:
        print("FAIL the build of sim-release")
        print("\n".join("    " + line for line in str(error).splitlines()[-12:]))
        return 1
    for arch in rules.ARCHES:
        for program, arguments in kit.kits[arch]:
            if not ends_well(os.path.join(kit.folder, program), arguments):
                print(f"FAIL unchanged: {program} {' '.join(arguments)}")
                return 1
    explained, killed, survived, told, broken = load_explained(), 0, [], [], []
    minutes = float(os.environ.get("QUOIN_TEST_MINUTES") or MINUTES)
    deadline = None if whole else time.monotonic() + minutes * 60
    total = len(mutants)
    if not whole:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=host.ROOT, capture_output=True,
                              text=True, check=False).stdout
        random.Random(head).shuffle(mutants)  # another sample with each commit
    trial = Trial(kit, os.path.join(host.BUILD, "mutants"))
    start, nr_run = time.monotonic(), 0

    def one(numbered):
        number, mutant = numbered
        if deadline and number >= SAMPLE_MIN and time.monotonic() > deadline:
            return mutant, None
        return mutant, trial.run(mutant)

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for mutant, by in pool.map(one, enumerate(mutants)):
            if by is None:
                continue
            nr_run += 1
            if by.startswith("compiler"):
                broken.append(mutant)
            elif by:
                killed += 1
            elif mutant.key() in explained:
                told.append(mutant)
            else:
                survived.append(mutant)
                print(f"FAIL survives: {mutant.path}:{mutant.line}\n    {mutant.key()}", flush=True)
            if by and "--verbose" in sys.argv:
                print(f"  {mutant.key()}: {by}", flush=True)
    for mutant in told:
        print(f"explained: {mutant.key()}: {explained[mutant.key()]}")
    valid = nr_run - len(broken)
    share = len(told) / max(1, valid)
    print(f"{nr_run} of {total} mutants in {time.monotonic() - start:.0f} s: {killed} killed, "
          f"{len(survived)} survive, {len(told)} explained ({100 * share:.1f} %), "
          f"{len(broken)} do not compile")
    good = not survived and killed + len(told) > 0
    if whole and not words:
        good = good and share < EXPLAINED_MAX and killed >= 80
    print(f"{'PASS' if good else 'FAIL'} {killed} of {valid} mutants are noticed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
