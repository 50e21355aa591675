"""Reads pages with the package rapidocr, whose networks lie in the package and run on ONNX Runtime.

Only the child process (`worker`) reads pages with it. Nothing is downloaded: only the models of the package are asked
for.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from functools import cache
from typing import Any

import numpy as np

from ...engine.records import U8
from .visible_text import Word

PACKAGE, EXTRA = "rapidocr", "ocr"
MEMORY_MB = 3072
"""Address space that its networks need for a large page, beside that of rendering."""
SETTINGS = {
    "Global.log_level": "critical",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


def is_installed() -> bool:
    """Whether the package is there."""
    return importlib.util.find_spec(PACKAGE) is not None


@cache
def version() -> str:
    """The version of the package, "" without it."""
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return ""


def read(pixels: U8) -> list[list[Word]]:
    """The lines of the page drawn as `pixels` (H, W) uint8 in grey, each as words with their boxes in px.

    Raises what the package and ONNX Runtime raise.
    """
    found = _engine()(np.repeat(pixels[:, :, None], 3, axis=2))
    if found.boxes is None or found.txts is None:
        return []
    lines = []
    for corners, text in zip(np.asarray(found.boxes, np.float64).tolist(), found.txts, strict=True):
        if words := words_of(text, corners):
            lines.append(words)
    return lines


def words_of(text: str, corners: list[list[float]]) -> list[Word]:
    """The words of a line of `text` with these four `corners`, from the upper left one clockwise, in px.

    The package tells where lines are. The words of one get the share of it that their characters have.

    >>> words_of("net income", [[0, 10], [100, 10], [100, 30], [0, 30]])
    [(0.0, 10.0, 30.0, 30.0, 'net'), (40.0, 10.0, 100.0, 30.0, 'income')]
    """
    upper_left, upper_right, lower_right, lower_left = (np.array(corner, np.float64) for corner in corners)
    found = []
    for match in re.finditer(r"\S+", text):
        start, end = (place / len(text) for place in match.span())
        ends = [
            left + share * (right - left)
            for left, right in ((upper_left, upper_right), (lower_left, lower_right))
            for share in (start, end)
        ]
        (x0, y0), (x1, y1) = np.min(ends, axis=0).tolist(), np.max(ends, axis=0).tolist()
        found.append((x0, y0, x1, y1, match.group()))
    return found


@cache
def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params=SETTINGS)
