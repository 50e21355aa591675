"""Requests made to hurt: each gets a small error of status 4xx that repeats nothing of what was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docsearch.server import body_limit, search_body
from docsearch.server.http_errors import ERRORS_MAX, TooLarge
from docsearch.server.service import Service
from live_server import Running, running

Serve = Callable[..., tuple[TestClient, Service]]
MARK = "m4rk"
"""Is in what is sent, and must not be in what comes back."""
RESPONSE_MAX_BYTES = 8192
JSON = {"Content-Type": "application/json"}
MANY_KEYS = json.dumps({f"{MARK}{n:017d}": 0 for n in range(100_000)}).encode()
"""2.7 MB."""
MANY_SHORT_KEYS = ("{" + ",".join(f'"{n:x}":0' for n in range(70_000)) + "}").encode()
"""0.6 MB, which is within the limit of a body without an image."""
BODIES: dict[str, bytes] = {
    "100,000 unknown keys": MANY_KEYS,
    "70,000 short unknown keys": MANY_SHORT_KEYS,
    "an unknown key of 1 MB": json.dumps({MARK * 250_000: 1}).encode(),
    "unknown keys in a box": json.dumps({"like": {"document": "a", "page": 1, "box": {MARK: 1}}}).encode(),
    "100,000 queries": json.dumps({"queries": [1] * 100_000}).encode(),
    "a query of 1 MB": json.dumps({"query": MARK * 250_000}).encode(),
    "an image that is a list": json.dumps({"image": [MARK] * 1000}).encode(),
    "a lone surrogate": b'{"query": "m4rk \\ud800"}',
    "a lone surrogate in a list": b'{"queries": ["\\udfff m4rk"]}',
    "a lone surrogate in a filter": b'{"query": "a", "path": "m4rk\\ud800"}',
    "a lone surrogate in a key": b'{"\\ud800": 1, "query": "a"}',
    "a lone surrogate as a document": b'{"like": {"document": "\\ud800", "page": 1}}',
    "NaN": b'{"query": "a", "k": NaN}',
    "Infinity": b'{"query": "a", "candidates": Infinity}',
    "NaN in a box": b'{"like": {"document": "a", "page": 1, "box": {"x0": NaN, "y0": 0, "x1": 1, "y1": 1}}}',
    "1e999": b'{"like": {"document": "a", "page": 1, "box": {"x0": 0, "y0": 0, "x1": 1e999, "y1": 1}}}',
    "a number of 5,000 digits": b'{"query": "a", "k": ' + b"1" * 5000 + b"}",
    "100,000 brackets": b"[" * 100_000,
    "bytes that are not UTF-8": b'{"query": "m4rk \xff\xfe"}',
    "half a document": b'{"query": "m4rk',
    "no JSON": MARK.encode(),
    "nothing": b"",
    "a number": b"3",
}


def assert_refused(status: int, content: bytes) -> None:
    assert 400 <= status < 500, content[:300]
    assert len(content) < RESPONSE_MAX_BYTES
    assert MARK.encode() not in content
    assert json.loads(content)["error"]


@pytest.mark.parametrize("case", BODIES)
def test_a_hostile_body_gets_a_small_error_that_repeats_nothing_of_it(client: TestClient, case: str) -> None:
    response = client.post("/v1/search", content=BODIES[case], headers=JSON)
    assert_refused(response.status_code, response.content)


def test_a_body_of_another_type_is_not_repeated(client: TestClient) -> None:
    response = client.post("/v1/search", content=MANY_KEYS[: 1 << 20], headers={"Content-Type": "text/plain"})
    assert_refused(response.status_code, response.content)


@pytest.mark.parametrize(
    "path",
    ["/v1/documents?offset=m4rk", "/v1/documents?limit=NaN", "/v1/heatmap?page=m4rk", "/v1/heatmap.png?width=m4rk",
     "/v1/documents/m4rk/pages/m4rk.png", "/v1/documents/m4rk/pages/1.png", "/v1/uploads/m4rk/events",
     "/v1/heatmap?query=a&document=m4rk&page=1", "/v1/documents/" + "m4rk" * 100 + "/pages/1.png"],
)  # fmt: skip
def test_a_hostile_address_gets_a_small_error_that_repeats_nothing_of_it(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert_refused(response.status_code, response.content)


def test_documents_after_the_last_one_are_none_however_far(client: TestClient) -> None:
    for offset in ("4", "9" * 18, "9" * 30):
        response = client.get("/v1/documents", params={"offset": offset})
        assert (response.status_code, response.json()) == (200, {"total": 3, "documents": []})
    response = client.get("/v1/documents", params={"offset": "9" * 5000})
    assert_refused(response.status_code, response.content)


def test_removing_an_unknown_document_does_not_repeat_its_name(client: TestClient) -> None:
    response = client.delete("/v1/documents/m4rk")
    assert_refused(response.status_code, response.content)


@pytest.mark.parametrize(
    ("header", "value"),
    [("Origin", "http://["), ("Origin", "http://[::1"), ("Origin", "null"), ("Origin", "\xff"), ("Origin", "//[x]"),
     ("Content-Length", "1" * 5000), ("Content-Length", "-1"), ("Host", "["), ("Host", "]")],
)  # fmt: skip
def test_a_hostile_header_is_refused(client: TestClient, header: str, value: str) -> None:
    headers = {name.encode(): text.encode("latin-1") for name, text in {**JSON, header: value}.items()}
    response = client.post("/v1/search", content=b'{"query": "a"}', headers=headers)
    assert_refused(response.status_code, response.content)


def test_an_error_lists_only_the_first_faults(client: TestClient) -> None:
    asked = {"queries": [""] * 60}
    detail = client.post("/v1/search", json=asked).json()["detail"]
    assert len(detail) == ERRORS_MAX
    assert detail[0]["loc"] == ["body", "queries", 0]
    assert detail[0].keys() == {"loc", "msg", "type"}


def test_an_error_names_the_field_that_is_wrong(client: TestClient) -> None:
    response = client.post("/v1/search", json={"query": "a", "k": 0})
    assert response.status_code == 422
    assert response.json()["error"] == "body, k: Input should be greater than or equal to 1"


def test_only_the_image_may_make_a_body_large() -> None:
    large = b"A" * (2 << 20)
    search_body.check(b'{"image" : "' + large + b'"}')
    for body in (b'{"query": "' + large + b'"}', b'{"image": "", "path": "' + large + b'"}', b"[" + b"1," * (1 << 20)):
        with pytest.raises(TooLarge):
            search_body.check(body)
    assert len(large) < body_limit.PICTURE_MAX_BYTES


@pytest.fixture
def live(index: Path) -> Iterator[Running]:
    with running(index) as server:
        yield server


def test_other_clients_are_answered_while_a_hostile_body_is_refused(live: Running) -> None:
    """The server takes less than a second for both; it was four. A busy machine has only the clock run on."""
    psutil = pytest.importorskip("psutil")
    server = psutil.Process(live.process.pid)
    before = sum(server.cpu_times()[:2])
    for body in (MANY_KEYS, MANY_SHORT_KEYS):
        with closing(live.connection()) as connection:
            connection.request("POST", "/v1/search", body, JSON)
            response = connection.getresponse()
            assert_refused(response.status, response.read())
    assert sum(server.cpu_times()[:2]) - before < 3
    assert live.ask("GET", "/readyz")[0] == 200
