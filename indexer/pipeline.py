"""Folders go in; a committed index comes out: discover, render, embed, store, with what is already there left alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from ..engine.compression.visual_words import PageCode
from ..engine.errors import IndexNotFound, UsageError
from ..engine.models.encoder import PageEncoder
from ..engine.models.pooled import described, pooled
from ..engine.models.registry import find_spec, load_page_encoder, load_query_encoder
from ..engine.store import open_snapshot, open_writer
from . import discover
from .discover import Document
from .render.renderer import Renderer
from .report import IndexReport, Interrupted, Progress
from .run import Run


def index(
    paths: Sequence[Path],
    directory: Path,
    *,
    model: str = "pixel",
    device: str = "auto",
    codec: str | None = None,
    pool: int | None = None,
    prune: bool = False,
    passwords: Sequence[str] = (),
    renderer: str = "mupdf",
    workers: int = 1,
    on_progress: Callable[[Progress], None] | None = None,
    encoder: PageEncoder | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> IndexReport:
    """Bring the index in `directory` up to date with the documents at `paths`.

    A document whose content is in the index already is left alone; a changed one is replaced under its old id; one
    that was moved keeps its id and pages; one that was begun goes on at its first missing page; one that failed is
    tried again. `prune` removes the documents that are no longer on disk. `encoder` stands in for `model`. `codec` is
    how vectors are stored, None as the index does or, for a new one, int8. `pool` is the factor by which similar
    vectors of a page become fewer (`kernels.pooling`), None the index's own or, for a new one, 1: all are kept.
    Raises UsageError, EncoderMismatch, IndexLocked, IndexFormatError and StorageFull; what was committed stays. So it
    does where `on_progress` raises Interrupted, or the user interrupts: then what is embedded is committed first.
    """
    discovery = discover.find(paths)
    spec = encoder.spec if encoder is not None else find_spec(model)
    factor = _pool_of(directory) if pool is None else pool
    if factor < 1:
        raise UsageError(f"pool {factor}: a page cannot have more vectors than the model gives; 1 keeps all")
    codebook = None
    if codec == "residual" and spec.vocabulary:
        code: PageCode | None = getattr(encoder or load_query_encoder(model), "code", None)
        codebook = None if code is None else code.codebook
    described_as = described(spec, factor).fingerprint
    with open_writer(directory, fingerprint=described_as, codec=codec, codebook=codebook) as writer:
        run = Run(writer, directory, discovery, on_progress, clock)
        drawing = partial(
            Renderer,
            dpi=spec.render_dpi,
            max_pixels=spec.max_pixels,
            renderer=renderer,
            workers=workers,
            passwords=passwords,
        )
        _fill(run, drawing, lambda: pooled(encoder or load_page_encoder(model, device=device), factor))
        run.settle(prune=prune)
    return run.report()


def add(
    document: Document,
    directory: Path,
    *,
    encoder: PageEncoder,
    passwords: Sequence[str] = (),
    on_progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> IndexReport:
    """Bring one document of an index up to date under the name it is given, and leave all others as they are.

    Its vectors are pooled as the index's are. Otherwise as `index`, whose errors it raises, and IndexNotFound.
    """
    discovery = discover.Discovery((), (document,), ())
    spec, factor = encoder.spec, _pool_of(directory)
    with open_writer(directory, fingerprint=described(spec, factor).fingerprint, create=False) as writer:
        run = Run(writer, directory, discovery, on_progress, clock)
        drawing = partial(Renderer, dpi=spec.render_dpi, max_pixels=spec.max_pixels, passwords=passwords)
        _fill(run, drawing, lambda: pooled(encoder, factor))
    return run.report()


def _pool_of(directory: Path) -> int:
    """The factor an index was made with; 1 where there is none yet."""
    try:
        with open_snapshot(directory) as snapshot:
            return snapshot.pool
    except IndexNotFound:
        return 1


def _fill(run: Run, drawing: Callable[[], Renderer], encoder: Callable[[], PageEncoder]) -> None:
    """Draw, embed and store what a run lacks; the model is opened and processes are started only if anything is."""
    to_render = run.documents_to_render()
    if (first := next(to_render, None)) is None:
        run.flush()
        return
    run.encoder = encoder()
    with drawing() as renderer:
        try:
            for event in renderer.render(chain([first], to_render)):
                run.take(event)
            run.flush()
        except (KeyboardInterrupt, Interrupted):
            run.keep()
            raise
