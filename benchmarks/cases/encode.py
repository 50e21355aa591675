"""Speed of embedding pages, without rendering: the embedded model, Tesseract, and ColModernVBERT's network."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import eval_dev
from ..setting import Refused, Row, Setting, Skipped

if TYPE_CHECKING:
    from docsearch.engine.records import PageImage

PAGES, OCR_PAGES, NETWORK_PAGES = 48, 4, 2
"""Pages for the embedded model, programs that read text, and ColModernVBERT: fewer for slower peers."""
PEER_LIMIT_S = 120.0
"""A peer reads no further page after this time."""
RUNS = 3
SEED = 3
TILE_PX, TILES, TOKENS_A_TILE, PROMPT_TOKENS = 512, 17, 64, 20
"""A letter page as ColModernVBERT reads it: 4 x 4 tiles of it at 2,048 px, and one of the whole page."""
IMAGE_TOKEN = 50_000


def run(setting: Setting) -> Iterator[Row]:
    """Encode pages of eval-dev, or else of the sample documents, at the resolution of the embedded model."""
    from docsearch.engine import threads
    from docsearch.engine.models.pixel.pages import PixelPages

    try:
        folder = eval_dev.documents(setting)
    except Skipped:
        folder = setting.sample_docs
    pages = drawn(folder)
    model = PixelPages.load()
    together = model.encode_pages(pages).vectors
    alone = model.encode_pages(pages[:1]).vectors
    if not len(alone.vectors.values) or not np.allclose(
        alone.vectors.values, together.vectors.values[: len(alone.vectors.values)], atol=0.05
    ):
        raise Refused("a page gets other vectors alone than in a batch")
    runs = [measured(lambda: [model.encode_pages(pages)]) for _ in range(RUNS)]
    ours = Taken(
        len(pages), statistics.median(run.wall_s for run in runs), statistics.median(run.processor_s for run in runs)
    )
    common: Row = {"cores": threads.available(), "arithmetic": model.network.arithmetic}
    yield {"what": "docsearch pixel", **figures(ours, ours), **common}
    for name, count, prepare in (
        ("Tesseract, one process per core", OCR_PAGES, tesseract),
        ("RapidOCR, its own threads", OCR_PAGES, rapidocr),
        ("ColModernVBERT, random weights", NETWORK_PAGES, modernvbert),
    ):
        try:
            read = prepare(pages[:count])
        except (Skipped, ImportError) as err:
            yield {"what": name, "skipped": str(err)}
            continue
        yield {"what": name, **figures(measured(read), ours), **common}


@dataclass(frozen=True, slots=True)
class Taken:
    """The time that `pages` took, in seconds: by the clock, and of the processor, child processes included."""

    pages: int
    wall_s: float
    processor_s: float


def measured(read: Callable[[], Iterable[object]]) -> Taken:
    """The time of reading page after page, until PEER_LIMIT_S have passed."""
    before, start, pages = os.times(), time.perf_counter(), 0
    for _ in read():
        pages += 1
        if time.perf_counter() - start > PEER_LIMIT_S:
            break
    wall, after = time.perf_counter() - start, os.times()
    return Taken(pages, wall, sum(after[:4]) - sum(before[:4]))


def figures(taken: Taken, ours: Taken) -> Row:
    """Speed, and multiples of the embedded model's time: by the clock, and in processor time, for busy machines."""
    wall, processor = taken.wall_s / taken.pages, taken.processor_s / taken.pages
    return {
        "pages": taken.pages,
        "ms_a_page": round(wall * 1000, 1),
        "pages_per_s": round(1 / wall, 3),
        "times_ours": wall / (ours.wall_s / ours.pages),
        "processor_ms_a_page": round(processor * 1000, 1),
        "processor_times_ours": processor / (ours.processor_s / ours.pages),
    }


def drawn(folder: Path) -> list[PageImage]:
    """Random pages of the PDFs below a folder, the same in every run."""
    import random
    from itertools import islice

    from docsearch.engine.models.pixel.spec import SPEC
    from docsearch.training.pixel import labelled_pages

    dpi = SPEC.render_dpi
    found = labelled_pages.real_pages(folder, random.Random(SEED), dpi=(dpi, dpi))
    return [labelled_pages.as_image(page, dpi) for page in islice(found, PAGES)]


def tesseract(pages: Sequence[PageImage]) -> Callable[[], Iterable[object]]:
    """Read pages with the command `tesseract`: a single-threaded process per page, one on each core."""
    if shutil.which("tesseract") is None:
        raise Skipped("the command tesseract is not installed")
    from PIL import Image

    from docsearch.engine import threads

    folder = tempfile.TemporaryDirectory()
    files = [Path(folder.name) / f"{i}.png" for i in range(len(pages))]
    for file, page in zip(files, pages, strict=True):
        Image.fromarray(page.pixels).save(file, dpi=(page.dpi, page.dpi))
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}

    def read(file: Path) -> None:
        command = ["tesseract", str(file), "-"]
        subprocess.run(command, check=True, capture_output=True, env=environment, timeout=PEER_LIMIT_S)

    def read_all() -> Iterator[None]:
        with folder, ThreadPoolExecutor(threads.available()) as pool:
            yield from pool.map(read, files)

    return read_all


def rapidocr(pages: Sequence[PageImage]) -> Callable[[], Iterable[object]]:
    """Read pages with the package rapidocr-onnxruntime and the models in it. Raises ImportError without it."""
    engine = import_module("rapidocr_onnxruntime").RapidOCR()
    engine(pages[0].pixels[:64, :64])  # opens the models

    def read_all() -> Iterator[object]:
        return (engine(page.pixels) for page in pages)

    return read_all


def modernvbert(pages: Sequence[PageImage]) -> Callable[[], Iterable[object]]:
    """One forward pass per page at the published size, 252 M parameters; pixel values do not change the time."""
    import torch
    from transformers import ColModernVBertConfig, ColModernVBertForRetrieval, ModernVBertConfig

    vision = {"model_type": "siglip_vision_model", "image_size": TILE_PX, "patch_size": 16, "hidden_size": 768}
    vision |= {"num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    config = ModernVBertConfig(
        vision_config=vision,
        text_config={"model_type": "modernbert"},
        pixel_shuffle_factor=4,
        image_token_id=IMAGE_TOKEN,
    )
    from docsearch.engine.models.device import compute_dtype

    dtype = compute_dtype(torch.device("cpu"))
    network = ColModernVBertForRetrieval(ColModernVBertConfig(vlm_config=config)).to(dtype).eval()
    tokens = torch.zeros((1, TILES * TOKENS_A_TILE + PROMPT_TOKENS), dtype=torch.int64)
    tokens[:, : TILES * TOKENS_A_TILE] = IMAGE_TOKEN
    pixels = torch.rand((1, TILES, 3, TILE_PX, TILE_PX)).to(dtype)  # tiles of zeros would be skipped as padding

    def read_all() -> Iterator[object]:
        for _ in pages:
            with torch.inference_mode():
                found = network(input_ids=tokens, attention_mask=torch.ones_like(tokens), pixel_values=pixels)
            yield found

    return read_all
