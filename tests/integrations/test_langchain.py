"""The LangChain retriever passes LangChain's own standard tests, and works in a chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_core", reason="needs the extra langchain")
standard = pytest.importorskip("langchain_tests.integration_tests", reason="needs langchain-tests")

from docsearch import IndexNotFound  # noqa: E402
from docsearch.integrations.langchain import DocsearchRetriever  # noqa: E402


class TestStandard(standard.RetrieversIntegrationTests):
    """LangChain's tests for retrievers."""

    @pytest.fixture(autouse=True)
    def _index(self, sample_index: Path) -> None:
        self._folder = str(sample_index)

    @property
    def retriever_constructor(self) -> type[DocsearchRetriever]:
        return DocsearchRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"index": self._folder}

    @property
    def retriever_query_example(self) -> str:
        return "revenue chart 2023"


def test_documents_have_text_place_and_picture(sample_index: Path) -> None:
    retriever = DocsearchRetriever(index=str(sample_index), k=2, path="annual-report*", mode="hybrid", pictures=True)
    first, _ = retriever.invoke("revenue chart 2023")
    assert first.metadata["source"] == "annual-report-2023.pdf"
    assert first.id == f"annual-report-2023.pdf#page={first.metadata['page']}"
    assert "Revenue" in first.page_content
    assert first.metadata["image"].startswith("data:image/jpeg;base64,")


def test_it_is_a_step_of_a_chain(sample_index: Path) -> None:
    chain = DocsearchRetriever(index=str(sample_index), k=1) | (lambda documents: documents[0].metadata["source"])
    assert chain.invoke("revenue chart 2023") == "annual-report-2023.pdf"


def test_a_folder_without_an_index_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound):
        DocsearchRetriever(index=str(tmp_path))
