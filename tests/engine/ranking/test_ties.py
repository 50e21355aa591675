"""Equal scores are ordered by document path and page, however the index came to be, and in every way of searching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import toy_dense
import toy_words
from docsearch.engine.ranking.gpu import GpuPages
from docsearch.engine.records import QueryVectors
from docsearch.engine.retrieval import dense, flat_scan, rabitq
from docsearch.engine.retrieval.dense import open_dense_index
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_snapshot, open_writer
from toy_words import ToyEncoder

PATHS = ["b.pdf", "z/a.pdf", "B.pdf", "a.pdf", "é.pdf", "a/z.pdf", "c.pdf"]
PAGES = [[1, 2, 7], [5, 6], [1, 2, 7], [1, 2, 7]]
SAME = [1, 3, 4]  # their numbers
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Contextual(ToyEncoder):
    def encode_query(self, text: str) -> QueryVectors:
        return replace(super().encode_query(text), contextual=True)


def write(directory: Path, paths: list[str]) -> None:
    for path in paths:  # a segment each
        toy_words.write(directory, {path: PAGES}, noise=0.0)


def history_forwards(directory: Path) -> None:
    write(directory, sorted(PATHS))


def history_backwards(directory: Path) -> None:
    write(directory, sorted(PATHS, reverse=True))


def history_with_changes(directory: Path) -> None:
    """One document is removed and added again, one is moved, and segments are merged."""
    write(directory, ["c.pdf", "old.pdf", "é.pdf", "a.pdf"])
    with open_writer(directory, fingerprint=None) as writer:
        writer.remove(["a.pdf"])
        writer.move_document("old.pdf", "B.pdf", 1, 1)
        writer.commit()
        writer.compact()
    write(directory, ["z/a.pdf", "a.pdf", "b.pdf", "a/z.pdf"])


WAYS: dict[str, Callable[[Path, int], list[tuple[str, int]]]] = {}


def way(name: str, open_one: Callable[[Path], Searcher], text: str, **options: object) -> None:
    def found(directory: Path, k: int) -> list[tuple[str, int]]:
        with open_one(directory) as searcher:
            hits = searcher.search(text, k=k, **options)  # type: ignore[arg-type]
            assert len({hit.score for hit in hits}) == 1
            return [(hit.ref.path, hit.ref.page) for hit in hits]

    WAYS[name] = found


def on_gpu(encoder: ToyEncoder) -> Callable[[Path], Searcher]:
    def opened(directory: Path) -> Searcher:
        searcher = open_searcher(directory, encoder=encoder)
        pages = GpuPages(searcher.snapshot, DEVICE, memory=1 << 30)
        return Searcher(searcher.snapshot, encoder, scorer=pages)

    return opened


def on_cpu(encoder: ToyEncoder) -> Callable[[Path], Searcher]:
    return lambda directory: open_searcher(directory, encoder=encoder)


way("exact", on_cpu(ToyEncoder()), "w1 w2", exact=True)
way("with pairs", on_cpu(ToyEncoder(pairs=True)), "w1 w2", exact=True)
way("two stages", on_cpu(ToyEncoder()), "w1 w2", candidates=1)
way("contextual", on_cpu(Contextual()), "w1 w2", exact=True)
way("contextual in two stages", on_cpu(Contextual()), "w1 w2", candidates=1)
way("on the GPU", on_gpu(ToyEncoder()), "w1 w2", exact=True)
way("contextual on the GPU", on_gpu(Contextual()), "w1 w2", exact=True)
way("in a folder", on_cpu(ToyEncoder()), "w1 w2", exact=True, path="*")


@pytest.mark.parametrize("history", [history_forwards, history_backwards, history_with_changes])
@pytest.mark.parametrize("name", WAYS)
def test_equal_scores_are_ordered_by_path_and_page(tmp_path: Path, name: str, history: Callable[[Path], None]) -> None:
    history(tmp_path / "index")
    wanted = [(path, page) for path in sorted(PATHS) for page in SAME]
    for k in (1, 2, 8, len(wanted)):
        assert WAYS[name](tmp_path / "index", k) == wanted[:k]


@pytest.mark.parametrize("coded", [False, True], ids=["float16", "RaBitQ"])
@pytest.mark.parametrize("order", [1, -1])
def test_dense_candidates_with_equal_scores_are_ordered_by_path_and_page(
    tmp_path: Path, coded: bool, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if coded:
        monkeypatch.setattr(dense, "EXACT_PAGES", 1)
        monkeypatch.setattr(rabitq, "OVERSAMPLING", (2,))
    one, other = toy_dense.vectors(2)
    for name in "abcdefgh"[::order]:
        toy_dense.add(tmp_path / "index", name, np.stack([other, one, one, other, one]))
    wanted = [(f"{name}.pdf", page) for name in "abcdefgh" for page in (2, 3, 5)]
    with open_snapshot(tmp_path / "index") as snapshot:
        index = open_dense_index(snapshot)
        assert index is not None
        for count in (1, 2, 5, 24):
            refs = snapshot.refs(index.nearest(one.astype(np.float32), count=count).pages)
            assert [(ref.path, ref.page) for ref in refs] == wanted[:count]


def test_more_equal_vectors_than_are_wanted_do_not_hide_the_first() -> None:
    vectors = np.zeros((50_000, 8), np.float16)
    block = flat_scan.VectorBlock(flat_scan.Float16(8), vectors, np.arange(len(vectors)))
    backwards = np.arange(len(vectors))[::-1]
    found = flat_scan.search(np.ones(8, np.float32), [block], 3, backwards)
    assert found.pages.tolist() == [49_999, 49_998, 49_997]
