"""Output of the commands: results on stdout, messages on stderr, exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from ..engine.printable import json_line, printable, printable_text
from .interrupts import INTERRUPTED as INTERRUPTED

if TYPE_CHECKING:
    from ..engine.store import Failure, UnreadContent

SOME_FAILED, WRONG_USE, DAMAGED = 1, 2, 3


def print_json(value: Mapping[str, object]) -> None:
    """Print one object on one line of stdout, whatever its encoding."""
    print(json_line(value, encoding=_encoding(sys.stdout)))


def message(text: str) -> None:
    """Print a line on stderr, where it does not mix with results."""
    print(printable(text), file=sys.stderr, flush=True)


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 page", "2 pages", "1,200 pages"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def describe(failure: Failure | UnreadContent) -> str:
    """A failed document or page, or what was not read of it, with the reason: "scan.pdf, page 3: …"."""
    page = "" if failure.page is None else f", page {failure.page}"
    return printable(f"{failure.path}{page}: {failure.reason}")


class PrintableFormatter(logging.Formatter):
    """Formats records of a log so that each name of a file stays on one line, and no terminal obeys it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - a method of logging
        """The line of a record."""
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - a method of logging
        """The lines of a traceback."""
        return printable_text(super().formatException(ei))


class JsonFormatter(logging.Formatter):
    """Formats a record of a log as one line of JSON: `time` (ISO 8601, UTC), `level`, `logger` and `message`; the
    `fields` of a request; and the traceback of an error.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": moment,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json_line(line, encoding=_encoding(sys.stderr))


def _encoding(stream: TextIO) -> str:
    return getattr(stream, "encoding", None) or "utf-8"
