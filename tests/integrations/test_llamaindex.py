"""The LlamaIndex retriever, by itself and under a query engine of the package."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("llama_index.core", reason="needs the extra llamaindex")

from llama_index.core.llms.mock import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import ImageNode, TextNode

from docsearch import IndexNotFound, open_index
from docsearch.integrations.llamaindex import DocsearchRetriever

QUESTION = "revenue chart 2023"


def test_nodes_are_the_hits(sample_index: Path) -> None:
    with open_index(sample_index) as index:
        hits = index.search(QUESTION, k=3)
        nodes = DocsearchRetriever(sample_index, k=3).retrieve(QUESTION)
        assert [(n.node.metadata["source"], n.node.metadata["page"], n.score) for n in nodes] == [
            (hit.ref.path, hit.ref.page, hit.score) for hit in hits
        ]
        assert [n.node.get_content() for n in nodes] == [index.text(hit.ref) for hit in hits]
    assert type(nodes[0].node) is TextNode


def test_the_asynchronous_answer_is_the_same(sample_index: Path) -> None:
    retriever = DocsearchRetriever(sample_index, k=3)
    assert asyncio.run(retriever.aretrieve(QUESTION)) == retriever.retrieve(QUESTION)


def test_pictures_make_image_nodes(sample_index: Path) -> None:
    (found,) = DocsearchRetriever(sample_index, k=1, pictures=True).retrieve(QUESTION)
    assert isinstance(found.node, ImageNode)
    assert found.node.resolve_image().read(2) == b"\xff\xd8"


def test_a_query_engine_gives_the_pages_to_its_model(sample_index: Path) -> None:
    engine = RetrieverQueryEngine.from_args(DocsearchRetriever(sample_index, k=2), llm=MockLLM())
    answer = engine.query(QUESTION)
    assert "annual-report-2023.pdf" in str(answer)
    assert len(answer.source_nodes) == 2


def test_a_folder_without_an_index_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        DocsearchRetriever(tmp_path)
