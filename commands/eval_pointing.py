"""What `docsearch eval` says of heat maps, where questions tell the places of their answers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ..engine.errors import UsageError
from ..engine.printable import printable
from .output import message, plural, print_json
from .progress import progress_bar

if TYPE_CHECKING:
    from ..evaluation.questions import BoxUnit
    from ..evaluation.run import Measured
    from ..evaluation.significance import Interval

PAGES_MAX = 500
"""Pages whose heat maps are compared; of more, evenly spaced questions are taken."""
NAMES = {
    "inside": "hottest place in a box",
    "word_inside": "best word in a box",
    "mass_inside": "share of the marks in the boxes",
    "iou": "overlap of boxes and strong marks (IoU)",
    "page_share": "share of the page in the boxes: chance",
    "patch_share": "share of the page's print in the boxes: chance",
}


def report(measured: Sequence[Measured], unit: BoxUnit, *, as_json: bool, quiet: bool) -> None:
    """Compare heat maps with the boxes of the answers, if questions have some, and print how well they agree."""
    from ..engine.searcher import open_searcher
    from ..evaluation import pointing
    from ..indexer.page_images import PageImages

    for each in measured:
        if not any(judged.boxes for one in each.outcomes for judged in one.matched.judgements.values()):
            continue
        with open_searcher(each.system.index) as searcher, closing(PageImages.small(each.system.index)) as pictures:
            found = pointing.evidence(searcher, each.outcomes, unit)
            pages = pointing.sampled(found, PAGES_MAX)
            text = "{task.completed:,}/{task.total:,} heat maps · ETA"
            with progress_bar(text=text, total=len(pages), time_left=True, quiet=quiet, lines=True) as bar:
                try:
                    compared = pointing.on_each(searcher, pages, pictures, on_page=bar.advance)
                except UsageError as err:
                    message(f"heat maps were not compared with the places of answers: {err}")
                    continue
        _print(each, pointing.averages(compared), len(compared), len(pages), len(found), as_json=as_json)


def _print(
    measured: Measured,
    averages: dict[str, Interval],
    questions: int,
    pages: int,
    available: int,
    *,
    as_json: bool,
) -> None:
    system = measured.system.name
    if as_json:
        values = {name: interval.as_dict() for name, interval in averages.items()}
        counts = {"questions": questions, "pages": pages, "pages_with_boxes": available}
        print_json({"system": system, "pointing": values, **counts})
    elif sys.stdout.isatty():
        of = "" if pages == available else f" of {available:,}, evenly spaced"
        print(f"{printable(system)}: heat maps of {plural(pages, 'page')}{of}, {plural(questions, 'question')}")
        for name, interval in averages.items():
            print(f"  {interval.mean:.3f} ({interval.low:.3f}–{interval.high:.3f})  {NAMES[name]}")
    else:
        for name, interval in averages.items():
            figures = f"{interval.mean:.4f}\t{interval.low:.4f}\t{interval.high:.4f}"
            print(f"{printable(system)}\t\t{questions}\tpointing {name}\t{figures}\t")
