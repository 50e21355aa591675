"""Changes through the server look up the documents that they concern, and read no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from docsearch.engine.store import catalog, open_snapshot
from docsearch.server import mutations


def test_removing_a_document_and_finding_its_content_do_not_read_all_documents(
    client: TestClient, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_snapshot(index) as snapshot:
        row = snapshot.document(path="a.pdf")
    assert row is not None

    def read_all(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(catalog, "read_documents", read_all)
    assert mutations._same_content(index, row.sha256, "other.pdf") == row
    assert mutations._same_content(index, row.sha256, "a.pdf") is None
    assert client.delete(f"/v1/documents/{row.id}").status_code == 204
    assert client.delete(f"/v1/documents/{row.id}").status_code == 404
