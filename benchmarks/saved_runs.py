"""Keeps the rows of benchmark runs: `results/<date>-<processor>/<case>.jsonl`, one JSON object per line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from . import processor
from .setting import REPOSITORY

RESULTS = REPOSITORY / "benchmarks" / "results"


def file_of(case: str, *, day: date, model_name: str) -> Path:
    """Where the rows of a case are kept that ran on a day, on a processor of this model."""
    return RESULTS / f"{day.isoformat()}-{processor.slug(model_name)}" / f"{case}.jsonl"


def save(lines: Sequence[str], file: Path) -> None:
    """Append a run's rows, JSON objects, to those of earlier runs of the same day."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.writelines(f"{line}\n" for line in lines)
