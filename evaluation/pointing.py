"""How well heat maps point: marks and heat on pages that answer a question, against boxes of where the answer is.

The pointing game is of Zhang et al., "Top-down neural attention by excitation backprop", 2016: whether the strongest
point lies inside. Mass inside and the intersection over union at a threshold are measures of saliency maps and of
weakly supervised localisation (Choe et al., "Evaluating weakly supervised object localization methods right", 2020).
Each is given beside its value by chance, the share of the page that the boxes cover.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..engine.errors import DocsearchError, UsageError
from ..engine.explain import heatmap
from ..engine.explain.patches import placed_patches
from ..engine.explain.printed import PrintedMatches
from ..engine.hits import PagePictures
from ..engine.records import F32, F64, WHOLE_PAGE, FloatBox, PageRef, PageWords, QueryVectors
from ..engine.searcher import Searcher
from . import significance
from .metrics import mean
from .questions import BoxUnit
from .run import Outcome
from .significance import Interval

CELLS = 400
"""The share of a page that boxes cover is counted on a grid of this many points across and down."""
MAP_SIDE_PX = 400
"""Heat maps are drawn at this length of the longer side of a page."""
IOU_THRESHOLD = 0.5
"""A place belongs to the heat map from this share of its strongest mark."""
TIED = 1e-6


@dataclass(frozen=True, slots=True)
class Pointing:
    """How a question's heat map of one page agrees with the boxes of its evidence; all in 0..1.

    `inside` is the pointing game: whether the hottest patch lies in a box, as a share if several tie; `word_inside` the
    same for the patch of the best single word. `mass_inside` is the share of the drawn heat map that lies in the boxes,
    `iou` the intersection over union of the boxes with the places above IOU_THRESHOLD. Chance are `page_share` and
    `patch_share`, the shares of the page and of its patches in the boxes.
    """

    inside: float
    word_inside: float
    mass_inside: float
    iou: float
    page_share: float
    patch_share: float


MEASURES = tuple(field.name for field in fields(Pointing))


def as_fractions(boxes: Sequence[FloatBox], unit: BoxUnit, size_pt: F32) -> F64:
    """Boxes (B, 4) in fractions of a page of `size_pt` width and height in points, cut at its edges."""
    given = np.array(boxes, np.float64).reshape(-1, 4)
    scale = np.ones(4) if unit == "fractions" else np.tile(np.maximum(np.asarray(size_pt, np.float64), 1e-9), 2)
    return np.clip(given / scale, 0, 1)


def point(searcher: Searcher, text: str, row: int, boxes: F64, words: PageWords | None = None) -> Pointing:
    """Compare the heat map of a question on the page `row` with `boxes` (B, 4) in fractions of the page, B ≥ 1.

    `words` are those of the page's text layer, which mark its matches, too. Raises UsageError where the question has
    nothing to search for, or the model does not tell where its vectors lie.
    """
    (ref,) = searcher.snapshot.refs([row])
    vectors, patches = placed_patches(searcher.snapshot, ref)
    query = searcher.encode(text)
    printed = None if words is None else searcher.printed_matches(text, query, words)
    return compare(query, vectors, patches, searcher.snapshot.sizes([row])[0], boxes, printed)


def compare(
    query: QueryVectors,
    vectors: F32,
    patches: NDArray[np.uint16],
    size: F32,
    boxes: F64,
    printed: PrintedMatches | None = None,
) -> Pointing:
    """As `point`, for patches `vectors` (T, D) at `patches` (T, 4) of a page whose width and height are as `size`, and
    the words of its text layer that are `printed`.
    """
    placed = (patches != WHOLE_PAGE).any(axis=1)
    vectors, patches = vectors[placed], patches[placed]
    found = heatmap.placed_matches(vectors, patches, query, printed)
    middles = (found.places[:, :2].astype(np.float64) + found.places[:, 2:]) / 2
    holds = inside(middles, boxes)
    scale = MAP_SIDE_PX / max(float(max(size)), 1e-9)
    width, height = (max(1, round(float(side) * scale)) for side in size)
    marks, _ = heatmap.marks(height, width, found, query)
    on_patches = holds[: len(patches)]
    return Pointing(
        strongest_inside(heatmap.heat(found, query), holds),
        strongest_inside(found.strengths, holds),
        *agreement(marks.astype(np.float64), boxes),
        float(inside(_grid(CELLS, CELLS), boxes).mean()),
        float(on_patches.mean()) if len(on_patches) else 0.0,
    )


def agreement(marks: F64, boxes: F64) -> tuple[float, float]:
    """The share of a heat map (H, W) that lies in `boxes` (B, 4), and its intersection over union with them.

    Both are 0 where nothing is marked.
    """
    height, width = marks.shape
    wanted = inside(_grid(width, height), boxes).reshape(height, width)
    strongest = marks.max(initial=0.0)
    if strongest <= 0:
        return 0.0, 0.0
    marked = marks >= IOU_THRESHOLD * strongest
    union = np.count_nonzero(marked | wanted)
    return float(marks[wanted].sum() / marks.sum()), float(np.count_nonzero(marked & wanted) / union)


def inside(points: F64, boxes: F64) -> NDArray[np.bool_]:
    """Which points (N, 2) lie in one of `boxes` (B, 4) of the same unit, (N,)."""
    found = np.zeros(len(points), np.bool_)
    for x0, y0, x1, y1 in boxes:
        across = (points[:, 0] >= x0) & (points[:, 0] <= x1)
        found |= across & (points[:, 1] >= y0) & (points[:, 1] <= y1)
    return found


def strongest_inside(strengths: F32, holds: NDArray[np.bool_]) -> float:
    """The share of the strongest patches that lie inside: `holds` (T,) tells which of the T patches do.

    0 if nothing on the page matches.
    """
    if not len(strengths) or strengths.max() <= 0:
        return 0.0
    return float(holds[strengths >= strengths.max() - TIED].mean())


def averages(by_question: Mapping[str, Iterable[Pointing]]) -> dict[str, Interval]:
    """Each measure over questions, with its interval; a question counts once, with the mean over its pages.

    {} where there is no page.
    """
    pages = {query_id: list(its) for query_id, its in by_question.items()}
    values = {name: [mean([getattr(page, name) for page in its]) for its in pages.values() if its] for name in MEASURES}
    return {name: significance.interval(each) for name, each in values.items() if each}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A page that answers a question, by its row in the index, with the `boxes` (B, 4) of the answer in fractions."""

    query_id: str
    text: str
    row: int
    boxes: F64


def evidence(searcher: Searcher, outcomes: Sequence[Outcome], unit: BoxUnit) -> list[Evidence]:
    """The relevant pages with boxes that are in the index, of each question."""
    found = []
    for outcome in outcomes:
        for each in outcome.matched.judgements.values():
            document = searcher.snapshot.document(path=each.path) if each.boxes and each.grade > 0 else None
            if document is None or each.page is None:
                continue
            with suppress(UsageError):  # the page could not be indexed
                row = searcher.snapshot.row(PageRef(document.id, each.path, each.page))
                boxes = as_fractions(each.boxes, unit, searcher.snapshot.sizes([row])[0])
                found.append(Evidence(outcome.question.query_id, outcome.question.text, row, boxes))
    return found


def sampled(pages: Sequence[Evidence], limit: int) -> list[Evidence]:
    """The evidence of evenly spaced questions, of about `limit` pages; all of it where there is no more."""
    names = list(dict.fromkeys(each.query_id for each in pages))
    count = min(len(names), max(1, len(names) * limit // max(len(pages), 1)))
    kept = {names[i * len(names) // count] for i in range(count)} if names else set()
    return [each for each in pages if each.query_id in kept]


def on_each(
    searcher: Searcher,
    pages: Iterable[Evidence],
    pictures: PagePictures | None = None,
    *,
    on_page: Callable[[], None] = lambda: None,
) -> dict[str, list[Pointing]]:
    """`point` on each page, by question id; a question with nothing to search for is left out.

    `pictures` tell the words of text layers; without them, or the document, only pictures are compared.
    Raises UsageError where the model does not tell where its vectors lie.
    """
    found: dict[str, list[Pointing]] = {}
    encoded: dict[str, QueryVectors | None] = {}
    for each in pages:
        if each.query_id not in encoded:
            encoded[each.query_id] = None
            with suppress(UsageError):
                encoded[each.query_id] = searcher.encode(each.text)
        query = encoded[each.query_id]
        if query is not None:
            (ref,) = searcher.snapshot.refs([each.row])
            vectors, patches = placed_patches(searcher.snapshot, ref)
            size = searcher.snapshot.sizes([each.row])[0]
            words = None if pictures is None else words_of(pictures, ref)
            printed = None if words is None else searcher.printed_matches(each.text, query, words)
            found.setdefault(each.query_id, []).append(compare(query, vectors, patches, size, each.boxes, printed))
        on_page()
    return found


def words_of(pictures: PagePictures, ref: PageRef) -> PageWords | None:
    """The words of a page's text layer; None where its document cannot be opened."""
    try:
        return pictures.with_words(ref)[1]
    except DocsearchError:
        return None


def _grid(width: int, height: int) -> F64:
    """The middles of `width` by `height` cells of a page, (height · width, 2), row after row, in fractions."""
    across, down = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    return np.stack([across, down], axis=2).reshape(-1, 2)
