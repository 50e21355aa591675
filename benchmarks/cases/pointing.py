"""Accuracy of heat maps: pointing game, mass inside and IoU against eval-dev's labelled evidence, and chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from docsearch.evaluation import pointing

from .. import eval_dev, indexes
from ..setting import Refused, Row, Setting

if TYPE_CHECKING:
    from docsearch.evaluation.pointing import Pointing

ALL = "all"


def run(setting: Setting) -> Iterator[Row]:
    """A row for each suite and each kind of evidence, by pictures alone, then with text layers.

    A question counts once, with the mean over its pages.
    """
    from docsearch.engine.searcher import open_searcher
    from docsearch.indexer.page_images import PageImages

    groups: dict[tuple[str, str], dict[str, list[Pointing]]] = defaultdict(lambda: defaultdict(list))
    index = indexes.ready(setting, eval_dev.NAME, [eval_dev.documents(setting)])
    with open_searcher(index) as searcher, closing(PageImages.small(index)) as pictures:
        refs = searcher.snapshot.refs(np.arange(len(searcher.snapshot)))
        rows = {(ref.path.rsplit("/", 1)[-1], ref.page): row for row, ref in enumerate(refs)}
        for where in eval_dev.evidence(setting):
            if where.page not in rows:
                raise Refused(f"{where.page[0]}, page {where.page[1]} is not in the index")
            row = rows[where.page]
            boxes = pointing.as_fractions(where.boxes, "points", searcher.snapshot.sizes([row])[0])
            for marks, words in (("picture", None), ("picture and text", pointing.words_of(pictures, refs[row]))):
                pointed = pointing.point(searcher, where.text, row, boxes, words)
                for group in (f"suite {where.suite}", *(f"evidence {kind}" for kind in where.kinds), ALL):
                    groups[marks, group][where.query_id].append(pointed)
    for marks, group in sorted(groups, key=lambda of: (of[0], of[1] == ALL, not of[1].startswith("suite"), of[1])):
        questions = groups[marks, group]
        means = {name: round(each.mean, 4) for name, each in pointing.averages(questions).items()}
        yield {
            "what": group,
            "marks": marks,
            "queries": len(questions),
            "pages": sum(map(len, questions.values())),
            "inside": means["inside"],
            "best_word_inside": means["word_inside"],
            "mass_inside": means["mass_inside"],
            "iou": means["iou"],
            "patches_inside": means["patch_share"],
            "page_inside": means["page_share"],
        }
