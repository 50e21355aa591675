"""Writes messages of Outlook: OLE compound files, as [MS-CFB] and [MS-OXMSG] describe them, of small streams alone."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping
from pathlib import Path

SECTOR, MINI_SECTOR = 512, 64
END, FREE, FAT_SECTOR, NOTHING = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
Storage = Mapping[str, "bytes | Storage"]
"""The streams and storages in a storage, by name. Streams have less than 4,096 bytes, or 4,096 and more: both kinds."""


def text(number: int, value: str) -> dict[str, bytes]:
    """A property that is a text in Unicode."""
    return {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le")}


def text_8bit(number: int, value: str, encoding: str) -> dict[str, bytes]:
    """A property that is a text in an encoding."""
    return {f"__substg1.0_{number:04X}001E": value.encode(encoding)}


def binary(number: int, value: bytes) -> dict[str, bytes]:
    """A property that is bytes."""
    return {f"__substg1.0_{number:04X}0102": value}


def fixed(header: int, *entries: tuple[int, int, int]) -> dict[str, bytes]:
    """The stream of properties of fixed size: each an id, a type and a value, after a header of that many bytes."""
    content = b"".join(struct.pack("<HHIQ", kind, number, 6, value) for number, kind, value in entries)
    return {"__properties_version1.0": bytes(header) + content}


def recipient(name: str, address: str, kind: int = 1) -> dict[str, bytes]:
    """A recipient: 1 is To, 2 is Cc."""
    return {**fixed(8, (0x0C15, 3, kind)), **text(0x3001, name), **text(0x39FE, address)}


def attachment(name: str, content: bytes, mime: str = "", content_id: str = "") -> dict[str, bytes]:
    """An attached file."""
    said = {**fixed(8), **text(0x3707, name), **binary(0x3701, content)}
    return {**said, **(text(0x370E, mime) if mime else {}), **(text(0x3712, content_id) if content_id else {})}


def message(subject: str, body: str, *, header: int = 32, **more: bytes | Storage) -> dict[str, bytes | Storage]:
    """A message of Anna Kim, sent on 3 March 2025; `header` is 24 for one that is attached to another."""
    sent = 133854768000000000
    return {
        **fixed(header, (0x0039, 0x40, sent)),
        **text(0x0037, subject),
        **text(0x0C1A, "Kim, Anna"),
        **text(0x5D01, "anna@example.org"),
        **text(0x1000, body),
        "__recip_version1.0_#00000000": recipient("Bob Stone", "bob@example.org"),
        **more,
    }


def write(file: Path, root: Storage) -> Path:
    """Write an OLE compound file."""
    entries: list[tuple[str, int, bytes, list[int]]] = [("Root Entry", 5, b"", [])]
    _collect(root, 0, entries)
    fat: list[int] = []
    sectors: list[bytes] = []

    def store(content: bytes) -> int:
        if not content:
            return END
        first = len(sectors)
        count = -(-len(content) // SECTOR)
        sectors.extend(content[n * SECTOR : (n + 1) * SECTOR].ljust(SECTOR, b"\0") for n in range(count))
        fat.extend([*range(first + 1, first + count), END])
        return first

    mini_fat: list[int] = []
    mini = b""
    starts = []
    for _, kind, content, _children in entries:
        if kind != 2 or not content:
            starts.append(END)
        elif len(content) >= 4096:
            starts.append(store(content))
        else:
            count, first = -(-len(content) // MINI_SECTOR), len(mini_fat)
            mini_fat.extend([*range(first + 1, first + count), END])
            mini += content.ljust(count * MINI_SECTOR, b"\0")
            starts.append(first)
    starts[0] = store(mini)
    mini_fat_start = store(struct.pack(f"<{len(mini_fat)}I", *mini_fat).ljust(SECTOR, b"\xff"))
    directory = b""
    siblings = dict.fromkeys(range(len(entries)), NOTHING)
    for *_, children in entries:
        for one, following in itertools.pairwise(children):
            siblings[one] = following
    for number, (name, kind, content, children) in enumerate(entries):
        encoded = (name + "\0").encode("utf-16-le")
        size = len(mini) if number == 0 else len(content)
        child = children[0] if children else NOTHING
        directory += encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1)
        directory += struct.pack("<III", NOTHING, siblings[number], child) + bytes(36)
        directory += struct.pack("<IQ", starts[number], size)
    directory_start = store(directory)
    fat_sectors = 1
    while (len(fat) + fat_sectors) * 4 > fat_sectors * SECTOR:
        fat_sectors += 1
    fat_start = len(sectors)
    fat += [FAT_SECTOR] * fat_sectors
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(fat_sectors * SECTOR, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, fat_sectors, directory_start, 0, 4096, mini_fat_start, 1, END, 0)
    places = [*range(fat_start, fat_start + fat_sectors)]
    head += struct.pack("<109I", *places, *[FREE] * (109 - len(places)))
    file.write_bytes(head + b"".join(sectors) + table)
    return file


def _collect(storage: Storage, own: int, entries: list[tuple[str, int, bytes, list[int]]]) -> None:
    """Add the entries of a storage; siblings are a list, each right of the one before, in the order of the format."""
    for name in sorted(storage, key=lambda name: (len(name), name.upper())):
        content = storage[name]
        number = len(entries)
        entries[own][3].append(number)
        if isinstance(content, bytes):
            entries.append((name, 2, content, []))
        else:
            entries.append((name, 1, b"", []))
            _collect(content, number, entries)
