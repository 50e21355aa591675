"""`docsearch query`: prints the pages that answer a question, and saves images of them on request."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .defaults import DEFAULT_HITS, RERANKED_HITS
from .options import (
    DEFAULT_INDEX,
    AllCopies,
    AsJson,
    Candidates,
    Device,
    Exact,
    IndexDirectories,
    Rerank,
    RerankHits,
    ScoringDevice,
    SearchMode,
)
from .run_query import QueryArguments, run


def query(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="Question or keywords; optional with --image.")
    ] = None,
    indexes: IndexDirectories = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits to show.")] = DEFAULT_HITS,
    candidates: Candidates = None,
    device: ScoringDevice = Device.auto,
    exact: Exact = False,
    path: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Search only documents with a matching path or file name.")
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="IMAGE", help="Image to search by; needs a model that embeds images as queries."),
    ] = None,
    all_copies: AllCopies = False,
    mode: SearchMode = None,
    rerank: Rerank = None,
    rerank_hits: RerankHits = RERANKED_HITS,
    as_json: AsJson = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(metavar="OUT.png", help="Save the best hit's page with its matches highlighted (.png, .jpg)."),
    ] = None,
    save_pages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the pages of all hits as PNG files in this folder.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            envvar="DOCSEARCH_SERVER",
            metavar="auto|URL",
            help="Ask a running 'docsearch serve': auto finds the one of this index on this machine. Without an answer "
            "this process answers, and says so.",
        ),
    ] = None,
) -> None:
    """Find the pages that answer a question.

    Scores are between 0 and 1. Files with the same content are one hit, which says where else it is. --heatmap and
    --save-pages render the pages again, so the documents must still be where they were indexed.

    If the best hit is most likely wrong, a line says that there is no good match. In JSON, each hit repeats the
    "confidence" that the first one is right, 0 to 1, "no_good_match", and "unread_letters", which the model does not
    read.

    In the question, "an exact phrase" must be in a page's text, pages with -word are left out, and word* finds all
    words that begin so. In a sentence, quotes are only quotes. A word that no page has is taken for a typing error if
    the pages have one like it: a line says so, and "corrections" in JSON, which also has "missing_phrases".

    Several --index are searched as one: words are weighed by how common they are in all of them, and hits say which
    index they are of ("index" in JSON).

    Examples:

        docsearch query revenue chart 2023

        docsearch query "notice period" --path "contracts/*.pdf" -k 3 --json

        docsearch query "revenue chart 2023" --heatmap hit.png --save-pages hits/

        docsearch query "the same form, filled in" --image form.png

        docsearch query "what did the board decide" --rerank cross-encoder/ms-marco-MiniLM-L6-v2

        docsearch query '"net sales" -europe distribut*'

        docsearch query "notice period" --index office.index --index archive.index --json
    """
    index, *others = indexes or [DEFAULT_INDEX]
    run(
        QueryArguments(
            tuple(words or ()),
            index,
            k,
            candidates,
            device.value,
            exact,
            path,
            image,
            as_json,
            heatmap,
            save_pages,
            server,
            all_copies,
            None if mode is None else mode.value,
            rerank,
            rerank_hits,
            other_indexes=tuple(others),
        )
    )
