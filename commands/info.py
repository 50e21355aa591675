"""`docsearch info`: shows what an index contains and how it is searched."""

from __future__ import annotations

from ..engine.printable import printable
from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import print_json


def info(index: IndexDirectory = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """Show what the index contains: documents, pages, bytes, model, and how it is searched.

    Examples:

        docsearch info

        docsearch info --index office.index --json
    """
    from ..engine.searcher import open_searcher

    with open_searcher(index) as searcher:
        facts = searcher.info()
    if as_json:
        print_json(facts)
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(printable(f"{name.replace('_', ' '):{width}}  {f'{value:,}' if isinstance(value, int) else value}"))
