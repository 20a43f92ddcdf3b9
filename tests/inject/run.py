"""./test inject: the n-th allocation of each memory operation fails, for every n."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "ci"))
import host  # noqa: E402

SEEDS, STEPS = ("40", "5000") if os.environ.get("QUOIN_TEST_ALL") else ("3", "3000")


def main():
    programs = ["inject-aarch64", "inject-x86_64"]
    try:
        folder = host.build("sim-release", programs)
    except host.HostError as error:
        print("FAIL the build of the simulator")
        print("\n".join("    " + line for line in str(error).splitlines()[-12:]))
        return 1
    status = 0
    for program in programs:
        result = subprocess.run([os.path.join(folder, "tests/inject", program), SEEDS, STEPS],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        lines = result.stdout.splitlines()
        for line in lines:
            if line.startswith("ok "):
                print(f"PASS {program.split('-')[1]} {line[3:]}")
        if result.returncode != 0:
            status = 1
            print(f"FAIL {program}")
            print("\n".join("    " + line for line in lines[-6:]))
    return status


if __name__ == "__main__":
    sys.exit(main())
