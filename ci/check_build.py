"""Builds every preset of both targets; a warning is an error."""
import os
import sys
import time

import host

KERNEL = {"aarch64": "Image", "x86_64": "quoin.elf"}


def main():
    failed = False
    for arch in host.ARCHES:
        for compiler in ("gcc", "clang"):
            for kind in ("debug", "release"):
                preset = host.preset_name(arch, kind, compiler)
                start = time.monotonic()
                try:
                    folder = host.build(preset)
                    size = os.path.getsize(os.path.join(folder, KERNEL[arch]))
                    print(f"PASS {preset} ({size // 1024} KiB, {host.elapsed(start)})", flush=True)
                except (host.HostError, OSError) as error:
                    failed = True
                    print(f"FAIL {preset}")
                    lines = str(error).splitlines()
                    wanted = [line for line in lines if "error" in line or "FAILED" in line]
                    print("\n".join("    " + line for line in wanted[:8]))
                    print("\n".join("  | " + line for line in lines), flush=True)
    return failed


sys.exit(main())
