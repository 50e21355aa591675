"""Machines that do not fit the others end a run with an error that names the machine and what it lacks."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import docsearch
from docsearch.cluster.indexing import worker
from docsearch.cluster.indexing.coordinator import ClusterOptions
from docsearch.cluster.indexing.index import index_documents
from docsearch.cluster.indexing.pool import PoolOptions
from docsearch.cluster.indexing.staging import SharedFolder
from docsearch.engine.errors import DocumentError, IndexLocked, UsageError
from docsearch.engine.store import open_snapshot, open_writer
from docsearch.indexer import discover, pipeline
from fake_encoder import FakeEncoder
from same_index import content

ray = pytest.importorskip("ray", reason="needs the extra ray")

PLAIN = ClusterOptions(PoolOptions(workers=1, cpus=1))
HOST = socket.gethostname()


class NoModel(FakeEncoder):
    """Cannot be opened in another process than the one that made it: that is of another version."""

    def __reduce__(self) -> Any:
        return _opened_elsewhere, ()


def _opened_elsewhere() -> FakeEncoder:
    raise UsageError("model 'fake' is not downloaded; 'docsearch models --download fake' fetches it")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> worker.WorkerSettings:
    """What a worker of a run is sent, as it should be."""
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "node"))
    staging = SharedFolder(tmp_path / "staging", tmp_path / "staging")
    staging.open()
    encoder = FakeEncoder()
    return worker.WorkerSettings(
        _Renderer, lambda: encoder, encoder.spec.fingerprint, "int8", None, staging, docsearch.__version__
    )


class _Renderer:
    def __enter__(self) -> None:
        return None


def no_model() -> Any:
    raise UsageError("the model is not downloaded")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"version": "0.0.1"}, "has docsearch .*, the coordinator has 0.0.1; install the same version"),
        ({"fingerprint": {"name": "fake", "revision": "2"}}, "has another revision of the model fake"),
        ({"load_encoder": no_model}, "the model is not downloaded"),
        ({"staging": SharedFolder(Path("/nowhere/staging"), Path("/nowhere"))}, "folder /nowhere/staging is not there"),
    ],
)
def test_a_machine_that_does_not_fit_says_so_before_any_work(
    settings: worker.WorkerSettings, other: dict[str, Any], reason: str
) -> None:
    assert worker.Worker(settings).prepare().host == HOST
    with pytest.raises(UsageError, match=f"{HOST}.*{reason}"):
        worker.Worker(replace(settings, **other)).prepare()


@pytest.fixture
def documents(tmp_path: Path, make_pdf: Callable[..., Path]) -> Path:
    for number in range(4):
        make_pdf(tmp_path / f"documents/{number}.pdf", [f"page of {number}"])
    return tmp_path / "documents"


def test_an_error_of_a_machine_ends_the_run_and_the_next_one_continues(
    three_nodes: Any, documents: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    index_documents([documents / "0.pdf"], index, options=PLAIN, encoder=FakeEncoder())
    with pytest.raises(UsageError, match=r"worker cannot be started: .*model 'fake' is not downloaded"):
        index_documents([documents], index, options=PLAIN, encoder=NoModel())
    with open_snapshot(index) as snapshot:
        assert len(snapshot) == 1
    with open_writer(index, fingerprint=None), pytest.raises(IndexLocked):
        index_documents([documents], index, options=PLAIN, encoder=FakeEncoder())
    report = index_documents([documents], index, options=PLAIN, encoder=FakeEncoder())
    assert (report.documents, report.skipped) == (3, 1)


@dataclass(frozen=True, slots=True)
class OnOneMachine(discover.Document):
    """A document in a folder that only the `coordinator`, a process, has mounted."""

    coordinator: int = 0

    def on_disk(self, folder: Path) -> discover.Document:
        if os.getpid() != self.coordinator:
            raise DocumentError(f"{self.file} is not there")
        return self


def test_a_folder_that_is_not_mounted_everywhere_ends_the_run(
    three_nodes: Any, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = discover.find

    def found(*arguments: Any, **options: Any) -> discover.Discovery:
        discovery = find(*arguments, **options)
        given = [
            OnOneMachine(each.path, each.file, each.size, each.mtime_ns, os.getpid()) for each in discovery.documents
        ]
        return replace(discovery, documents=tuple(given))

    with monkeypatch.context() as patch:
        patch.setattr(discover, "find", found)
        with pytest.raises(UsageError, match=f"{HOST} cannot read .*, which this machine can.*mount the folder"):
            index_documents([documents], tmp_path / "index", options=PLAIN, encoder=FakeEncoder())
    with open_snapshot(tmp_path / "index") as snapshot:
        assert snapshot.failures() == []
    assert index_documents([documents], tmp_path / "index", options=PLAIN, encoder=FakeEncoder()).documents == 4


def test_clocks_of_machines_may_differ(three_nodes: Any, documents: Path, tmp_path: Path) -> None:
    """Documents that were written a day from now, or on the first day of all."""
    for file, when in zip(sorted(documents.iterdir()), (time.time() + 86_400, 0.0, 1.5e9, time.time()), strict=True):
        os.utime(file, (when, when))
    index_documents([documents], tmp_path / "together", options=PLAIN, encoder=FakeEncoder())
    pipeline.index_documents([documents], tmp_path / "alone", encoder=FakeEncoder())
    assert content(tmp_path / "together") == content(tmp_path / "alone")
    assert index_documents([documents], tmp_path / "together", options=PLAIN, encoder=FakeEncoder()).skipped == 4
