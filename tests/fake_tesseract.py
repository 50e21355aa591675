"""A program in the place of Tesseract, for tests: it prints a table of words, and notes how it was called."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from docsearch.indexer.render import tesseract

WORDS = (("turbine", 96.0), ("~;", 3.0), ("hall", 91.5))
LANGUAGES = ("deu", "eng")


@dataclass(frozen=True)
class FakeTesseract:
    """The `folder` of the program, which is the first on the search path."""

    folder: Path

    @property
    def calls(self) -> list[str]:
        """The options of each page that it was asked to read."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def answer(self, words: tuple[tuple[str, float], ...], *, then: str = "", data: str = "osd") -> None:
        """Find these words, with their confidences, side by side on one line of each page; `then` run a command.

        `data` are installed beside the languages.
        """
        rows = "".join(
            f"5\t1\t1\t1\t1\t{number}\t{10 + 100 * number}\t20\t80\t30\t{confidence}\t{word}\n"
            for number, (word, confidence) in enumerate(words)
        )
        (self.folder / "table").write_text(f"level\n1\t1\t0\t0\t0\t0\t0\t0\t800\t600\t-1\t\n{rows}")
        log, table = (shlex.quote(str(self.folder / name)) for name in ("calls", "table"))
        languages = "\\n".join((*LANGUAGES, data))
        program = self.folder / "tesseract"
        program.write_text(
            f'#!/bin/sh\ncase "$1" in\n--version) echo "tesseract 9.8.7";;\n'
            f"--list-langs) printf 'List of languages:\\n{languages}\\n';;\n"
            f'*) cat > /dev/null; echo "$*" >> {log}; cat {table}; {then or ":"};;\nesac\n'
        )
        program.chmod(0o755)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeTesseract:
    """Put the program on the search path, for this process and its children."""
    folder.mkdir()
    fake = FakeTesseract(folder)
    fake.answer(WORDS)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    forget()
    return fake


def uninstall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no Tesseract on the search path, nor elsewhere."""
    monkeypatch.setattr(tesseract, "PROGRAM", "no-tesseract")
    monkeypatch.setattr(tesseract, "OTHER_PLACES", ())
    forget()


def forget() -> None:
    """Have it looked for again."""
    for found in (tesseract.program, tesseract.version, tesseract.languages, tesseract._data):
        if hasattr(found, "cache_clear"):  # not where a test has put another function there
            found.cache_clear()
