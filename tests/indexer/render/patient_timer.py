"""A timer for requests to a render process that does not go off early on a busy machine."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docsearch.indexer.render import process

HANGS = "FAULTY_PYMUPDF_HANGS"
"""The environment variable with the file that the fake pymupdf makes when it begins to hang."""
LONGEST_S = 300


class PatientTimer(threading.Timer):
    """Goes off after its time, but not before the fake pymupdf hangs: a child that is only slow is waited for."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._hangs = Path(os.environ[HANGS])  # not in `run`, which may go on after the end of the test

    def run(self) -> None:
        self.finished.wait(self.interval)
        deadline = time.monotonic() + LONGEST_S
        while not (self.finished.is_set() or self._hangs.exists() or time.monotonic() > deadline):
            self.finished.wait(0.02)
        if not self.finished.is_set():
            self._hangs.unlink(missing_ok=True)
            self.function(*self.args, **self.kwargs)
        self.finished.set()


def use_faulty_pymupdf(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have render processes import the fake pymupdf, and wait for those that are slow; `folder` is for a file."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "faulty")
    monkeypatch.setenv(HANGS, str(folder / "hangs"))
    monkeypatch.setattr(process, "threading", SimpleNamespace(Timer=PatientTimer))
    monkeypatch.setattr(process, "ALARM_MARGIN_S", LONGEST_S)
