"""Why an answer is weak or empty, and what an agent may try instead."""

from __future__ import annotations

from ...engine.hits import Hits
from ...engine.printable import printable
from ...engine.query.operators import parse
from ...engine.searcher import Searcher


def reason(hits: Hits, searcher: Searcher, query: str, path: str | None, where: str | None) -> str:
    """Sentences about an answer to `query` among the documents that `path` and `where` select; "" for a good one.

    Raises UsageError for a condition that does not fit the index.
    """
    if not len(searcher.snapshot):
        return "There are no pages to search: nothing has been indexed yet, or everything was removed."
    said = [_empty(searcher, query, path, where) if not hits else ""]
    if hits and hits.no_good_match:
        sure = hits.confidence
        known = "" if sure is None else f" (the first one is right with a probability of {sure:.0%})"
        is_filtered = path is not None or where is not None
        said.append(
            f"No good match: these are only the closest pages{known}. What is asked is probably not in the documents, "
            "or in other words: try synonyms, or names and numbers that would be printed on the page"
            f"{', or search without the filter' if is_filtered else ''}."
        )
    if hits.try_mode is not None:
        said.append(f"Try mode={hits.try_mode!r}: it also finds pages that say it in other words.")
    if hits.unread_letters:
        said.append(f"The search does not read these letters of the query: {printable(hits.unread_letters)}.")
    if hits.missing_phrases:
        phrases = ", ".join(f'"{printable(each)}"' for each in hits.missing_phrases)
        said.append(f"No page has the phrase {phrases}; its words were searched for one by one.")
    return " ".join(filter(None, said))


def _empty(searcher: Searcher, query: str, path: str | None, where: str | None) -> str:
    """Why there are no hits at all, among the pages of a collection that has some."""
    every = len(searcher.documents.keys(None, None))
    filters = [f"{name} = {value!r}" for name, value in (("path", path), ("where", where)) if value is not None]
    selected = len(searcher.documents.keys(path, where))
    if filters and not selected:
        alone = []
        if len(filters) > 1:
            by_path, by_where = len(searcher.documents.keys(path, None)), len(searcher.documents.keys(None, where))
            alone = [f" (path alone selects {by_path:,}, where alone {by_where:,})"]
        return (
            f"The filter {' and '.join(filters)} selects none of the {every:,} documents{''.join(alone)}; facets and "
            "list_documents show what there is."
        )
    within = f" in the {selected:,} documents that the filter selects" if filters else ""
    _, operators = parse(query)
    if operators.excluded or operators.beginnings or operators.phrases:
        return f'No page{within} fits the operators of the query (-word, word*, "phrase"); search without them.'
    return f"No page{within} resembles the query; try other words."
