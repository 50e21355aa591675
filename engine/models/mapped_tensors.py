"""The tensors of a .safetensors file as read-only numpy arrays over a memory map: opening reads the header alone.

The layout: the length of the header (8 bytes, little-endian), the header in JSON, then the tensors' bytes.
"""

from __future__ import annotations

import json
import mmap
import struct
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I8": "i1", "U8": "u1", "I16": "<i2", "I32": "<i4", "I64": "<i8"}
LENGTH = struct.Struct("<Q")


def open_tensors(file: Path) -> dict[str, NDArray[np.generic]]:
    """Every tensor of a file by its name. Raises UsageError for a file that is cut off, or no such file, and OSError.

    The map stays open as long as one of the arrays is referred to.
    """
    with file.open("rb") as opened:
        try:
            content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
            (length,) = LENGTH.unpack_from(content)
            begin = LENGTH.size + length
            header = json.loads(content[LENGTH.size : begin])
            return {name: _tensor(content, begin, **entry) for name, entry in header.items() if name != "__metadata__"}
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, struct.error) as err:
            raise UsageError(f"{file}: not a whole safetensors file ({err}); copy it again") from err


def _tensor(
    content: mmap.mmap, begin: int, *, dtype: str, shape: list[int], data_offsets: tuple[int, int]
) -> NDArray[np.generic]:
    first, last = data_offsets
    found = np.frombuffer(content, DTYPES[dtype], prod(shape), begin + first).reshape(shape)
    if found.nbytes != last - first:
        raise ValueError(f"{last - first} bytes for a tensor of {shape}")
    return found
