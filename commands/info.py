"""`docsearch info`: shows what an index contains and how it is searched."""

from __future__ import annotations

from ..engine.printable import printable
from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import print_json


def info(index: IndexDirectory = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """Show what the index contains, and how it is searched.

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
        print(printable(f"{name.replace('_', ' '):{width}}  {_shown(value)}"))


def _shown(value: object) -> str:
    """A fact as people read it: 22,811; "int8 2" for counts by name; "-" where there is nothing to tell."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count:,}" for name, count in value.items()) or "-"
    if isinstance(value, float):
        return f"{value:,.0f}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
