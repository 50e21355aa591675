"""Answers in sentences, written by a chat endpoint from the pages that were found (`docsearch serve --llm`).

The endpoint is asked on a thread of each answer's own, because it may take minutes; pieces reach the event loop through
a queue. Nothing is sent anywhere unless a client asks for an answer.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..engine.errors import DocsearchError
from ..integrations import cited_answers
from ..integrations.chat import ChatEndpoint
from ..integrations.cited_answers import CitedAnswer
from ..integrations.page_search import FoundPage
from .http_errors import Busy
from .settings import ServerSettings

log = logging.getLogger(__name__)

BUDGET_TOKENS = 12_000
"""Tokens of all pages of an answer together, about."""
PIECES_MAX = 64
"""Pieces that wait for a slow client; then the endpoint waits, too."""
WAIT_S = 0.25
"""How soon a thread whose client is gone notices it."""
BROKEN = "the answer could not be written; the server's log has the reason"
ENDING = "the server is shutting down"


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """A part of an answer: the `pages` it is written from, first of all; a `piece` of its text; or its end, with an
    `error` if it is incomplete.
    """

    answer: CitedAnswer
    kind: str
    text: str = ""


class Answering:
    """Asks the chat endpoint at `url`; at most `answers_max` answers are written at a time."""

    def __init__(self, url: str, model: str | None, answers_max: int) -> None:
        """Raises UsageError for a URL that is not one of HTTP, or a key that would be sent unencrypted."""
        self._endpoint = ChatEndpoint(url, model)
        self._answers_max = answers_max
        self._running: set[threading.Event] = set()

    @classmethod
    def of(cls, settings: ServerSettings) -> Answering | None:
        """What the settings ask for; None without an endpoint."""
        return None if settings.llm is None else cls(settings.llm, settings.llm_model, settings.answers_max)

    @property
    def host(self) -> str:
        """The host that pages are sent to."""
        return urlsplit(self._endpoint.url).netloc.rpartition("@")[2]

    def end_all(self) -> None:
        """Let answers that are being written end soon."""
        for stopped in tuple(self._running):
            stopped.set()

    async def answer(self, question: str, pages: Sequence[FoundPage]) -> AsyncGenerator[AnswerEvent, None]:
        """Write an answer from `pages`, best first, as many as fit; for the event loop only.

        Raises Busy before the first event; an error of the endpoint is the last event. Leaving early ends the thread.
        """
        if len(self._running) >= self._answers_max:
            raise Busy(f"{len(self._running)} answers are being written, as many as allowed; try again shortly")
        stopped = threading.Event()
        self._running.add(stopped)
        queue: asyncio.Queue[AnswerEvent] = asyncio.Queue()
        room = threading.Semaphore(PIECES_MAX)
        loop = asyncio.get_running_loop()

        def put(event: AnswerEvent) -> None:
            # Not a coroutine: one that the event loop was to run when it closed would never be awaited.
            while not room.acquire(timeout=WAIT_S):
                if stopped.is_set():
                    return
            with suppress(RuntimeError):  # the event loop is closed
                loop.call_soon_threadsafe(queue.put_nowait, event)

        def write() -> None:
            answer = CitedAnswer("", ())
            try:
                answer = cited_answers.answer(question, pages, self._endpoint, budget=BUDGET_TOKENS)
                put(AnswerEvent(answer, "pages"))
                for piece in answer:
                    if stopped.is_set():
                        return
                    put(AnswerEvent(answer, "piece", piece))
                put(AnswerEvent(answer, "end"))
            except DocsearchError as err:
                put(AnswerEvent(answer, "end", str(err).replace(self._endpoint.url, self.host)))
            except Exception:  # the client must hear of it
                log.exception("an answer could not be written")
                put(AnswerEvent(answer, "end", BROKEN))

        thread = threading.Thread(target=write, name="docsearch-answer", daemon=True)
        try:
            thread.start()
            while True:
                event = await self._next(queue, stopped)
                if event is None:
                    yield AnswerEvent(CitedAnswer("", ()), "end", ENDING)
                    return
                room.release()
                yield event
                if event.kind == "end":
                    return
        finally:
            stopped.set()
            self._running.discard(stopped)

    async def _next(self, queue: asyncio.Queue[AnswerEvent], stopped: threading.Event) -> AnswerEvent | None:
        """The next event; None when the server ends."""
        while not stopped.is_set():
            try:
                return await asyncio.wait_for(queue.get(), WAIT_S)
            except TimeoutError:
                continue
        return None
