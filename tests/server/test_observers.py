"""What hears of answered requests: lines of JSON in the log, and spans of OpenTelemetry."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docsearch import UsageError
from docsearch.commands.output import JsonFormatter
from docsearch.engine.searcher import STAGES
from docsearch.server import observers
from docsearch.server.settings import ServerSettings
from fake_encoder import FakeEncoder
from in_process import served

SEARCH = {"query": "revenue"}


def test_a_line_of_json_for_each_request(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, observers.access_log.name):
        client.post("/v1/search", json=SEARCH)
        client.get("/v1/documents/0123456789abcdef/pages/7.png")
    found, missing = (json.loads(JsonFormatter().format(record)) for record in caplog.records)
    assert (found["method"], found["route"], found["status"]) == ("POST", "/v1/search", 200)
    assert set(found["stages_ms"]) <= {"wait", *STAGES}
    assert 0 < sum(found["stages_ms"].values()) <= found["ms"]
    assert (missing["route"], missing["status"]) == ("/v1/documents/{doc_id}/pages/{page}.png", 404)
    assert "stages_ms" not in missing
    assert found["time"].endswith("+00:00")
    assert "revenue" not in json.dumps(found)  # questions may be confidential


def test_a_traceback_and_hostile_text_stay_on_one_line() -> None:
    try:
        raise ValueError("a\nb\x1b[31m")
    except ValueError:
        import sys

        record = logging.LogRecord("x", logging.ERROR, "", 0, "name\n%s", ("\u202e",), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert "ValueError" in json.loads(line)["traceback"]


def test_spans_of_a_request_and_its_stages(index: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs the extra otel")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    observe, close = observers.spans(SimpleSpanProcessor(exporter))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with served(ServerSettings(index), encoder=FakeEncoder(), observers=[observe]) as (client, _):
        client.post("/v1/search", json=SEARCH, headers={"traceparent": parent})
        client.get("/healthz")
    close()
    spans = exporter.get_finished_spans()
    requests = {span.name: span for span in spans if span.kind.name == "SERVER"}
    assert list(requests) == ["POST /v1/search", "GET /healthz"]
    search = requests["POST /v1/search"]
    assert f"{search.context.trace_id:032x}" == parent.split("-")[1]
    assert search.attributes is not None
    assert search.attributes["http.response.status_code"] == 200
    stages = [span for span in spans if span.parent is not None and span.parent.span_id == search.context.span_id]
    assert [span.name for span in stages][:2] == ["wait", "encode"]
    assert all(search.start_time <= span.start_time <= span.end_time <= search.end_time for span in stages)


def test_traces_are_off_without_an_endpoint_and_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in observers.ENDPOINT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert observers.tracer() is None
    monkeypatch.setenv(observers.ENDPOINT_VARIABLES[0], "http://127.0.0.1:4318")
    monkeypatch.setattr(observers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"traces need OpenTelemetry; .*\[otel\]"):
        observers.tracer()
