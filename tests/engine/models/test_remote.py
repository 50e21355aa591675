"""Vectors from a server: each protocol from documents to hits, and servers that do not do as they should."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pymupdf
import pytest

import embedding_server
from docsearch.engine import probes
from docsearch.engine.errors import EncoderMismatch, UsageError
from docsearch.engine.models import registry, remote_protocols
from docsearch.engine.models.remote import Remote
from docsearch.engine.records import PageImage, PageRef
from docsearch.engine.searcher import open_searcher
from docsearch.indexer import pipeline
from embedding_server import DIM, EmbeddingServer

LINES = ("revenue of the year 2023", "minutes of the board", "invoice total due", "")
ENDPOINTS = ("/pooling", "/embeddings", "/pooling,pages=text", "/embeddings,pages=text", "/embed", "/embed_all")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    monkeypatch.setattr(remote_protocols, "BACKOFF_S", 0.001)
    with embedding_server.running() as started:
        yield started


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    with pymupdf.open() as document:
        for line in LINES:
            page = document.new_page(width=300, height=200)
            page.insert_text((20, 40), line)
        document.save(folder / "pages.pdf")
    return folder


def page(height: int, text: str = "") -> PageImage:
    pixels = np.random.default_rng(height).integers(0, 256, (height, 40, 3), dtype=np.uint8)
    return PageImage(PageRef("d", "d.pdf", height), pixels, 100.0, text)


def encoder_reads_pictures(endpoint: str) -> bool:
    return endpoint in ENDPOINTS[:2]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("one_vector", [False, True])
def test_documents_are_found_through_a_server(
    endpoint: str, one_vector: bool, server: EmbeddingServer, documents: Path, tmp_path: Path
) -> None:
    server.one_vector = one_vector
    name = server.url(endpoint)
    report = pipeline.index_documents([documents], tmp_path / "index", model=name, device="cpu")
    assert (report.pages, report.failed) == (4, ())
    assert pipeline.index_documents([documents], tmp_path / "index", model=name, device="cpu").pages == 0
    with open_searcher(tmp_path / "index") as searcher:
        assert searcher.snapshot.fingerprint["name"] == name
        hits = searcher.search("minutes of the board", k=2)
        assert len(hits) == 2
        if not encoder_reads_pictures(endpoint):
            assert hits[0].ref.page == 2
        with pytest.raises(UsageError, match="no heat map"):
            searcher.heatmap("minutes", hits[0].ref, np.zeros((9, 9, 3), np.uint8))


def test_vectors_are_the_servers_of_unit_length(server: EmbeddingServer) -> None:
    encoder = registry.load_encoder(server.url("/pooling,model=some/model"), device="cpu")
    assert (encoder.spec.dim, encoder.spec.single_dim) == (DIM, 0)
    query = encoder.encode_query("revenue 2023")
    np.testing.assert_allclose(query.vectors, server.of_text("revenue 2023"), atol=1e-5)
    pages = [page(40), page(60), page(50), page(70), page(45)]
    embedded = encoder.encode_pages(pages).vectors
    for each, vectors in zip(pages, embedded.vectors, strict=True):
        wanted = server.of_picture(remote_protocols._data_uri(each.pixels))
        np.testing.assert_allclose(vectors, wanted, atol=2e-3)
    assert all(body["model"] == "some/model" for body in server.requests)


def test_prompts_are_put_before_questions_and_beside_pictures(server: EmbeddingServer) -> None:
    encoder = Remote(server.url("/pooling,query_prompt=Query: ,page_prompt=What is this?"))
    encoder.encode_query("revenue")
    assert server.requests[-1]["input"] == ["Query: revenue"]
    encoder.encode_pages([page(40)])
    assert server.requests[-1]["messages"][0]["content"][1] == {"type": "text", "text": "What is this?"}


def test_dim_keeps_the_first_numbers(server: EmbeddingServer) -> None:
    vectors = Remote(server.url("/pooling,dim=8")).encode_query("revenue").vectors
    whole = server.of_text("revenue")[:, :8]
    np.testing.assert_allclose(vectors, whole / np.linalg.norm(whole), atol=1e-5)
    with pytest.raises(UsageError, match="dim=33, but its vectors have 32 numbers"):
        Remote(server.url("/pooling,dim=33"))


def test_a_long_text_is_embedded_in_passages_and_many_texts_in_batches(server: EmbeddingServer) -> None:
    encoder = Remote(server.url("/embed_all"))
    words = [f"word{number}" for number in range(600)]
    (vectors,) = encoder.encode_texts([" ".join(words)]).vectors
    assert len(vectors) == 600
    assert len(server.requests[-1]["inputs"]) > 1
    asked = len(server.requests)
    encoder.encode_texts(["a b"] * 70)
    assert [len(body["inputs"]) for body in server.requests[asked:]] == [32, 32, 6]


def test_a_busy_server_is_asked_again(server: EmbeddingServer) -> None:
    encoder = Remote(server.url("/pooling"))
    server.failures = [503, 429, 502]
    assert len(encoder.encode_query("revenue").vectors) == 1
    server.failures = [503] * 9
    with pytest.raises(UsageError, match="/pooling: "):
        encoder.encode_query("revenue")


def test_a_server_that_fails_for_good_ends_the_run_and_what_was_stored_stays(
    server: EmbeddingServer, documents: Path, tmp_path: Path
) -> None:
    name = server.url("/pooling")
    pipeline.index_documents([documents], tmp_path / "index", model=name, device="cpu")
    (tmp_path / "more").mkdir()
    (tmp_path / "more/other.pdf").write_bytes((documents / "pages.pdf").read_bytes() + b"\n%")

    server.picture_status = 500
    with pytest.raises(UsageError, match="answered with status 500"):
        pipeline.index_documents([tmp_path / "more"], tmp_path / "index", model=name, device="cpu")
    server.picture_status = 200
    with open_searcher(tmp_path / "index") as searcher:
        assert len(searcher.snapshot) == 4
    report = pipeline.index_documents([tmp_path / "more"], tmp_path / "index", model=name, device="cpu")
    assert (report.pages, report.failed) == (4, ())


def test_rounding_is_the_same_model_and_other_weights_are_not(
    server: EmbeddingServer, documents: Path, tmp_path: Path
) -> None:
    name = server.url("/pooling")
    pipeline.index_documents([documents], tmp_path / "index", model=name, device="cpu")
    server.noise = 2e-3
    with open_searcher(tmp_path / "index") as searcher:
        assert searcher.search("revenue", k=1)
    assert pipeline.index_documents([documents], tmp_path / "index", model=name, device="cpu").skipped == 1
    server.noise, server.seed = 0.0, "weights 2"
    with pytest.raises(EncoderMismatch, match="made with another encoder"):
        open_searcher(tmp_path / "index")


def test_probes_of_one_model_are_alike() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    probe = probes.encoded(vectors)
    assert probes.are_of_one_model(probe, probes.encoded(vectors + np.float32(1e-3)))
    assert not probes.are_of_one_model(probe, probes.encoded(-vectors))
    assert not probes.are_of_one_model(probe, probes.encoded(vectors[:, :32]))
    assert not probes.are_of_one_model(None, None)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ({"error": "no such model"}, "answered without vectors where /pooling has them"),
        ({"data": []}, r"answered with 0 arrays \(\) to 1 inputs"),
        ({"data": [{"index": 0, "data": []}]}, r"1 arrays \(\(0,\)\) to 1 inputs"),
        ({"data": [{"index": 0, "data": [[1.0], [1.0, 2.0]]}]}, "answered without vectors"),
        ({"data": [{"index": 0, "data": [[float("nan"), 1.0]]}]}, "numbers that are not finite"),
        ({"data": [{"index": 0, "data": [[1.0, 2.0]]}]}, r"shape \(1, 2\); at first it was many vectors of 32"),
    ],
)
def test_an_answer_that_holds_no_vectors_is_reported(answer: object, cause: str, server: EmbeddingServer) -> None:
    encoder = Remote(server.url("/pooling"))
    server.spoiled = answer
    with pytest.raises(UsageError, match=cause):
        encoder.encode_query("revenue")


def test_a_token_is_sent_and_recorded_nowhere(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch, documents: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv(remote_protocols.TOKEN_VARIABLE, "secret-1")
    pipeline.index_documents([documents], tmp_path / "index", model=server.url("/pooling"), device="cpu")
    assert all(headers["Authorization"] == "Bearer secret-1" for headers in server.headers_seen)
    assert not [file for file in (tmp_path / "index").rglob("*") if file.is_file() and b"secret-1" in file.read_bytes()]


def test_names_of_endpoints_that_cannot_be_are_refused(server: EmbeddingServer) -> None:
    for name, cause in {
        "http://host/v1/other": "must end in /pooling, /embeddings, /embed or /embed_all",
        "http://host/pooling,task=code": "unknown setting 'task=code'; use KEY=VALUE with model, pages",
        "http://host/pooling,batch=0": "batch must be a number above 0",
        "http://host/pooling,pages=sound": "pages=sound: either image or text",
        "http://host/embed,pages=image": "/embed embeds text",
        "http://user:word@host/pooling": "put no password into the URL",
    }.items():
        with pytest.raises(UsageError, match=cause):
            registry.find_spec(name)
    with pytest.raises(UsageError, match=r"/pooling: no answer .*is the server running"):
        registry.find_spec("http://127.0.0.1:1/pooling")
    server.failures = [401]
    with pytest.raises(UsageError, match=r"answered with status 401: .*overloaded.*; set DOCSEARCH_REMOTE_TOKEN"):
        registry.find_spec(server.url("/pooling"))


def test_a_server_needs_an_extra_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "urllib3", None)
    with pytest.raises(UsageError, match=r'needs urllib3; in a clone of docsearch: pip install -e "\.\[remote\]"'):
        registry.load_page_encoder("http://host/pooling")
