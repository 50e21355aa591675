"""Finds LibreOffice on this machine, and its version."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

PROGRAMS = ("soffice", "libreoffice")
OTHER_PLACES = (
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "C:/Program Files/LibreOffice/program/soffice.exe",
)
"""Where LibreOffice is when it is not on the search path."""


@cache
def program() -> str | None:
    """The path of LibreOffice, None if it is not installed."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name)) is not None), None)
    return found or next((path for path in OTHER_PLACES if Path(path).is_file()), None)


@cache
def version() -> str:
    """The version of LibreOffice, such as "7.4.7.2", "" if it cannot be told; starts LibreOffice."""
    path = program()
    if path is None:
        return ""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = done.stdout.split()
    return words[1] if len(words) > 1 else ""
