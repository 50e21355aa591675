"""Opens a page in a viewer that takes a page number, a line of a text file in an editor, or the file in the browser."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import UsageError
from .hit_output import page_url

PLACE = re.compile(r"\{(?:file|page|line)\}")
VIEWER = "DOCSEARCH_VIEWER"
"""A command with {file} and {page}, such as "evince -p {page} {file}"."""
EDITOR = "DOCSEARCH_EDITOR"
"""A command with {file} and {line} for text files, such as "code --goto {file}:{line}"."""
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
EDITORS = {
    "code": ("--goto", "{file}:{line}"),
    "codium": ("--goto", "{file}:{line}"),
    "cursor": ("--goto", "{file}:{line}"),
    "zed": ("{file}:{line}",),
    "subl": ("{file}:{line}",),
    "kate": ("--line", "{line}", "{file}"),
    "gedit": ("+{line}", "{file}"),
}
"""Editors with a window of their own, with their arguments for a file and a line."""


def open_page(file: Path, page: int, line: int | None = None) -> str:
    """Open a page of a file, or a text file at a `line`, and return what it was opened with.

    Raises UsageError where nothing could.
    """
    if line is not None and (opened := _in_editor(file, page, line)) is not None:
        return opened
    if words := _command(VIEWER):
        return _start(_filled(words, file, page, line), f"{VIEWER} ({os.environ[VIEWER]})")
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


def _in_editor(file: Path, page: int, line: int) -> str | None:
    """Open a text file at a line, and return what it was opened with; None where there is no editor."""
    if words := _command(EDITOR):
        return _start(_filled(words, file, page, line), f"{EDITOR} ({os.environ[EDITOR]})")
    if os.environ.get(VIEWER):
        return None
    for name, arguments in EDITORS.items():
        if (program := shutil.which(name)) is not None:
            return _start([program, *_filled(arguments, file, page, line)], name)
    return None


def _command(variable: str) -> list[str]:
    """The words of the command in an environment variable, none where it is not set. Raises UsageError."""
    command = os.environ.get(variable, "")
    try:
        return shlex.split(command)
    except ValueError as err:
        raise UsageError(f"--open: {variable} ({command}) is no command: {err}") from err


def _filled(arguments: Sequence[str], file: Path, page: int, line: int | None = None) -> list[str]:
    values = {"{file}": str(file.absolute()), "{page}": str(page), "{line}": str(line or 1)}
    return [PLACE.sub(lambda match: values[match[0]], each) for each in arguments]


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
