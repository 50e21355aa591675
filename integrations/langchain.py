"""A LangChain retriever over an index: `pip install "docsearch-engine[langchain]"`."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, PrivateAttr

from ..engine.records import Mode
from .page_search import FoundPage, PageSearch


class DocsearchRetriever(BaseRetriever):
    """Finds pages for a question; each is a `Document` with the page's text.

    Its metadata are `source` (the document's path), `page` (from 1), `rank`, `score` and, with `pictures`, `image`, a
    `data:` URL of the page for multimodal models. `k` can also be given to `invoke`.

    >>> retriever = DocsearchRetriever(index="reports.index", k=5)    # doctest: +SKIP
    >>> retriever.invoke("revenue chart 2023")[0].metadata["page"]    # doctest: +SKIP
    """

    index: str
    """The folder of the index."""
    k: int = Field(default=5, ge=1)
    """How many pages are returned."""
    path: str | None = None
    """Only documents whose path matches this glob, or whose file name it is."""
    where: str | None = None
    """Only documents whose columns meet this condition, such as `year >= 2021`; see docs/filters.md."""
    mode: Mode | None = None
    """What pages are found by; None for the index's default."""
    exact: bool = False
    """Score every page instead of candidates."""
    pictures: bool = False
    """Whether documents carry a picture of their page."""

    _search: PageSearch = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the index. Raises IndexNotFound where there is none."""
        super().model_post_init(context)
        self._search = PageSearch(
            self.index, path=self.path, where=self.where, mode=self.mode, exact=self.exact, pictures=self.pictures
        )

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain passes it by name
        k: int | None = None,
    ) -> list[Document]:
        return [_document(page) for page in self._search.search(query, k or self.k)]

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain passes it by name
        k: int | None = None,
    ) -> list[Document]:
        return [_document(page) for page in await self._search.search_async(query, k or self.k)]


def _document(page: FoundPage) -> Document:
    picture = {} if page.picture_url is None else {"image": page.picture_url}
    return Document(page_content=page.text, metadata={**page.metadata, **picture}, id=page.identifier)
