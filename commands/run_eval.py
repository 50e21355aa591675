"""Carries out `docsearch eval`: reads questions, measures ways to search, and writes what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..engine.errors import UsageError
from . import eval_dataset, eval_pointing
from .defaults import DEFAULT_INDEX
from .interrupts import interruptible
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalArguments:
    """The arguments of `docsearch eval`, as its help describes them."""

    questions: Path | None
    indexes: tuple[Path, ...]
    modes: tuple[Mode, ...]
    candidates: tuple[int, ...]
    exact: bool
    all_copies: bool
    rerank: str | None
    rerank_hits: int | None
    documents_where: str | None
    topics: Path | None
    where: tuple[str, ...]
    inside: bool
    group_by: str | None
    as_json: bool
    html: Path | None
    run: Path | None
    qrels: Path | None
    generate: int | None
    from_marks: bool
    out: Path | None
    seed: int
    dataset: str | None
    languages: tuple[str, ...]
    with_text: bool
    model: str | None
    codec: str | None
    device: str
    quiet: bool

    @property
    def searched(self) -> tuple[Path, ...]:
        """The indexes to search, or the default one."""
        return self.indexes or (DEFAULT_INDEX,)

    @property
    def writes_questions(self) -> bool:
        """Whether questions are written, and nothing is measured."""
        return self.generate is not None or (self.from_marks and self.out is not None)


def run_eval(asked: EvalArguments) -> None:
    """Measure the ways to search that `asked` names, or write questions. Raises UsageError."""
    _check(asked)
    if asked.writes_questions:
        _write_questions(asked)
        return
    stage = third_stage(asked.rerank, asked.rerank_hits, asked.device)
    systems = _systems(asked, asked.searched, stage)
    _check_outputs(asked, systems, [file for file in (asked.questions, asked.topics) if file is not None])
    prepared = None if asked.dataset is None else _prepared(asked, asked.dataset)
    if prepared is not None:
        systems = _systems(asked, prepared.indexes, stage)
        _check_outputs(asked, systems, [])
    questions = _questions(asked, prepared)
    with interruptible(lambda: NOTHING_KEPT):
        measured = _measure_all(asked, questions, systems, prepared)
        _write_results(asked, questions, measured, prepared)
    _tell(measured, questions)
    tell_undrawn(stage)
    if asked.html is not None and not asked.quiet:
        message(f"report written to {asked.html}")


def _check(asked: EvalArguments) -> None:
    """Raise UsageError for arguments that do not go together."""
    if asked.topics is not None and asked.questions is None:
        raise UsageError("--topics has the questions of QUESTIONS that are TREC qrels; give these, too")
    given = (asked.questions, asked.dataset, asked.from_marks or None, asked.generate)
    is_one = sum(each is not None for each in given) == 1
    if asked.writes_questions:
        if not is_one:
            raise UsageError(ONE_SOURCE)
        if asked.html is not None or asked.run is not None or asked.qrels is not None:
            raise UsageError(
                "nothing is measured while questions are written; give --html, --run and --qrels with these"
            )
        return
    if asked.out is not None:
        raise UsageError(
            "-o is where --generate or --from-marks write questions; results go to --html, --run and --json"
        )
    if not is_one:
        raise UsageError(ONE_SOURCE)
    if asked.dataset == "":
        raise UsageError("--dataset is empty; give the name of a benchmark, or a folder")
    if asked.dataset is None and (asked.languages or asked.with_text or asked.model or asked.codec):
        raise UsageError(
            "--language, --with-text, --model and --codec say how a --dataset is read and indexed; of other questions, "
            "--where language=english chooses those with this value in the column 'language'"
        )


def _systems(asked: EvalArguments, indexes: Sequence[Path], rerank: ThirdStage | None) -> list[System]:
    """Every combination of the options, without `rerank` and with it; a system is named by what sets it apart."""
    from ..evaluation.run import System

    searches: list[tuple[int | None, bool]] = [(count, False) for count in asked.candidates]
    searches += [(None, True)] if asked.exact else []
    found = []
    for folder in indexes:
        for mode in asked.modes or (None,):
            for count, is_exact in searches or [(None, False)]:
                names = [
                    str(folder) if len(indexes) > 1 or not (asked.modes or searches) else "",
                    mode or "",
                    f"{count} candidates" if count else "exact" if is_exact else "",
                ]
                name = " ".join(filter(None, names))
                where = asked.documents_where
                found.append(System(name, folder, mode, count, is_exact, asked.all_copies, where=where))
    if len({each.name for each in found}) < len(found):
        raise UsageError("the same --index, --mode or --candidates twice: there is nothing to compare")
    if rerank is None:
        return found
    return [one for each in found for one in (each, replace(each, name=f"{each.name} reranked", rerank=rerank))]


def _check_outputs(asked: EvalArguments, systems: Sequence[System], inputs: Sequence[Path]) -> None:
    """Raise UsageError for files that cannot be written, or not by so many systems."""
    for file, suffixes, what in (
        (asked.html, (".html", ".htm"), "reports"),
        (asked.run, (".trec", ".run", ".txt"), "runs"),
        (asked.qrels, (".trec", ".qrels", ".txt"), "qrels"),
    ):
        if file is not None:
            for system in systems:
                check_file(file, suffixes, system.index, what=what, inputs=inputs)
    if asked.run is not None and asked.qrels is not None and is_same(asked.run, asked.qrels):
        raise UsageError(f"{asked.qrels}: --run and --qrels name the same file; choose another name")
    if asked.run is not None and len(systems) > 1:
        raise UsageError(
            "--run writes what one system found; give one --index, --mode and --candidates, and no --rerank"
        )


def _prepared(asked: EvalArguments, dataset: str) -> eval_dataset.Prepared:
    """A benchmark with its pages indexed."""
    with interruptible(lambda: "finished pages are saved, and the same command continues from there"):
        return eval_dataset.prepare(
            dataset,
            list(asked.indexes),
            languages=list(asked.languages),
            with_text=asked.with_text,
            model=asked.model,
            codec=asked.codec,
            device=asked.device,
            quiet=asked.quiet,
            one_corpus_for=None if asked.html is None else "--html",
        )


def _questions(asked: EvalArguments, prepared: eval_dataset.Prepared | None) -> Questions:
    """The questions to ask: those with the values of --where, of a file, of marked hits or of a benchmark."""
    from ..evaluation import marks, readers

    if prepared is not None:
        read = prepared.questions
    elif asked.questions is None:
        read = marks.questions(asked.searched[0])
    else:
        read = readers.read(asked.questions, topics=asked.topics)
    questions = _chosen(read, asked.where, inside=asked.inside)
    if asked.group_by is not None and asked.group_by not in questions.columns():
        raise UsageError(
            f"no question has the column '{asked.group_by}'; the columns are: {_listed(questions.columns())}"
        )
    return questions


def _chosen(asked: Questions, where: Sequence[str], *, inside: bool) -> Questions:
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


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _measure_all(
    asked: EvalArguments, questions: Questions, systems: Sequence[System], prepared: eval_dataset.Prepared | None
) -> list[Measured]:
    """Ask each system all questions."""
    text, total = "{task.completed:,}/{task.total:,} questions · ETA", len(questions) * len(systems)
    with progress_bar(text=text, total=total, time_left=True, quiet=asked.quiet, lines=True) as bar:
        if prepared is None:
            return [_measure(questions, system, asked.device, bar) for system in systems]
        return [_measure_parts(prepared, questions, system, asked.device, bar) for system in systems]


def _measure(asked: Questions, system: System, device: str, bar: ProgressBar) -> Measured:
    from ..engine.searcher import open_searcher
    from ..evaluation.run import measure

    with open_searcher(system.index, device=device) as searcher:
        give_pictures(system.rerank, searcher, system.index)
        return measure(searcher, asked, system, on_question=bar.advance)


def _measure_parts(
    prepared: eval_dataset.Prepared, asked: Questions, system: System, device: str, bar: ProgressBar
) -> Measured:
    """Measure a system on a benchmark: each corpus with its questions of those that are `asked`, as one."""
    found = []
    for part in prepared.parts:
        if its := asked.among({question.query_id for question in part.questions.items}):
            found.append(_measure(its, part.system(system), device, bar))
    return eval_dataset.combined(found, system)


def _write_results(
    asked: EvalArguments,
    questions: Questions,
    measured: list[Measured],
    prepared: eval_dataset.Prepared | None,
) -> None:
    """Print what was measured, and write the files that are asked for."""
    from . import eval_output

    eval_output.print_results(measured, questions, asked.group_by, as_json=asked.as_json)
    if prepared is not None:
        eval_dataset.print_summary(prepared, measured, as_json=asked.as_json)
    if prepared is None or prepared.is_one_corpus:
        eval_pointing.report(measured, questions.box_unit, as_json=asked.as_json, quiet=asked.quiet)
    if asked.run is not None:
        eval_output.write_run(asked.run, measured[0])
    if asked.qrels is not None:
        eval_output.write_qrels(asked.qrels, measured[0])
    if asked.html is not None:
        _write_report(asked, asked.html, questions, measured, prepared)


def _write_report(
    asked: EvalArguments,
    html: Path,
    questions: Questions,
    measured: list[Measured],
    prepared: eval_dataset.Prepared | None,
) -> None:
    from ..evaluation import report

    with progress_bar(text="{task.description}", quiet=asked.quiet) as bar:
        made = f"docsearch {__version__}, {datetime.now(UTC):%Y-%m-%d}"
        bar.update(0, 1, f"drawing pages for {html}")
        pictures = None if prepared is None else prepared.pictures(measured, questions.main)
        undrawn = report.write(html, measured, questions, asked.group_by, pictures, made=made)
    if undrawn and not asked.quiet:
        message(f"{plural(undrawn, 'page')} could not be drawn for {html}: their documents are gone")


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


def _write_questions(asked: EvalArguments) -> None:
    """Write the questions of --generate or --from-marks as JSON lines."""
    from ..engine.store import open_snapshot
    from ..evaluation import generated, marks
    from . import eval_output

    (index, *others), out, generate = asked.searched, asked.out, asked.generate
    if others:
        raise UsageError("questions are made from one --index")
    if out is not None:
        check_file(out, (".jsonl",), index, what="questions")
    if generate is None:
        rows = marks.export(index)
    else:
        with open_snapshot(index) as snapshot:
            rows = generated.questions(snapshot, generate, seed=asked.seed)
        if not rows:
            raise UsageError(f"{index}: no page has text that sets it apart from all others")
    eval_output.write_rows(out, rows)
    if not asked.quiet:
        about = "" if generate is None else " (synthetic: known-item questions from text layers)"
        fewer = f", fewer than {generate:,}: there is no more text" if generate and len(rows) < generate else ""
        message(f"{plural(len(rows), 'question')} written to {out or 'stdout'}{about}{fewer}")
