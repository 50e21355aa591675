"""Matches of query vectors with every page in a byte each: what stage 1 adds up to scores, and counts.

Like the quantised impacts of an inverted index (Anh and Moffat, "Pruned query evaluation using pre-computed impacts",
2006), but of a vector's maxima, and made when it is asked for. A quarter of the memory of float32 holds four times as
many tokens in the cache, and is read in a quarter of the time; rounding is far below the error of the maxima.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.postings.scan import CODE_MAX
from ..query.weighting import PRESENT_MATCH
from ..records import F32, U8
from .inverted_index import NPROBE, InvertedIndex

SLACK = 0.03
"""How far below the token's floor an approximate similarity may lie and still count."""
FAINT_FLOOR = 0.48
"""Tokens with a lower floor are seen faintly: few of their patches are near a centroid that is near them."""
FAINT_SLACK, FAINT_PROBES = 0.08, 256
"""The slack of such tokens, and the lists that they scan, however far; docs/log.md#chance has the recall.

In a collection of very many pages no floor is so low.
"""
TOKEN_WITHIN, TERM_WITHIN = 0.25, 0.15
"""Lists whose centroid is farther from a token, or an expansion term, than the nearest one by more than this product
are not scanned; docs/log.md#a-million-pages compares 0.1 to 0.35.
"""
CODES_BYTES = 64 << 20
"""Memory for codes: those of 6,700 vectors with 10,000 pages, or of 67 with a million."""


@dataclass(frozen=True, slots=True)
class CodeScales:
    """What the codes of Q vectors stand for, (Q,) each.

    A similarity above `floors` has `scales` codes for each unit, and a code times `units`, at most 1, is its match.
    Codes above `absent` are those of pages that the token is present on (see `query.weighting`): rounding changes no
    document frequency. `is_faint` tells the tokens with a floor below FAINT_FLOOR.
    """

    floors: F32
    scales: F32
    units: F32
    absent: U8
    is_faint: NDArray[np.bool_]

    def of(self, chosen: NDArray[np.generic]) -> CodeScales:
        """The scales of the `chosen` vectors (n,), given by number."""
        columns = self.floors, self.scales, self.units, self.absent, self.is_faint
        return CodeScales(*(each[chosen] for each in columns))


def code_scales(floors: F32, ceilings: F32) -> CodeScales:
    """The scales of tokens with these `floors` (Q,) and `ceilings` (Q,), where a match is 0 and 1."""
    slacks = np.where(floors < FAINT_FLOOR, np.float32(FAINT_SLACK), np.float32(SLACK))
    lowered = (floors - slacks).astype(np.float32)
    present = (PRESENT_MATCH * (ceilings - floors) + slacks) / (ceilings - lowered)  # as a match
    absent = np.floor(CODE_MAX * present)
    codes = absent / present  # of a match of 1
    return CodeScales(
        lowered,
        (codes / (ceilings - lowered)).astype(np.float32),
        (1 / codes).astype(np.float32),
        absent.astype(np.uint8),
        floors < FAINT_FLOOR,
    )


class MatchCodes:
    """LRU cache from query vector to its codes with all pages. May be shared between threads."""

    def __init__(self, index: InvertedIndex, pages: int) -> None:
        self._index = index
        self._vectors_max = CODES_BYTES // max(1, pages)
        self._cached: OrderedDict[bytes, U8] = OrderedDict()
        self._lock = threading.Lock()

    def of_each(self, vectors: F32, scales: CodeScales, *, terms: int = 0) -> list[U8]:
        """The codes (N,) uint8 of each of `vectors` (Q, D) with all pages; the last `terms` are expansion terms."""
        within = np.full(len(vectors), TOKEN_WITHIN, np.float32)
        within[len(vectors) - terms :] = TERM_WITHIN
        within[scales.is_faint] = np.inf
        depends_on = np.column_stack([vectors, scales.floors, scales.scales, within])
        keys = [row.tobytes() for row in np.ascontiguousarray(depends_on, np.float32)]
        with self._lock:
            found = {key: self._cached[key] for key in keys if key in self._cached}
        missing = {key: i for i, key in enumerate(keys) if key not in found}
        if missing:
            new = list(missing.values())
            own = scales.of(np.array(new))
            probes = np.where(own.is_faint, max(FAINT_PROBES, NPROBE), NPROBE)
            wanted = np.ascontiguousarray(vectors[new], np.float32)
            codes = self._index.codes(wanted, own.floors, own.scales, within=within[new], probes=probes)
            found.update(zip(missing, codes, strict=True))
        with self._lock:
            for key in keys:
                self._cached[key] = found[key]
                self._cached.move_to_end(key)
            while len(self._cached) > self._vectors_max:
                self._cached.popitem(last=False)
        return [found[key] for key in keys]
