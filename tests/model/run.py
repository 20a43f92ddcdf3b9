"""./test sim: the real mm/ and mmu.c of both architectures on the simulated machine.

Random steps against the model with every mix of the machine's freedoms, the kept cases, and every
sequence in a small scope: up to 4 steps (3 with fork), with `all` up to 5 (4 with fork).
"""
import concurrent.futures
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "ci"))
import host  # noqa: E402

JOBS = 2
ARCHES = ("aarch64", "x86_64")
MACHINES = ("", "--chaos 15", "--chaos 15 --cpus 1 --asids 0", "--chaos 2 --cpus 4 --asids 6",
            "--chaos 6 --bits 0 --no-invpcid --vipt", "--chaos 2 --cpus 4 --asids 6 --no-invpcid",
            "--chaos 15 --cpus 2 --asids 4", "--chaos 8 --cpus 8 --asids 0")
ALL = bool(os.environ.get("QUOIN_TEST_ALL"))
STEPS = 3300000 if ALL else 100000
CHUNK = 100000  # steps that one process keeps in memory to shrink
SCOPE = ("5", "4") if ALL else ("4", "3")
SCOPE_PARTS = 8
COUNTS = re.compile(r"(\d+) steps, (\d+) changed state; (\d+) steps/s")
SEQUENCES = re.compile(r"small scope: (\d+) sequences .*?, (\d+) up to .* in ([\d.]+) s")


def jobs(folder):
    """(name, command) of each process."""
    cases = os.path.join(host.ROOT, "tests/model/cases")
    kept = sorted(os.path.join(cases, name) for name in os.listdir(cases))
    found = os.path.join(host.BUILD, "model")
    os.makedirs(found, exist_ok=True)
    for arch in ARCHES:
        programs = os.path.join(folder, "tests/model")
        yield f"cases {arch}", [f"{programs}/as-model-{arch}", "--replay", *kept]
        for part in range(SCOPE_PARTS):
            yield (f"small scope {arch}",
                   [f"{programs}/small-scope-{arch}-fast", *SCOPE, str(part), str(SCOPE_PARTS)])
        for number, machine in enumerate(MACHINES):
            for chunk in range(STEPS // CHUNK):
                seed = 1000 * chunk + number + 1
                yield (f"model {arch} {machine}".strip(),
                       [f"{programs}/as-model-{arch}-fast", "--seed", str(seed), "--steps",
                        str(CHUNK), "--keep", f"{found}/{arch}-{seed}.txt", *machine.split()])


def run(job):
    name, command = job
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return name, command, result


def main():
    programs = [f"{name}-{arch}-fast" for name in ("as-model", "small-scope") for arch in ARCHES]
    programs += [f"as-model-{arch}" for arch in ARCHES]
    try:
        folder = host.build("sim-release", programs)
    except host.HostError as error:
        print("FAIL the build of the simulator")
        print("\n".join("    " + line for line in str(error).splitlines()[-12:]))
        return 1
    totals, failed = {}, set()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, command, result in pool.map(run, jobs(folder)):
            runs, steps, changed, seconds = totals.setdefault(name, (0, 0, 0, 0.0))
            for done, more, rate in COUNTS.findall(result.stdout):
                steps, changed = steps + int(done), changed + int(more)
                seconds += int(done) / max(1, int(rate))
            for single, forking, took in SEQUENCES.findall(result.stdout):
                steps, changed = steps + int(single) + int(forking), changed
                seconds += float(took)
            totals[name] = runs + 1, steps, changed, seconds
            if result.returncode != 0:
                failed.add(name)
                print(f"FAIL {name}\n    command: {' '.join(command)}")
                print("\n".join("    " + line for line in result.stdout.splitlines()[-14:]))
    for name, (runs, steps, changed, seconds) in totals.items():
        if name in failed:
            continue
        what = "sequences" if "scope" in name else "steps"
        figures = f"{steps} {what}" if steps else f"{runs} run"
        figures += f", {changed} changed state" if changed else ""
        figures += f", {steps / seconds:.0f} a second of CPU" if seconds else ""
        print(f"PASS {name}: {figures}")
    steps, changed = (sum(total[i] for name, total in totals.items() if name.startswith("model"))
                      for i in (1, 2))
    good = 2 * changed >= steps > 0
    print(f"{'PASS' if good else 'FAIL'} {steps} random steps in all, {changed} changed state (half "
          "of them must)")
    return 1 if failed or not good else 0


if __name__ == "__main__":
    sys.exit(main())
