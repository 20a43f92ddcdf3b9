"""QEMU command lines: one function per architecture, from the options of ./run."""
import os
import subprocess
import tempfile

import devtree
import host

OVMF = "/usr/share/OVMF"
ISO_TOOLS = ("/usr/bin/grub-mkrescue", "/usr/bin/xorriso", "/usr/bin/mformat",
             f"{OVMF}/OVMF_CODE_4M.fd")
GRUB = "/usr/lib/grub"
GRUB_PARTS = {"iso": ("grub-pc-bin", "i386-pc"), "uefi": ("grub-efi-amd64-bin", "x86_64-efi")}
ISO_MODULES = "normal multiboot2 serial iso9660 part_gpt part_msdos terminal configfile search"
CPUS = {"aarch64": "max", "x86_64": "max"}
ICOUNT_CPUS = {"aarch64": "cortex-a72", "x86_64": "max,-erms,-fsrm"}
BOARDS = {"aarch64": ("virt", "raspi3b"), "x86_64": ("q35", "microvm")}
# Boards that are one machine: CPU, number of CPUs (all start, the tree names some), memory.
FIXED = {"raspi3b": ("cortex-a53", 4, "1G")}
BOOTS = {"aarch64": ("direct",), "x86_64": ("direct", "iso", "uefi")}
# A slot of microvm: with ACPI they are named in AML only. Not the first: QEMU takes pin 0 of any
# I/O APIC for the PC's timer and raises pin 2 instead.
MICROVM_BUS = 1
MICROVM_SLOT = "virtio_mmio.device=512@0xfeb00200:25"
LINUX_CHANNEL = {"aarch64": "/dev/ttyS0", "x86_64": "/dev/ttyS1"}
LINUX_CONSOLE = {"aarch64": "ttyAMA0", "x86_64": "ttyS0"}


class Files:
    """The files of one run. Those that QEMU only reads live in memory and need no cleaning up;
    a folder is made where a tool insists on one."""

    def __init__(self):
        self.fds = []
        self.folder = None

    def hold(self, name, data):
        fd = os.memfd_create(name)
        self.fds.append(fd)
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(data)
        return f"/proc/self/fd/{fd}"

    def path(self, name):
        if self.folder is None:
            self.folder = tempfile.TemporaryDirectory(prefix="quoin-")
        return os.path.join(self.folder.name, name)

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds.clear()
        if self.folder is not None:
            self.folder.cleanup()
            self.folder = None


def kernel_file(arch, folder):
    return os.path.join(folder, "Image" if arch == "aarch64" else "quoin.elf")


def grub_folder(boot):
    """grub-mkrescue's option for GRUB's modules: none where the host has them, for BIOS and UEFI
    alike; a host of another architecture gets those of one firmware from the cache."""
    if all(os.path.isdir(f"{GRUB}/{platform}") for _, platform in GRUB_PARTS.values()):
        return []
    package, platform = GRUB_PARTS[boot]
    return ["-d", f"{host.fetch('x86_64', package)}{GRUB}/{platform}"]


def make_iso(options, files, kernel, initrd_data, cmdline):
    """A GRUB image that loads the kernel by Multiboot2."""
    for tool in ISO_TOOLS:
        if not os.path.exists(tool):
            raise host.HostError(f"--boot iso and uefi need {tool}: run ci/setup")
    tree = files.path("iso")
    os.makedirs(os.path.join(tree, "boot/grub"))
    strip = ["x86_64-linux-gnu-strip", "-o", os.path.join(tree, "boot/quoin.elf"), kernel]
    subprocess.run(strip, check=True)
    with open(os.path.join(tree, "boot/initramfs.cpio"), "wb") as file:
        file.write(initrd_data)
    # Word by word: what stands in one pair of quotes reaches the kernel in quotes.
    words = [word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
             for word in cmdline.split()]
    quoted = " ".join(f'"{word}"' for word in words)
    with open(os.path.join(tree, "boot/grub/grub.cfg"), "w", encoding="utf-8") as file:
        if options.exec is not None or options.log:
            file.write("serial --unit=0 --speed=115200\nterminal_output serial\n")
        file.write(f'set timeout=0\nmultiboot2 /boot/quoin.elf {quoted}\n'
                   "module2 /boot/initramfs.cpio initramfs\nboot\n")
    image = files.path("quoin.iso")
    made = subprocess.run(
        ["grub-mkrescue", *grub_folder(options.boot), "-o", image, f"--install-modules={ISO_MODULES}", "--locales=",
         "--fonts=", "--themes=", tree], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, text=True, check=False)
    if made.returncode != 0:
        raise host.HostError("grub-mkrescue failed\n" + made.stdout)
    return image


def boot_arguments(options, files, kernel, initrd_data, cmdline):
    """QEMU's arguments that name what to boot."""
    if options.boot == "direct":
        line = ["-kernel", kernel, "-initrd", files.hold("initramfs", initrd_data),
                "-append", cmdline]
        if options.dtb:
            line += ["-dtb", options.dtb]
        elif options.board == "raspi3b":
            line += ["-dtb", files.hold("devtree", devtree.raspi3(options.smp))]
        return line
    image = make_iso(options, files, kernel, initrd_data, cmdline)
    arguments = ["-drive", f"file={image},format=raw,if=none,id=cd,media=cdrom,readonly=on",
                 "-device", "ide-cd,drive=cd,bootindex=0"]
    if options.boot == "uefi":
        variables = files.path("vars.fd")
        with open(f"{OVMF}/OVMF_VARS_4M.fd", "rb") as file, open(variables, "wb") as copy:
            copy.write(file.read())
        arguments += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                      "-drive", f"if=pflash,format=raw,file={variables}"]
    return arguments


def board_arguments(options):
    if options.arch == "x86_64":
        debug_exit = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        if options.board == "microvm":
            return ["-M", "microvm,acpi=on,isa-serial=on,rtc=on,ioapic2=on", *debug_exit,
                    "-global", "virtio-mmio.force-legacy=false"]
        return ["-M", options.board, *debug_exit]
    if options.board == "raspi3b":
        return ["-M", "raspi3b"]
    machine = f"{options.board},gic-version={options.gic}"
    if options.el == 2:
        machine += ",virtualization=on"
    return ["-M", machine, "-global", "virtio-mmio.force-legacy=false"]


def channel_arguments(options):
    if options.board in ("q35", "raspi3b"):
        return ["-serial", "chardev:channel"]
    if options.linux:
        return ["-device", "pci-serial,chardev=channel"]
    bus = f",bus=virtio-mmio-bus.{MICROVM_BUS}" if options.board == "microvm" else ""
    # Not a virtconsole: QEMU drops what such a port cannot pass on at once.
    return ["-device", f"virtio-serial-device,max_ports=2{bus}",
            "-device", "virtserialport,chardev=channel,nr=1"]


def command(options, boot, console_fd=None, channel_fd=None):
    """The whole command line; without descriptors the console is the terminal of the caller."""
    line = [f"qemu-system-{options.arch}", "-nodefaults", "-vga", "none", "-display", "none",
            "-no-reboot", "-accel", "tcg", "-m", options.mem, *board_arguments(options)]
    if options.board not in FIXED:
        line += ["-smp", str(options.smp), "-cpu", options.cpu]
    if console_fd is None:
        line += ["-chardev", "stdio,id=console,mux=on,signal=off", "-mon", "chardev=console"]
    else:
        monitor = f"unix:{options.monitor},server=on,wait=off" if options.monitor else "none"
        line += ["-monitor", monitor, "-chardev", f"socket,id=console,fd={console_fd}"]
    line += ["-serial", "chardev:console"]
    if channel_fd is not None:
        line += ["-chardev", f"socket,id=channel,fd={channel_fd}", *channel_arguments(options)]
    if options.icount:
        line += ["-icount", "shift=0,sleep=off"]
    if options.gdb:
        line += ["-s", "-S"]
    return line + boot
