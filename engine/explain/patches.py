"""The patches of a page with their places, and the words of a query that they show. Imports no pictures."""

from __future__ import annotations

import numpy as np

from ..compression import codecs
from ..details import RecognisedWord
from ..errors import UsageError
from ..records import BOX_SCALE, F32, U16, WHOLE_PAGE, PageRef, QueryVectors
from ..scoring import match
from ..store import Snapshot

MIN_MATCH = 0.5
"""Matches below this are not marked: they may be something else."""


def placed_patches(snapshot: Snapshot, ref: PageRef) -> tuple[F32, U16]:
    """The vectors (T, D) and boxes (T, 4) of a page's patches, as the functions of `heatmap` take them.

    Raises UsageError where there is no such page, or the model's vectors have no place on the page.
    """
    row = snapshot.row(ref)
    if snapshot.fingerprint["dim"] == 0:
        raise UsageError(
            f"the model of this index, {snapshot.fingerprint['name']}, has one vector per page, so there is no heat "
            "map; 'docsearch models' lists other models"
        )
    (block,) = snapshot.blocks(rows=np.array([row], np.int64))
    boxes = snapshot.boxes(row)
    if len(boxes) and (boxes == WHOLE_PAGE).all():
        raise UsageError(
            f"the model of this index, {snapshot.fingerprint['name']}, does not tell where on a page its vectors lie, "
            "so there is no heat map; 'docsearch models' lists other models"
        )
    return codecs.decode(block.coded), boxes


def recognised(vectors: F32, boxes: U16, query: QueryVectors) -> tuple[RecognisedWord, ...]:
    """The words of a query that patches `vectors` (T, D) at `boxes` (T, 4) show, in its order, each at its best place.

    None of a `contextual` query, whose tokens are no single words.
    """
    placed = (boxes != WHOLE_PAGE).any(axis=1)
    if query.contextual or not placed.any():
        return ()
    matches = match(vectors[placed] @ query.every.T, query)
    best = matches.argmax(axis=0).tolist()
    places = np.round(boxes[placed].astype(np.float64) / BOX_SCALE, 5)
    found = []
    for token, (word, at) in enumerate(zip(query.words, best, strict=True)):
        score = float(matches[at, token])
        if word and score >= MIN_MATCH:
            x0, y0, x1, y1 = places[at].tolist()
            found.append(RecognisedWord(word, round(score, 4), (x0, y0, x1, y1)))
    return tuple(found)
