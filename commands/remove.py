"""`docsearch remove`: removes documents from an index."""

from __future__ import annotations

from typing import Annotated

import typer

from .interrupts import interruptible
from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import plural, print_json

KEPT = "documents are removed all together or not at all; 'docsearch info' counts them"


def remove(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Documents (paths as 'query' prints them), folders or globs.")
    ],
    index: IndexDirectory = DEFAULT_INDEX,
    as_json: AsJson = False,
) -> None:
    """Remove documents from the index. The files themselves are not deleted.

    A PATH is a document's path in the index, a folder of documents, or a glob. 'docsearch compact' reclaims the space.

    Examples:

        docsearch remove 2019/report.pdf

        docsearch remove drafts/ "*.png"
    """
    from ..indexer import removal

    with interruptible(lambda: KEPT):
        removed = removal.remove(index, paths)
    if as_json:
        print_json({"documents": removed.documents, "pages": removed.pages})
    else:
        print(f"{plural(removed.documents, 'document')} removed, {plural(removed.pages, 'page')}")
