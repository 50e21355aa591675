"""A user's program, as mypy checks it: every call of the public API has the type that its documentation says."""

from __future__ import annotations

import asyncio
from typing import assert_type

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from docsearch import (
    AsyncSearcher,
    Hit,
    Hits,
    Index,
    IndexReport,
    PageRef,
    Pages,
    Progress,
    Query,
    Removed,
    Searcher,
    index_documents,
    open_index,
)


def show(progress: Progress) -> None:
    print(progress.pages)


def change(index: Index) -> None:
    assert_type(index.add("reports", on_progress=show), IndexReport)
    assert_type(index.add(["reports", "letters"], kinds=["pdf"]), IndexReport)
    assert_type(index.update(prune=True), IndexReport)
    assert_type(index.remove("letters/*"), Removed)
    index.search(5)  # type: ignore[arg-type]
    index.search("rent", count=3)  # type: ignore[call-arg]


def search(index: Index | Searcher) -> None:
    hits = index.search("notice period", k=3, where="year >= 2021")
    assert_type(hits, Hits)
    assert_type(hits[0], Hit)
    assert_type(hits[:2], Hits)
    assert_type(hits[0].ref, PageRef)
    assert_type(hits[0].text, str)
    assert_type(hits[0].image(), Image.Image)
    assert_type(hits[0].heatmap(), Image.Image)
    if (snippet := hits[0].snippet) is not None:
        assert_type(snippet.text, str)
    for query, found in index.search_many(["rent", Query("q", "deposit")]):
        assert_type(query, Query)
        assert_type(found, Hits)
    assert_type(index.more_like(hits[0].ref), Hits)
    assert_type(index.pages(path="*.pdf"), Pages)
    assert_type(index.pages()[0], PageRef)
    assert_type(index.vectors(hits[0].ref), NDArray[np.float16])


async def search_async() -> Hits:
    async with AsyncSearcher("reports.index", threads=4) as index:
        hits = await index.search("notice period", k=3)
        assert_type(hits, Hits)
        assert_type(await index.run(lambda: hits[0].text), str)
        async for query, found in index.search_many(["rent"]):
            assert_type(query, Query)
            assert_type(found, Hits)
        await index.search("rent", count=3)  # type: ignore[call-arg]
        return hits


def main() -> None:
    assert_type(index_documents(["reports"], "reports.index", model="pixel"), IndexReport)
    with open_index(["reports.index", "letters.index"]) as both, Index("reports.index") as index:
        change(index)
        search(both)
        search(index)
    asyncio.run(search_async())
