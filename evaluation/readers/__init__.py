"""Readers of question files: JSON lines, CSV, a BEIR folder, TREC qrels with topics."""

from __future__ import annotations

from pathlib import Path

from ...engine.errors import UsageError
from ..questions import Questions
from . import beir, jsonl, table, trec

FORMS = ".jsonl, .csv, .tsv, a BEIR folder, or TREC qrels with --topics"


def read(source: Path, *, topics: Path | None = None) -> Questions:
    """Read questions with their answers from a file or folder in any of the forms that docs/evaluation.md describes.

    Raises UsageError with the line number of what cannot be used.
    """
    if not source.exists():
        raise UsageError(f"{source}: no such file or folder; questions are {FORMS}")
    if topics is not None:
        return trec.read(source, topics)
    if source.is_dir():
        return beir.read(source)
    readers = {".jsonl": jsonl.read, ".csv": table.read, ".tsv": table.read}
    reader = readers.get(source.suffix.lower())
    if reader is None:
        hint = "; TREC qrels need the questions, too: --topics FILE" if trec.looks_like_qrels(source) else ""
        raise UsageError(f"{source}: questions are {FORMS}, not '{source.suffix}'{hint}")
    return reader(source)
