"""Properties of a channel between two threads."""

from __future__ import annotations

import threading
import time

import pytest

from docsearch.indexer.channel import Channel, Closed

WAIT_S = 300


def test_items_come_in_the_order_in_which_they_were_put() -> None:
    channel: Channel[int] = Channel(10)
    for item in range(5):
        channel.put(item)
    assert [channel.get() for _ in range(5)] == [0, 1, 2, 3, 4]


def test_put_waits_until_what_waits_fits() -> None:
    channel: Channel[str] = Channel(2)
    channel.put("two", size=2)
    putter = threading.Thread(target=channel.put, args=["three", 3])
    putter.start()
    putter.join(0.05)
    assert putter.is_alive()
    assert channel.get() == "two"
    putter.join(0.05)
    assert putter.is_alive(), "three are more than two"
    assert channel.get() == "three"
    putter.join(WAIT_S)
    assert not putter.is_alive()


def test_a_closed_channel_gives_what_it_has_and_takes_no_more() -> None:
    channel: Channel[int] = Channel(10)
    channel.put(1)
    channel.close()
    with pytest.raises(Closed):
        channel.put(2)
    assert channel.get() == 1
    with pytest.raises(Closed):
        channel.get()


def test_closing_can_discard_and_wakes_those_that_wait() -> None:
    channel: Channel[int] = Channel(0)
    putter = threading.Thread(target=channel.put, args=[1])
    putter.start()
    deadline = time.monotonic() + WAIT_S
    while not channel._items:  # put() refuses what comes after close()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    channel.close(discard=True)
    putter.join(WAIT_S)
    assert not putter.is_alive()
    with pytest.raises(Closed):
        channel.get()


def test_get_stops_waiting_when_it_is_woken_and_told_so() -> None:
    channel: Channel[int] = Channel(0)
    told = threading.Event()
    waker = threading.Thread(target=lambda: (told.set(), channel.wake()))
    waker.start()
    assert channel.get(told.is_set) is None
    waker.join()
