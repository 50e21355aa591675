"""A fake pymupdf that misbehaves on demand: each line of a "document" says what rendering that page does."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

TEXT_PRESERVE_WHITESPACE = TEXT_MEDIABOX_CLIP = TEXT_DEHYPHENATE = 0
csRGB = csGRAY = None  # noqa: N816 - as pymupdf has it
pages_rendered = 0
CHUNK_BYTES, FILL_CHUNKS = 16 << 20, 24


class TOOLS:
    mupdf_display_errors = mupdf_display_warnings = store_shrink = staticmethod(lambda _: None)
    reset_mupdf_warnings = staticmethod(lambda: None)
    mupdf_warnings = staticmethod(lambda: "")


def crash() -> NoReturn:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("it has ended")


def hang() -> NoReturn:
    Path(os.environ["FAULTY_PYMUPDF_HANGS"]).touch()
    while True:
        time.sleep(1)


def misbehave(how: str) -> None:
    if how == "crash" or (how == "crash unless first" and pages_rendered):
        crash()
    elif how == "hang":
        hang()
    elif how == "memory":
        bytearray(8 << 30)
    elif how == "fill":
        filled = [b"x" * CHUNK_BYTES for _ in range(FILL_CHUNKS)]  # resident, unlike zeros
        while filled:  # until it is killed for them, however late
            time.sleep(1)
    elif how == "error":
        raise RuntimeError("code=7: broken\n  beyond repair")
    elif how == "exit":
        os._exit(0)
    elif how == "noise":
        os.write(1, b"warning: noise on stdout\n" * 9)
        os.write(2, b"warning: noise on stderr\n" * 9)


def open(name: str, filetype: str) -> Document:  # noqa: A001 - as pymupdf has it
    return Document(Path(name).read_text().splitlines())


class Document:
    is_pdf, needs_pass = True, False

    def __init__(self, lines: list[str]) -> None:
        self.pages = lines[1:]
        self.claimed = int(lines[0].rpartition("claims ")[2] or 0) if "claims" in lines[0] else 0
        misbehave(lines[0].removeprefix("%PDF").strip())

    @property
    def page_count(self) -> int:
        return self.claimed or len(self.pages)

    def xref_length(self) -> int:
        return 1

    def load_page(self, number: int) -> Page:
        return Page(self.pages[number])

    def close(self) -> None:
        pass


class Page:
    rect = SimpleNamespace(width=72.0, height=144.0)

    def __init__(self, how: str) -> None:
        self.how = how

    def get_displaylist(self, *, annots: bool) -> Page:
        return self

    def get_pixmap(
        self, *, matrix: tuple[float, float], colorspace: None, alpha: int, clip: object = None
    ) -> SimpleNamespace:
        global pages_rendered
        misbehave(self.how if clip is None else self.how.removeprefix("detail "))
        pages_rendered += 1
        width, height = round(72 * matrix[0]), round(144 * matrix[1])
        samples = memoryview(bytes([7]) * (width * height * 3))
        return SimpleNamespace(n=3, stride=3 * width, width=width, height=height, samples_mv=samples)

    def annots(self) -> list[SimpleNamespace]:
        if self.how.startswith("unread "):
            misbehave(self.how.removeprefix("unread "))
        return []

    def get_textpage(self, flags: int) -> str:
        misbehave(self.how.removeprefix("text "))
        return self.how


class TextPage:
    def __init__(self, how: str) -> None:
        self.how = how

    def extractText(self) -> str:  # noqa: N802 - as pymupdf has it
        return f"\0{self.how}\udc80"

    def extractWORDS(self) -> list[tuple[float, ...]]:  # noqa: N802
        return []

    def extractDICT(self) -> dict[str, list[dict[str, list[dict[str, list[dict[str, float | str]]]]]]]:  # noqa: N802
        size = 2.0 if self.how.startswith("detail ") else 12.0
        return {"blocks": [{"lines": [{"spans": [{"size": size, "text": "x" * 100}]}]}]}


def Rect(*corners: float) -> tuple[float, ...]:  # noqa: N802 - as pymupdf has it
    return corners


def Matrix(x: float, y: float) -> tuple[float, float]:  # noqa: N802 - as pymupdf has it
    return x, y
