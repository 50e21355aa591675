"""Hostile files sent to a real server: it stays up, and each gets a clear answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import pytest

from docsearch.engine.store import open_snapshot
from live_server import Running, running

REFUSED = {400, 415}


def answer(server: Running, file: Path) -> str:
    """The result of an upload: "done", "failed" or "refused"; the last two must have a reason."""
    query = urlencode({"name": file.name})
    status, body = server.ask("POST", f"/v1/documents?{query}", file.read_bytes())
    if status in REFUSED:
        assert body["error"]
        return "refused"
    assert status == 202, (file, body)
    end = server.ended(str(body["upload"]))
    assert end["state"] == "done" or (end["state"] == "failed" and end["error"]), (file, end)
    return str(end["state"])


def send_all(index: Path, files: Sequence[Path]) -> Counter[str]:
    """Upload files one after the other; afterwards the server answers, and the index is intact."""
    with running(index) as server:
        answers = Counter(answer(server, file) for file in files)
        assert server.ask("GET", "/readyz")[0] == 200
        body = server.ask("POST", "/v1/search", b'{"query": "revenue"}')[1]
        assert body["answers"]
    with open_snapshot(index) as snapshot:
        assert snapshot.verify() == []
    return answers


@pytest.mark.slow
def test_every_hostile_file_gets_a_clear_answer(corpora: Path, index: Path) -> None:
    robust = corpora / "robust"
    rows = [json.loads(line) for line in (robust / "manifest.jsonl").read_text("utf-8").splitlines()]
    answers = send_all(index, [robust / row["file"] for row in rows])
    assert answers.total() == len(rows)
    assert answers["done"] > answers["failed"] > 0
