"""A LlamaIndex retriever over an index: `pip install "docsearch-engine[llamaindex]"`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import ImageNode, NodeWithScore, QueryBundle, TextNode

from ..engine.records import Mode
from .page_search import FoundPage, PageSearch


class DocsearchRetriever(BaseRetriever):
    """Finds pages for a question; each is a `TextNode` with the page's text or, with `pictures`, an `ImageNode`.

    Metadata are `source` (the document's path), `page` (from 1), `rank` and `score`.

    >>> retriever = DocsearchRetriever("reports.index", k=5)          # doctest: +SKIP
    >>> retriever.retrieve("revenue chart 2023")[0].node.metadata     # doctest: +SKIP
    """

    def __init__(
        self,
        index: Path | str,
        *,
        k: int = 5,
        path: str | None = None,
        where: str | None = None,
        mode: Mode | None = None,
        exact: bool = False,
        pictures: bool = False,
        **options: Any,
    ) -> None:
        """Open the index in the folder `index`; `k` pages are returned.

        `path`, `where`, `mode`, `exact` and `pictures` are those of PageSearch, `options` those of BaseRetriever.
        Raises IndexNotFound where there is no index.
        """
        super().__init__(**options)
        self._k = k
        self._search = PageSearch(index, path=path, where=where, mode=mode, exact=exact, pictures=pictures)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(page) for page in self._search.search(query_bundle.query_str, self._k)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [_node(page) for page in await self._search.search_async(query_bundle.query_str, self._k)]


def _node(page: FoundPage) -> NodeWithScore:
    node: TextNode
    if page.encoded_picture is None:
        node = TextNode(id_=page.identifier, text=page.text, metadata=page.metadata)
    else:
        node = ImageNode(
            id_=page.identifier,
            text=page.text,
            metadata=page.metadata,
            image=page.encoded_picture,
            image_mimetype="image/jpeg",
        )
    node.excluded_embed_metadata_keys = node.excluded_llm_metadata_keys = ["rank", "score"]
    return NodeWithScore(node=node, score=page.hit.score)
