"""Where the file of a document is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from docsearch.engine.errors import UsageError
from docsearch.indexer import source_folders


def test_a_path_that_leads_out_of_the_folder_is_no_document(tmp_path: Path) -> None:
    """The page of a benchmark may be called like that; a server would show the file to everybody."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    assert (tmp_path / "docs/../secret.png").exists()
    with pytest.raises(UsageError, match="not where it was indexed"):
        source_folders.locate("../secret.png", [tmp_path / "docs"])
    assert not source_folders.is_seen("../secret.png", [tmp_path / "docs"])


def test_an_absolute_path_stays_inside_the_folder(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "secret.png").write_bytes(b"secret")
    with pytest.raises(UsageError, match="not where it was indexed"):
        source_folders.locate(str(tmp_path / "secret.png"), [tmp_path / "docs"])
