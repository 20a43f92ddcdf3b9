"""./run [aarch64|x86_64] [options]: builds Quoin and boots it in QEMU.

Without options an interactive shell: Ctrl-C goes to the guest, Ctrl-A X leaves.
"""
import argparse
import atexit
import glob
import os
import re
import select
import signal
import subprocess
import sys
import termios
import time

import bochs
import guest
import host
import initramfs
import machine

EPILOG = """exit status with --exec: the command's; 124 on a time-out; 125 if the kernel panicked
or stopped. Build folders go to $QUOIN_BUILD (default build/), packages to $QUOIN_CACHE."""


class Parser(argparse.ArgumentParser):
    """One line that names the right options, instead of the whole usage."""

    def error(self, message):
        names = [option for action in self._actions for option in action.option_strings
                 if option.startswith("--")]
        host.say(f"run: {message}; usage: ./run [aarch64|x86_64] [{' '.join(names)}]")
        sys.exit(2)


def memory_size(text):
    if not re.fullmatch(r"[1-9][0-9]*[MG]", text):
        raise argparse.ArgumentTypeError(f"{text}: a size such as 256M or 8G")
    return text


def positive(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: a number above 0")
    return value


def cpu_count(text):
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text}: a number of CPUs, 1 to 64")
    return int(text)


def make_parser():
    parser = Parser(prog="./run", description=__doc__, epilog=EPILOG, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", nargs="?", choices=host.ARCHES, default=host.ARCH)
    parser.add_argument("--exec", metavar="CMD", help="boot, run CMD with /bin/sh -c, its three "
                        "streams and exit status are ours")
    parser.add_argument("--add", action="append", default=[], metavar="SRC[=DEST]",
                        help="put a host file or folder into the guest's root")
    parser.add_argument("--debian", action="append", default=[], metavar="PACKAGE",
                        help="put a Debian package, and what it depends on, into the guest's root")
    parser.add_argument("--smp", type=cpu_count, default=1, metavar="N", help="CPUs")
    parser.add_argument("--mem", type=memory_size, metavar="SIZE", help="memory (256M)")
    parser.add_argument("--cpu", metavar="MODEL", help="CPU as QEMU names it (max)")
    parser.add_argument("--board", metavar="NAME", help="virt, raspi3b (aarch64), q35, microvm "
                        "(x86_64)")
    parser.add_argument("--boot", choices=("direct", "iso", "uefi"), default="direct",
                        help="iso and uefi: x86_64 through GRUB")
    parser.add_argument("--gic", type=int, choices=(2, 3), help="aarch64's "
                        "interrupt controller (3)")
    parser.add_argument("--el", type=int, choices=(1, 2), help="aarch64's exception "
                        "level at entry (1)")
    parser.add_argument("--dtb", metavar="FILE", help="aarch64: another device tree")
    parser.add_argument("--timeout", type=positive, metavar="S", help="seconds until status 124")
    parser.add_argument("--log", action="store_true", help="with --exec: kernel log on stderr")
    parser.add_argument("--gdb", action="store_true", help="wait for a debugger on port 1234")
    parser.add_argument("--monitor", metavar="PATH", help="with --exec: QEMU's monitor on a socket")
    parser.add_argument("--icount", action="store_true", help="deterministic clock, release "
                        "preset, 1G")
    parser.add_argument("--append", action="append", default=[], metavar="ARGS",
                        help="more of the kernel's command line")
    parser.add_argument("--preset", choices=("debug", "release", "contract"), help="build preset (debug)")
    parser.add_argument("--compiler", choices=("gcc", "clang"), default="gcc")
    parser.add_argument("--emulator", choices=("qemu", "bochs"), default="qemu",
                        help="bochs: x86_64 with --exec, boots the GRUB image, has PCID")
    parser.add_argument("--kernel", metavar="FILE", help="boot another kernel, a Linux, with "
                        "the same root")
    parser.add_argument("--oracle", action="store_true", help="boot Debian's Linux with the "
                        "same root, to compare with")
    return parser


def apply_bochs(parser, options):
    if options.arch != "x86_64" or options.exec is None or options.linux or options.gdb or (
            options.icount or options.smp > bochs.CPUS_MAX or options.board or
            options.boot == "uefi"):
        parser.error("--emulator bochs: x86_64, with --exec, up to "
                     f"{bochs.CPUS_MAX} CPUs, without --board --gdb --icount --oracle --kernel")
    options.boot = "iso"
    options.cpu = options.cpu or bochs.CPU


def apply_fixed(parser, options):
    cpu, cpus, mem = machine.FIXED[options.board]
    if options.cpu not in (None, cpu) or options.smp > cpus or options.mem not in (None, mem):
        parser.error(f"--board {options.board}: --cpu {cpu}, --smp up to {cpus}, --mem {mem}")
    options.cpu = cpu
    options.mem = mem


def parse(arguments):
    parser = make_parser()
    options = parser.parse_args(arguments)
    options.linux = options.oracle or options.kernel is not None
    if options.emulator == "bochs":
        apply_bochs(parser, options)
    options.board = options.board or machine.BOARDS[options.arch][0]
    if options.board not in machine.BOARDS[options.arch]:
        parser.error(f"--board {options.board}: {options.arch} has "
                     f"{', '.join(machine.BOARDS[options.arch])}")
    first_board = options.board == machine.BOARDS[options.arch][0]
    boots = machine.BOOTS[options.arch] if first_board and not options.linux else ("direct",)
    if options.boot not in boots:
        parser.error(f"--boot {options.boot}: this machine has {', '.join(boots)}")
    if options.linux and not first_board:
        parser.error(f"--board {options.board}: without --oracle and --kernel")
    if options.board in machine.FIXED:
        apply_fixed(parser, options)
    cpus = machine.ICOUNT_CPUS if options.icount else machine.CPUS
    options.cpu = options.cpu or cpus[options.arch]
    options.mem = options.mem or ("1G" if options.icount else "256M")
    options.preset = options.preset or ("release" if options.icount else "debug")
    for path in options.add:
        if not os.path.lexists(path) and not os.path.lexists(path.partition("=")[0]):
            parser.error(f"--add {path}: no such file")
    if options.monitor and (options.exec is None or options.emulator == "bochs"):
        parser.error("--monitor: with --exec and QEMU; without --exec it is behind Ctrl-A C")
    if (options.gic or options.el) and options.board != "virt":
        parser.error(f"--gic and --el: of aarch64's board virt, not of {options.board}")
    options.gic = options.gic or 3
    if options.dtb and options.arch != "aarch64":
        parser.error(f"--dtb: {options.arch} boots without a device tree")
    if options.dtb and not os.path.exists(options.dtb):
        parser.error(f"--dtb {options.dtb}: no such file")
    if options.kernel and not os.path.exists(options.kernel):
        parser.error(f"--kernel {options.kernel}: no such file")
    return options


def find_kernel(options):
    """Builds what the run needs; returns the kernel's and init's paths."""
    preset = host.preset_name(options.arch, options.preset, options.compiler)
    if not options.linux:
        folder = host.build(preset, ["quoin.elf", "user/init"])
        return machine.kernel_file(options.arch, folder), os.path.join(folder, "user/init")
    init = os.path.join(host.build(preset, ["user/init"]), "user/init")
    if options.kernel:
        return options.kernel, init
    package = host.fetch(options.arch, "linux")
    return glob.glob(os.path.join(package, "boot/vmlinuz-*"))[0], init


def make_cmdline(options):
    words = [machine.MICROVM_SLOT] if options.board == "microvm" else []
    if options.linux:
        words += [f"console={machine.LINUX_CONSOLE[options.arch]}", "panic=-1"]
    if options.exec is not None:
        words.append("quoin.exec")
        if options.linux:
            words.append(f"quoin.channel={machine.LINUX_CHANNEL[options.arch]}")
    else:
        if options.linux:
            words.append("quiet")
        words.append("quoin.term=" + os.environ.get("TERM", "linux").split()[0])
        if sys.stdin.isatty() and sys.stdout.isatty():
            size = os.get_terminal_size()
            words.append(f"quoin.size={size.lines}x{size.columns}")
    return " ".join(words + options.append)


def restore_terminal(saved):
    try:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
    except termios.error:
        pass  # it is gone


def wait_interactive(process, timeout_s, terminal):
    """Waits for the machine's end, but not for longer than its terminal lives."""
    end = None if timeout_s is None else time.monotonic() + timeout_s
    poller = select.poll()
    if terminal:
        poller.register(0, 0)
    while True:
        try:
            return process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            if end is not None and time.monotonic() > end:
                return guest.STATUS_TIMEOUT
            if poller.poll(0):
                return 128 + signal.SIGHUP


def run_interactive(options, boot, files, saved):
    """saved: the terminal's mode before the build, or None without a terminal."""
    with subprocess.Popen(machine.command(options, boot), pass_fds=files.fds,
                          preexec_fn=guest.die_with_parent) as process:
        try:
            return wait_interactive(process, options.timeout, saved is not None)
        finally:
            guest.stop(process)
            if saved is not None:
                restore_terminal(saved)


def run_command(options, boot, files):
    runner = guest.ExecGuest(options, os.fsencode(options.exec), 2 if options.log else None)
    try:
        if options.emulator == "bochs":
            runner.attach(*bochs.start(options, files, boot, guest.die_with_parent))
        else:
            runner.start(lambda console, channel: machine.command(options, boot, console,
                                                                  channel), files.fds)
        return runner.run()
    except guest.Stopped as stopped:
        if not options.log:
            print(runner.log_tail(), file=sys.stderr)
        host.say(stopped)
        return stopped.status
    finally:
        runner.close()


def open_missing_streams():
    """A caller may have closed 0, 1 or 2; a socket of ours must not become one of them."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def main():
    open_missing_streams()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    options = parse(sys.argv[1:])
    terminal = termios.tcgetattr(0) if os.isatty(0) else None
    files = machine.Files()
    atexit.register(files.close)
    try:
        if options.emulator == "bochs":
            bochs.check()
        kernel, init = find_kernel(options)
        root = initramfs.build(options.arch, init, options.add, options.debian)
        if options.emulator == "bochs":
            boot = machine.make_iso(options, files, kernel, root, make_cmdline(options))
        else:
            boot = machine.boot_arguments(options, files, kernel, root, make_cmdline(options))
        if options.gdb:
            host.say(f"waiting for: gdb-multiarch {kernel} -ex 'target remote :1234'")
        if options.exec is None:
            return run_interactive(options, boot, files, terminal)
        return run_command(options, boot, files)
    except (host.HostError, ValueError, OSError) as error:
        host.say(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
