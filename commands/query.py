"""`docsearch query`: prints the pages that answer a question, and saves images of them on request."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from .defaults import DEFAULT_HITS
from .options import (
    DEFAULT_INDEX,
    AllCopies,
    Candidates,
    Device,
    Exact,
    IndexDirectories,
    Rerank,
    RerankHits,
    ScoringDevice,
    SearchMode,
    Where,
)
from .query_arguments import QueryArguments
from .run_query import run
from .shard_search import Partial, Replicas, SearchOnRay


class Format(StrEnum):
    """How hits are printed."""

    table = "table"
    json = "json"
    csv = "csv"
    paths = "paths"


class GroupBy(StrEnum):
    """What hits are put together by."""

    document = "document"


class Task(StrEnum):
    """What the model of an index embeds for."""

    retrieval = "retrieval"
    text_matching = "text-matching"
    code = "code"


class QueryCommand(TyperCommand):
    """The command `query`, whose option --open may stand without a value: the best hit's page."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the arguments, with the value that --open stands for."""
        return super().parse_args(ctx, with_open_value(args))


def with_open_value(arguments: Sequence[str]) -> list[str]:
    """Arguments in which --open has a value: 1 where no number follows it.

    >>> with_open_value(["notice", "--open", "period"]), with_open_value(["--open", "2", "--", "--open"])
    (['notice', '--open=1', 'period'], ['--open', '2', '--', '--open'])
    """
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    found = []
    for at, argument in enumerate(arguments):
        following = arguments[at + 1] if at + 1 < len(arguments) else ""
        is_bare = argument == "--open" and at < end and not following.lstrip("-").isdecimal()
        found.append("--open=1" if is_bare else argument)
    return found


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
    where: Where = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="IMAGE", help="Image to search by; needs a model that embeds images as queries."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="FILE:PLACE",
            help="Find pages like this one instead: FILE:3 is a page, main.py:120-160 are lines of a text file.",
        ),
    ] = None,
    task: Annotated[
        Task | None,
        typer.Option(help="Refuse an index whose model, jina-embeddings-v4, was not set to this task."),
    ] = None,
    all_copies: AllCopies = False,
    mode: SearchMode = None,
    rerank: Rerank = None,
    rerank_hits: RerankHits = None,
    snippets: Annotated[
        bool | None,
        typer.Option(
            "--snippets/--no-snippets",
            help="Show the passage of each page that matches, its document's title and date. By default in a terminal, "
            "in JSON and in CSV.",
        ),
    ] = None,
    group_by: Annotated[
        GroupBy | None, typer.Option(help="Show -k documents with their best pages, not -k pages.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Tell which words matched, in the picture and in the text, and what scores are made of."
        ),
    ] = False,
    output: Annotated[
        Format, typer.Option("--format", help="'paths' are the files of the hits, each once.")
    ] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    open_: Annotated[
        int | None,
        typer.Option(
            "--open",
            min=1,
            metavar="[RANK]",
            help="Open the page of the best hit, or of the one with this rank, in a viewer or the browser.",
        ),
    ] = None,
    heatmap: Annotated[
        Path | None,
        typer.Option(metavar="OUT.png", help="Save the best hit's page with its matches highlighted (.png, .jpg)."),
    ] = None,
    save_pages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the pages of all hits as PNG files in this folder.")
    ] = None,
    password: Annotated[
        list[str] | None,
        typer.Option("--password", help="With --heatmap or --save-pages: password to try on encrypted files."),
    ] = None,
    ray: SearchOnRay = None,
    replicas: Replicas = 1,
    partial: Partial = False,
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

    In JSON, a hit has a "snippet" with its "text" and the "spans" that match, each as the first character and the one
    after the last; on pages without a text layer "recognised" has words that the model sees, with their boxes. "label"
    is the page's number as its document has it, where that is another. A hit in a text or source file has "lines", the
    first and the last that its page shows, and is printed as main.py:120-160. "ocr_engine" names the program that read
    the text by OCR, where the page has no text layer. --open asks DOCSEARCH_VIEWER for a
    command, such as "evince -p {page} {file}", and DOCSEARCH_EDITOR for text files, such as "code -g {file}:{line}".

    If the best hit is most likely wrong, a line says that there is no good match. In JSON, each hit repeats the
    "confidence" that the first one is right, 0 to 1, "no_good_match", and "unread_letters", which the model does not
    read; "try_mode" is another --mode that may find more, where there is one.

    With --explain, a score is the sum of what the picture gives, the text, the document (its name and first words), the
    page (short ones come first) and, with --cross-language, the meaning of the text. Each word has its weight and
    match, 0 to 1, in the picture, on the document's first page, and in the text, where "times" counts its places.

    --like finds pages that look or read like one of the index, among them near-duplicates of a passage. With
    jina-embeddings-v4 an index that was made with task=text-matching is best for that, and --task refuses any other.

    In the question, "an exact phrase" must be in a page's text, pages with -word are left out, and word* finds all
    words that begin so. In a sentence, quotes are only quotes. A word that no page has is taken for a typing error if
    the pages have one like it: a line says so, and "corrections" in JSON, which also has "missing_phrases".

    Several --index are searched as one: words are weighed by how common they are in all of them, and hits say which
    index they are of ("index" in JSON).

    Examples:

        docsearch query revenue chart 2023

        docsearch query "notice period" --path "contracts/*.pdf" -k 3 --json

        docsearch query "termination for cause" --group-by document --open

        docsearch query "net sales 2023" -k 1 --explain

        docsearch query invoice -k 50 --format paths

        docsearch query "cost of repairs" --where "modified >= 2023-07 and language in ('de', 'fr')"

        docsearch query "revenue chart 2023" --heatmap hit.png --save-pages hits/

        docsearch query "the same form, filled in" --image form.png

        docsearch query "what did the board decide" --rerank cross-encoder/ms-marco-MiniLM-L6-v2

        docsearch query '"net sales" -europe distribut*'

        docsearch query --like src/prices.py:120-160 --task text-matching

        docsearch query "notice period" --index office.index --index archive.index --json

        docsearch query "notice period" --index office.shards --ray head:6379
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
            where=where,
            other_indexes=tuple(others),
            output=output.value,
            snippets=snippets,
            group_by=None if group_by is None else group_by.value,
            open_rank=open_,
            explain=explain,
            like=like,
            task=None if task is None else task.value,
            ray=ray,
            replicas=replicas,
            partial=partial,
            passwords=tuple(password or ()),
        )
    )
