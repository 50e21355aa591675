"""One child process that draws pages, as its parent sees it: open a file, draw a page, within time and memory.

A child that crashes, hangs or runs out of memory is replaced; the caller gets a `WorkerLost` that says which it was.
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ...engine.errors import DocsearchError, DocumentError
from ...engine.records import U8
from .backend import REASON_MAX_CHARS, TEXT_MAX_CHARS

if sys.platform == "linux":
    import fcntl

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
TEXT_TIMEOUT_S = 10.0
ALARM_MARGIN_S = 5
"""A child that nobody stops ends itself this long after its order should have been done."""
HEAD_MAX_BYTES = 1 << 16
TEXT_MAX_BYTES = 4 * TEXT_MAX_CHARS
PIPE_BYTES = 1 << 20
PAGES_A_CHILD = 1000
DOCUMENTS_A_CHILD = 200
"""A child is replaced after this many, so that what a library leaks stays bounded."""


class WorkerLost(DocumentError):
    """The page or document took its child process along: it crashed, took too long, or needed too much memory.

    `again` says that a new child might fare better: this one had drawn other pages before, and was not too slow.
    """

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """What every page is drawn with; `passwords` are tried in turn on encrypted files."""

    dpi: float
    max_pixels: int
    renderer: str = "mupdf"
    page_timeout_s: float = 30.0
    memory_limit_mb: int = 1024
    passwords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """What came back for a page: `pixels` (H, W, 3) uint8 at `dpi`, its `text`, its `size_pt` in points."""

    pixels: U8
    dpi: float
    text: str
    size_pt: tuple[float, float]


class RenderProcess:
    """A child process, started when it is first needed and replaced when it is lost or has served long enough.

    One thread at a time may give orders; `kill` may be called from any.
    """

    def __init__(self, settings: RenderSettings) -> None:
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._file: Path | None = None
        self._pages = self._documents = 0
        self._late = self._killed = False

    def start(self) -> None:
        """Start the child unless it runs. Raises DocsearchError where it cannot be started at all."""
        if self._child is not None:
            return
        settings = asdict(self._settings)
        page_timeout_s = settings.pop("page_timeout_s")
        log.debug("starting a process that draws pages; %g s a page", page_timeout_s)
        with tempfile.TemporaryFile() as messages:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{__package__}.render_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                env=_child_environment(),
            )
            _widen(self._child)
            self._pages = self._documents = 0
            try:
                with self._order("starting", settings, START_TIMEOUT_S):
                    self._answer("ready", "starting")
            except DocumentError as err:
                messages.seek(0)
                said = messages.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise DocsearchError(f"the process that draws pages cannot be started: {err} {said}".strip()) from err

    def open(self, file: Path) -> int:
        """Open `file` in the child and return its number of pages. Raises DocumentError."""
        try:
            return self._open(file)
        except WorkerLost as err:
            if not err.again:
                raise
        return self._open(file)

    def draw(self, file: Path, page: int) -> DrawnPage:
        """Draw `page` of `file`, counting from 1. Raises DocumentError, or WorkerLost where the child is gone.

        A page that breaks a child which drew others before is tried once more in a new one: what a page comes to
        must not depend on the pages before it.
        """
        try:
            return self._draw(file, page)
        except WorkerLost as err:
            if not err.again:
                raise
        return self._draw(file, page)

    def kill(self) -> None:
        """End the child for good, even in the middle of a page; whoever waits for that page gets WorkerLost."""
        self._killed = True
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        """End the child; the next order starts another."""
        child, self._child, self._file = self._child, None, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):  # what was not yet sent need not be
                pipe.close()
        child.wait()

    def _open(self, file: Path) -> int:
        if self._documents >= DOCUMENTS_A_CHILD or self._pages >= PAGES_A_CHILD:
            self.stop()
        self.start()
        self._file = None
        self._documents += 1
        with self._order("opening the document", {"open": str(file)}, self._settings.page_timeout_s):
            page_count = int(self._answer("opened", "opening the document")["page_count"])
        self._file = file
        return page_count

    def _draw(self, file: Path, page: int) -> DrawnPage:
        if self._child is None or self._file != file or self._pages >= PAGES_A_CHILD:
            self._open(file)
        self._pages += 1
        doing = "drawing the page"
        with self._order(doing, {"draw": page}, self._settings.page_timeout_s):
            head = self._answer("page", doing)
            width, height, dpi = int(head["width"]), int(head["height"]), float(head["dpi"])
            size_pt = (float(head["size_pt"][0]), float(head["size_pt"][1]))
            if width < 1 or height < 1 or width * height > self._settings.max_pixels:
                raise ValueError(f"a picture of {width} x {height} pixels")
            pixels = np.empty((height, width, 3), np.uint8)
            self._read_into(pixels.reshape(-1).data, doing)
        return DrawnPage(pixels, dpi, self._text(), size_pt)

    def _text(self) -> str:
        """Read the page's text; "" where taking it broke the child, which must not cost the page."""
        doing = "taking the text"
        try:
            with self._order(doing, None, TEXT_TIMEOUT_S):
                size = int(self._answer("text", doing)["bytes"])
                if not 0 <= size <= TEXT_MAX_BYTES:
                    raise ValueError(f"{size} bytes of text")
                text = bytearray(size)
                self._read_into(memoryview(text), doing)
        except DocumentError as err:
            log.debug("no text for a page: %s", err)
            return ""
        return text.decode("utf-8", "replace")

    @contextmanager
    def _order(self, doing: str, order: dict[str, Any] | None, timeout_s: float) -> Iterator[None]:
        """Send `order`, if any, and end the child if the block does not have its answer in `timeout_s`."""
        child = self._child
        assert child is not None
        assert child.stdin is not None
        self._late = False
        timer = threading.Timer(timeout_s, self._too_late, [child])
        timer.daemon = True
        timer.start()
        try:
            if order is not None:
                alarm_s = int(timeout_s + TEXT_TIMEOUT_S) + ALARM_MARGIN_S
                child.stdin.write(json.dumps({**order, "alarm_s": alarm_s}).encode() + b"\n")
                child.stdin.flush()
            yield
        except OSError:
            self._lose(doing)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError) as err:
            self.stop()
            raise WorkerLost(f"{doing} made the renderer answer nonsense ({err})") from err
        finally:
            timer.cancel()

    def _too_late(self, child: subprocess.Popen[bytes]) -> None:
        self._late = True
        child.kill()

    def _answer(self, kind: str, doing: str) -> dict[str, Any]:
        assert self._child is not None
        assert self._child.stdout is not None
        line = self._child.stdout.readline(HEAD_MAX_BYTES)
        if not line.endswith(b"\n"):
            self._lose(doing)
        answer: dict[str, Any] = json.loads(line)
        if answer["kind"] == "failed":
            raise DocumentError(str(answer["reason"])[:REASON_MAX_CHARS])
        if answer["kind"] == "memory":
            self._lose(doing, memory=True)
        if answer["kind"] != kind:
            raise ValueError(f"{answer['kind']!r} instead of {kind!r}")
        return answer

    def _read_into(self, view: memoryview, doing: str) -> None:
        assert self._child is not None
        stdout = self._child.stdout
        assert isinstance(stdout, io.BufferedReader)
        if stdout.readinto(view) != len(view):
            self._lose(doing)

    def _lose(self, doing: str, *, memory: bool = False) -> NoReturn:
        """Clear away the child, which is of no more use, and raise WorkerLost with what became of it."""
        child = self._child
        assert child is not None
        with suppress(subprocess.TimeoutExpired):  # it may still be running, having closed its output
            child.wait(1.0)
        code = child.returncode
        again = not (self._late or self._killed) and (self._documents > 1 or self._pages > 1)
        self.stop()
        if self._killed:
            reason = f"{doing} was stopped"
        elif self._late or code == -getattr(signal, "SIGALRM", 0):
            reason = f"{doing} took longer than {self._settings.page_timeout_s:g} s"
        elif memory:
            reason = f"{doing} needs more than {self._settings.memory_limit_mb} MB of memory"
        elif code is not None and code < 0:
            reason = f"{doing} crashed the renderer ({signal.strsignal(-code) or f'signal {-code}'})"
        else:
            reason = f"{doing} ended the renderer (exit code {code})"
        raise WorkerLost(reason, again=again)


def _child_environment() -> dict[str, str]:
    """Let the child import what this process can, and keep its numeric libraries from taking memory for threads."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _widen(child: subprocess.Popen[bytes]) -> None:
    """Enlarge the pipe that pixels come through, where the system can: fewer switches between the processes."""
    assert child.stdout is not None
    if sys.platform == "linux":
        with suppress(OSError):  # beyond what this user may take
            fcntl.fcntl(child.stdout.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
