"""Pictures of the pages that training rows name, rendered as `docsearch index` renders them, and cached as PNG."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...engine import images
from ...engine.errors import UsageError
from ...engine.models.encoder import EncoderSpec
from ...engine.records import U8
from ...engine.store.durable import atomic_file
from ...indexer.discover import Document
from ...indexer.render.renderer import DocumentFailed, PageFailed, PageRendered, Renderer
from .rows import PageKey, Row, summary


@dataclass(frozen=True)
class PagePictures:
    """The PNG file of each rendered page."""

    files: Mapping[PageKey, Path]

    def pixels(self, page: PageKey) -> U8:
        """The picture of a page, (H, W, 3) uint8, RGB."""
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
    """Render the pages of all rows into `folder`; pages rendered before are reused.

    `sources` pairs each file of rows with its rows. `on_page(done, total)` is called after each page. Raises UsageError
    with the lines whose pages cannot be rendered.
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
    with Renderer(dpi=spec.render_dpi, max_pixels=spec.max_pixels, renderer=renderer) as opened:
        for source, numbers in missing.items():
            for number, drawn in draw_document(opened, source, numbers):
                page = PageKey(source, number)
                if isinstance(drawn, str):
                    reasons[page] = drawn
                else:
                    save_png(files[page], drawn)
                done += 1
                on_page(done, len(pages))
    problems = [
        f"{file}:{row.line}: {page} cannot be rendered: {reasons[page]}"
        for file, rows in sources
        for row in rows
        for page in row.pages
        if page in reasons
    ]
    if problems:
        raise UsageError(summary(problems, "correct or remove these lines"))
    return PagePictures(files)


def draw_document(renderer: Renderer, file: Path, numbers: Sequence[int]) -> Iterable[tuple[int, U8 | str]]:
    """Yield each page number of a file with its picture (H, W, 3), or with the reason why it cannot be rendered."""
    status = file.stat()
    document = Document(file.name, file, status.st_size, status.st_mtime_ns)
    left = set(numbers)
    others = frozenset(range(1, max(left) + 1)) - left
    with closing(renderer.render([(document, others)])) as events:  # type: ignore[type-var]  # it is a generator
        for event in events:
            if isinstance(event, DocumentFailed):
                yield from ((number, event.reason) for number in sorted(left))
                return
            if isinstance(event, PageRendered):
                left.discard(event.image.ref.page)
                yield event.image.ref.page, event.image.pixels
            elif isinstance(event, PageFailed) and event.page in left:
                left.discard(event.page)
                yield event.page, event.reason
            if not left:
                return
    yield from ((number, "the document has no such page") for number in sorted(left))


def content_key(page: PageKey, settings: str) -> str:
    """The cache key of a page's picture: it changes with the file and with the rendering `settings`."""
    status = page.file.stat()
    identity = f"{page.file} {page.page} {status.st_size} {status.st_mtime_ns} {settings}"
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def save_png(file: Path, pixels: U8) -> None:
    """Write a picture as PNG, atomically."""
    try:
        with atomic_file(file, sync=False) as temporary:
            temporary.write_bytes(images.encode_png(pixels, compress_level=1))
    except OSError as err:
        raise UsageError(f"{file}: cannot be written: {err.strerror or err}") from err
