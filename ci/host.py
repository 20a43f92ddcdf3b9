"""The host's side of things: its architecture, folders, package cache and kernel builds."""
import fcntl
import os
import platform
import subprocess
import sys
import time

ARCHES = ("aarch64", "x86_64")
ARCH = "aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("QUOIN_BUILD", os.path.join(ROOT, "build"))
BUILD_QUIET_S = 1.0


class HostError(Exception):
    """Something that the user must mend; its text is one line or a tool's own output."""


def say(text):
    print(f"quoin: {text}", file=sys.stderr, flush=True)


def fetch(arch, package):
    """Unpacks a Debian package into the cache if need be and returns its folder."""
    result = subprocess.run([os.path.join(ROOT, "ci/fetch"), arch, package],
                            stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise HostError(f"cannot fetch {package} for {arch}")
    return result.stdout.strip()


def fetch_all(arch, packages):
    """The same for packages and all that they depend on; returns the folders."""
    result = subprocess.run([os.path.join(ROOT, "ci/fetch"), "--all", arch, *packages],
                            stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise HostError(f"cannot fetch {' '.join(packages)} for {arch}")
    return result.stdout.split()


def preset_name(arch, kind, compiler="gcc"):
    return f"{arch}-{kind}" + ("-clang" if compiler == "clang" else "")


def build_dir(preset):
    return os.path.join(BUILD, preset)


def run_step(command, what, progress):
    """Runs a build tool; silent when it is quick, its output only where it fails."""
    show = progress and sys.stderr.isatty()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=None if show else subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            output, _ = process.communicate(timeout=BUILD_QUIET_S)
        except subprocess.TimeoutExpired:
            if not show:
                say(f"{what} ...")
            output, _ = process.communicate()
        if process.returncode != 0:
            text = (output or b"").decode(errors="replace")
            raise HostError(f"{what} failed\n{text}".rstrip())


def build(preset, targets=()):
    """Configures and builds a preset; returns its folder."""
    folder = build_dir(preset)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, "build.ninja")):
            run_step(["cmake", "--preset", preset, "-B", folder], f"configuring {preset}", False)
        run_step(["ninja", "-C", folder, *targets], f"building {preset}", False)
    return folder


def elapsed(start):
    return f"{time.monotonic() - start:.1f} s"
