"""The parent's handle on one child process that renders pages within a time and memory limit.

A child that crashes, hangs or runs out of memory is replaced; the caller gets a `WorkerLost` that says which it was.
"""

from __future__ import annotations

import io
import json
import logging
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np

from ...engine.errors import DocsearchError, DocumentError
from ...engine.records import U8, PageWords
from ...engine.store.labels import LABEL_MAX_CHARS
from ..kinds import OFFICE_SUFFIXES
from . import office, properties, undrawn, unread
from .backend import REASON_MAX_CHARS, TEXT_MAX_CHARS, WORDS_MAX
from .child import enlarge_pipe, environment
from .headings import HEADINGS_MAX_CHARS
from .memory_watch import MemoryWatch
from .ocr import TIMEOUT_S as OCR_TIMEOUT_S
from .ocr import Ocr
from .office import OfficeConverter
from .rendered import Opened, RenderedPage, page_words
from .undrawn import Undrawn
from .unread import Unread

log = logging.getLogger(__name__)

START_TIMEOUT_S, TEXT_TIMEOUT_S = 300.0, 10.0
OCR_MARGIN_S = 10.0
"""Seconds after the end of OCR's time until the child is ended, too."""
END_TIMEOUT_S = 10.0  # until a child that has closed its output has ended, not at once on a busy machine
ALARM_MARGIN_S = 5
"""A child whose parent is gone ends itself this long after its request should have been answered."""
HEADER_MAX_BYTES = 1 << 16
TEXT_MAX_BYTES, HEADINGS_MAX_BYTES = 4 * TEXT_MAX_CHARS, 4 * HEADINGS_MAX_CHARS
WORDS_MAX_BYTES = 6 * TEXT_MAX_CHARS + 64 * WORDS_MAX
PAGES_PER_CHILD = 1000
DOCUMENTS_PER_CHILD = 200
"""A child is replaced after this many pages or documents, to bound what a library leaks."""


class WorkerLost(DocumentError):
    """The child process was lost on a page or document: it crashed, took too long, or needed too much memory.

    `retryable` if a new child might succeed: this one had handled other pages or documents, and did not time out.
    """

    def __init__(self, reason: str, *, retryable: bool = False) -> None:
        super().__init__(reason)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Settings for all pages of a child process; `passwords` are tried in turn on encrypted files.

    `detail_pixels` bounds what `RenderProcess.detail` returns; 0: it returns nothing. Text files have a page for each
    of their `passages`, if that is set. With `lines`, pages of text files come with those that they show. `ocr` is what
    `RenderProcess.ocr` reads pages with, each for `ocr_timeout_s` at most.
    """

    dpi: float
    max_pixels: int
    renderer: str = "mupdf"
    page_timeout_s: float = 30.0
    memory_limit_mb: int = 1024
    passwords: tuple[str, ...] = ()
    detail_pixels: int = 0
    passages: bool = False
    lines: bool = False
    ocr: Ocr | None = None
    ocr_timeout_s: float = OCR_TIMEOUT_S


class RenderProcess:
    """A child process, started when first needed and replaced when it is lost or has handled enough pages or documents.

    Office documents are converted by `converter`, by default one of its own, which `close` ends. One thread at a time
    may send requests; `kill` may be called from any thread.
    """

    def __init__(self, settings: RenderSettings, converter: OfficeConverter | None = None) -> None:
        self._settings = settings
        self._converter = converter or OfficeConverter()
        self._owns_converter = converter is None
        self._child: subprocess.Popen[bytes] | None = None
        self._file: Path | None = None
        self._has_passages = False  # how the open file was opened
        self._left_out: tuple[Unread, ...] = ()  # of that file, besides what the child tells
        self._pages = self._documents = 0
        self._timed_out = self._killed = False
        self._timeout_s = self._settings.page_timeout_s  # of the request
        self._memory: MemoryWatch | None = None  # where the system does not limit it

    def start(self) -> None:
        """Start the child unless it is running. Raises DocsearchError if it cannot be started at all."""
        if self._child is not None:
            return
        settings = asdict(self._settings)
        page_timeout_s = settings.pop("page_timeout_s")
        del settings["passages"]
        log.debug("starting a render process; timeout %g s per page", page_timeout_s)
        with tempfile.TemporaryFile() as stderr:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment(),
            )
            if self._killed:  # by another thread, before there was a child to end
                self._child.kill()
            enlarge_pipe(self._child)
            self._pages = self._documents = 0
            self._memory = None
            try:
                with self._request("starting", settings, START_TIMEOUT_S):
                    is_limited = bool(self._response("ready", "starting")["memory_limited"])
            except DocumentError as err:
                stderr.seek(0)
                last_line = stderr.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise DocsearchError(f"the render process cannot be started: {err} {last_line}".strip()) from err
        if not is_limited:
            self._memory = MemoryWatch(self._child, self._settings.memory_limit_mb)

    def open(self, file: Path) -> Opened:
        """Open `file` in the child. Raises DocumentError, of which WorkerLost is one."""
        passages = self._settings.passages
        try:
            return self._open(file, passages)
        except WorkerLost as err:
            if not err.retryable:
                raise
        return self._open(file, passages)

    def render(self, file: Path, page: int, *, passages: bool | None = None) -> RenderedPage:
        """Render `page` of `file`, counting from 1. Raises DocumentError, or WorkerLost if the child was lost.

        `passages` says whether the pages of a text file are its passages; None: as the settings have it.
        If the child had handled other pages before, the page is retried once in a new child: the outcome of a page
        must not depend on the pages before it.
        """
        passages = self._settings.passages if passages is None else passages
        try:
            return self._render(file, page, passages)
        except WorkerLost as err:
            if not err.retryable:
                raise
        return self._render(file, page, passages)

    def detail(self) -> tuple[U8, float] | None:
        """The page rendered last in grey, (H, W) uint8, at a higher resolution, and its dpi; None if it needs none.

        Raises DocumentError, or WorkerLost if the child was lost: then another one renders the next page.
        """
        if not self._settings.detail_pixels or self._child is None or self._file is None:
            return None
        action = "drawing the page's small print"
        with self._request(action, {"detail": True}, self._settings.page_timeout_s):
            header = self._response("detail", action)
            width, height, dpi = int(header["width"]), int(header["height"]), float(header["dpi"])
            if not (width and height):
                return None
            if width < 0 or height < 0 or width * height > self._settings.detail_pixels:
                raise ValueError(f"an image of {width} x {height} pixels")
            pixels = np.empty((height, width), np.uint8)
            self._read_into(pixels.reshape(-1).data, action)
        return pixels, dpi

    def words(self) -> PageWords:
        """The words of the text layer of the page rendered last that can be seen, none if they cannot be told.

        If finding them breaks the child, another one renders the next page.
        """
        none = PageWords((), np.zeros((0, 4), np.float32))
        if self._child is None or self._file is None:
            return none
        action = "looking for the places of words"
        try:
            with self._request(action, {"words": True}, TEXT_TIMEOUT_S):
                found = json.loads(self._read_bytes("words", action, WORDS_MAX_BYTES))
                return page_words(found)
        except DocumentError as err:
            log.debug("no places of a page's words: %s", err)
            return none

    def ocr(self) -> tuple[str, PageWords]:
        """What OCR reads on the page rendered last: its text, and the words with their places; "" and none where there
        is nothing to read, or the page has a text layer.

        Raises DocumentError, or WorkerLost if the child was lost: then another one renders the next page.
        """
        if self._child is None or self._file is None:
            raise DocumentError("the render process was lost before")
        action = "reading the page by OCR"
        timeout_s = self._settings.ocr_timeout_s + OCR_MARGIN_S
        with self._request(action, {"ocr": True}, timeout_s):
            text, found = json.loads(self._read_bytes("ocr", action, TEXT_MAX_BYTES + WORDS_MAX_BYTES))
            return str(text), page_words(found)

    def unread(self, what: Literal["document", "page"]) -> tuple[Unread, ...]:
        """What was not read of the open document as a whole, or of the page rendered last; () if it cannot be told.

        If finding that out breaks the child, another one renders the next page.
        """
        if self._child is None or self._file is None:
            return ()
        action = "looking for what is not drawn"
        try:
            with self._request(action, {"unread": what}, TEXT_TIMEOUT_S):
                found = unread.received(self._response("unread", action)["unread"])
                return unread.merged((*self._left_out, *found) if what == "document" else found)
        except DocumentError as err:
            log.debug("it cannot be told what is not drawn of a %s: %s", what, err)
            return ()

    def undrawn(self) -> Undrawn:
        """Speaker notes, comments and descriptions of the page rendered last; none if they cannot be told.

        If finding them breaks the child, another one renders the next page.
        """
        if self._child is None or self._file is None:
            return Undrawn()
        action = "looking for comments"
        try:
            with self._request(action, {"undrawn": True}, TEXT_TIMEOUT_S):
                return undrawn.received(self._read_bytes("undrawn", action, undrawn.JSON_MAX_BYTES))
        except DocumentError as err:
            log.debug("no comments of a page: %s", err)
            return Undrawn()

    def kill(self) -> None:
        """End the child for good, even in the middle of a page; a thread waiting for that page gets WorkerLost."""
        self._killed = True
        self._converter.kill()
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        """End the child; the next request starts another."""
        child, self._child, self._file = self._child, None, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # unsent bytes no longer matter
                pipe.close()
        child.wait()

    def close(self) -> None:
        """End the child for good, and delete what it needed."""
        self.stop()
        if self._owns_converter:
            self._converter.close()

    def _open(self, file: Path, passages: bool) -> Opened:
        if self._documents >= DOCUMENTS_PER_CHILD or self._pages >= PAGES_PER_CHILD:
            self.stop()
        self.start()
        self._file = None
        readable = self._converter.pdf(file) if office.converts(file) else file
        self._documents += 1
        original = str(file) if file.suffix.lower() in OFFICE_SUFFIXES else ""
        request = {"open": str(readable), "original": original, "passages": passages}
        with self._request("opening the document", request, self._settings.page_timeout_s):
            response = self._response("opened", "opening the document")
            converted = file if readable != file else None
            count, self._left_out = office.pages_read(converted, readable, int(response["page_count"]))
            opened = Opened(count, properties.received(response["properties"]))
        self._file, self._has_passages = file, passages
        return opened

    def _render(self, file: Path, page: int, passages: bool) -> RenderedPage:
        is_open = self._file == file and self._has_passages == passages
        if self._child is None or not is_open or self._pages >= PAGES_PER_CHILD:
            self._open(file, passages)
        self._pages += 1
        action = "rendering the page"
        with self._request(action, {"render": page}, self._settings.page_timeout_s):
            header = self._response("page", action)
            width, height, dpi = int(header["width"]), int(header["height"]), float(header["dpi"])
            size_pt = (float(header["size_pt"][0]), float(header["size_pt"][1]))
            label = str(header["label"])[:LABEL_MAX_CHARS]
            lines = None if header["lines"] is None else (int(header["lines"][0]), int(header["lines"][1]))
            if width < 1 or height < 1 or width * height > self._settings.max_pixels:
                raise ValueError(f"an image of {width} x {height} pixels")
            pixels = np.empty((height, width, 3), np.uint8)
            self._read_into(pixels.reshape(-1).data, action)
        text, headings = self._texts()
        return RenderedPage(pixels, dpi, text, size_pt, label, lines, headings)

    def _texts(self) -> tuple[str, str]:
        """Read the page's text and headings; "" for what failed or broke the child, which must not cost the page."""
        action, found = "extracting the text", ["", ""]
        try:
            for at, (kind, most) in enumerate((("text", TEXT_MAX_BYTES), ("headings", HEADINGS_MAX_BYTES))):
                with self._request(action, None, TEXT_TIMEOUT_S):
                    found[at] = self._read_bytes(kind, action, most).decode("utf-8", "replace")
        except DocumentError as err:
            log.debug("no text or headings for a page: %s", err)
        return found[0], found[1]

    @contextmanager
    def _request(self, action: str, request: dict[str, Any] | None, timeout_s: float) -> Iterator[None]:
        """Send `request`, if any; end the child if the block has not read its response after `timeout_s`."""
        child = self._child
        assert child is not None
        assert child.stdin is not None
        self._timed_out, self._timeout_s = False, timeout_s
        timer = threading.Timer(timeout_s, self._on_timeout, [child])
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                alarm_s = int(timeout_s + TEXT_TIMEOUT_S) + ALARM_MARGIN_S
                child.stdin.write(json.dumps({**request, "alarm_s": alarm_s}).encode() + b"\n")
                child.stdin.flush()
            yield
        except OSError:
            self._raise_worker_lost(action)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError) as err:
            self.stop()
            raise WorkerLost(f"{action} made the render process send an invalid response ({err})") from err
        finally:
            timer.cancel()

    def _on_timeout(self, child: subprocess.Popen[bytes]) -> None:
        self._timed_out = True
        child.kill()

    def _response(self, kind: str, action: str) -> dict[str, Any]:
        assert self._child is not None
        assert self._child.stdout is not None
        line = self._child.stdout.readline(HEADER_MAX_BYTES)
        if not line.endswith(b"\n"):
            self._raise_worker_lost(action)
        response: dict[str, Any] = json.loads(line)
        if response["kind"] == "failed":
            raise DocumentError(str(response["reason"])[:REASON_MAX_CHARS])
        if response["kind"] == "memory":
            self._raise_worker_lost(action, out_of_memory=True)
        if response["kind"] != kind:
            raise ValueError(f"{response['kind']!r} instead of {kind!r}")
        return response

    def _read_bytes(self, kind: str, action: str, most: int) -> bytearray:
        """What follows a response of a `kind`, which says how many bytes it has. Raises ValueError if it has more than
        `most`.
        """
        size = int(self._response(kind, action)["bytes"])
        if not 0 <= size <= most:
            raise ValueError(f"{size} bytes of {kind}")
        found = bytearray(size)
        self._read_into(memoryview(found), action)
        return found

    def _read_into(self, view: memoryview, action: str) -> None:
        assert self._child is not None
        stdout = self._child.stdout
        assert isinstance(stdout, io.BufferedReader)
        if stdout.readinto(view) != len(view):
            self._raise_worker_lost(action)

    def _raise_worker_lost(self, action: str, *, out_of_memory: bool = False) -> NoReturn:
        """Stop the child, which is of no more use, and raise WorkerLost with the cause."""
        child = self._child
        assert child is not None
        with suppress(subprocess.TimeoutExpired):  # it may still be running, having closed its output
            child.wait(END_TIMEOUT_S)
        code = child.returncode
        out_of_memory = out_of_memory or (self._memory is not None and self._memory.exceeded)
        timed_out = self._timed_out and not out_of_memory  # the time may have passed while it ended
        retryable = not (timed_out or self._killed) and (self._documents > 1 or self._pages > 1)
        self.stop()
        if self._killed:
            reason = f"{action} was stopped"
        elif timed_out or (hasattr(signal, "SIGALRM") and code == -signal.SIGALRM):
            reason = f"{action} took longer than {self._timeout_s:g} s"
        elif out_of_memory:
            reason = f"{action} needs more than {self._settings.memory_limit_mb} MB of memory"
        elif code is not None and code < 0:
            reason = f"{action} crashed the render process ({signal.strsignal(-code) or f'signal {-code}'})"
        else:
            reason = f"{action} made the render process exit (exit code {code})"
        raise WorkerLost(reason, retryable=retryable)
