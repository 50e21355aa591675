"""Output of the commands: results on stdout, messages on stderr, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.store import Failure

SOME_FAILED, WRONG_USE, DAMAGED = 1, 2, 3
INTERRUPTED = 130
"""128 + SIGINT, as in shells."""


def print_json(value: Mapping[str, object]) -> None:
    """Print one object on one line of stdout."""
    print(json.dumps(value, ensure_ascii=False))


def message(text: str) -> None:
    """Print a line on stderr, where it does not mix with results."""
    print(text, file=sys.stderr, flush=True)


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 page", "2 pages", "1,200 pages"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def describe(failure: Failure) -> str:
    """A failed document or page with the reason: "scan.pdf, page 3: …"."""
    page = "" if failure.page is None else f", page {failure.page}"
    return f"{failure.path}{page}: {failure.reason}"
