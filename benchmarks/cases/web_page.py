"""Latency of the web page: from the last key typed into the search box to the results on the screen."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import eval_dev, indexes
from ..running_server import serving
from ..setting import Row, Setting, Skipped
from ..timing import percentiles_ms
from .index import SAMPLE_DOCS
from .query import size

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
QUESTIONS = 40
KEY_MS = 90
"""Milliseconds between keys: a fast typist, whose keys each start a search that the next one cancels."""
READ_MS = 1200
"""Milliseconds until the next question is typed; thumbnails and marks load in that time."""
WATCH = """() => {
  window.waited = [];
  let last = 0;
  const asked = () => new URL(location.href).searchParams.get("q") === window.text;
  document.getElementById("query").addEventListener("input", () => { last = performance.now(); }, true);
  new MutationObserver(() => {
    if (asked()) requestAnimationFrame(() => setTimeout(() => {
      window.waited[window.number] ??= performance.now() - last;
    }));
  }).observe(document.getElementById("summary"), { childList: true });
}"""
"""Records for question `number` when the frame with the answer to its whole `text` is drawn.

The page's address has the text that was searched last; answers to earlier searches are dropped.
"""


def run(setting: Setting) -> Iterator[Row]:
    """Type questions against the index of sample_docs, built if necessary, and against that of eval-dev."""
    from docsearch.engine import install

    if importlib.util.find_spec("playwright") is None:
        raise Skipped(install.needs("needs playwright", "browser"))
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise Skipped(f"needs a browser on the PATH: one of {', '.join(PROGRAMS)}")
    lines = (setting.sample_docs / "queries.jsonl").read_text("utf-8").splitlines()
    texts = [str(json.loads(line)["query"]) for line in lines]
    index = indexes.ready(setting, SAMPLE_DOCS, [setting.sample_docs])
    yield {"what": SAMPLE_DOCS, **typed(program, index, texts[:QUESTIONS]), **size(index)}
    documents = eval_dev.documents(setting)
    texts = [question.text for question in eval_dev.questions(setting) if question.scope == "corpus"]
    index = indexes.ready(setting, eval_dev.NAME, [documents])
    yield {"what": eval_dev.NAME, **typed(program, index, texts[:QUESTIONS]), **size(index)}


def typed(program: str, index: Path, texts: Sequence[str]) -> Row:
    """Latency when the last word of each text is typed key by key; all texts once to warm up, once to measure."""
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with serving(index) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(f"http://{server.host}/")
        page.locator(".welcome").wait_for()
        page.evaluate(WATCH)
        for number, text in enumerate([*texts, *texts]):
            begin, _, end = text.rpartition(" ")
            page.evaluate("now => Object.assign(window, now)", {"number": number, "text": text})
            page.locator("#query").fill(f"{begin} ")
            page.locator("#query").press_sequentially(end, delay=KEY_MS)
            page.wait_for_function("number => window.waited[number] !== undefined", arg=number)
            page.wait_for_timeout(READ_MS)
        waited = page.evaluate("window.waited")
        browser.close()
    return {**percentiles_ms([float(ms) / 1000 for ms in waited[len(texts) :]]), "questions": len(texts)}
