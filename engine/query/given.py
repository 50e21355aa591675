"""The queries of a batch as they are given: records, or strings that are questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import UsageError
from ..records import Query


def as_queries(queries: Iterable[Query | str]) -> Iterator[Query]:
    """The queries in their order; a string becomes a question whose id is its number in the order, from 0.

    Raises UsageError for a single string, whose letters are no questions.

    >>> [(query.query_id, query.text) for query in as_queries(["notice period", Query("q7", "rent")])]
    [('0', 'notice period'), ('q7', 'rent')]
    """
    if isinstance(queries, str):
        raise UsageError("search_many takes a list of questions; search takes one")
    return (Query(str(i), query) if isinstance(query, str) else query for i, query in enumerate(queries))
