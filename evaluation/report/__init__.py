"""The report of `docsearch eval --html`: one page that holds everything it shows and asks no host for anything."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ...engine.errors import UsageError
from ...engine.hits import PagePictures
from ...engine.searcher import open_searcher
from ...engine.store.durable import atomic_file
from ...indexer.page_images import PageImages
from ..comparison import Comparison
from ..questions import Questions
from ..run import Measured
from . import page
from .cards import chosen, sections
from .pictures import Pictures


def write(
    file: Path,
    measured: Sequence[Measured],
    asked: Questions,
    group_by: str | None,
    pictures_of_pages: PagePictures | None = None,
    *,
    made: str,
) -> int:
    """Write the report on one or several systems that were asked the same questions.

    `made` says when and with what it was made. Pages are drawn from their documents, or come from `pictures_of_pages`,
    which is closed at the end; returns how many could not be drawn. Raises UsageError if `file` cannot be written.
    """
    comparisons = [Comparison(measured[0], other) for other in measured[1:]]
    with ExitStack() as stack:
        pictures = []
        for each in measured:
            searcher = stack.enter_context(open_searcher(each.system.index))
            pages = pictures_of_pages or PageImages.small(each.system.index)
            stack.callback(pages.close)
            pictures.append(Pictures(searcher, pages))
        questions = sections(measured, asked.main, chosen(measured, asked.main), pictures)
        html = page.document(measured, comparisons, asked, group_by, questions, made)
        undrawn = sum(len(each.undrawn) for each in pictures)
    try:
        with atomic_file(file) as temporary:
            temporary.write_text(html, "utf-8")
    except OSError as err:
        raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err
    return undrawn
