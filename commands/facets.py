"""`docsearch facets`: lists the columns of the documents, and how many documents have each value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.printable import printable
from .indexes import opened
from .options import DEFAULT_INDEX, AsJson, IndexDirectories
from .output import message, plural, print_json

if TYPE_CHECKING:
    from ..engine.where.facets import Facet, FacetValue

DEFAULT_VALUES = 10


def facets(
    columns: Annotated[
        list[str] | None, typer.Argument(metavar="COLUMN...", help="Columns; by default all that have a value.")
    ] = None,
    indexes: IndexDirectories = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="CONDITION", help="Count only documents for which this is true, as in 'query --where'."),
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Count only documents with a matching path or file name.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Values of each column to list.")] = DEFAULT_VALUES,
    as_json: AsJson = False,
) -> None:
    """List the columns of the documents, and count their values.

    These columns are what --where compares: those that docsearch fills (path, kind, modified, size, pages, title,
    author, subject, keywords, language, has_text, producer), and those of 'docsearch index --metadata'. Dates are
    counted by year, and paths by their first folder. Outside of a terminal, a line has the column, the value, the
    number of documents and that of pages, separated by tabs.

    Examples:

        docsearch facets

        docsearch facets author year --where "kind = 'pdf'" --limit 50

        docsearch facets tag --json

        docsearch facets --index a.index --index b.index
    """
    from ..engine.store import open_snapshot
    from ..engine.store.combined import open_combined
    from ..engine.where.documents import DocumentFilter
    from ..engine.where.facets import count_facets

    wanted = opened(indexes or [DEFAULT_INDEX])
    with open_combined(wanted) if isinstance(wanted, dict) else open_snapshot(wanted) as snapshot:
        found = count_facets(DocumentFilter(snapshot), tuple(columns or ()), where, path, limit=limit)
    if not any(facet.documents for facet in found):
        message("no document matches" if where or path else "no document has a value")
    for facet in found:
        if as_json:
            print_json(facet.as_dict())
        elif sys.stdout.isatty():
            _print_facet(facet)
        else:
            for value in facet.values:
                print(f"{facet.column}\t{_shown(value)}\t{value.documents}\t{value.pages}")


def _print_facet(facet: Facet) -> None:
    span = "" if facet.least is None else f", {_text(facet.least)} to {_text(facet.most)}"
    without = f", {facet.without:,} without" if facet.without else ""
    print(f"{printable(facet.column)}: {facet.type}{span}; {plural(facet.documents, 'document')}{without}")
    for value in facet.values:
        print(f"    {_shown(value)}  {plural(value.documents, 'document')}, {plural(value.pages, 'page')}")
    if facet.more:
        print(f"    and {facet.more:,} more values")


def _shown(value: FacetValue) -> str:
    return _text(value.value)


def _text(value: str | float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else printable(str(value))
