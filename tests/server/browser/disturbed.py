"""Disturbs the tests of the web page, to find those that win a race: late answers, and a slow processor.

DOCSEARCH_TEST_DELAYS=SEED   each answer, and each step back in history, comes late by a random time
DOCSEARCH_TEST_SLOWDOWN=6    the page has a sixth of the processor
"""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

DELAY_MAX_MS, BACK_MAX_MS = 1500, 300
DELAYED = """(seed, longest, back) => {
  let state = seed >>> 0 || 1;
  function random() { // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  }
  const pause = (signal, milliseconds) => new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => reject(signal.reason));
    setTimeout(resolve, milliseconds);
  });
  const { fetch } = window;
  window.fetch = async (path, request = {}) => {
    await pause(request.signal, random() ** 2 * longest / 3);
    const response = await fetch(path, request);
    await pause(request.signal, random() ** 2 * longest * 2 / 3);
    return response;
  };
  const { back: goBack } = history;
  history.back = () => setTimeout(() => goBack.call(history), random() * back);
}"""
_pages = count(1)


def disturb(page: Page) -> None:
    """Make a new page slow in the ways that the environment says. Each page of a run has its own delays."""
    seed, slowdown = os.environ.get("DOCSEARCH_TEST_DELAYS"), os.environ.get("DOCSEARCH_TEST_SLOWDOWN")
    if seed:
        own = int(seed) * 7919 + next(_pages) * 104_729
        page.add_init_script(f"({DELAYED})({own}, {DELAY_MAX_MS}, {BACK_MAX_MS})")
    if slowdown:
        throttle = page.context.new_cdp_session(page)
        throttle.send("Emulation.setCPUThrottlingRate", {"rate": float(slowdown)})
