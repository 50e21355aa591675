"""Takes screenshots of every state of the page, and of a report of `docsearch eval`: `make screenshots`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from at_hand import launched, program, serving
from docsearch.indexer import pipeline
from page_states import STATES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SAMPLES = Path(__file__).resolve().parents[3] / "sample_docs"
SETTLED_MS, LOADED_MS = 700, 10_000
COLOURS = 256
REPORT_SIZE = (1240, 1460)


def main(folder: Path) -> None:
    """Index the sample documents, serve them, and take screenshots of each state, light and dark."""
    if program() is None:
        sys.exit("needs a browser: chromium, chromium-browser or google-chrome on the PATH")
    from playwright import sync_api

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch) / "index"
        pipeline.index_documents([SAMPLES], index)
        with serving(index) as address, launched() as browser:
            for name in ("results", *STATES):  # the first one warms the server up
                state = STATES[name]
                for scheme in ("light", "dark"):
                    width, height = state.size
                    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
                    page = context.new_page()
                    state.before(page)
                    page.goto(address + state.search)
                    state.reach(page)
                    with suppress(sync_api.TimeoutError):  # some states never come to rest
                        page.wait_for_load_state("networkidle", timeout=LOADED_MS)
                    page.wait_for_timeout(SETTLED_MS)
                    picture = folder / f"{name}-{scheme}.png"
                    page.screenshot(path=picture)
                    context.close()
                    quantize(picture)
                    print(picture)
            report(folder, index, browser)


def report(folder: Path, index: Path, browser: Browser) -> None:
    """Take screenshots of the report that compares text search with the default on the sample questions."""
    file = index.with_name("report.html")
    command = [sys.executable, "-m", "docsearch", "eval", "sample_docs/queries.jsonl", "--index", str(index), "--quiet"]
    options = ["--mode", "text", "--mode", "hybrid", "--html", str(file)]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, cwd=SAMPLES.parent)
    width, height = REPORT_SIZE
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
        page = context.new_page()
        page.goto(file.as_uri())
        page.wait_for_timeout(SETTLED_MS)
        picture = folder / f"report-{scheme}.png"
        page.screenshot(path=picture)
        context.close()
        quantize(picture)
        print(picture)


def quantize(picture: Path) -> None:
    """Reduce a screenshot to a palette: a third of the bytes."""
    with Image.open(picture) as full:
        few = full.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
