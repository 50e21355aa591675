"""A part of stage 1's codes: the single vectors of some segments at one bit a number, and what a search of them keeps.

Codes only say which pages to look at: whoever searches takes several times as many as asked for and ranks them by the
vectors themselves. How many times is measured when a part is built, and stated with the share that it keeps.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..records import F16, F32, I64, U8
from ..store import Snapshot
from . import tiers
from .flat_scan import Float16, OneBit, Stretch, largest

log = logging.getLogger(__name__)

PREFIX = "codes-"
"""Of the names of the cache's folders, each with a part."""
CODES, CENTRE, SEGMENTS, STATED = "codes.npy", "centre.npy", "segments.npy", "stated.json"
BLOCK_PAGES = 4096
CENTRE_PAGES = 8192
"""Pages whose mean is taken for a part's."""
ASKED, RECALL_AT = 64, 200
"""Questions by which a part's recall is measured, and how many pages each should find: stage 1's default."""
NOISE = 0.5**0.5
"""Share of a question's length that is at random directions: questions are not pages. docs/log.md compares it."""
SEED = 5
TIMES = (2, 3, 4, 6, 8, 12, 16, 24, 32)
"""As many times the pages asked for may be looked at: the least is taken that keeps ENOUGH."""
ENOUGH = 0.99


@dataclass(frozen=True, slots=True)
class Stated:
    """What was measured of a part when it held `pages`: taking the `times` · `at` best by their codes keeps `recall` of
    the exact first `at`, in the mean of `asked` questions.
    """

    pages: int
    times: int
    recall: float
    at: int
    asked: int


@dataclass(frozen=True, eq=False)
class CodedPart:
    """Codes (P, W) uint8 of every page of `segments` (S, 2): their ids, rising, and how many pages each has."""

    coding: OneBit
    codes: U8
    segments: I64
    stated: Stated


def build(snapshot: Snapshot, ids: Sequence[int]) -> CodedPart:
    """Make the part of some segments, and keep it if that can be."""
    segments = tiers.segments_of(snapshot, ids)
    try:
        with snapshot.new_cache_folder(tiers.name(PREFIX, ids)) as folder:
            return _built(snapshot, segments, folder)
    except OSError as err:  # the disk is full
        log.debug("codes of single vectors are not kept: %s", err)
        return _built(snapshot, segments, None)


def read(snapshot: Snapshot) -> Iterator[tuple[str, CodedPart]]:
    """The parts that are there, and whole."""
    for folder in snapshot.cache_folders(PREFIX):
        try:
            codes = np.load(folder / CODES, mmap_mode="r", allow_pickle=False)
            centre, segments = (np.load(folder / name, allow_pickle=False) for name in (CENTRE, SEGMENTS))
            stated = Stated(**json.loads((folder / STATED).read_text("utf-8")))
            if centre.shape != (snapshot.single_dim,) or centre.dtype != np.float32 or not tiers.are_segments(segments):
                raise ValueError("its numbers do not fit the index")
            coding = OneBit(centre)
            if codes.shape != (segments[:, 1].sum(), coding.code_bytes) or codes.dtype != np.uint8:
                raise ValueError("its numbers do not fit each other")
        except (OSError, ValueError, TypeError, EOFError, IndexError) as err:
            log.debug("%s is of no use: %s", folder, err)
            shutil.rmtree(folder, ignore_errors=True)
            continue
        yield folder.name, CodedPart(coding, np.asarray(codes), segments, stated)


def _built(snapshot: Snapshot, segments: I64, folder: Path | None) -> CodedPart:
    """The part of `segments` (S, 2), in files of `folder` if there is one, else in memory."""
    plain = Float16(snapshot.single_dim)
    coding = OneBit(_mean(snapshot, segments, plain))
    pages = int(segments[:, 1].sum())
    codes = tiers.room((pages, coding.code_bytes), None if folder is None else folder / CODES)
    asked = _questions(_spread(snapshot, segments, plain, ASKED), coding.centre)
    exact = _Nearest(asked, min(RECALL_AT, pages))
    for start, values in _blocks(snapshot, segments):
        vectors = plain.decode(values)
        codes[start : start + len(vectors)] = coding.encode(vectors)
        exact.add(start, vectors)
    alive = int(np.isin(snapshot.places()[0], segments[:, 0]).sum())
    stated = _measured(asked, exact.pages, Stretch(coding, codes, np.arange(pages)), alive)
    if folder is not None:
        np.save(folder / CENTRE, coding.centre)
        np.save(folder / SEGMENTS, segments)
        (folder / STATED).write_text(json.dumps(asdict(stated)), "utf-8")
    return CodedPart(coding, codes, segments, stated)


def _blocks(snapshot: Snapshot, segments: I64) -> Iterator[tuple[int, F16]]:
    """The single vectors of segments, dead pages included, some thousands at a time, and the number of the first."""
    number = 0
    for segment, pages in segments.tolist():
        for start in range(0, pages, BLOCK_PAGES):
            stop = min(start + BLOCK_PAGES, pages)
            yield number + start, snapshot.segment_single(segment, stop - start)[start:stop]
        number += pages


def _spread(snapshot: Snapshot, segments: I64, plain: Float16, count: int) -> F32:
    """At most `count` vectors of segments, evenly spread, (n, S)."""
    pages = int(segments[:, 1].sum())
    wanted = np.unique(np.linspace(0, pages - 1, min(pages, count)).astype(np.int64))
    found, number = [], 0
    for segment, length in segments.tolist():
        slots = wanted[(wanted >= number) & (wanted < number + length)] - number
        if len(slots):
            found.append(snapshot.segment_single(segment, len(slots))[slots])
        number += length
    return plain.decode(np.concatenate(found))


def _mean(snapshot: Snapshot, segments: I64, plain: Float16) -> F32:
    mean: F32 = _spread(snapshot, segments, plain, CENTRE_PAGES).mean(axis=0, dtype=np.float32)
    return mean


def _questions(vectors: F32, centre: F32) -> F32:
    """What somebody might ask who looks for pages (n, S): their directions from the centre, with NOISE."""
    noise = np.random.default_rng(SEED).standard_normal(vectors.shape, np.float32)
    asked: F32 = np.float32((1 - NOISE**2) ** 0.5) * _unit(vectors - centre) + np.float32(NOISE) * _unit(noise)
    return asked


def _unit(vectors: F32) -> F32:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: F32 = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


class _Nearest:
    """The exact first pages of questions (Q, S) among vectors that are shown block by block."""

    def __init__(self, asked: F32, count: int) -> None:
        self._asked, self._count = asked, count
        self._scores = np.zeros((len(asked), 0), np.float32)
        self.pages = np.zeros((len(asked), 0), np.int64)
        """Of each question, in no order, (Q, count)."""

    def add(self, start: int, vectors: F32) -> None:
        """Vectors (n, S) of the pages from number `start` on."""
        numbers = np.broadcast_to(np.arange(start, start + len(vectors)), (len(self._asked), len(vectors)))
        scores = np.concatenate([self._scores, self._asked @ vectors.T], axis=1)
        pages = np.concatenate([self.pages, numbers], axis=1)
        if scores.shape[1] > self._count:
            best = np.argpartition(-scores, self._count - 1, axis=1)[:, : self._count]
            scores, pages = np.take_along_axis(scores, best, axis=1), np.take_along_axis(pages, best, axis=1)
        self._scores, self.pages = scores, pages


def _measured(asked: F32, exact: I64, codes: Stretch, alive: int) -> Stated:
    """How many times as many pages have to be looked at by their `codes` to find enough of the `exact` ones (Q, K)."""
    at = exact.shape[1]
    guessed = [largest(vector, [codes], TIMES[-1] * at).pages for vector in asked]
    stated = []
    for times in TIMES:
        kept = [np.isin(want, own[: times * at]).mean() for own, want in zip(guessed, exact, strict=True)]
        stated.append(Stated(alive, times, round(float(np.mean(kept)), 4), at, len(asked)))
        if stated[-1].recall >= ENOUGH:
            break
    return stated[-1]
