"""What commands print is what was meant in every encoding of the terminal or pipe that it goes to."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from docsearch.commands.output import JsonFormatter, print_json

TEXT = "Größe \U0001f642 \x7f \ud800.pdf"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_stays_json_where_the_encoding_lacks_a_character(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding, errors="backslashreplace", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    print_json({"path": TEXT})
    print(JsonFormatter().format(logging.LogRecord("docsearch", logging.INFO, "", 0, TEXT, (), None)))
    printed, logged = (json.loads(line) for line in raw.getvalue().decode(encoding).splitlines())
    assert printed == {"path": TEXT}
    assert logged["message"] == TEXT
