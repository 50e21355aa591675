"""The Haystack retriever, by itself, in a pipeline and in a saved one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("haystack", reason="needs the extra haystack")

from haystack import Pipeline
from haystack.components.builders import PromptBuilder

from docsearch import IndexNotFound, open_index
from docsearch.integrations.haystack import DocsearchRetriever

QUESTION = "revenue chart 2023"


def test_documents_are_the_hits(sample_index: Path) -> None:
    retriever = DocsearchRetriever(str(sample_index), top_k=3)
    documents = retriever.run(query=QUESTION)["documents"]
    with open_index(sample_index) as index:
        hits = index.search(QUESTION, k=3)
        assert [(d.meta["source"], d.meta["page"], d.score, d.content) for d in documents] == [
            (hit.ref.path, hit.ref.page, hit.score, index.text(hit.ref)) for hit in hits
        ]
    assert len(retriever.run(query=QUESTION, top_k=1)["documents"]) == 1
    assert asyncio.run(retriever.run_async(query=QUESTION)) == {"documents": documents}


def test_pictures_are_blobs(sample_index: Path) -> None:
    (found,) = DocsearchRetriever(str(sample_index), top_k=1, pictures=True).run(query=QUESTION)["documents"]
    assert found.blob is not None
    assert (found.blob.mime_type, found.blob.data[:2]) == ("image/jpeg", b"\xff\xd8")


def test_a_pipeline_survives_its_yaml(sample_index: Path) -> None:
    pipeline = Pipeline()
    pipeline.add_component("pages", DocsearchRetriever(str(sample_index), top_k=2, path="annual-report*"))
    pipeline.add_component("prompt", PromptBuilder("{% for page in documents %}{{page.meta.source}} {% endfor %}"))
    pipeline.connect("pages.documents", "prompt.documents")
    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=["docsearch.integrations.haystack"])
    for each in (pipeline, loaded):
        answer = each.run({"pages": {"query": QUESTION}})
        assert answer["prompt"]["prompt"].split() == ["annual-report-2023.pdf"] * 2


def test_a_folder_without_an_index_is_an_error_when_it_is_opened(tmp_path: Path) -> None:
    retriever = DocsearchRetriever(str(tmp_path))
    with pytest.raises(IndexNotFound):
        retriever.warm_up()
