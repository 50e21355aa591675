from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from docsearch.indexer import pipeline
from docsearch.server.app import create_app
from docsearch.server.middleware import is_cross_site
from docsearch.server.service import Service
from docsearch.server.sessions import LIFETIME_S, SESSIONS_MAX, Sessions
from docsearch.server.settings import ServerSettings
from docsearch.server.static_files import web_files
from fake_encoder import FakeEncoder

TOKEN = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FROM_THE_PAGE = {"Sec-Fetch-Site": "same-origin"}
Open = Callable[..., TestClient]


@pytest.fixture
def opened(tmp_path: Path, make_pdf: Callable[..., Path]) -> Open:
    """`opened(token=…)` is a client of a server with a document; `address` is the URL that the client uses."""
    make_pdf(tmp_path / "docs/a.pdf", ["revenue"])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())

    def open_(token: str | None = None, address: str = "http://127.0.0.1:8750") -> TestClient:
        service = Service.open(ServerSettings(tmp_path / "index", token=token), encoder=FakeEncoder())
        return TestClient(create_app(service), base_url=address)

    return open_


def test_the_page_and_its_files_need_no_token(opened: Open) -> None:
    with opened(TOKEN) as client:
        page = client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        asked = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
        scripts = [file.body.decode() for name, file in web_files().items() if name.endswith(".js")]
        asked |= {f"/static/{name}" for script in scripts for name in re.findall(r'from "\./([^"]+)"', script)}
        assert len(asked) > 20
        for path in asked:
            assert client.get(path).status_code == 200, path
        assert client.get("/v1/documents").status_code == 401


def test_a_file_of_the_page_is_sent_again_only_when_it_changed(opened: Open) -> None:
    with opened() as client:
        first = client.get("/static/main.js")
        assert first.headers["content-type"] == "text/javascript; charset=utf-8"
        assert first.headers["cache-control"] == "no-cache"
        again = client.get("/static/main.js", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get("/static/main.js", headers={"If-None-Match": '"other"'}).content == first.content


def test_only_files_of_the_page_are_served(opened: Open) -> None:
    with opened() as client:
        for name in ("nothing.js", "..%2fweb.py", "%2e%2e%2fweb.py", "web%2findex.html", "__init__.py"):
            assert client.get(f"/static/{name}").status_code == 404


def test_the_page_runs_only_its_own_script_files(opened: Open) -> None:
    with opened() as client:
        page = client.get("/")
        policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page.text)
        assert "unsafe" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in client.get("/v1/documents").headers["content-security-policy"]


def test_no_file_of_the_page_names_another_host() -> None:
    for name, file in web_files().items():
        hosts = set(re.findall(r"https?://([\w.-]+)", file.body.decode())) - {"www.w3.org"}
        assert not hosts, name


def test_a_session_stands_for_the_token_until_it_is_ended(opened: Open) -> None:
    with opened(TOKEN) as client:
        assert client.post("/v1/session", headers={"Authorization": "Bearer wrong"}).status_code == 401
        begun = client.post("/v1/session", headers=BEARER)
        assert begun.status_code == 204
        cookie = begun.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        assert TOKEN not in cookie
        assert client.get("/v1/documents").status_code == 200
        kept = dict(client.cookies)
        assert client.delete("/v1/session", headers=FROM_THE_PAGE).status_code == 204
        assert client.get("/v1/documents").status_code == 401
        client.cookies.update(kept)
        assert client.get("/v1/documents").status_code == 401


def test_the_cookie_of_a_page_that_came_by_https_stays_with_https(opened: Open) -> None:
    with opened(TOKEN, address="https://127.0.0.1:8750") as client:
        assert "Secure" in client.post("/v1/session", headers=BEARER).headers["set-cookie"]
    with opened(TOKEN) as client:
        by_proxy = {**BEARER, "Origin": "https://127.0.0.1:8750"}
        assert "Secure" in client.post("/v1/session", headers=by_proxy).headers["set-cookie"]


def test_a_server_without_a_token_opens_no_session(opened: Open) -> None:
    with opened() as client:
        assert "set-cookie" not in client.post("/v1/session").headers


def test_another_site_can_neither_read_nor_change_anything(opened: Open) -> None:
    asked = {"json": {"query": "revenue"}}
    with opened(TOKEN) as client:
        client.post("/v1/session", headers=BEARER)
        for site in ("cross-site", "same-site"):
            assert client.post("/v1/search", headers={"Sec-Fetch-Site": site}, **asked).status_code == 403
        assert client.post("/v1/search", headers={"Origin": "https://evil.example"}, **asked).status_code == 403
        assert client.post("/v1/search", **asked).status_code == 401  # the cookie alone does not say where from
        assert client.post("/v1/search", headers=FROM_THE_PAGE, **asked).status_code == 200
        assert client.post("/v1/search", headers={"Origin": "http://127.0.0.1:8750"}, **asked).status_code == 200
    with opened() as client:
        assert client.post("/v1/search", headers={"Sec-Fetch-Site": "cross-site"}, **asked).status_code == 403
        assert client.post("/v1/search", **asked).status_code == 200


def test_a_client_that_is_no_browser_is_not_another_site() -> None:
    assert not is_cross_site(Headers({"host": "127.0.0.1:8750"}))
    assert not is_cross_site(Headers({"host": "a.example", "origin": "https://A.example"}))
    assert is_cross_site(Headers({"host": "a.example", "origin": "null"}))


def test_sessions_expire_and_are_limited_in_number() -> None:
    now = 0.0
    sessions = Sessions(ServerSettings(Path(), port=1), now=lambda: now)
    keys = [sessions.open() for _ in range(SESSIONS_MAX + 1)]
    known = [sessions.is_open(f"docsearch-1={key}") for key in keys]
    assert known == [False] + [True] * SESSIONS_MAX
    assert not sessions.is_open(f"docsearch-2={keys[-1]}")
    assert not sessions.is_open("docsearch-1=")
    assert sessions.is_open(f'of-another-server={{"a": 1}}; docsearch-1={keys[-1]}')
    now = LIFETIME_S + 1.0
    assert not sessions.is_open(f"docsearch-1={keys[-1]}")
