"""`docsearch eval`: measures search with questions whose answers are known, and compares ways to search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import __version__
from ..engine.errors import UsageError
from . import eval_dataset, eval_pointing
from .defaults import DEFAULT_INDEX
from .interrupts import interruptible
from .options import AllCopies, AsJson, Codec, Device, Exact, Quiet, Rerank, RerankHits, ScoringDevice, SearchModes
from .output import message, plural
from .output_files import check_file, is_same
from .progress import ProgressBar, progress_bar
from .reranking import give_pictures, tell_undrawn, third_stage

if TYPE_CHECKING:
    from ..engine.ranking.third_stage import ThirdStage
    from ..engine.records import Mode
    from ..evaluation.questions import Questions
    from ..evaluation.run import Measured, System

NOTHING_KEPT = "nothing was written"
ONE_SOURCE = "give either QUESTIONS, --dataset NAME, --from-marks or --generate N"
VALUES_SHOWN = 10
MISSING_SHOWN = 3
"""Judged pages that are not in the index which a message names."""


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
    indexes = index or [DEFAULT_INDEX]
    if topics is not None and questions is None:
        raise UsageError("--topics has the questions of QUESTIONS that are TREC qrels; give these, too")
    if generate is not None or (from_marks and out is not None):
        if (questions is not None) + (dataset is not None) + from_marks + (generate is not None) != 1:
            raise UsageError(ONE_SOURCE)
        if html is not None or run is not None or qrels is not None:
            raise UsageError(
                "nothing is measured while questions are written; give --html, --run and --qrels with these"
            )
        _write_questions(indexes, out, generate, seed, quiet=quiet)
        return
    if out is not None:
        raise UsageError(
            "-o is where --generate or --from-marks write questions; results go to --html, --run and --json"
        )
    if (questions is not None) + from_marks + (dataset is not None) != 1:
        raise UsageError(ONE_SOURCE)
    if dataset == "":
        raise UsageError("--dataset is empty; give the name of a benchmark, or a folder")
    if dataset is None and (language or with_text or model or codec):
        raise UsageError(
            "--language, --with-text, --model and --codec say how a --dataset is read and indexed; of other questions, "
            "--where language=english chooses those with this value in the column 'language'"
        )
    stage = third_stage(rerank, rerank_hits, device.value)
    systems = _systems(indexes, mode or [], candidates or [], exact=exact, all_copies=all_copies, rerank=stage)
    _check_outputs(systems, html, run, qrels, [file for file in (questions, topics) if file is not None])
    prepared = None
    if dataset is not None:
        with interruptible(lambda: "finished pages are saved, and the same command continues from there"):
            prepared = eval_dataset.prepare(
                dataset,
                index or [],
                languages=language or [],
                with_text=with_text,
                model=model,
                codec=codec,
                device=device.value,
                quiet=quiet,
                one_corpus_for=None if html is None else "--html",
            )
        systems = _systems(
            list(prepared.indexes), mode or [], candidates or [], exact=exact, all_copies=all_copies, rerank=stage
        )
        _check_outputs(systems, html, run, qrels, [])
        read = prepared.questions
    else:
        read = _marked(indexes) if questions is None else _read(questions, topics)
    systems = [replace(each, where=documents_where) for each in systems]
    asked = _chosen(read, where or [], inside=inside)
    if group_by is not None and group_by not in asked.columns():
        raise UsageError(f"no question has the column '{group_by}'; the columns are: {_listed(asked.columns())}")
    from ..evaluation import report
    from . import eval_output

    with interruptible(lambda: NOTHING_KEPT):
        text, total = "{task.completed:,}/{task.total:,} questions · ETA", len(asked) * len(systems)
        with progress_bar(text=text, total=total, time_left=True, quiet=quiet, lines=True) as bar:
            if prepared is None:
                measured = [_measure(asked, system, device, bar) for system in systems]
            else:
                measured = [_measure_parts(prepared, asked, system, device, bar) for system in systems]
        eval_output.print_results(measured, asked, group_by, as_json=as_json)
        if prepared is not None:
            eval_dataset.print_summary(prepared, measured, as_json=as_json)
        if prepared is None or prepared.is_one_corpus:
            eval_pointing.report(measured, asked.box_unit, as_json=as_json, quiet=quiet)
        if run is not None:
            eval_output.write_run(run, measured[0])
        if qrels is not None:
            eval_output.write_qrels(qrels, measured[0])
        if html is not None:
            with progress_bar(text="{task.description}", quiet=quiet) as bar:
                made = f"docsearch {__version__}, {datetime.now(UTC):%Y-%m-%d}"
                bar.update(0, 1, f"drawing pages for {html}")
                pictures = None if prepared is None else prepared.pictures(measured, asked.main)
                undrawn = report.write(html, measured, asked, group_by, pictures, made=made)
            if undrawn and not quiet:
                message(f"{plural(undrawn, 'page')} could not be drawn for {html}: their documents are gone")
    _tell(measured, asked)
    tell_undrawn(stage)
    if html is not None and not quiet:
        message(f"report written to {html}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _systems(
    indexes: list[Path],
    modes: list[SearchModes],
    candidates: list[int],
    *,
    exact: bool,
    all_copies: bool,
    rerank: ThirdStage | None,
) -> list[System]:
    """Every combination of the options, without `rerank` and with it; a system is named by what sets it apart."""
    from ..evaluation.run import System

    searches: list[tuple[int | None, bool]] = [(count, False) for count in candidates]
    searches += [(None, True)] if exact else []
    found = []
    for folder in indexes:
        for mode in (*modes,) or (None,):
            for count, is_exact in searches or [(None, False)]:
                names = [
                    str(folder) if len(indexes) > 1 or not (modes or searches) else "",
                    mode.value if mode else "",
                    f"{count} candidates" if count else "exact" if is_exact else "",
                ]
                name = " ".join(filter(None, names))
                chosen: Mode | None = mode.value if mode else None
                found.append(System(name, folder, chosen, count, is_exact, all_copies))
    if len({each.name for each in found}) < len(found):
        raise UsageError("the same --index, --mode or --candidates twice: there is nothing to compare")
    if rerank is None:
        return found
    return [one for each in found for one in (each, replace(each, name=f"{each.name} reranked", rerank=rerank))]


def _check_outputs(
    systems: list[System], html: Path | None, run: Path | None, qrels: Path | None, inputs: list[Path]
) -> None:
    for file, suffixes, what in (
        (html, (".html", ".htm"), "reports"),
        (run, (".trec", ".run", ".txt"), "runs"),
        (qrels, (".trec", ".qrels", ".txt"), "qrels"),
    ):
        if file is not None:
            for system in systems:
                check_file(file, suffixes, system.index, what=what, inputs=inputs)
    if run is not None and qrels is not None and is_same(run, qrels):
        raise UsageError(f"{qrels}: --run and --qrels name the same file; choose another name")
    if run is not None and len(systems) > 1:
        raise UsageError(
            "--run writes what one system found; give one --index, --mode and --candidates, and no --rerank"
        )


def _read(questions: Path, topics: Path | None) -> Questions:
    from ..evaluation import readers

    return readers.read(questions, topics=topics)


def _marked(indexes: list[Path]) -> Questions:
    from ..evaluation import marks

    return marks.questions(indexes[0])


def _chosen(asked: Questions, where: list[str], *, inside: bool) -> Questions:
    """The questions with the values that --where asks for."""
    for condition in where:
        column, sign, value = condition.partition("=")
        if not sign:
            raise UsageError(f"--where {condition}: write COLUMN=VALUE")
        kept = asked.where(column, value)
        if not kept.items:
            values = sorted({each for question in asked.items for each in question.columns.get(column, ())})
            has = ", ".join(values[:VALUES_SHOWN]) + (", …" if len(values) > VALUES_SHOWN else "")
            known = f"the values of '{column}' are {has}" if has else f"the columns are {_listed(asked.columns())}"
            raise UsageError(f"--where {condition}: no question has this value in {asked.source}; {known}")
        asked = kept
    return asked.asked_inside() if inside else asked


def _measure(asked: Questions, system: System, device: Device, bar: ProgressBar) -> Measured:
    from ..engine.searcher import open_searcher
    from ..evaluation.run import measure

    with open_searcher(system.index, device=device.value) as searcher:
        give_pictures(system.rerank, searcher, system.index)
        return measure(searcher, asked, system, on_question=bar.advance)


def _measure_parts(
    prepared: eval_dataset.Prepared, asked: Questions, system: System, device: Device, bar: ProgressBar
) -> Measured:
    """Measure a system on a benchmark: each corpus with its questions of those that are `asked`, as one."""
    found = []
    for part in prepared.parts:
        if its := asked.among({question.query_id for question in part.questions.items}):
            found.append(_measure(its, part.system(system), device, bar))
    return eval_dataset.combined(found, system)


def _tell(measured: list[Measured], asked: Questions) -> None:
    """Say on stderr what a reader of the numbers has to know."""
    for one in {each.system.index: each for each in measured}.values():
        if missing := one.missing():
            names = [f"{each.path}, page {each.page}" if each.page else each.path for each in missing[:MISSING_SHOWN]]
            more = "; …" if len(missing) > MISSING_SHOWN else ""
            message(
                f"warning: {len(missing):,} of {plural(one.judged(), 'answer')} are not in {one.system.index} and "
                f"count as not found: {'; '.join(names)}{more}"
            )
    for one in measured:
        if all(each.best is None for each in one.outcomes):
            why = ": its pages may have no text layers" if one.mode == "text" else ""
            message(f"warning: {one.system.name}: no question has a hit in {one.system.index}{why}")
    if asked.unjudged:
        message(f"{plural(asked.unjudged, 'question')} without an answer left out")
    if asked.synthetic:
        message(
            "these questions are synthetic: made from the text of the pages that answer them; they are easier than "
            "those of people"
        )


def _write_questions(indexes: list[Path], out: Path | None, generate: int | None, seed: int, *, quiet: bool) -> None:
    """Write the questions of --generate or --from-marks as JSON lines."""
    from ..engine.store import open_snapshot
    from ..evaluation import generated, marks
    from . import eval_output

    if len(indexes) > 1:
        raise UsageError("questions are made from one --index")
    if out is not None:
        check_file(out, (".jsonl",), indexes[0], what="questions")
    if generate is None:
        rows = marks.export(indexes[0])
    else:
        with open_snapshot(indexes[0]) as snapshot:
            rows = generated.questions(snapshot, generate, seed=seed)
        if not rows:
            raise UsageError(f"{indexes[0]}: no page has text that sets it apart from all others")
    eval_output.write_rows(out, rows)
    if not quiet:
        about = "" if generate is None else " (synthetic: known-item questions from text layers)"
        fewer = f", fewer than {generate:,}: there is no more text" if generate and len(rows) < generate else ""
        message(f"{plural(len(rows), 'question')} written to {out or 'stdout'}{about}{fewer}")
