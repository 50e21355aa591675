"""Accuracy of heat maps: how often the strongest patch lies inside eval-dev's labelled evidence, and chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from docsearch.evaluation.metrics import mean

from .. import eval_dev, indexes
from ..eval_dev import Evidence
from ..setting import Refused, Row, Setting

if TYPE_CHECKING:
    from docsearch.engine.searcher import Searcher

ALL = "all"
CELLS = 400
"""The share of a page that boxes cover is counted on a grid of this many points across and down."""
TIED = 1e-6


@dataclass(frozen=True, slots=True)
class PointingResult:
    """The result for one page: whether the strongest patch lies inside the evidence, as a share if several tie.

    `word_inside` is the same for the best single word; `page_share` and `patch_share` are the shares of the page and of
    its patches inside the evidence, which is chance.
    """

    inside: float
    word_inside: float
    page_share: float
    patch_share: float


def run(setting: Setting) -> Iterator[Row]:
    """A row for each suite and each kind of evidence. A question counts once, with the mean over its pages."""
    from docsearch.engine.searcher import open_searcher

    groups: dict[str, dict[str, list[PointingResult]]] = defaultdict(lambda: defaultdict(list))
    with open_searcher(indexes.ready(setting, eval_dev.NAME, [eval_dev.documents(setting)])) as searcher:
        refs = searcher.snapshot.refs(np.arange(len(searcher.snapshot)))
        rows = {(ref.path.rsplit("/", 1)[-1], ref.page): row for row, ref in enumerate(refs)}
        for where in eval_dev.evidence(setting):
            if where.page not in rows:
                raise Refused(f"{where.page[0]}, page {where.page[1]} is not in the index")
            pointed = point(searcher, where, rows[where.page])
            for group in (f"suite {where.suite}", *(f"evidence {kind}" for kind in where.kinds), ALL):
                groups[group][where.query_id].append(pointed)
    for group in sorted(groups, key=lambda name: (name == ALL, not name.startswith("suite"), name)):
        questions = groups[group]
        yield {
            "what": group,
            "queries": len(questions),
            "pages": sum(map(len, questions.values())),
            "inside": average(questions, "inside"),
            "best_word_inside": average(questions, "word_inside"),
            "patches_inside": average(questions, "patch_share"),
            "page_inside": average(questions, "page_share"),
        }


def average(questions: dict[str, list[PointingResult]], name: str) -> float:
    """The mean over questions of the mean over their pages."""
    return round(mean([mean([getattr(page, name) for page in pages]) for pages in questions.values()]), 4)


def point(searcher: Searcher, where: Evidence, row: int) -> PointingResult:
    """Compare the heat map of a question on the page `row` with the evidence there."""
    from docsearch.engine.compression import codecs
    from docsearch.engine.explain import heatmap
    from docsearch.engine.records import BOX_SCALE

    (query,) = searcher.weigh([searcher.encoder.encode_query(where.text)])
    snapshot = searcher.snapshot
    (block,) = snapshot.blocks(rows=np.array([row]))
    boxes = snapshot.boxes(row)
    placed = (boxes != heatmap.WHOLE_PAGE).any(axis=1)
    vectors, boxes = codecs.decode(block.coded)[placed], boxes[placed]
    size = snapshot.sizes([row])[0]
    middles = (boxes[:, :2].astype(np.float64) + boxes[:, 2:]) / 2 / BOX_SCALE * size
    holds = inside(middles, where)
    steps = (np.arange(CELLS) + 0.5) / CELLS
    grid = np.stack(np.meshgrid(steps * size[0], steps * size[1]), axis=2).reshape(-1, 2)
    return PointingResult(
        strongest_inside(heatmap.patch_heat(vectors, boxes, query), holds),
        strongest_inside(heatmap.patch_matches(vectors, query), holds),
        float(inside(grid, where).mean()),
        float(holds.mean()) if len(holds) else 0.0,
    )


def inside(points: np.ndarray, where: Evidence) -> np.ndarray:
    """Which positions (N, 2), in points, lie inside a box of the evidence, (N,) bool."""
    corners = np.array(where.boxes)  # (B, 4)
    after = (points[:, None] >= corners[None, :, :2]).all(axis=2)
    before = (points[:, None] <= corners[None, :, 2:]).all(axis=2)
    return np.asarray((after & before).any(axis=1))


def strongest_inside(strengths: np.ndarray, holds: np.ndarray) -> float:
    """The share of the strongest patches that lie inside; 0 if nothing on the page matches."""
    if not len(strengths) or strengths.max() <= 0:
        return 0.0
    return float(holds[strengths >= strengths.max() - TIED].mean())
