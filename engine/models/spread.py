"""A page encoder on several devices at once: one process for each, which loads the model there.

A batch is cut into as many parts as there are devices. Every process prepares the next part while it encodes one.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from ..errors import DocsearchError
from ..records import PageImage, PageVectors, Ragged
from .encoder import BATCH_PAGES, EmbeddedPages, EncoderSpec, PageEncoder, PreparingEncoder

PARTS_AHEAD = 1
"""Parts that a process prepares while it encodes another one."""
EXIT_TIMEOUT_S = 5.0

Load = Callable[[str, str], PageEncoder]
"""Opens a model, given its name and a device. It runs in another process, so it must be a function of a module."""


class Parts(NamedTuple):
    """A batch that several processes encode: what each will return, in the order of the pages."""

    results: list[Future[EmbeddedPages]]


class SpreadEncoder:
    """Embeds pages in one process for each of `devices`, each with a model of its own.

    The processes end with `close`, or when the object is collected.
    Raises what loading the model raises. If a process ends before its time, calls raise DocsearchError.
    """

    def __init__(self, name: str, devices: Sequence[str], *, load: Load) -> None:
        context = multiprocessing.get_context("spawn")  # a process that was forked cannot use CUDA
        self._processes = [_DeviceProcess(context, load, name, device) for device in devices]
        self._closing = weakref.finalize(self, _close, self._processes)
        try:
            answers = [process.started() for process in self._processes]
        except BaseException:
            self._closing()
            raise
        self.spec: EncoderSpec = answers[0][0]
        self.batch_pages = sum(pages for _, pages in answers)

    def encode_pages(self, pages: Sequence[PageImage]) -> EmbeddedPages:
        """Embed one or more pages."""
        return self.encode_prepared(self.prepare_pages(pages))

    def prepare_pages(self, pages: Sequence[PageImage]) -> Parts:
        """Give each process its part of the pages; waits while one has enough to do."""
        size = -(-len(pages) // len(self._processes))
        parts = [list(pages[start : start + size]) for start in range(0, len(pages), size)]
        return Parts([process.submit(part) for process, part in zip(self._processes, parts, strict=False)])

    def encode_prepared(self, prepared: object) -> EmbeddedPages:
        """Wait for the parts of a batch, and put them together."""
        assert isinstance(prepared, Parts), "what prepare_pages returned"
        return joined([result.result() for result in prepared.results])

    def close(self) -> None:
        """End the processes."""
        self._closing()


def joined(parts: Sequence[EmbeddedPages]) -> EmbeddedPages:
    """The pages of several parts as one."""
    vectors = [part.vectors for part in parts]
    words = [part.words for part in parts if part.words is not None]
    left_out = [part.left_out or (0,) * len(part.vectors.refs) for part in parts]
    return EmbeddedPages(
        PageVectors(
            refs=tuple(ref for each in vectors for ref in each.refs),
            vectors=Ragged.of([page for each in vectors for page in each.vectors]),
            boxes=np.concatenate([each.boxes for each in vectors]),
            single=np.concatenate([each.single for each in vectors]),
        ),
        words=np.concatenate(words) if words else None,
        left_out=tuple(count for counts in left_out for count in counts),
    )


class _DeviceProcess:
    """A child process with the model on one device, and the parts that it was given and has not returned."""

    def __init__(self, context: Any, load: Load, name: str, device: str) -> None:
        self.device = device
        self._connection, its_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(its_end, load, name, device), daemon=True)
        self._process.start()
        its_end.close()  # so that reading ends when the process does
        self._submitting = threading.Lock()
        self._waiting: deque[Future[EmbeddedPages]] = deque()
        self._is_over = False

    def started(self) -> tuple[EncoderSpec, int]:
        """Wait for the model: its spec, and how many pages it takes at a time. Raises what loading raised."""
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        if isinstance(answer, BaseException):
            raise answer
        threading.Thread(target=self._receive, daemon=True).start()
        found: tuple[EncoderSpec, int] = answer
        return found

    def submit(self, pages: list[PageImage]) -> Future[EmbeddedPages]:
        """Send pages to the process."""
        result: Future[EmbeddedPages] = Future()
        with self._submitting:
            if self._is_over:
                raise self._ended()
            self._waiting.append(result)
            try:
                self._connection.send(pages)
            except OSError:
                raise self._ended() from None
        return result

    def close(self) -> None:
        """End the process, once it has encoded what it has, or after EXIT_TIMEOUT_S."""
        if self._submitting.acquire(timeout=EXIT_TIMEOUT_S):
            try:
                self._is_over = True
                self._connection.send(None)
            except OSError:
                pass  # it has ended
            finally:
                self._submitting.release()
        self._process.join(EXIT_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive(self) -> None:
        """Pass on what the process returns, in the order in which it was sent; the body of a thread."""
        while True:
            try:
                answer = self._connection.recv()
            except (EOFError, OSError):
                break
            result = self._waiting.popleft()
            if isinstance(answer, BaseException):
                result.set_exception(answer)
            else:
                result.set_result(answer)
        with self._submitting:
            self._is_over = True
            while self._waiting:
                self._waiting.popleft().set_exception(self._ended())

    def _ended(self) -> DocsearchError:
        self._process.join(EXIT_TIMEOUT_S)
        return DocsearchError(
            f"the process that embeds pages on {self.device} ended (exit code {self._process.exitcode}); "
            "pages that were stored before are kept, and the same command continues from there"
        )


def _close(processes: Sequence[_DeviceProcess]) -> None:
    for process in processes:
        process.close()


def _serve(connection: Connection, load: Load, name: str, device: str) -> None:
    """Embed the parts that come until the connection ends; the body of a child process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the connection
    try:
        encoder = load(name, device)
    except Exception as err:  # noqa: BLE001 - raised again in the parent
        connection.send(err)
        return
    connection.send((encoder.spec, encoder.batch_pages if isinstance(encoder, PreparingEncoder) else BATCH_PAGES))
    parts: queue.Queue[tuple[list[PageImage], object] | None] = queue.Queue(PARTS_AHEAD)

    def receive() -> None:
        while True:
            try:
                pages = connection.recv()
            except (EOFError, OSError):
                pages = None
            if pages is None:
                parts.put(None)
                return
            try:
                prepared = encoder.prepare_pages(pages) if isinstance(encoder, PreparingEncoder) else None
            except Exception:  # noqa: BLE001 - raised again when the pages are encoded
                prepared = None
            parts.put((pages, prepared))

    threading.Thread(target=receive, daemon=True).start()
    while (part := parts.get()) is not None:
        pages, prepared = part
        answer: object
        try:
            if prepared is not None and isinstance(encoder, PreparingEncoder):
                answer = encoder.encode_prepared(prepared)
            else:
                answer = encoder.encode_pages(pages)
        except Exception as err:  # noqa: BLE001 - raised again in the parent
            answer = err
        try:
            connection.send(answer)
        except OSError:  # the parent is gone
            return
        except Exception as err:  # noqa: BLE001 - an error that cannot be pickled
            connection.send(RuntimeError(f"{type(answer).__name__}: {answer} ({err})"))
