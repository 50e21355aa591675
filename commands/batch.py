"""`docsearch batch`: answers a file of queries into a file of answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import (
    DEFAULT_INDEX,
    AllCopies,
    Candidates,
    Device,
    Exact,
    IndexDirectories,
    Quiet,
    Rerank,
    RerankHits,
    ScoringDevice,
    SearchMode,
    Where,
)
from .run_batch import BatchArguments, run
from .shard_search import Partial, Replicas, SearchOnRay


def batch(
    file: Annotated[Path, typer.Argument(help="Queries: .txt (one per line), .csv, .jsonl or .parquet.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Answers: .jsonl, .csv, .parquet or .trec.", metavar="OUT")],
    indexes: IndexDirectories = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits per query.")] = 10,
    candidates: Candidates = None,
    device: ScoringDevice = Device.auto,
    exact: Exact = False,
    all_copies: AllCopies = False,
    mode: SearchMode = None,
    rerank: Rerank = None,
    rerank_hits: RerankHits = None,
    where: Where = None,
    snippets: Annotated[
        bool,
        typer.Option(
            "--snippets",
            help="Tell of each hit the passage of the page that matches, the page's own number, and the document's "
            "title and date, as 'query --json' does.",
        ),
    ] = False,
    ray: SearchOnRay = None,
    replicas: Replicas = 1,
    partial: Partial = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue after the last answer that is kept.")] = False,
    quiet: Quiet = False,
) -> None:
    """Answer a file of queries.

    Rows have "query", and optionally "query_id" (by default the row's number), "path" and "where" (filters as in 'query
    --path' and --where), and "mode" and "k", which take the place of --mode and -k for this row. Other columns are not
    read, and a line on stderr names them. In .txt files, blank lines and lines that begin with # are skipped. Answers
    have "query_id", "query", "hits" and "run"; each hit has "path", "page", "score", "doc_id" and "also", the other
    paths of the same file. They also have the "confidence" that the first hit is right, 0 to 1, "no_good_match",
    "unread_letters", which the model does not read, and the "mode"; in .jsonl also "corrections" and "missing_phrases",
    as in 'query', and in "asked" what the row had beside its question. A .csv file has a row per hit; text that a
    spreadsheet would take for a formula gets an apostrophe before it.

    Answers are collected in OUT.partial; OUT stays as it was until the last one is there. --resume refuses to go on if
    the queries, -k, --candidates, --exact, --all-copies, --mode, --rerank, --where, --snippets or the index have
    changed ("run" in an answer says with what it was made).

    With --ray, workers on a cluster search the shards of the index, several batches of queries at a time; answers are
    the same, in the order of the queries. An answer without the pages of a lost shard has "missing_shards" and
    "missing_pages" in .jsonl, and is made only with --partial.

    Several --index are searched as one, and each hit has its "index"; in .trec files its name stands before the path.

    Examples:

        docsearch batch questions.txt -o answers.jsonl

        docsearch batch queries.jsonl -o run.trec -k 100 --index office.index

        docsearch batch questions.txt -o answers.csv --where "kind = 'pdf' and pages < 50"

        docsearch batch queries.csv -o answers.jsonl --snippets --resume

        docsearch batch queries.csv -o answers.csv --index office.index --index archive.index

        docsearch batch queries.jsonl -o answers.jsonl --index office.shards --ray head:6379 --replicas 2
    """
    run(
        BatchArguments(
            file=file,
            out=out,
            indexes=tuple(indexes or [DEFAULT_INDEX]),
            k=k,
            candidates=candidates,
            device=device.value,
            exact=exact,
            all_copies=all_copies,
            mode=mode.value if mode else None,
            rerank=rerank,
            rerank_hits=rerank_hits,
            where=where,
            snippets=snippets,
            ray=ray,
            replicas=replicas,
            partial=partial,
            resume=resume,
            quiet=quiet,
        )
    )
