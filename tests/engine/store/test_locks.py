"""One writer at a time, by process; readers never wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from docsearch.engine import store
from docsearch.engine.errors import EncoderMismatch, IndexLocked


def test_a_second_writer_is_told_who_writes(filled: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    command = [sys.executable, str(synthetic.__file__), str(filled), str(tmp_path / "log"), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(IndexLocked, match=rf"process {other.pid} is writing .* wait until it ends"):
            store.open_writer(filled, fingerprint=synthetic.FINGERPRINT)
        with store.open_snapshot(filled) as snapshot:
            assert len(snapshot) >= 21
        other.kill()
    store.open_writer(filled, fingerprint=synthetic.FINGERPRINT).close()


def test_a_second_writer_in_the_same_process_is_refused_too(filled: Path) -> None:
    with (
        store.open_writer(filled, fingerprint=None),
        pytest.raises(IndexLocked, match=str(os.getpid())),
    ):
        store.open_writer(filled, fingerprint=None)


def test_a_refused_writer_leaves_the_lock_free(filled: Path) -> None:
    for _ in range(2):
        with pytest.raises(EncoderMismatch, match="another encoder"):
            store.open_writer(filled, fingerprint={"name": "other"})
    store.open_writer(filled, fingerprint=None).close()
