#!/usr/bin/env python3
"""Runs a command under Debian's own Linux kernel in QEMU, to record what Linux answers.

    oracle.py ARCH [--add SRC[=DEST]]... [--timeout S] [--icount] --exec CMD

The guest is an initramfs of Debian's busybox-static; kernel and busybox are fetched with a private
apt state into build/oracle (QUOIN_ORACLE names another folder). Exit status is the command's.
"""
import argparse
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("QUOIN_ORACLE", os.path.join(ROOT, "build", "oracle"))
DEB = {"x86_64": "amd64", "aarch64": "arm64"}
BEGIN, END = "@@begin@@", "@@end@@"
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
mkdir -p /proc /sys /dev /tmp /root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=1777 shm /dev/shm
echo 4 > /proc/sys/kernel/printk
stty -F /dev/console -opost -echo 2>/dev/null
cd /
echo %s
/bin/sh -c "$(cat /.cmd)" </dev/null
echo "%s $?"
sync
poweroff -f
sleep 100
""" % (BEGIN, END)


def fetch(arch):
    """Kernel and busybox of the architecture, downloaded once."""
    deb = DEB[arch]
    top = os.path.join(CACHE, deb)
    root = os.path.join(top, "root")
    kernels = sorted(os.listdir(os.path.join(root, "boot"))) if os.path.isdir(root + "/boot") else []
    kernels = [k for k in kernels if k.startswith("vmlinuz")]
    if not kernels:
        state, cache = os.path.join(top, "state"), os.path.join(top, "cache")
        os.makedirs(os.path.join(state, "lists/partial"), exist_ok=True)
        os.makedirs(os.path.join(cache, "archives/partial"), exist_ok=True)
        open(os.path.join(state, "status"), "a").close()
        opts = ["-o", f"Dir::State={state}", "-o", f"Dir::State::status={state}/status", "-o",
                f"Dir::Cache={cache}", "-o", f"APT::Architecture={deb}", "-o",
                f"APT::Architectures={deb}", "-o", "APT::Sandbox::User=root", "-q"]
        run = lambda *cmd: subprocess.run(cmd, check=True, cwd=top, stdout=sys.stderr)
        run("apt-get", *opts, "update")
        meta = subprocess.check_output(["apt-cache", *opts, "search", "--names-only",
                                        f"^linux-image-6\\.1\\..*-cloud-{deb}$"], text=True)
        newest = sorted(line.split()[0] for line in meta.splitlines())[-1]
        for pkg in (newest, "busybox-static"):
            run("apt-get", *opts, "download", pkg)
        for name in os.listdir(top):
            if name.endswith(".deb"):
                run("dpkg", "-x", name, root)
        kernels = [k for k in os.listdir(root + "/boot") if k.startswith("vmlinuz")]
    return os.path.join(root, "boot", kernels[-1]), os.path.join(root, "bin/busybox")


def cpio_entry(name, mode, data=b"", ino=0, dev=(0, 0)):
    """One `newc` record (cpio(5))."""
    fields = [ino, mode, 0, 0, 1, 0, len(data), 0, 0, dev[0], dev[1], len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def initramfs(busybox, cmd, adds, path):
    files = {"bin/busybox": busybox}
    for spec in adds:
        src, _, dest = spec.partition("=")
        dest = (dest or "/" + os.path.basename(src.rstrip("/"))).lstrip("/")
        if os.path.isdir(src):
            for base, _, names in os.walk(src):
                for name in names:
                    full = os.path.join(base, name)
                    files[os.path.join(dest, os.path.relpath(full, src))] = full
        else:
            files[dest] = src
    users = "".join(f"{n}:x:{u}:{u}:{n}:/:/bin/sh\n" for n, u in
                    (("root", 0), ("daemon", 1), ("bin", 2), ("nobody", 65534)))
    groups = "".join(f"{n}:x:{u}:\n" for n, u in
                     (("root", 0), ("daemon", 1), ("bin", 2), ("nobody", 65534)))
    texts = {"init": (INIT, 0o100755), ".cmd": (cmd, 0o100644), "etc/passwd": (users, 0o100644),
             "etc/group": (groups, 0o100644)}
    dirs = set()
    for name in list(files) + list(texts) + ["dev/x"]:
        while "/" in name:
            name = os.path.dirname(name)
            dirs.add(name)
    with open(path, "wb") as out:
        ino = 1
        for name in sorted(dirs):
            out.write(cpio_entry(name, 0o040755, ino=ino))
            ino += 1
        out.write(cpio_entry("dev/console", 0o020600, ino=ino, dev=(5, 1)))
        for name, src in sorted(files.items()):
            ino += 1
            mode = 0o100755 if os.access(src, os.X_OK) else 0o100644
            with open(src, "rb") as f:
                out.write(cpio_entry(name, mode, f.read(), ino=ino))
        for name, (text, mode) in texts.items():
            ino += 1
            out.write(cpio_entry(name, mode, text.encode(), ino=ino))
        out.write(cpio_entry("TRAILER!!!", 0))


def run_linux(arch, cmd, adds=(), timeout=300, icount=False, mem="512M"):
    """(status, output bytes) of cmd under Linux; status 124 after `timeout`, 125 on no end mark."""
    kernel, busybox = fetch(arch)
    with tempfile.TemporaryDirectory() as tmp:
        ram = os.path.join(tmp, "initrd")
        initramfs(busybox, cmd, adds, ram)
        if arch == "x86_64":
            qemu = ["qemu-system-x86_64", "-M", "q35", "-cpu", "max,-la57,-erms,-fsrm" if icount else "max,-la57"]
            con = "ttyS0"
        else:
            qemu = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72" if icount else "max"]
            con = "ttyAMA0"
        if icount:
            qemu += ["-icount", "shift=0,sleep=off"]
        qemu += ["-m", mem, "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
                 "-kernel", kernel, "-initrd", ram, "-append",
                 f"console={con} quiet loglevel=1 mitigations=off rdinit=/init panic=-1"]
        try:
            out = subprocess.run(qemu, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 timeout=timeout).stdout
            late = False
        except subprocess.TimeoutExpired as e:
            out, late = e.stdout or b"", True
    out = out.replace(b"\r\n", b"\n")
    at = out.find(BEGIN.encode() + b"\n")
    end = out.rfind(END.encode())
    if at < 0:
        return 124 if late else 125, out
    body = out[at + len(BEGIN) + 1:]
    if end < 0:
        return 124 if late else 125, body
    status = int(out[end + len(END):].split()[0])
    return status, out[at + len(BEGIN) + 1:end]


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("arch", choices=sorted(DEB))
    ap.add_argument("--add", action="append", default=[])
    ap.add_argument("--timeout", type=float, default=300)
    ap.add_argument("--icount", action="store_true")
    ap.add_argument("--exec", dest="cmd", required=True)
    a = ap.parse_args()
    status, text = run_linux(a.arch, a.cmd, a.add, a.timeout, a.icount)
    sys.stdout.buffer.write(text)
    sys.stdout.flush()
    sys.exit(status)
