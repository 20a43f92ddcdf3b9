"""Flattened device trees (Devicetree Specification 0.4, section 5), for boards that QEMU gives
none. QEMU adds memory, command line and initramfs to what is here.
"""
import struct

BEGIN, END_NODE, PROPERTY, END = 1, 2, 3, 9
VERSION, LAST_COMPATIBLE = 17, 16
HEADER_SIZE, RESERVE_SIZE = 40, 16


def padded(data):
    return data + bytes(-len(data) % 4)


def encode(value):
    """A property: text, list of texts, or cells."""
    if isinstance(value, str):
        value = [value]
    if value and isinstance(value[0], str):
        return b"".join(text.encode() + b"\0" for text in value)
    return struct.pack(f">{len(value)}I", *value)


def flatten(name, node, strings):
    """node: a dict of properties, and of nodes where the value is a dict."""
    out = struct.pack(">I", BEGIN) + padded(name.encode() + b"\0")
    for key, value in node.items():
        if not isinstance(value, dict):
            data = encode(value)
            at = strings.find(b"\0" + key.encode() + b"\0") + 1
            if at == 0:
                at = len(strings)
                strings += key.encode() + b"\0"
            out += struct.pack(">III", PROPERTY, len(data), at) + padded(data)
    for key, value in node.items():
        if isinstance(value, dict):
            out += flatten(key, value, strings)
    return out + struct.pack(">I", END_NODE)


def pack(root):
    strings = bytearray(b"\0")
    structure = flatten("", root, strings) + struct.pack(">I", END)
    structure_at = HEADER_SIZE + RESERVE_SIZE
    strings_at = structure_at + len(structure)
    header = struct.pack(">10I", 0xd00dfeed, strings_at + len(strings), structure_at, strings_at,
                         HEADER_SIZE, VERSION, LAST_COMPATIBLE, 0, len(strings), len(structure))
    return header + bytes(RESERVE_SIZE) + structure + bytes(strings)


def raspi3(nr_cpus):
    """What the Raspberry Pi 3's firmware tells and Quoin reads; the kernel knows the chip."""
    cpus = {"#address-cells": [1], "#size-cells": [0]}
    for number in range(nr_cpus):
        cpus[f"cpu@{number}"] = {
            "device_type": "cpu", "compatible": "arm,cortex-a53", "reg": [number],
            "enable-method": "spin-table", "cpu-release-addr": [0, 0xd8 + 8 * number]}
    return pack({
        "#address-cells": [1], "#size-cells": [1], "model": "Raspberry Pi 3 Model B",
        "compatible": ["raspberrypi,3-model-b", "brcm,bcm2837"], "chosen": {}, "cpus": cpus})
