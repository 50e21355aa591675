"""`docsearch eval`: measures search with questions whose answers are known, and compares ways to search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AllCopies, AsJson, Codec, Device, Exact, Quiet, Rerank, RerankHits, ScoringDevice, SearchModes
from .run_eval import EvalArguments, run_eval


def evaluate(
    questions: Annotated[
        Path | None,
        typer.Argument(
            metavar="[QUESTIONS]",
            help="Questions with their answers: .jsonl, .csv, .tsv, a BEIR folder, or TREC qrels with --topics.",
        ),
    ] = None,
    index: Annotated[
        list[Path] | None,
        typer.Option(
            "--index", envvar="DOCSEARCH_INDEX", metavar="DIR", help="Folder of the index; several are compared."
        ),
    ] = None,
    mode: Annotated[
        list[SearchModes] | None,
        typer.Option("--mode", help="What pages are found by, as in 'query --mode'; several are compared."),
    ] = None,
    candidates: Annotated[
        list[int] | None,
        typer.Option("--candidates", min=1, help="Pages that stage 1 passes to the reranker; several are compared."),
    ] = None,
    exact: Exact = False,
    all_copies: AllCopies = False,
    rerank: Rerank = None,
    rerank_hits: RerankHits = None,
    documents_where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION", help="Search only documents for whose columns this is true, as 'query --where' does."
        ),
    ] = None,
    topics: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The questions of TREC qrels: lines of id, tab, question.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Ask only questions with this value; can be given several times."),
    ] = None,
    inside: Annotated[
        bool, typer.Option("--inside", help="Ask each question only inside the document that answers it.")
    ] = False,
    group_by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Also measure each value of this column by itself.")
    ] = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="REPORT.html", help="Write a report with the pages that were expected and found."),
    ] = None,
    run: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what was found as a TREC run.")] = None,
    qrels: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the answers as TREC qrels.")] = None,
    generate: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Instead of measuring: make N questions from the text of the pages."),
    ] = None,
    from_marks: Annotated[
        bool, typer.Option("--from-marks", help="Use the hits that were marked in 'docsearch serve' as the answers.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="OUT.jsonl", help="Where --generate or --from-marks write questions."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds make other questions with --generate.")] = 0,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FOLDER",
            help="Instead of QUESTIONS: a benchmark, such as vidore_v3_hr, or the folder of one. Its pages are indexed "
            "in --index, by default a folder here called like the benchmark.",
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LANGUAGE", help="Ask only the questions of --dataset in this one; can be given several times."
        ),
    ] = None,
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Index the texts that --dataset has of its pages as their text layers.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(help="Embedding model for --dataset; by default that of the index, pixel for a new one."),
    ] = None,
    codec: Codec = None,
    device: ScoringDevice = Device.auto,
    quiet: Quiet = False,
) -> None:
    """Measure search on questions whose answers are known.

    A row of QUESTIONS is {"query": "notice period", "path": "lease.pdf", "page": 3}; without "page", the whole document
    is the answer. A path is one in the index, or the end of just one. Answers that are not in the index are counted,
    and count as not found. See docs/evaluation.md for all forms.

    Printed are nDCG, recall, MRR and success, as trec_eval defines them, with 95 % bootstrap intervals, and the time of
    a question. If there are several --index, --mode or --candidates, all combinations are compared with the first one,
    question by question; with --rerank, each also without it.

    Examples:

        docsearch eval questions.jsonl --html report.html

        docsearch eval questions.csv --mode visual --mode hybrid --group-by language

        docsearch eval --generate 100 -o questions.jsonl

        docsearch eval --dataset vidore_v3_hr --language english
    """
    run_eval(
        EvalArguments(
            questions=questions,
            indexes=tuple(index or ()),
            modes=tuple(each.value for each in mode or ()),
            candidates=tuple(candidates or ()),
            exact=exact,
            all_copies=all_copies,
            rerank=rerank,
            rerank_hits=rerank_hits,
            documents_where=documents_where,
            topics=topics,
            where=tuple(where or ()),
            inside=inside,
            group_by=group_by,
            as_json=as_json,
            html=html,
            run=run,
            qrels=qrels,
            generate=generate,
            from_marks=from_marks,
            out=out,
            seed=seed,
            dataset=dataset,
            languages=tuple(language or ()),
            with_text=with_text,
            model=model,
            codec=codec,
            device=device.value,
            quiet=quiet,
        )
    )
