"""A Haystack retriever over an index: `pip install "docsearch-engine[haystack]"`."""

from __future__ import annotations

from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.dataclasses import ByteStream

from ..engine.records import Mode
from .page_search import FoundPage, PageSearch


@component
class DocsearchRetriever:
    """Finds pages for a question; each is a `Document` with the page's text and, with `pictures`, its JPEG as `blob`.

    Their `meta` are `source` (the document's path), `page` (from 1), `rank` and `score`.

    >>> retriever = DocsearchRetriever("reports.index", top_k=5)                    # doctest: +SKIP
    >>> retriever.run(query="revenue chart 2023")["documents"][0].meta["page"]      # doctest: +SKIP
    """

    def __init__(
        self,
        index: str,
        top_k: int = 5,
        path: str | None = None,
        where: str | None = None,
        mode: Mode | None = None,
        exact: bool = False,
        pictures: bool = False,
    ) -> None:
        """Retrieve `top_k` pages from the index in the folder `index`, which is opened by `warm_up` or the first run.

        `path`, `where`, `mode`, `exact` and `pictures` are those of PageSearch.
        """
        self.index, self.top_k = index, top_k
        self.path, self.where, self.mode, self.exact, self.pictures = path, where, mode, exact, pictures
        self._search: PageSearch | None = None

    def warm_up(self) -> None:
        """Open the index. Raises IndexNotFound where there is none."""
        self._opened()

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """`documents`: the best `top_k` pages for a question, best first; by default as many as the component has."""
        return {"documents": [_document(page) for page in self._opened().search(query, top_k or self.top_k)]}

    @component.output_types(documents=list[Document])
    async def run_async(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """`run` without blocking the event loop."""
        return {"documents": [_document(p) for p in await self._opened().search_async(query, top_k or self.top_k)]}

    def to_dict(self) -> dict[str, Any]:
        """The component as Haystack saves it in a pipeline's YAML."""
        saved: dict[str, Any] = default_to_dict(
            self,
            index=self.index,
            top_k=self.top_k,
            path=self.path,
            where=self.where,
            mode=self.mode,
            exact=self.exact,
            pictures=self.pictures,
        )
        return saved

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DocsearchRetriever:
        """The component that `to_dict` saved."""
        made: DocsearchRetriever = default_from_dict(cls, data)
        return made

    def _opened(self) -> PageSearch:
        if self._search is None:
            self._search = PageSearch(
                self.index, path=self.path, where=self.where, mode=self.mode, exact=self.exact, pictures=self.pictures
            )
        return self._search


def _document(page: FoundPage) -> Document:
    blob = (
        None if page.jpeg is None else ByteStream(page.jpeg, meta={"source": page.identifier}, mime_type="image/jpeg")
    )
    return Document(id=page.identifier, content=page.text, blob=blob, meta=page.metadata, score=page.hit.score)
