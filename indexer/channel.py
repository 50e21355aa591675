"""A bounded first-in, first-out queue between two threads, which either of them can close."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """Raised by a channel that was closed: nothing more can be put into it, or is left to get."""


class Channel(Generic[T]):
    """Items that wait for the thread that gets them, in the order in which they were put.

    `put` returns once the sizes of all waiting items add up to no more than `capacity`; with a capacity of 0, that is
    when the item has been taken. `queue.Queue` cannot be closed before Python 3.13.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()  # guards all fields below
        self._items: deque[tuple[T, int]] = deque()
        self._size = 0
        self._is_closed = False

    def put(self, item: T, size: int = 1) -> None:
        """Append an item, and wait until what waits fits the capacity. Raises Closed if the channel is closed."""
        with self._changed:
            if self._is_closed:
                raise Closed
            self._items.append((item, size))
            self._size += size
            self._changed.notify_all()
            while self._size > self._capacity and not self._is_closed:
                self._changed.wait()

    def get(self, stop_waiting: Callable[[], bool] = lambda: False) -> T | None:
        """The next item; None if there is none and `stop_waiting()` is true, which is asked again after each `wake`.

        Raises Closed if the channel is closed and empty.
        """
        with self._changed:
            while not self._items:
                if stop_waiting():
                    return None
                if self._is_closed:
                    raise Closed
                self._changed.wait()
            item, size = self._items.popleft()
            self._size -= size
            self._changed.notify_all()
            return item

    def wake(self) -> None:
        """Have a thread that waits in `get` look again whether it is to wait."""
        with self._changed:
            self._changed.notify_all()

    def close(self, *, discard: bool = False) -> None:
        """Refuse further items; those that wait can still be taken, unless they are discarded."""
        with self._changed:
            self._is_closed = True
            if discard:
                self._items.clear()
                self._size = 0
            self._changed.notify_all()
