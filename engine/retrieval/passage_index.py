"""Passage index: how near in meaning each page's text is to a question in any language, by vectors of its passages.

Passages are embedded by a sentence encoder, and their vectors kept as int8 in parts of some segments each (`tiers`),
derived from the texts in the catalog. A question's vector is compared with all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..models.sentences import SentenceEncoder
from ..records import F32, I64
from ..store import Snapshot
from ..store.checksums import DamagedFile, DerivedFolder, MappedFile
from . import tiers
from .first_stage import OnPages
from .passages import Passage, passages, placed_passages
from .text_index import REMOVED, segment_sizes

PREFIX = "passages-"
"""How names of the cache folders with these parts begin."""
PART_PAGES = 2_000
"""Pages of the largest part: what is lost of an interrupted run, about a minute's work."""
ENCODED_TOGETHER = 64
"""Pages whose passages are encoded at a time."""
COMPARED_TOGETHER = 16_384
"""Passages whose vectors are decoded at a time: 32 MB."""
QUESTIONS_KEPT = 64
"""Questions whose vectors are kept: they are compared again with the pages that are shown."""
COSINES_KEPT = 32
"""Questions whose cosines are kept, 4 bytes a page: those of a batch are asked for again when it is answered."""
LAYOUT = 1
"""Version of the files of a part and of the passages; parts of others are built again."""
ENCODER_FILE, VECTORS, SCALES, COUNTS = "encoder.npy", "vectors.npy", "scales.npy", "counts.npy"
INT8_MAX = 127

I8 = NDArray[np.int8]
U32 = NDArray[np.uint32]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class PassagePart:
    """The passages of the pages of some `segments` (S, 2); see `tiers.Part`.

    Passage i is `vectors` (P, dim) int8 times `scales` (P,) float32, of unit length. `counts` (n,) are the numbers of
    passages of all pages, in their order, REMOVED for pages that had been removed.
    """

    vectors: I8
    scales: F32
    counts: U32
    segments: I64
    file: MappedFile | None = None
    """The file with `vectors`, whose blocks are verified before they are read; None in memory."""

    @property
    def size(self) -> int:
        """Pages that it was built from."""
        return int(np.count_nonzero(self.counts != REMOVED))

    @cached_property
    def pages(self) -> I64:
        """The page of each passage, its number within the part, (P,)."""
        return np.repeat(np.arange(len(self.counts)), np.where(self.counts == REMOVED, 0, self.counts))

    def cosines(self, question: F32) -> F32:
        """The cosine (P,) of each passage with a question's vector (dim,). Raises DamagedFile."""
        found = np.empty(len(self.vectors), np.float32)
        for first in range(0, len(found), COMPARED_TOGETHER):
            last = min(first + COMPARED_TOGETHER, len(found))
            found[first:last] = self._cosines(first, last, question)
        return found

    def nearest_on(self, page: int, question: F32) -> int | None:
        """Which passage of a page, by its number within the part, is nearest to a question's vector (dim,), from 0.

        None for a page without passages. Raises DamagedFile.
        """
        first, last = np.searchsorted(self.pages, [page, page + 1]).tolist()
        return int(self._cosines(first, last, question).argmax()) if last > first else None

    def _cosines(self, first: int, last: int, question: F32) -> F32:
        """Those of the passages from `first` to `last`."""
        if self.file is not None:
            width = self.vectors.shape[1]
            self.file.verify(np.array([first * width]), np.array([last * width]))
        found: F32 = (self.vectors[first:last].astype(np.float32) @ question) * self.scales[first:last]
        return found


class Progress:
    """Counts the pages that were embedded, for an OnPages callback."""

    def __init__(self, on_pages: OnPages | None) -> None:
        self._on_pages = on_pages
        self._total = self._done = 0

    def start(self, total: int) -> None:
        """There are `total` more pages to embed."""
        self._total += total

    def advance(self, pages: int) -> None:
        """`pages` more have been embedded."""
        self._done += pages
        if self._on_pages is not None:
            self._on_pages(self._done, self._total)


class PassageIndex:
    """Compares questions with the pages of one snapshot. May be shared between threads."""

    def __init__(self, snapshot: Snapshot, encoder: SentenceEncoder, on_pages: OnPages | None = None) -> None:
        """Open the parts, and build what is missing; `on_pages` is told of its progress."""
        self._snapshot = snapshot
        self._encoder = encoder
        reader = partial(read, encoder=encoder)
        builder = partial(build, snapshot, encoder=encoder)
        self._rebuild = partial(tiers.rebuild, snapshot, PREFIX, read=reader, build=builder)
        progress = Progress(on_pages)
        self._parts = tiers.open_parts(
            snapshot,
            PREFIX,
            segment_sizes(snapshot),
            read=reader,
            build=partial(builder, progress=progress),
            max_size=PART_PAGES,
            on_missing=progress.start,
        )
        self._rows = {id(part): tiers.page_rows(snapshot, part.segments) for part in self._parts}
        self._replacing = threading.Lock()
        self._vector = lru_cache(maxsize=QUESTIONS_KEPT)(self._encoded)
        self._kept_cosines = lru_cache(maxsize=COSINES_KEPT)(self._compute_cosines)

    def _encoded(self, question: str) -> F32:
        found: F32 = self._encoder.encode([question])[0]
        return found

    def cosines(self, question: str) -> F32:
        """The best cosine (N,) of a passage of each page with a question; nan for pages without text.

        Those of the last COSINES_KEPT questions are kept, and not to be written to.
        """
        return self._kept_cosines(question)

    def _compute_cosines(self, question: str) -> F32:
        vector = self._vector(question)
        found = np.full(len(self._snapshot) + 1, -np.inf, np.float32)
        for opened in self._parts:
            part, cosines = self._with(opened, lambda part: part.cosines(vector))
            best = np.full(len(part.counts), -np.inf, np.float32)
            np.maximum.at(best, part.pages, cosines)
            found[self._rows[id(part)]] = best
        found[np.isneginf(found)] = np.nan
        found.setflags(write=False)
        return found[:-1]

    def nearest(self, question: str, row: int) -> Passage | None:
        """The passage of the page `row` that is nearest in meaning to a question; None for a page without text.

        Passages are cut from the page's text again: the vectors do not tell where they are.
        """
        vector = self._vector(question)
        for opened in self._parts:
            for page in np.flatnonzero(self._rows[id(opened)] == row).tolist():
                _, nearest = self._with(opened, partial(PassagePart.nearest_on, page=page, question=vector))
                return None if nearest is None else placed_passages(self._snapshot.text(row))[nearest]
        return None

    def _with(self, part: PassagePart, ask: Callable[[PassagePart], T]) -> tuple[PassagePart, T]:
        """What a part tells, and the part, which is built again if its file is damaged."""
        try:
            return part, ask(part)
        except DamagedFile as err:
            with self._replacing:
                built = self._rebuild(part.segments, err)
                self._rows[id(built)] = tiers.page_rows(self._snapshot, built.segments)
                self._parts = [built if each is part else each for each in self._parts]
            return built, ask(built)


def read(folder: DerivedFolder, segments: I64, *, encoder: SentenceEncoder) -> PassagePart:
    """Open the part in `folder`. Raises one of `tiers.UNUSABLE` where it is damaged, of another layout or encoder."""
    if folder.load(ENCODER_FILE).tolist() != _made_by(encoder):
        raise ValueError(f"it was not made by {encoder.spec.name}")
    file, scales, counts = folder.map(VECTORS), folder.load(SCALES), folder.load(COUNTS)
    passages_held = int(counts[counts != REMOVED].sum())
    fits = file.array.shape == (passages_held, encoder.spec.dim) and scales.shape == (passages_held,)
    if not fits or len(counts) != segments[:, 1].sum():
        raise ValueError("the files of the passage index do not fit each other")
    return PassagePart(file.array, scales, counts, segments, file)


def build(
    snapshot: Snapshot,
    segments: I64,
    folder: Path | None,
    *,
    encoder: SentenceEncoder,
    progress: Progress | None = None,
) -> PassagePart:
    """Embed the passages of `segments` (S, 2), in files of `folder`, or in memory for None."""
    where, slots = snapshot.locations()
    rows = np.flatnonzero(np.isin(where, segments[:, 0]))
    numbers = tiers.page_numbers(segments, where[rows], slots[rows])
    counts = np.full(segments[:, 1].sum(), REMOVED, np.uint32)
    vectors, scales = [np.zeros((0, encoder.spec.dim), np.int8)], [np.zeros(0, np.float32)]
    for first in range(0, len(rows), ENCODED_TOGETHER):
        together = slice(first, first + ENCODED_TOGETHER)
        found = [passages(snapshot.text(row)) for row in rows[together].tolist()]
        counts[numbers[together]] = [len(each) for each in found]
        if any(found):
            encoded, scale = quantize(encoder.encode([passage for each in found for passage in each]))
            vectors.append(encoded)
            scales.append(scale)
        if progress is not None:
            progress.advance(len(found))
    part = PassagePart(np.concatenate(vectors), np.concatenate(scales), counts, segments)
    if folder is not None:
        for name, array in ((VECTORS, part.vectors), (SCALES, part.scales), (COUNTS, counts)):
            np.save(folder / name, array)
        np.save(folder / ENCODER_FILE, np.array(_made_by(encoder)))
    return part


def quantize(vectors: F32) -> tuple[I8, F32]:
    """Vectors (n, dim) as int8 and the scales (n,) float32 that give them back, within 1/254 of the largest element.

    >>> quantize(np.array([[0.5, -0.25]], np.float32))[0].tolist()
    [[127, -64]]
    """
    scales = (np.abs(vectors).max(axis=1) / INT8_MAX).astype(np.float32)
    return np.rint(vectors / np.maximum(scales, np.finfo(np.float32).tiny)[:, None]).astype(np.int8), scales


def _made_by(encoder: SentenceEncoder) -> list[str]:
    return [encoder.spec.name, str(LAYOUT)]
