"""Runs work under ordinary file permissions; as root, in a child process under another user."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
NOBODY = 65534
"""User id and group id of "nobody", who owns no files."""
MAY_ENTER = 0o001
"""Permission bit that lets every user enter a folder."""


def as_user(work: Callable[[], T], folder: Path) -> T:
    """Run `work` where file permissions apply; return its result or raise its error.

    As root, a child process runs it twice: first as root, which imports the modules that it needs, then as "nobody",
    who becomes the owner of `folder` and everything in it. So `work` has to be picklable and idempotent, and must not
    start processes: that user may not have access to the folder of the Python installation.
    """
    if not _is_root():
        return work()
    # A fresh interpreter, because forking a process with threads is unsafe.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(work).result()
        pool.submit(_become_nobody, folder).result()
        return pool.submit(work).result()


def place() -> Path:
    """A parent for temporary folders that every user can enter, unlike pytest's own."""
    for candidate in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        if not _is_root() or all(folder.stat().st_mode & MAY_ENTER for folder in (candidate, *candidate.parents)):
            return candidate
    raise AssertionError("no temporary folder can be entered by users other than root; set TMPDIR to one that can")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _become_nobody(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
