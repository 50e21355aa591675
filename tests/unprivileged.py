"""Does work as a user whom permissions stop. They do not stop root, for whom a child does it, as another user."""

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
"""A user and a group that own nothing."""
MAY_ENTER = 0o001
"""The bit that lets everybody through a folder."""


def as_user(work: Callable[[], T], folder: Path) -> T:
    """What `work` returns, or raises, where permissions count; for root, `folder` and all in it changes hands.

    `work` can be pickled, and doing it again does nothing new: for root it is done once before, with every right. By
    then all modules that it needs are imported; another user may not be let into the folder that Python is in, so
    `work` starts no process either.
    """
    if not _is_root():
        return work()
    # The child starts anew: forking a process that has threads is unsafe.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(work).result()
        pool.submit(_become_nobody, folder).result()
        return pool.submit(work).result()


def place() -> Path:
    """Where a folder can be made that everybody can reach, unlike pytest's own temporary folders."""
    for candidate in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        if not _is_root() or all(folder.stat().st_mode & MAY_ENTER for folder in (candidate, *candidate.parents)):
            return candidate
    raise AssertionError("no temporary folder is open to other users than root; set TMPDIR to one that is")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _become_nobody(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
