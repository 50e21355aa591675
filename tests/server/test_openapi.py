"""Requests generated from the OpenAPI description, valid and invalid: each gets an answer, never a server error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from docsearch.indexer import pipeline
from fake_encoder import FakeEncoder
from hypothesis_profiles import examples
from live_server import WAIT_S, Running, running

EXAMPLES = 8
"""Generated requests per route and kind."""
BUSY = 503
ROUTES = (
    "POST /v1/search", "GET /v1/index", "GET /v1/documents", "POST /v1/documents", "DELETE /v1/documents/{doc_id}",
    "GET /v1/documents/{doc_id}/pages/{page}.png", "GET /v1/heatmap", "GET /v1/heatmap.png", "GET /v1/uploads",
    "GET /v1/uploads/{upload}/events", "GET /v1/marks", "PUT /v1/marks", "POST /v1/session", "DELETE /v1/session",
    "GET /v1/facets", "GET /v1/collections", "GET /v1/documents/{doc_id}/file",
    "GET /v1/documents/{doc_id}/pages/{page}.txt", "POST /v1/ask", "GET /healthz", "GET /readyz", "GET /metrics",
)  # fmt: skip
NO_PARAMETERS = {
    "GET /v1/collections", "POST /v1/session", "DELETE /v1/session", "GET /healthz", "GET /readyz", "GET /metrics",
}  # fmt: skip
"""Routes without parameters: no request to them is invalid."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sample_docs: Path) -> Iterator[Running]:
    index = tmp_path_factory.mktemp("described") / "index"
    pipeline.index_documents([sample_docs / "invoice-20418.pdf"], index, encoder=FakeEncoder())
    with running(index) as started:
        yield started


def test_the_description_has_every_route(server: Running) -> None:
    described = server.ask("GET", "/openapi.json")[1]["paths"]
    assert isinstance(described, dict)
    assert {f"{method.upper()} {path}" for path, methods in described.items() for method in methods} == set(ROUTES)


@pytest.mark.parametrize(
    ("route", "mode"),
    [(route, mode) for route in ROUTES for mode in GenerationMode if mode.is_positive or route not in NO_PARAMETERS],
)
def test_whatever_is_sent_gets_an_answer(server: Running, route: str, mode: GenerationMode) -> None:
    method, path = route.split(" ", 1)
    schema = schemathesis.openapi.from_dict(server.ask("GET", "/openapi.json")[1])
    strategy = schema[path][method].as_strategy(generation_mode=mode)

    @settings(
        max_examples=examples(EXAMPLES),
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def send(case: Case) -> None:
        response = case.call(base_url=server.address, timeout=WAIT_S)
        assert response.status_code < 500 or response.status_code == BUSY, response.text
        if response.status_code >= 400 and method != "HEAD":
            assert json.loads(response.content)

    send()
    assert server.process.poll() is None
