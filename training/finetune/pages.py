"""Pages that rows name go in; their pictures come out, drawn once as `docsearch index` draws them and kept as PNG."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...engine.errors import UsageError
from ...engine.models.encoder import EncoderSpec
from ...engine.records import U8
from ...indexer.discover import Document
from ...indexer.render.renderer import Failed, Page, PageFailed, Renderer
from .rows import PageKey, Row, told


@dataclass(frozen=True)
class PagePictures:
    """The files that drawn pages lie in."""

    files: Mapping[PageKey, Path]

    def pixels(self, page: PageKey) -> U8:
        """The picture of a page, (H, W, 3)."""
        with Image.open(self.files[page]) as picture:
            return np.asarray(picture.convert("RGB"))


def draw(
    sources: Sequence[tuple[Path, Sequence[Row]]],
    folder: Path,
    spec: EncoderSpec,
    *,
    renderer: str,
    on_page: Callable[[int, int], None] = lambda _done, _total: None,
) -> PagePictures:
    """Draw into `folder` the pages of all rows, each with the file it was read from; those that are there are kept.

    `on_page` is told how many are done, of how many. Raises UsageError that names the lines of pages which cannot be
    drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = dict.fromkeys(page for _, rows in sources for row in rows for page in row.pages)
    settings = f"{renderer} {spec.render_dpi} {spec.max_pixels}"
    files = {page: folder / f"{content_key(page, settings)}.png" for page in pages}
    missing: dict[Path, list[int]] = defaultdict(list)
    for page, file in files.items():
        if not file.exists():
            missing[page.file].append(page.page)
    reasons: dict[PageKey, str] = {}
    done = len(pages) - sum(map(len, missing.values()))
    with Renderer(dpi=spec.render_dpi, max_pixels=spec.max_pixels, renderer=renderer) as drawing:
        for source, numbers in missing.items():
            for number, drawn in draw_document(drawing, source, numbers):
                page = PageKey(source, number)
                if isinstance(drawn, str):
                    reasons[page] = drawn
                else:
                    save_png(files[page], drawn)
                done += 1
                on_page(done, len(pages))
    problems = [
        f"{file}:{row.line}: {page} cannot be drawn: {reasons[page]}"
        for file, rows in sources
        for row in rows
        for page in row.pages
        if page in reasons
    ]
    if problems:
        raise UsageError(told(problems, "correct or remove these lines"))
    return PagePictures(files)


def draw_document(drawing: Renderer, file: Path, numbers: Sequence[int]) -> Iterable[tuple[int, U8 | str]]:
    """Yield for each page number of a file its picture, or the reason why there is none."""
    status = file.stat()
    document = Document(file.name, file, status.st_size, status.st_mtime_ns)
    left = set(numbers)
    others = frozenset(range(1, max(left) + 1)) - left
    with closing(drawing.render([(document, others)])) as events:  # type: ignore[type-var]  # it is a generator
        for event in events:
            if isinstance(event, Failed):
                yield from ((number, event.reason) for number in sorted(left))
                return
            if isinstance(event, Page):
                left.discard(event.image.ref.page)
                yield event.image.ref.page, event.image.pixels
            elif isinstance(event, PageFailed) and event.page in left:
                left.discard(event.page)
                yield event.page, event.reason
            if not left:
                return
    yield from ((number, "the document has no such page") for number in sorted(left))


def content_key(page: PageKey, settings: str) -> str:
    """A name for the picture of a page: another one where the file changed, or is drawn otherwise."""
    status = page.file.stat()
    told_apart = f"{page.file} {page.page} {status.st_size} {status.st_mtime_ns} {settings}"
    return hashlib.sha256(told_apart.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def save_png(file: Path, pixels: U8) -> None:
    """Write a picture whole or not at all."""
    temporary = file.with_name(f".tmp-{os.getpid()}-{file.name}")
    try:
        Image.fromarray(pixels).save(temporary, format="PNG", compress_level=1)
        temporary.replace(file)
    except OSError as err:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err
