"""Lines of text files with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...engine.errors import UsageError


def numbered(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file that are not blank, with their numbers from 1, without the line end.

    Lines end with a line feed: U+2028 and the like are part of the text. Raises UsageError.
    """
    try:
        with file.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                try:
                    text = line.decode("utf-8").rstrip("\r\n")
                except UnicodeDecodeError as err:
                    raise UsageError(f"{file}:{number}: not UTF-8 (byte {err.start + 1}); save it as UTF-8") from err
                if text.strip():
                    yield number, text
    except OSError as err:
        raise UsageError(f"{file}: cannot be read: {err.strerror or err}") from err
