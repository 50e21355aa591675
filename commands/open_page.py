"""Opens a page of a document in a viewer: one that takes a page number if there is one, else the browser."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

from ..engine.errors import UsageError
from .hit_output import page_url

VIEWER = "DOCSEARCH_VIEWER"
"""A command with {file} and {page}, such as "evince -p {page} {file}"."""
VIEWERS = {
    "evince": ("--page-index={page}", "{file}"),
    "okular": ("--page", "{page}", "{file}"),
    "atril": ("--page-index={page}", "{file}"),
    "xreader": ("--page-index={page}", "{file}"),
    "zathura": ("--page={page}", "{file}"),
    "qpdfview": ("{file}#{page}",),
    "mupdf": ("{file}", "{page}"),
    "sioyek": ("--page", "{page}", "{file}"),
}
"""Viewers of PDFs under Linux, with their arguments for a file and a page."""


def open_page(file: Path, page: int) -> str:
    """Open a page of a file, and return what it was opened with. Raises UsageError where nothing could."""
    if command := os.environ.get(VIEWER):
        try:
            words = shlex.split(command)
        except ValueError as err:
            raise UsageError(f"--open: {VIEWER} ({command}) is no command: {err}") from err
        if words:
            return _start(_filled(words, file, page), f"{VIEWER} ({command})")
    if sys.platform.startswith("linux") and file.suffix.lower() == ".pdf":
        for name, arguments in VIEWERS.items():
            if (program := shutil.which(name)) is not None:
                return _start([program, *_filled(arguments, file, page)], name)
    url = page_url(file, page) if file.suffix.lower() == ".pdf" else file.absolute().as_uri()
    try:
        if webbrowser.open(url):
            return "the browser"
    except webbrowser.Error:
        pass
    raise UsageError(
        f"--open: no viewer and no browser was found; the file is {file}. Name a viewer in {VIEWER}, as in "
        f'{VIEWER}="evince -p {{page}} {{file}}"'
    )


def _filled(arguments: tuple[str, ...] | list[str], file: Path, page: int) -> list[str]:
    return [each.replace("{file}", str(file.absolute())).replace("{page}", str(page)) for each in arguments]


def _start(command: list[str], name: str) -> str:
    """Start a program that outlives this process."""
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as err:
        raise UsageError(f"--open: {name} cannot be started: {err.strerror or err}") from err
    return name
