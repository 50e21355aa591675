"""Reads pages with Tesseract, a program for OCR: finds it on this machine, and asks it for words with their places.

It gets the page's pixels on its standard input, never the document, and runs within limits of time and memory and
without a network (`sandbox`).
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ...engine.errors import DocumentError, UsageError
from ...engine.records import U8
from .sandbox import kill_group
from .visible_text import Word

SANDBOX = Path(__file__).with_name("sandbox.py")
PROGRAM = "tesseract"
OTHER_PLACES = ("C:/Program Files/Tesseract-OCR/tesseract.exe", "/opt/homebrew/bin/tesseract")
"""Where Tesseract is when it is not on the search path."""
ORIENTATION = "osd"
"""Data of Tesseract for the orientation of pages: with it, sideways and upside-down pages are read."""
NO_LANGUAGES = frozenset(("equ", ORIENTATION, "snum"))
"""Data of Tesseract for formulas, the orientation of pages, and serial numbers."""
TURNED, UPRIGHT = "1", "3"
"""Tesseract's modes of page segmentation: all of a page, in the orientation that it finds, or as it is."""
LANGUAGES_MAX = 3
"""More installed languages than this are not all used by default: each takes its time on every page."""
THRESHOLDING = ("-c", "thresholding_method=2")
"""Has Tesseract 5 tell ink from paper by the pixels around it (Sauvola), so that shadows of a scan cost no words."""
HAS_THRESHOLDING = 5
"""The version of Tesseract that knows it."""
FAINT_RANGE = 160
"""Of 255: where all grey values lie within this, print is faint, and is made black before it is read."""
MIN_CONFIDENCE = 30.0
"""Confidence, of 100, below which a word is left out: most often there is a picture, no print."""
MEMORY_LIMIT_MB, FILE_MB = 2048, 64
ASKED_TIMEOUT_S = 30
WORD_LEVEL = "5"
"""Rows of Tesseract's table that are words, not lines or blocks."""


@cache
def program() -> str | None:
    """The path of Tesseract, None if it is not installed."""
    return shutil.which(PROGRAM) or next((path for path in OTHER_PLACES if Path(path).is_file()), None)


@cache
def version() -> str:
    """The version of Tesseract, such as "5.3.0", "" if it cannot be told; starts Tesseract."""
    first_line = _said("--version").partition("\n")[0].split()
    return first_line[1].removeprefix("v") if len(first_line) > 1 else ""


@cache
def languages() -> tuple[str, ...]:
    """The languages that are installed, in alphabetical order; starts Tesseract."""
    return tuple(sorted(name for name in _data() if name not in NO_LANGUAGES and "/" not in name))


def default_languages() -> str:
    """All the languages that are installed, joined by "+". Raises UsageError if these are none, or too many."""
    found = languages()
    if not found:
        raise UsageError("Tesseract has no language installed; with Debian: apt-get install tesseract-ocr-eng")
    if len(found) > LANGUAGES_MAX:
        shown = "+".join(found[:LANGUAGES_MAX])
        raise UsageError(
            f"Tesseract has {len(found)} languages installed, and would need its time for each of them on every page; "
            f"name those of your documents, as in --ocr-languages {shown}"
        )
    return "+".join(found)


def each_once(asked: str) -> str:
    """The languages `asked` for, joined by "+", each once, in the same order: Tesseract prefers the first.

    >>> each_once("eng+deu+eng")
    'eng+deu'
    """
    return "+".join(dict.fromkeys(name.strip() for name in asked.split("+")))


def check_languages(asked: str) -> None:
    """Raise UsageError where some of the languages `asked` for, joined by "+", are not installed."""
    if missing := [name for name in asked.split("+") if name not in languages()]:
        known = ", ".join(languages()) or "none"
        raise UsageError(
            f"Tesseract has no language {', '.join(map(repr, missing))}; installed are: {known}; with Debian: "
            f"apt-get install tesseract-ocr-{missing[0] or 'eng'}"
        )


def read(pixels: U8, dpi: float, *, languages: str, timeout_s: float) -> list[list[Word]]:
    """The lines of the page drawn as `pixels` (H, W) uint8 in grey, each as words with their boxes in px.

    `languages` are joined by "+". Raises DocumentError if Tesseract is gone, fails, or takes longer than `timeout_s`.
    """
    path = program()
    if path is None:
        raise DocumentError("Tesseract is not installed")
    if int(np.ptp(pixels)) < FAINT_RANGE:  # its way of telling ink from paper would find no ink
        pixels = np.asarray(ImageOps.autocontrast(Image.fromarray(pixels)))
    height, width = pixels.shape
    limits = map(str, (MEMORY_LIMIT_MB, int(timeout_s) + 1, FILE_MB))
    # Windows has none of the limits, and lets no program become another one.
    limited = () if sys.platform == "win32" else (sys.executable, "-I", str(SANDBOX), *limits)
    thresholding = THRESHOLDING if _major_version() >= HAS_THRESHOLDING else ()
    mode = TURNED if ORIENTATION in _data() else UPRIGHT
    options = ("-l", languages, "--psm", mode, "--dpi", str(round(dpi)), *thresholding, "-c", "tessedit_create_tsv=1")
    try:
        started = subprocess.Popen(
            [*limited, path, "stdin", "stdout", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            start_new_session=True,
        )
    except OSError as err:
        raise DocumentError(f"Tesseract cannot be started: {err.strerror or err}") from err
    with started:
        try:
            table, said = started.communicate(b"P5 %d %d 255\n" % (width, height) + pixels.tobytes(), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise DocumentError(f"Tesseract took longer than {timeout_s:g} s") from None
        finally:
            kill_group(started)
    if started.returncode:
        reason = " ".join(said.decode("utf-8", "replace").split())[-200:]
        raise DocumentError(f"Tesseract failed: {reason or f'exit code {started.returncode}'}")
    return words_of(table.decode("utf-8", "replace"))


def words_of(table: str) -> list[list[Word]]:
    r"""The words of Tesseract's table (TSV), line by line, with their boxes in px; without those it is unsure of.

    >>> row = "5\t1\t1\t1\t1\t{}\t{}\t20\t50\t12\t{}\t{}"
    >>> words_of("\n".join([row.format(1, 10, 96.1, "net"), row.format(2, 70, 3.5, "~;")]))
    [[(10.0, 20.0, 60.0, 32.0, 'net')]]
    """
    lines: dict[tuple[str, ...], list[Word]] = {}
    for row in table.splitlines():
        fields = row.split("\t")
        if len(fields) != 12 or fields[0] != WORD_LEVEL:
            continue
        try:
            left, top, width, height, confidence = places = tuple(map(float, fields[6:11]))
        except ValueError:  # no row that Tesseract writes
            continue
        if all(map(math.isfinite, places)) and confidence >= MIN_CONFIDENCE and (word := "".join(fields[11].split())):
            lines.setdefault(tuple(fields[1:5]), []).append((left, top, left + width, top + height, word))
    return list(lines.values())


@cache
def _data() -> frozenset[str]:
    """The names of Tesseract's data that are installed: languages, scripts, and others; starts Tesseract."""
    return frozenset(filter(None, map(str.strip, _said("--list-langs").splitlines()[1:])))


def _major_version() -> int:
    number = version().partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _said(*options: str) -> str:
    path = program()
    command: Sequence[str] = () if path is None else (path, *options)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ASKED_TIMEOUT_S)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return ""
    return done.stdout or done.stderr  # version 3 answered on stderr
