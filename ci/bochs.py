"""Bochs: an x86 interpreter with PCID, INVPCID, SMEP and SMAP, which QEMU's lacks in part.

It boots the GRUB image; the guest's serial lines are TCP connections to listeners of ours.
"""
import os
import shutil
import socket
import subprocess
import time

import host

SHARE = "/usr/share/bochs"
NEEDS = ("/usr/bin/bochs", f"{SHARE}/BIOS-bochs-latest", f"{SHARE}/VGABIOS-lgpl-latest")
CPU = "corei7_icelake_u"
CPUS_MAX = 8
# Emulated instructions per emulated second, near what a host does: time-outs mean the same.
IPS = 50_000_000
CONNECT_S = 20
# The speaker and sound lines keep it off the host's audio; rfb (VNC) is its one display
# module that needs no display, and waits for no viewer.
CONFIGURATION = """\
display_library: rfb, options="timeout=0"
romimage: file={share}/BIOS-bochs-latest
vgaromimage: file={share}/VGABIOS-lgpl-latest
cpu: model={cpu}, count={smp}, ips={ips}, reset_on_triple_fault=0
memory: guest={megabytes}, host={megabytes}
clock: sync=none, time0=utc
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={image}, status=inserted
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{console}
com2: enabled=1, mode=socket-client, dev=127.0.0.1:{channel}
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
log: {log}
panic: action=fatal
error: action=ignore
info: action=ignore
"""


def check():
    for path in NEEDS:
        if not os.path.exists(path):
            raise host.HostError(f"--emulator bochs needs {path}: run ci/setup")


def megabytes(size):
    return int(size[:-1]) * (1024 if size[-1] == "G" else 1)


def listener():
    return socket.create_server(("127.0.0.1", 0), backlog=1)


def accept(server, process):
    """Waits for the machine's connection, as long as it lives."""
    server.settimeout(0.2)
    end = time.monotonic() + CONNECT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            return server.accept()[0]
        except TimeoutError:
            continue
    raise host.HostError("bochs did not connect its serial lines\n"
                         + process.stdout.read1(65536).decode(errors="replace"))


def start(options, files, image, preexec_fn):
    """Starts the machine; returns its process and our ends of console and channel."""
    with listener() as console, listener() as channel:
        configuration = files.path("bochsrc")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(
                share=SHARE, cpu=options.cpu, smp=options.smp, ips=IPS, image=image,
                megabytes=megabytes(options.mem), log=files.path("bochs.log"),
                console=console.getsockname()[1], channel=channel.getsockname()[1]))
        go_on = files.path("bochs.commands")  # Debian's build starts in its debugger
        with open(go_on, "w", encoding="ascii") as file:
            file.write("c\n")
        process = subprocess.Popen(
            [shutil.which("bochs"), "-q", "-f", configuration, "-rc", go_on],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=preexec_fn, env={**os.environ, "BXSHARE": SHARE})
        try:
            return process, accept(console, process), accept(channel, process)
        except host.HostError:
            process.kill()
            process.wait()
            raise
