"""Options that several commands share."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..engine.install import install_command
from .defaults import DEFAULT_INDEX as DEFAULT_INDEX
from .defaults import RERANKED_HITS


class SearchModes(StrEnum):
    """Values of --mode."""

    visual = "visual"
    text = "text"
    hybrid = "hybrid"
    semantic = "semantic"


class Device(StrEnum):
    """A device to compute on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class PageRenderer(StrEnum):
    """The library that renders PDF pages."""

    mupdf = "mupdf"
    pdfium = "pdfium"


class OcrEngine(StrEnum):
    """What reads pages that have no text layer."""

    auto = "auto"
    tesseract = "tesseract"
    rapidocr = "rapidocr"


IndexDirectory = Annotated[
    Path,
    typer.Option(
        "--index",
        envvar="DOCSEARCH_INDEX",
        help="Folder of the index.",
        metavar="DIR",
    ),
]
IndexDirectories = Annotated[
    list[Path] | None,
    typer.Option(
        "--index",
        envvar="DOCSEARCH_INDEX",
        help="Folder of the index. Given several times, the indexes are searched as one; all must be of one model.",
        metavar="DIR",
        show_default=str(DEFAULT_INDEX),
    ),
]
CollectionDirectories = Annotated[
    list[Path] | None,
    typer.Option(
        "--index",
        envvar="DOCSEARCH_INDEX",
        help="Folder of the index. Given several times, each is a collection, searched by itself or with the others.",
        metavar="DIR",
        show_default=str(DEFAULT_INDEX),
    ),
]
Codec = Annotated[
    str | None,
    typer.Option(
        metavar="CODEC",
        help="How vectors are stored: float16, int8, int4, residual or binary. By default as in the existing index; "
        "int8 in a new one.",
    ),
]
MODEL_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


def model_device(value: str) -> str:
    """The callback of `ModelDevice`: refuses what is no device."""
    if not MODEL_DEVICE.fullmatch(value):
        raise typer.BadParameter(f"{value!r} is not auto, cpu, cuda, or one GPU such as cuda:0")
    return value


ModelDevice = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda|cuda:N",
        help="Device the model runs on. With auto and cuda, pages are embedded on all GPUs; cuda:1 is the second one.",
        callback=model_device,
    ),
]
ScoringDevice = Annotated[
    Device,
    typer.Option("--device", envvar="DOCSEARCH_DEVICE", help="Device that scores pages; auto uses a GPU if present."),
]
Renderer = Annotated[
    PageRenderer,
    typer.Option(
        "--renderer", help=f"Library that renders PDF pages: MuPDF (AGPL), or PDFium: {install_command('pdfium')}."
    ),
]
Passwords = Annotated[
    list[str] | None,
    typer.Option("--password", help="Password to try on encrypted files; can be given several times."),
]
Candidates = Annotated[
    int | None,
    typer.Option(
        "--candidates",
        min=1,
        help="Pages that stage 1 passes to the reranker (default 200). Small collections are scored in full unless "
        "this is given.",
    ),
]
Exact = Annotated[bool, typer.Option("--exact", help="Score every page; skip candidate retrieval.")]
AllCopies = Annotated[
    bool, typer.Option("--all-copies", help="Show files with the same content as a hit each, not as one hit.")
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help="Search only documents for whose columns this is true, such as \"author = 'Kim' and modified >= 2024\"; "
        "'docsearch facets' lists the columns.",
    ),
]
SearchMode = Annotated[
    SearchModes | None,
    typer.Option(
        "--mode",
        help="What pages are found by: their pictures, their text layers, or both, by default where the index has text "
        "and its model is pixel; semantic also by the meaning of their texts, in an index made with --cross-language.",
    ),
]
Prune = Annotated[bool, typer.Option("--prune", help="Remove documents that are no longer on disk.")]
Rehash = Annotated[
    bool,
    typer.Option("--rehash", help="Read every document, also those whose size and modification time are the same."),
]
KnownFailures = Annotated[
    str | None,
    typer.Option(
        "--known-failures",
        metavar="ok|FILE",
        help="Exit with 0 if nothing failed except as in earlier runs (ok), or except what FILE lists, as "
        "'docsearch failed --json' prints it.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes that render pages. By default half the processor cores that this process may use; all of them "
        "where pages are read by OCR.",
    ),
]
Rerank = Annotated[
    str | None,
    typer.Option(
        "--rerank",
        metavar="MODEL",
        help="Cross-encoder that reads the first hits, their texts or, if it can, their pictures, and puts them in its "
        f"order: an id on the hub or a folder. Needs {install_command('models')}.",
    ),
]
RerankHits = Annotated[
    int | None,
    typer.Option("--rerank-hits", min=1, help="Hits that --rerank reads.", show_default=str(RERANKED_HITS)),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
