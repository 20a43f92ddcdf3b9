"""Builds the guest's root as a cpio archive (newc): Debian's busybox with its links, init,
the files of user/root, and whatever the caller adds. The same input gives the same bytes.
"""
import argparse
import os
import stat
import subprocess
import sys

import host

EPOCH = 1735689600  # every file's time: 2025-01-01
DIRECTORIES = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "lib": 0o755, "mnt": 0o755,
    "opt": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755, "sbin": 0o755, "sys": 0o555,
    "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/lib": 0o755, "usr/sbin": 0o755,
    "usr/share": 0o755, "var": 0o755, "var/log": 0o755, "var/spool": 0o755, "var/tmp": 0o1777,
}
UNNEEDED = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale",
            "usr/share/lintian", ".complete")  # of packages
LINKS = {"etc/mtab": "/proc/mounts", "var/run": "/run", "var/lock": "/run"}


class Archive:
    """Entries by path; folders of a path are made on the way."""

    def __init__(self):
        self.entries = {}

    def add_directory(self, path, mode=0o755):
        path = path.strip("/")
        if not path:
            return
        if path in self.entries and stat.S_ISDIR(self.entries[path][0]):
            return
        self.add_directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFDIR | mode, b"")

    def add_file(self, path, data, mode=0o644):
        path = path.strip("/")
        self.add_directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, data)

    def add_link(self, path, target):
        path = path.strip("/")
        self.add_directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def add_tree(self, source, path, without=()):
        """Adds a host file, link or folder (with all it holds) as path, but for the paths without."""
        mode = os.lstat(source).st_mode
        if path.strip("/") in without:
            return
        if stat.S_ISLNK(mode):
            self.add_link(path, os.readlink(source))
        elif stat.S_ISDIR(mode):
            self.add_directory(path, mode & 0o1777)
            for name in sorted(os.listdir(source)):
                self.add_tree(os.path.join(source, name), path.rstrip("/") + "/" + name, without)
        elif stat.S_ISREG(mode):
            with open(source, "rb") as file:
                self.add_file(path, file.read(), mode & 0o7777)
        else:
            raise ValueError(f"{source} is neither file, folder nor link")

    def pack(self):
        out = bytearray()
        for number, (path, (mode, data)) in enumerate(sorted(self.entries.items()), 1):
            append_entry(out, number, path, mode, data)
        append_entry(out, 0, "TRAILER!!!", 0, b"")
        out.extend(bytes(-len(out) % 512))
        return bytes(out)


def append_entry(out, number, path, mode, data):
    name = path.encode() + b"\0"
    nr_links = 2 if stat.S_ISDIR(mode) else 1
    fields = [number, mode, 0, 0, nr_links, EPOCH if mode else 0, len(data), 0, 0, 0, 0,
              len(name), 0]
    out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
    out.extend(bytes(-len(out) % 4))
    out += data
    out.extend(bytes(-len(out) % 4))


def busybox_links():
    """The paths of busybox's applets. Both architectures have the same build of it, so the one
    that runs on this host speaks for both."""
    package = host.fetch(host.ARCH, "busybox-static")
    result = subprocess.run([os.path.join(package, "bin/busybox"), "--list-full"], check=True,
                            capture_output=True, text=True)
    return result.stdout.split()


def add_by_option(archive, option):
    """SRC or SRC=DEST; DEST ending in / is a folder to put SRC into; default /basename."""
    source, separator, path = option.partition("=")
    if not os.path.lexists(source) and os.path.lexists(option):
        source, separator, path = option, "", ""
    if not os.path.lexists(source):
        raise ValueError(f"--add {option}: {source} does not exist")
    source = os.path.realpath(source)
    if not separator or not path:
        path = "/"
    if path.endswith("/"):
        path += os.path.basename(source)
    archive.add_tree(source, path)


def build(arch, init, additions=(), packages=()):
    """Returns the archive's bytes for an architecture with the file init as its /init."""
    archive = Archive()
    for path, mode in DIRECTORIES.items():
        archive.add_directory(path, mode)
    for path, target in LINKS.items():
        archive.add_link(path, target)
    package = host.fetch(arch, "busybox-static")
    for path in busybox_links():
        archive.add_link(path, "/bin/busybox")
    archive.add_tree(os.path.join(package, "bin/busybox"), "bin/busybox")
    archive.add_tree(os.path.join(host.ROOT, "user/root/etc"), "etc")
    archive.add_tree(init, "init")
    for folder in host.fetch_all(arch, packages) if packages else ():
        archive.add_tree(folder, "/", UNNEEDED)
    for option in additions:
        add_by_option(archive, option)
    return archive.pack()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arch", choices=host.ARCHES)
    parser.add_argument("init", help="the program that becomes /init")
    parser.add_argument("out")
    parser.add_argument("--add", action="append", default=[], metavar="SRC[=DEST]")
    args = parser.parse_args()
    with open(args.out, "wb") as file:
        file.write(build(args.arch, args.init, args.add))


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"initramfs: {error}")
