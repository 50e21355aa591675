"""The commands that look after an index: info, failed, remove, verify, compact, models."""

from __future__ import annotations

from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import UsageError
from .options import DEFAULT_INDEX, AsJson, Codec, IndexDirectory, note, plural, print_json

if TYPE_CHECKING:
    from ..engine.compression.residual import Codebook

DAMAGED = 3
SAMPLE_QUERIES = 50
"""Queries that `verify` compares two-stage search on."""


def info(index: IndexDirectory = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """Say what is in the index: documents, pages, bytes, model, and how it is searched.

    Examples:

        docsearch info

        docsearch info --index office.index --json
    """
    from ..engine.searcher import open_index

    with open_index(index) as searcher:
        facts = searcher.info()
    if as_json:
        print_json(facts)
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):{width}}  {f'{value:,}' if isinstance(value, int) else value}")


def failed(index: IndexDirectory = DEFAULT_INDEX, as_json: AsJson = False) -> None:
    """List the documents and pages that could not be indexed, each with its reason.

    Examples:

        docsearch failed

        docsearch failed --json | jq -r .path
    """
    from ..engine.store import open_snapshot

    with open_snapshot(index) as snapshot:
        failures = snapshot.failures()
    for failure in failures:
        if as_json:
            print_json({"path": failure.path, "page": failure.page, "reason": failure.reason})
        else:
            page = "" if failure.page is None else f", page {failure.page}"
            print(f"{failure.path}{page}: {failure.reason}")
    if not failures and not as_json:
        print("nothing failed")


def remove(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Documents as 'query' names them, folders, or globs.")
    ],
    index: IndexDirectory = DEFAULT_INDEX,
    as_json: AsJson = False,
) -> None:
    """Remove documents from the index; the files themselves stay.

    A PATH is a document's path in the index, a folder of them, or a glob. The space comes back with 'docsearch
    compact'.

    Examples:

        docsearch remove 2019/report.pdf

        docsearch remove drafts/ "*.png"
    """
    from ..engine.store import open_writer

    with open_writer(index, fingerprint=None, create=False) as writer:
        documents = writer.documents()
        chosen: dict[str, None] = {}
        for path in paths:
            matching = [known for known in documents if _is_meant(known, path)]
            if not matching:
                raise UsageError(f"{path}: the index holds no document of this path; nothing was removed")
            chosen.update(dict.fromkeys(matching))
        pages = writer.remove(chosen)
        writer.commit()
    if as_json:
        print_json({"documents": len(chosen), "pages": pages})
    else:
        print(f"{plural(len(chosen), 'document')} removed, {plural(pages, 'page')}")


def verify(
    index: IndexDirectory = DEFAULT_INDEX,
    loss: Annotated[
        bool, typer.Option("--loss", help="Measure, too, what storing the vectors in fewer bits would lose.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check every byte of the index, and measure what two-stage search loses against scoring every page.

    Exits with 3 when the index is damaged.

    Examples:

        docsearch verify

        docsearch verify --index office.index --json

        docsearch verify --loss
    """
    from ..engine.searcher import open_index
    from ..engine.store import open_snapshot
    from ..evaluation.sample_queries import sample_queries

    with open_snapshot(index) as snapshot:
        problems = snapshot.verify()
    recall: dict[str, object] = {}
    codecs: list[dict[str, object]] = []
    if not problems:
        with open_index(index) as searcher:
            stored = searcher.snapshot.codec
            if queries := [query for _, query in sample_queries(searcher.snapshot, SAMPLE_QUERIES)]:
                recall = asdict(searcher.measure_recall(queries))
                codecs = [asdict(each) for each in searcher.measure_codecs(queries)] if loss else []
    if as_json:
        print_json({"problems": problems, "recall": recall, **({"codecs": codecs} if loss else {})})
    else:
        for problem in problems:
            note(f"damaged: {problem}")
        if not problems:
            print("every checksum is right, and the catalog agrees with the segments")
        if not problems and not recall:
            print("two-stage search was not measured: no page has a text layer to take sample queries from")
        for name, value in recall.items():
            print(f"{name.replace('_', ' ')}: {f'{value:.3f}' if isinstance(value, float) else value}")
        if loss and recall:
            _print_codecs(codecs, stored)
    if problems:
        if not as_json:
            note("docsearch: the index is damaged; build it again with 'docsearch index' into another folder")
        raise typer.Exit(DAMAGED)


def compact(
    index: IndexDirectory = DEFAULT_INDEX,
    codec: Codec = None,
    as_json: AsJson = False,
) -> None:
    """Give back the space of removed and replaced pages, or store the vectors in another form.

    What a codec of fewer bits has lost does not come back; 'docsearch verify --loss' measures it beforehand.

    Examples:

        docsearch compact

        docsearch compact --index office.index --codec binary
    """
    from ..engine.store import open_writer

    codebook = _codebook(index) if codec == "residual" else None
    with open_writer(index, fingerprint=None, create=False) as writer:
        report = writer.compact(codec, codebook)
    facts = asdict(report)
    if as_json:
        print_json(facts)
    else:
        print("; ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in facts.items()))


def models(as_json: AsJson = False) -> None:
    """List the models that can embed pages.

    Each with its licence, its size, and whether it is on this machine. Settings follow a name after commas, as in
    jinaai/jina-embeddings-v4,max_pixels=602112,tokens=vision (docs/models.md).

    Examples:

        docsearch models

        docsearch models --json
    """
    from ..engine.models.registry import known_models

    for spec in known_models():
        if as_json:
            print_json(asdict(spec))
        else:
            where = "on this machine" if spec.present else "not on this machine"
            page = f", {spec.single_dim} a page" if spec.single_dim else ""
            print(f"{spec.name}: {spec.summary}")
            print(
                f"    {spec.licence}; {spec.parameters / 1e6:,.1f} M parameters, {spec.weights_gb:.2g} GB in bfloat16; "
                f"{spec.dim} dimensions a vector{page}; {where}"
            )


def _codebook(index: Path) -> Codebook | None:
    """The visual words of an index whose model has some."""
    from ..engine.searcher import open_index
    from ..engine.store import open_snapshot

    with open_snapshot(index) as snapshot:
        if not snapshot.has_words:
            return None
    with open_index(index) as searcher:
        return searcher.codebook


def _print_codecs(codecs: list[dict[str, object]], stored: str) -> None:
    """A line a codec, against the vectors as they are stored."""
    if stored != "float16":
        print(
            f"the vectors are stored as {stored}; what that lost against float16 cannot be seen in the index any more"
        )
    if not codecs:
        print(f"no codec has fewer bits than {stored}")
    for each in codecs:
        figures = (f"{name.replace('_', ' ')} {_figure(value)}" for name, value in each.items() if name != "codec")
        print(f"{each['codec']} against {stored}: {', '.join(figures)}")


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"


def _is_meant(known: str, path: str) -> bool:
    folder = path.rstrip("/") + "/"
    return known == path or known.startswith(folder) or fnmatchcase(known, path)
