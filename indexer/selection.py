"""Takes, of the documents that were found, those that a condition of the user holds for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

from ..engine.errors import NothingFound, UsageError
from ..engine.store.column_values import ColumnType
from ..engine.store.columns import KIND, MODIFIED, OWN_COLUMNS, PATH, SIZE
from ..engine.where.conditions import Comparison, Condition, Negated
from ..engine.where.in_memory import KNOWN_COLUMNS, ColumnsInMemory
from . import sources
from .discover import Discovery, Document
from .metadata import Metadata, RecordedMetadata
from .properties import kind_of

WHERE = "where"
"""The option of a source that its condition is recorded as."""


def checked(where: str | None) -> list[str] | None:
    """A condition as the option of a source, None where none is given. Raises UsageError for an empty or wrong one.

    Its columns are compared with those of documents later, in `selected`.
    """
    if where is None:
        return None
    from ..engine.where.grammar import parse  # imports the parser

    parse(where)
    return [where]


def conditions(*groups: Sequence[sources.Source]) -> dict[str, str]:
    """The conditions of sources, by their absolute paths; the last group counts."""
    return {os.fspath(source.path): "".join(source.options.get(WHERE, ())) for group in groups for source in group}


def selected(discovery: Discovery, wanted: dict[str, str], metadata: Metadata | RecordedMetadata) -> Discovery:
    """What was found without the files of sources, by path, for which the condition of the source does not hold.

    A file counts as that of the innermost source. Conditions may have the columns path, kind, modified and size, and
    those that users give in `metadata` and in files beside documents. While the table is away (`RecordedMetadata`), a
    file that the index does not have is left out if the condition asks for what only the table says. Raises UsageError
    for another column.
    """
    if not any(wanted.values()):
        return discovery
    places = sorted(wanted, key=len, reverse=True)
    groups: dict[str, list[Document]] = {}
    for document in discovery.documents:
        file = os.fspath(document.file)
        place = next((each for each in places if file == each or file.startswith(each.rstrip(os.sep) + os.sep)), "")
        groups.setdefault(wanted.get(place, ""), []).append(document)
    kept: list[Document] = []
    for where in dict.fromkeys([*filter(None, wanted.values()), *groups]):
        documents = groups.get(where, [])
        kept += _fulfilling(where, documents, metadata) if where else documents
    kept.sort(key=lambda document: document.path)
    left_out = len(discovery.documents) - len(kept)
    return replace(discovery, documents=tuple(kept), unselected=discovery.unselected + left_out)


def require_some(discovery: Discovery) -> None:
    """Raise NothingFound if the conditions leave nothing of what was found."""
    if discovery.unselected and not discovery.documents:
        count = f"{discovery.unselected:,} document{'s' if discovery.unselected != 1 else ''}"
        raise NothingFound(f"--where holds for none of the {count} that were found")


def _fulfilling(where: str, documents: Sequence[Document], metadata: Metadata | RecordedMetadata) -> list[Document]:
    types, said = metadata.of_found(documents)
    if isinstance(metadata, RecordedMetadata):
        names = _users_columns(where)
        told = [metadata.knows(each.path) or names <= its.keys() for each, its in zip(documents, said, strict=True)]
        documents, said = list(compress(documents, told)), list(compress(said, told))
    columns: dict[str, ColumnType] = dict(types)
    for its in said:
        columns.update({name: OWN_COLUMNS[name] for name in its if name in OWN_COLUMNS})
    asked = ColumnsInMemory(
        [
            {**its, PATH: each.path, KIND: kind_of(each.path), SIZE: each.size, MODIFIED: each.mtime_ns}
            for each, its in zip(documents, said, strict=True)
        ],
        columns,
    )
    try:
        return [documents[key] for key in asked.keys(where).tolist()]
    except UsageError as err:
        if "there is no column" not in str(err):
            raise
        own = [name for name in OWN_COLUMNS if name not in KNOWN_COLUMNS and name not in columns]
        raise UsageError(f"{err}; {', '.join(own)} are known once a document was read: query --where has them") from err
    finally:
        asked.close()


def _users_columns(where: str) -> frozenset[str]:
    """The columns of a condition that docsearch does not know of a file before it is read."""
    from ..engine.where.grammar import parse  # imports the parser

    found: set[str] = set()
    waiting: list[Condition] = [parse(where)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Comparison):
            found.add(part.column)
        else:
            waiting += [part.part] if isinstance(part, Negated) else part.parts
    return frozenset(found.difference(KNOWN_COLUMNS))
