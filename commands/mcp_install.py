"""`docsearch mcp --install`: shows the change to the settings of a program with an agent, asks, and makes it."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from ..engine.errors import UsageError
from ..engine.printable import printable
from ..engine.store import catalog
from ..engine.store.durable import atomic_file
from ..server.agents import clients
from .output import message


def install_in(
    client: str,
    indexes: Sequence[Path],
    names: Sequence[str],
    allowed: Sequence[Path],
    more: Sequence[str] = (),
    *,
    yes: bool,
    show: bool,
) -> None:
    """Add docsearch with these indexes to the settings of a program; with `show`, print what would be added.

    `more` are further arguments of the command.

    Raises UsageError, and changes nothing, where the settings are not as expected.
    """
    title = clients.PROGRAMS[client].title
    file = clients.settings_file(client, platform=sys.platform, home=Path.home(), environment=os.environ)
    added = clients.entry(client, *_command(indexes, names, allowed, more))
    for folder in allowed:
        if not folder.is_dir():
            raise UsageError(f"--allow-index {folder}: there is no such folder")
    for index in indexes:
        if not catalog.exists(index):
            message(f"{index}: there is no index here yet; 'docsearch index PATH --index {index}' makes one")
    if show:
        message(f"{title} reads this from {file}:")
        print(clients.snippet(client, added), end="")
        return
    before = _read(file)
    try:
        after = clients.changed(client, before or "", added)
    except UsageError as err:
        raise UsageError(f"{file}: {err}") from err
    if after == before:
        message(f"{file}: {title} has this already")
        return
    print(f"{file}:")
    for line in _difference(clients.laid_out(client, before or "", after), after):
        print(f"  {printable(line)}")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nothing was written: there is nobody to ask; give --yes, or --print to add it by hand")
        if not typer.confirm(f"Write this for {title}?", err=True):
            message("nothing was written")
            return
    _write(file, before, after)
    message(f"{file}: written; start {title} again")


def _command(
    indexes: Sequence[Path], names: Sequence[str], allowed: Sequence[Path], more: Sequence[str]
) -> tuple[str, list[str]]:
    """The command that serves these indexes from any folder, and its arguments."""
    script = Path(sys.executable).with_name("docsearch.exe" if sys.platform == "win32" else "docsearch")
    command, arguments = (str(script), ["mcp"]) if script.is_file() else (sys.executable, ["-m", "docsearch", "mcp"])
    for option, values in (("--index", indexes), ("--allow-index", allowed)):
        for value in values:
            arguments += [option, os.path.abspath(value)]  # noqa: PTH100 - links are kept
    for name in names:
        arguments += ["--name", name]
    return command, [*arguments, *more]


def _read(file: Path) -> str | None:
    """The text of a file; None where there is none yet. Raises UsageError where it cannot be read."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"{file}: cannot be read as UTF-8 ({err}); nothing was written") from err


def _difference(before: str, after: str) -> list[str]:
    """The lines that go and come, without those around them, which may hold secrets of other servers."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _write(file: Path, before: str | None, after: str) -> None:
    """Replace a file that is still as it was read, in one step. Raises UsageError where it is not, or cannot be."""
    if _read(file) != before:
        raise UsageError(f"{file} has changed meanwhile; nothing was written, try again")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(file) as temporary:
            temporary.write_bytes(after.encode("utf-8"))
    except OSError as err:
        raise UsageError(f"{file}: cannot be written ({err.strerror})") from err
