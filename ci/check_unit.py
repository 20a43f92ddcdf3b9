"""Builds the host's tests (preset sim) and runs each; a test is one program that CTest lists."""
import json
import subprocess
import sys
import time

import host

TAIL_LINES = 12
KINDS = ("debug", "release")


def tests_of(folder):
    listing = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], check=True,
                             capture_output=True, text=True).stdout
    return [(test["name"], test["command"]) for test in json.loads(listing)["tests"]
            if "command" in test]


def run_test(preset, name, command):
    start = time.monotonic()
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    lines = result.stdout.splitlines()
    good = sum(line.startswith("ok ") for line in lines)
    bad = [line for line in lines if line.startswith("not ok ")]
    passed = result.returncode == 0 and not bad
    print(f"{'PASS' if passed else 'FAIL'} {name} ({preset}, {good} checks, "
          f"{host.elapsed(start)})")
    if not passed:
        print(f"    command: {' '.join(command)} (status {result.returncode})")
        for line in bad[:TAIL_LINES] or lines[-TAIL_LINES:]:
            print("    " + line)
    for line in lines:
        print("  | " + line)
    sys.stdout.flush()
    return passed


def main():
    passed = True
    for kind in KINDS:
        preset = host.preset_name("sim", kind)
        try:
            folder = host.build(preset)
        except host.HostError as error:
            print(f"FAIL the build of {preset}")
            print("\n".join("    " + line for line in str(error).splitlines()[-TAIL_LINES:]))
            passed = False
            continue
        for name, command in tests_of(folder):
            passed = run_test(preset, name, command) and passed
    return 0 if passed else 1


sys.exit(main())
