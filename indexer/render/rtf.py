"""The text of a message's body that Outlook stored as compressed RTF ([MS-OXRTFCP]); formatting and pictures are left
out.

Runs only inside the child process (`worker`).
"""

# striprtf leaves its functions untyped.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import struct

import compressed_rtf
from striprtf.striprtf import rtf_to_text

HEADER = struct.Struct("<II")
"""The start of compressed RTF: how many bytes follow, and how many these are when they are decompressed."""
RTF_MAX_BYTES = 8 << 20
"""Bytes of RTF that are read: a body without pictures has a thousandth of that."""


def text_of(compressed: bytes) -> str:
    """The text of a body that is compressed RTF. Raises ValueError if it cannot be read, or is too large."""
    try:
        if max(HEADER.unpack_from(compressed)) > RTF_MAX_BYTES:
            raise ValueError(f"more than {RTF_MAX_BYTES >> 20} MB of RTF")
        rtf = compressed_rtf.decompress(compressed)[:RTF_MAX_BYTES].decode("latin-1")
        if not rtf.lstrip("\0\r\n ").startswith("{\\rtf"):
            raise ValueError("no RTF")
        text: str = rtf_to_text(rtf, errors="replace")
    except Exception as err:  # the packages raise Exception itself, and what damaged content leads to
        raise ValueError(str(err)) from err
    return text.replace("\xa0", " ").strip()
