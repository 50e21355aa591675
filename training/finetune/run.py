"""`docsearch train` as a function: open the model, read the rows, render their pages, run the training loop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...engine.errors import UsageError
from ...engine.models import registry
from ...engine.models.encoder import EncoderSpec
from ...engine.models.registry import Family
from . import loop, pages, rows
from .loop import Data, Event, Settings
from .rows import Passage, Row, ScoredPair
from .state import Progress
from .trainee import Input, Trainee


def fine_tune(
    model: str,
    data: Path,
    out: Path,
    settings: Settings,
    *,
    measured: Path | None = None,
    device: str = "auto",
    renderer: str = "mupdf",
    chunk: int | None = None,
    on_event: Callable[[Event], None] = lambda _event: None,
) -> Progress | None:
    """Fine-tune `model` on the rows of `data`, evaluating on those of `measured`; None if `out` is finished already.

    `chunk` is the number of tokens embedded with gradients at a time; pixel always takes one page. Raises UsageError
    for rows that cannot be used, a model that cannot be trained, and an `out` that holds something else.
    """
    spec = trainable(model)
    (learned, pairs), (asked, asked_pairs) = rows.read(data), rows.read(measured) if measured else ([], [])
    recorded = run_settings(spec, data, measured, settings)
    if loop.is_finished(out, recorded):
        return None
    sources = [(data, learned)] + ([(measured, asked)] if measured else [])
    of_pairs = [(data, pairs)] + ([(measured, asked_pairs)] if measured else [])

    def on_page(done: int, total: int) -> None:
        on_event({"event": "page", "page": done, "pages": total})

    pictures = pages.draw(sources, out / loop.RUN / loop.PAGES, spec, renderer=renderer, on_page=on_page)
    data_read = Data(learned, asked, pictures, pairs, asked_pairs)
    if registry.family(model) is Family.PIXEL:
        from .pixel import PixelTrainee

        pixel = PixelTrainee(registry.pixel_folder(model), device=device)
        check_texts(pixel, sources, of_pairs)
        return loop.train(pixel, data_read, settings, out, recorded, on_event=on_event)
    from .jina_v4 import JinaV4Trainee

    jina = JinaV4Trainee.open(model, device=device, chunk_tokens=chunk)
    check_texts(jina, sources, of_pairs)
    return loop.train(jina, data_read, settings, out, recorded, on_event=on_event)


def trainable(model: str) -> EncoderSpec:
    """The spec of a model; UsageError if docsearch can search with it, but not train it."""
    if registry.family(model) not in (Family.PIXEL, Family.JINA_V4):
        raise UsageError(
            f"{model}: docsearch trains pixel and jina-embeddings-v4; sentence-transformers has a trainer for others"
        )
    return registry.find_spec(model)


def check_texts(
    trainee: Trainee[Input],
    sources: Sequence[tuple[Path, Sequence[Row]]],
    pairs: Sequence[tuple[Path, Sequence[ScoredPair]]],
) -> None:
    """Raise UsageError with the lines whose question has nothing that the model could search for, and those with texts
    if the model is trained on pages only.
    """
    problems = []
    asked = [
        (file, row.line, row.query, [each.text for each in row.documents if isinstance(each, Passage)])
        for file, read in sources
        for row in read
    ]
    asked += [(file, pair.line, pair.first, [pair.second]) for file, read_pairs in pairs for pair in read_pairs]
    for file, line, query, texts in asked:
        try:
            trainee.read_query(query)
            for text in texts:
                trainee.read_text(text)
        except UsageError as err:
            problems.append(f"{file}:{line}: {err}")
    if problems:
        raise UsageError(rows.summary(problems, "correct or remove these lines"))


def run_settings(spec: EncoderSpec, data: Path, measured: Path | None, settings: Settings) -> Mapping[str, Any]:
    """What determines the result of a run: the model, hashes of the rows, and the hyperparameters."""
    files = {"rows": data, "measured": measured}
    digests = {name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for name, file in files.items() if file}
    chosen = asdict(settings)
    del chosen["save_every"]
    return {"model": spec.name, "revision": spec.revision, **digests, **chosen}
