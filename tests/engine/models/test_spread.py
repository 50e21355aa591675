"""A page encoder on several devices gives what one on a single device does; processor cores stand in for GPUs."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import fake_encoder
from docsearch.engine.errors import DocsearchError, UsageError
from docsearch.engine.models import device as devices
from docsearch.engine.models.encoder import BATCH_PAGES, PreparingEncoder
from docsearch.engine.models.pooled import pooled_encoder
from docsearch.engine.models.spread import SpreadEncoder
from docsearch.engine.records import PageImage, PageRef
from docsearch.engine.store import open_snapshot
from docsearch.indexer import pipeline

TWO = ("cpu", "cpu")


@pytest.fixture
def spread() -> Iterator[SpreadEncoder]:
    encoder = SpreadEncoder("fake", TWO, load=fake_encoder.load)
    yield encoder
    encoder.close()


def pages(count: int) -> list[PageImage]:
    drawn = np.random.default_rng(0)
    return [
        PageImage(PageRef("d", "d.pdf", number), drawn.integers(0, 256, (40, 30, 3), dtype=np.uint8), 36.0)
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 16, 33])
def test_pages_come_back_in_order_with_the_vectors_of_one_process(spread: SpreadEncoder, count: int) -> None:
    got, wanted = spread.encode_pages(pages(count)), fake_encoder.FakeEncoder().encode_pages(pages(count))
    assert got.vectors.refs == wanted.vectors.refs
    np.testing.assert_array_equal(got.vectors.vectors.values, wanted.vectors.vectors.values)
    np.testing.assert_array_equal(got.vectors.vectors.offsets, wanted.vectors.vectors.offsets)
    np.testing.assert_array_equal(got.vectors.boxes, wanted.vectors.boxes)
    np.testing.assert_array_equal(got.vectors.single, wanted.vectors.single)
    assert got.words is None


def test_each_device_gets_a_batch_at_a_time(spread: SpreadEncoder) -> None:
    assert isinstance(spread, PreparingEncoder)
    assert spread.batch_pages == 2 * BATCH_PAGES
    assert spread.spec == fake_encoder.SPEC
    assert pooled_encoder(spread, 2).batch_pages == 2 * BATCH_PAGES  # type: ignore[attr-defined]


def test_an_index_made_on_several_devices_is_that_of_one(tmp_path: Path, spread: SpreadEncoder, make_pdf) -> None:  # type: ignore[no-untyped-def]
    for number in range(5):
        make_pdf(tmp_path / f"docs/{number}.pdf", [f"{number}-{page}" for page in range(1, 20)])
    for name, encoder in (("several", spread), ("one", fake_encoder.FakeEncoder())):
        assert pipeline.index_documents([tmp_path / "docs"], tmp_path / name, encoder=encoder).pages == 95
    files = sorted(file.relative_to(tmp_path / "one") for file in (tmp_path / "one/segments").rglob("*.npy"))
    assert files
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "several" / file).read_bytes()


def test_both_devices_work_at_once(tmp_path: Path) -> None:
    spread = SpreadEncoder(f"meets {tmp_path}", ("first", "second"), load=fake_encoder.load)
    try:
        assert len(spread.encode_pages(pages(40)).vectors.refs) == 40
    finally:
        spread.close()


def test_a_page_that_cannot_be_embedded_fails_alone(tmp_path: Path, make_pdf) -> None:  # type: ignore[no-untyped-def]
    make_pdf(tmp_path / "docs/a.pdf", [str(page) for page in range(1, 9)])
    spread = SpreadEncoder("fails on 3", TWO, load=fake_encoder.load)
    try:
        report = pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=spread)
    finally:
        spread.close()
    assert report.pages == 7
    assert [(each.page, each.reason.splitlines()[0]) for each in report.failed] == [
        (3, "the model could not embed this page: no vectors for this page")
    ]


def test_a_process_that_ends_ends_the_run_and_the_next_one_continues(tmp_path: Path, make_pdf) -> None:  # type: ignore[no-untyped-def]
    make_pdf(tmp_path / "docs/a.pdf", [str(page) for page in range(1, 9)])
    spread = SpreadEncoder("dies on 5", TWO, load=fake_encoder.load)
    with pytest.raises(DocsearchError, match=r"on cpu ended \(exit code 7\)"):
        pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=spread)
    spread.close()
    report = pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=fake_encoder.FakeEncoder())
    assert report.pages == 8
    with open_snapshot(tmp_path / "index") as snapshot:
        assert snapshot.verify() == []
        assert len(snapshot) == 8


def test_what_loading_the_model_raises_is_raised_here() -> None:
    others = set(multiprocessing.active_children())
    with pytest.raises(UsageError, match="no such model"):
        SpreadEncoder("no model", TWO, load=fake_encoder.load)
    assert set(multiprocessing.active_children()) <= others


def test_closing_ends_the_processes() -> None:
    others = set(multiprocessing.active_children())
    spread = SpreadEncoder("fake", TWO, load=fake_encoder.load)
    its_own = set(multiprocessing.active_children()) - others
    assert len(its_own) == 2
    spread.close()
    spread.close()
    assert not its_own & set(multiprocessing.active_children())
    with pytest.raises(DocsearchError, match="ended"):
        spread.encode_pages(pages(1))


@pytest.mark.parametrize(
    ("gpus", "device", "wanted"),
    [
        (0, "auto", ["cpu"]),
        (0, "cpu", ["cpu"]),
        (1, "auto", ["cuda"]),
        (1, "cuda", ["cuda"]),
        (3, "auto", ["cuda:0", "cuda:1", "cuda:2"]),
        (3, "cuda", ["cuda:0", "cuda:1", "cuda:2"]),
        (3, "cuda:1", ["cuda:1"]),
        (3, "cpu", ["cpu"]),
    ],
)
def test_auto_and_cuda_are_all_gpus(monkeypatch: pytest.MonkeyPatch, gpus: int, device: str, wanted: list[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert devices.every(device) == wanted


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--device cuda:0: this torch sees no CUDA GPU"):
        devices.choose("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match="there are 2 GPUs, counted from cuda:0"):
        devices.choose("cuda:2")
