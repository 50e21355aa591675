"""A timer for requests to a render process that does not go off early on a busy machine."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from docsearch.indexer.render import process

HANGS = "FAULTY_PYMUPDF_HANGS"
"""The environment variable with the file that the fake pymupdf makes when it begins to hang."""
LONGEST_S = 300


class PatientTimer(threading.Timer):
    """Goes off after its time, but not before the fake pymupdf hangs: a child that is only slow is waited for."""

    def run(self) -> None:
        self.finished.wait(self.interval)
        hangs, deadline = Path(os.environ[HANGS]), time.monotonic() + LONGEST_S
        while not (self.finished.is_set() or hangs.exists() or time.monotonic() > deadline):
            self.finished.wait(0.02)
        if not self.finished.is_set():
            hangs.unlink(missing_ok=True)
            self.function(*self.args, **self.kwargs)
        self.finished.set()


def use_faulty_pymupdf(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have render processes import the fake pymupdf, and wait for those that are slow; `folder` is for a file."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "faulty")
    monkeypatch.setenv(HANGS, str(folder / "hangs"))
    monkeypatch.setattr(process, "threading", SimpleNamespace(Timer=PatientTimer))
    monkeypatch.setattr(process, "ALARM_MARGIN_S", LONGEST_S)
