"""./test fuzz [--minutes N]: runs every fuzzer under libFuzzer, two at a time, for N minutes in all.

A corpus grows in build/fuzz; it begins with tests/fuzz/seeds and the kept cases. A finding is made
smaller and kept in tests/fuzz/cases, where the host tests repeat it. Operations of all runs since
the build folder was made are added up in build/fuzz/totals.json.
"""
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "ci"))
import host  # noqa: E402

JOBS = 2
MINUTES = 0.7
MINUTES_ALL = 10
SHRINK_S = 20
HERE = os.path.join(host.ROOT, "tests/fuzz")
WORK = os.path.join(host.BUILD, "fuzz")
TOTALS = os.path.join(WORK, "totals.json")
COUNTS = re.compile(r"^operations (\d+) changed (\d+)$", re.M)
# Sequences of operations: a run is worth more the longer it is.
WEIGHT = {"as-aarch64": 4, "as-x86_64": 4, "asid": 2, "cpio": 2, "path": 2}


def minutes():
    if os.environ.get("QUOIN_TEST_MINUTES"):
        return float(os.environ["QUOIN_TEST_MINUTES"])
    return MINUTES_ALL if os.environ.get("QUOIN_TEST_ALL") else MINUTES


def load_totals():
    try:
        with open(TOTALS, encoding="ascii") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def keep(name, program, case):
    """Shrinks a finding and moves it to tests/fuzz/cases; returns its path."""
    small = case + ".small"
    subprocess.run([program, "-minimize_crash=1", f"-max_total_time={SHRINK_S}",
                    f"-exact_artifact_path={small}", case], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = os.path.join(HERE, "cases", name)
    os.makedirs(folder, exist_ok=True)
    kept = os.path.join(folder, os.path.basename(case).split("crash-")[-1][:12])
    os.replace(small if os.path.exists(small) else case, kept)
    return kept


def fuzz(program, seconds):
    """Returns (name, operations, changed, what was found or "")."""
    name = os.path.basename(program)[len("fuzz-"):]
    corpus = os.path.join(WORK, "corpus", name)
    found = os.path.join(WORK, "found", name) + "/"
    os.makedirs(corpus, exist_ok=True)
    os.makedirs(found, exist_ok=True)
    given = [folder for folder in (os.path.join(HERE, "seeds", name),
                                   os.path.join(HERE, "cases", name)) if os.path.isdir(folder)]
    command = [program, f"-max_total_time={max(1, int(seconds))}", "-max_len=4096",
               "-len_control=0", "-timeout=20", "-rss_limit_mb=2048",
               f"-artifact_prefix={found}", corpus, *given]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    counts = COUNTS.search(result.stdout)
    done, changed = (int(counts[1]), int(counts[2])) if counts else (0, 0)
    if result.returncode == 0 and done > 0:
        return name, done, changed, ""
    cases = sorted(glob.glob(found + "*"), key=os.path.getmtime)
    why = [line for line in result.stdout.splitlines()
           if re.search(r"panic:|ERROR:|runtime error:|SUMMARY", line)]
    if cases:
        why.append("kept: " + os.path.relpath(keep(name, program, cases[-1]), host.ROOT))
    return name, done, changed, "\n".join(why or result.stdout.splitlines()[-8:])


def main():
    try:
        folder = host.build("sim-fuzz", ["fuzzers"])
    except host.HostError as error:
        print("FAIL the build of the fuzzers")
        print("\n".join("    " + line for line in str(error).splitlines()[-12:]))
        return 1
    programs = sorted(path for path in glob.glob(os.path.join(folder, "tests/fuzz/fuzz-*"))
                      if os.access(path, os.X_OK) and os.path.isfile(path))
    weights = {path: WEIGHT.get(os.path.basename(path)[5:], 1) for path in programs}
    unit_s = minutes() * 60 * JOBS / sum(weights.values())
    totals, status, start = load_totals(), 0, time.monotonic()
    all_done = all_changed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        by_length = sorted(programs, key=lambda path: -weights[path])
        for name, done, changed, why in pool.map(
                lambda path: fuzz(path, unit_s * weights[path]), by_length):
            total = totals.setdefault(name, [0, 0])
            total[0] += done
            total[1] += changed
            all_done += done
            all_changed += changed
            print(f"{'FAIL' if why else 'PASS'} {name}: {done} operations, {changed} changed state")
            if why:
                status = 1
                print("\n".join("    " + line for line in why.splitlines()))
            sys.stdout.flush()
    with open(TOTALS, "w", encoding="ascii") as file:
        json.dump(totals, file, indent=1)
    print(f"{all_done} operations in {time.monotonic() - start:.0f} s, {all_changed} changed state")
    print(f"all runs: {sum(total[0] for total in totals.values())} operations, "
          f"{sum(total[1] for total in totals.values())} changed state")
    return status if programs else 1


if __name__ == "__main__":
    sys.exit(main())
