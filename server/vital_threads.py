"""Threads without which a server cannot go on: the death of one is recorded, and ends the server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class VitalThreads:
    """Makes the threads of one server. `failure` says which one died first, and of what; None while all are well."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the attributes below
        self.failure: str | None = None
        self._on_failure: Callable[[], None] | None = None

    def thread(self, name: str, target: Callable[[], None], on_death: Callable[[], None]) -> threading.Thread:
        """A thread that runs `target`, to be started by the caller.

        If an exception ends it, `on_death` is called on the thread, to fail those who wait for it; then the failure is
        recorded.
        """

        def run() -> None:
            try:
                target()
            except BaseException as err:  # recorded: the server ends with it
                log.debug("the %s thread died", name, exc_info=True)
                try:
                    on_death()
                finally:
                    self._record(f"the {name} thread died: {type(err).__name__}: {err}")

        return threading.Thread(target=run, name=f"docsearch-{name}")

    def when_one_dies(self, action: Callable[[], None]) -> None:
        """Call `action`, which may be called on any thread, at the first death; at once if there was one already."""
        with self._lock:
            self._on_failure = action
            dead = self.failure is not None
        if dead:
            action()

    def _record(self, failure: str) -> None:
        with self._lock:
            if self.failure is not None:
                return
            self.failure = failure
            action = self._on_failure
        if action is not None:
            action()
