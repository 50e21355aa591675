"""RaBitQ codes of the dense vectors of some segments: one part of the dense index, with the recall that it keeps.

Codes only choose which pages to look at: a search takes several times as many pages as are asked for (oversampling),
and ranks them by their own vectors. By what factor is measured when a part is built, together with the recall it
reaches.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..page_maxima import evenly_spaced
from ..records import F16, F32, I64, U8
from ..store import Snapshot
from ..store.checksums import DerivedFolder, MappedFile
from . import flat_scan, tiers
from .flat_scan import Float16, RaBitQ, VectorBlock

PREFIX = "codes-"
"""How names of the cache folders with these parts begin."""
CODES, CENTRE, MEASURED = "codes.npy", "centre.npy", "stated.json"
BLOCK_PAGES = 4096
"""Dense vectors that are read at a time."""
CENTRE_PAGES = 8192
"""Pages whose mean vector is the centre of a part."""
SAMPLE_QUERIES, RECALL_AT = 64, 200
"""Queries by which the recall of a part is measured, and the pages each should find: stage 1's default."""
NOISE = 0.5**0.5
"""Part of a sample query's norm with a random direction, as queries are not pages; see docs/log.md#dense-index."""
SEED = 5
"""Seed of these directions."""
OVERSAMPLING = (2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Factors to choose from: the smallest that reaches MIN_RECALL, or the largest."""
MIN_RECALL = 0.99


@dataclass(frozen=True, slots=True)
class MeasuredRecall:
    """The recall of a part, measured when it held `pages` pages.

    The `oversampling` · `k` best pages by their codes include `recall` of the exact top `k`, the mean of `queries`
    queries.
    """

    pages: int
    oversampling: int
    recall: float
    k: int
    queries: int

    def to_json(self) -> str:
        """The content of the file MEASURED."""
        names = {"times": self.oversampling, "recall": self.recall, "at": self.k, "asked": self.queries}
        return json.dumps({"pages": self.pages, **names})

    @staticmethod
    def from_json(text: str) -> MeasuredRecall:
        """Read the content of the file MEASURED. Raises ValueError, TypeError or KeyError where it is damaged."""
        stored = json.loads(text)
        return MeasuredRecall(stored["pages"], stored["times"], stored["recall"], stored["at"], stored["asked"])


@dataclass(frozen=True, eq=False)
class RaBitQPart:
    """Codes (P, W) uint8 of every page of `segments` (S, 2), removed ones included; see `tiers.Part`."""

    coding: RaBitQ
    codes: U8
    segments: I64
    measured: MeasuredRecall
    file: MappedFile | None = None
    """The file with the codes, to be verified before they are scanned; None in memory."""

    @property
    def size(self) -> int:
        """Pages, without those that were removed before it was built."""
        return self.measured.pages


def read(snapshot: Snapshot, folder: DerivedFolder, segments: I64) -> RaBitQPart:
    """Open the part in `folder`. Raises one of `tiers.UNUSABLE` where it is damaged."""
    file = folder.map(CODES)
    codes = file.array
    centre = folder.load(CENTRE)
    measured = MeasuredRecall.from_json(folder.read(MEASURED).decode("utf-8"))
    if centre.shape != (snapshot.dense_dim,) or centre.dtype != np.float32:
        raise ValueError(f"{CENTRE} does not fit the index")
    coding = RaBitQ(centre)
    if codes.shape != (segments[:, 1].sum(), coding.code_bytes) or codes.dtype != np.uint8:
        raise ValueError(f"{CODES} does not fit {CENTRE} and {tiers.SEGMENTS}")
    return RaBitQPart(coding, codes, segments, measured, file)


def build(snapshot: Snapshot, segments: I64, folder: Path | None) -> RaBitQPart:
    """Encode the dense vectors of `segments` (S, 2) and measure recall; in files of `folder`, or in memory for None."""
    float16 = Float16(snapshot.dense_dim)
    coding = RaBitQ(_mean(snapshot, segments, float16))
    pages = int(segments[:, 1].sum())
    codes = tiers.allocate((pages, coding.code_bytes), None if folder is None else folder / CODES)
    queries = _sample_queries(_sample(snapshot, segments, float16, SAMPLE_QUERIES), coding.centre)
    exact = _ExactTopK(queries, min(RECALL_AT, pages))
    for start, values in _blocks(snapshot, segments):
        vectors = float16.decode(values)
        codes[start : start + len(vectors)] = coding.encode(vectors)
        exact.add(start, vectors)
    block = VectorBlock(coding, codes, np.arange(pages))
    measured = _measure_recall(queries, exact.pages, block, _alive(snapshot, segments))
    _save(folder, coding, measured)
    return RaBitQPart(coding, codes, segments, measured)


@dataclass(frozen=True, eq=False)
class GivenCodes:
    """What the codes of a part are made with, so that codes of some of its pages, made elsewhere, are the same.

    `segments` (S, 2) and `measured` are the part's, and `centre` (D,) float32 is that of its coding.
    """

    segments: I64
    centre: F32
    measured: MeasuredRecall

    @staticmethod
    def of(part: RaBitQPart) -> GivenCodes:
        """What the codes of a part were made with."""
        return GivenCodes(part.segments, part.coding.centre, part.measured)

    def read(self, snapshot: Snapshot, folder: DerivedFolder, segments: I64) -> RaBitQPart:
        """As the function `read`. Raises ValueError where codes were made with another centre."""
        part = read(snapshot, folder, segments)
        if not np.array_equal(part.coding.centre, self.centre):
            raise ValueError(f"{CENTRE} is another one")
        return part

    def build(self, snapshot: Snapshot, segments: I64, folder: Path | None) -> RaBitQPart:
        """Encode the dense vectors of `segments` (S, 2), in files of `folder`, or in memory for None."""
        float16, coding = Float16(snapshot.dense_dim), RaBitQ(self.centre)
        shape = int(segments[:, 1].sum()), coding.code_bytes
        codes = tiers.allocate(shape, None if folder is None else folder / CODES)
        for start, values in _blocks(snapshot, segments):
            codes[start : start + len(values)] = coding.encode(float16.decode(values))
        measured = replace(self.measured, pages=_alive(snapshot, segments))
        _save(folder, coding, measured)
        return RaBitQPart(coding, codes, segments, measured)


def _save(folder: Path | None, coding: RaBitQ, measured: MeasuredRecall) -> None:
    if folder is not None:
        np.save(folder / CENTRE, coding.centre)
        (folder / MEASURED).write_text(measured.to_json(), "utf-8")


def _alive(snapshot: Snapshot, segments: I64) -> int:
    """How many pages of `segments` (S, 2) are not removed."""
    return int(np.isin(snapshot.locations()[0], segments[:, 0]).sum())


def _blocks(snapshot: Snapshot, segments: I64) -> Iterator[tuple[int, F16]]:
    """The dense vectors of segments, removed pages included, BLOCK_PAGES at a time, with the number of the first."""
    number = 0
    for segment, pages in segments.tolist():
        for start in range(0, pages, BLOCK_PAGES):
            stop = min(start + BLOCK_PAGES, pages)
            yield number + start, snapshot.segment_dense(segment, stop - start)[start:stop]
        number += pages


def _sample(snapshot: Snapshot, segments: I64, float16: Float16, count: int) -> F32:
    """At most `count` dense vectors of segments, evenly spaced, (n, S)."""
    wanted = evenly_spaced(int(segments[:, 1].sum()), count)
    found, number = [], 0
    for segment, length in segments.tolist():
        slots = wanted[(wanted >= number) & (wanted < number + length)] - number
        if len(slots):
            found.append(snapshot.segment_dense(segment, len(slots))[slots])
        number += length
    return float16.decode(np.concatenate(found))


def _mean(snapshot: Snapshot, segments: I64, float16: Float16) -> F32:
    """The mean (S,) of a sample of the dense vectors."""
    mean: F32 = _sample(snapshot, segments, float16, CENTRE_PAGES).mean(axis=0, dtype=np.float32)
    return mean


def _sample_queries(vectors: F32, centre: F32) -> F32:
    """Queries (n, S) like those for pages with dense vectors (n, S): their directions from the centre, with NOISE."""
    noise = np.random.default_rng(SEED).standard_normal(vectors.shape, np.float32)
    queries: F32 = np.float32((1 - NOISE**2) ** 0.5) * _unit(vectors - centre) + np.float32(NOISE) * _unit(noise)
    return queries


def _unit(vectors: F32) -> F32:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: F32 = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


class _ExactTopK:
    """The exact top `count` pages of queries (Q, S), from vectors that are added block by block."""

    def __init__(self, queries: F32, count: int) -> None:
        self._queries, self._count = queries, count
        self._scores = np.zeros((len(queries), 0), np.float32)
        self.pages = np.zeros((len(queries), 0), np.int64)
        """The pages of each query, (Q, count), unordered."""

    def add(self, start: int, vectors: F32) -> None:
        """Add the vectors (n, S) of the pages from number `start` on."""
        numbers = np.broadcast_to(np.arange(start, start + len(vectors)), (len(self._queries), len(vectors)))
        scores = np.concatenate([self._scores, self._queries @ vectors.T], axis=1)
        pages = np.concatenate([self.pages, numbers], axis=1)
        if scores.shape[1] > self._count:
            best = np.argpartition(-scores, self._count - 1, axis=1)[:, : self._count]
            scores, pages = np.take_along_axis(scores, best, axis=1), np.take_along_axis(pages, best, axis=1)
        self._scores, self.pages = scores, pages


def _measure_recall(queries: F32, exact: I64, codes: VectorBlock, alive: int) -> MeasuredRecall:
    """The least oversampling with which `codes` find MIN_RECALL of the `exact` first pages (Q, k), and its recall.

    `alive` is the number of pages that are not removed.
    """
    k = exact.shape[1]
    count = OVERSAMPLING[-1] * k
    by_codes = [flat_scan.search(vector, [codes], count, codes.rows).pages for vector in queries]
    measured = []
    for factor in OVERSAMPLING:
        kept = [np.isin(wanted, found[: factor * k]).mean() for found, wanted in zip(by_codes, exact, strict=True)]
        measured.append(MeasuredRecall(alive, factor, round(float(np.mean(kept)), 4), k, len(queries)))
        if measured[-1].recall >= MIN_RECALL:
            break
    return measured[-1]
