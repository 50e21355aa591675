"""Opens the .npy files of an index; whatever is in them instead, the error is docsearch's own."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexDamaged
from . import os_errors


def unreadable() -> tuple[type[Exception], ...]:
    """What numpy raises for a file that is no array, or has a damaged header."""
    import tokenize
    import zipfile  # here, since it takes 4 ms and few files are damaged

    return (
        ValueError, TypeError, KeyError, IndexError, EOFError, SyntaxError, tokenize.TokenError, zipfile.BadZipFile,
        OverflowError, MemoryError, RecursionError, UserWarning,
    )  # fmt: skip


def load(path: Path, *, mapped: bool) -> NDArray[np.generic]:
    """The array in a .npy file, read or `mapped`. Raises IndexDamaged, and StorageFailed or UsageError if the file is
    there and the system cannot read it.
    """
    with os_errors.translated(path):
        try:
            # numpy reads a file without looking whether the read failed: the bytes come from Python's, which does.
            source = path if mapped else io.BytesIO(path.read_bytes())
            array = np.load(source, mmap_mode="r" if mapped else None, allow_pickle=False)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as err:
            raise damaged(path, str(err)) from err
        except unreadable() as err:
            raise damaged(path, str(err) or type(err).__name__) from err
    if not isinstance(array, np.ndarray):
        raise damaged(path, "it is no .npy file")
    return np.asarray(array)  # a plain ndarray over the map: slicing np.memmap itself is slow


def damaged(path: Path, what: str) -> IndexDamaged:
    """The error for a file that is not what was committed."""
    return IndexDamaged(
        f"{path}: not what was committed ({what}); run 'docsearch verify', then restore the index from a copy or build "
        "it again with 'docsearch index' and another --index"
    )
