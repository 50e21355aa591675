"""`docsearch eval --dataset`: reads a benchmark, indexes its pages, and prints the figure that it is reported by."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine import threads
from ..engine.errors import IndexNotFound, UsageError
from ..engine.printable import printable
from .output import message, plural, print_json
from .progress import clock, progress_bar

if TYPE_CHECKING:
    from ..engine.hits import PagePictures
    from ..evaluation.datasets.collection import Collection, Corpus, Subset
    from ..evaluation.datasets.summary import Summary
    from ..evaluation.questions import Questions
    from ..evaluation.run import Measured, System
    from ..indexer.report import IndexReport, Progress

UNSAFE = re.compile(r"[^\w.-]+")
"""What a folder is not called after."""
WORKERS_MAX = 8


@dataclass(frozen=True, slots=True)
class Part:
    """One corpus of a benchmark with the questions that are asked over it; `below` is its folder in an index's."""

    corpus: Corpus
    questions: Questions
    below: str

    def system(self, system: System) -> System:
        """The system with the index of this corpus."""
        return replace(system, index=system.index / self.below)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A benchmark whose pages are indexed, in each of `indexes`. `reports` say what indexing did, by index."""

    collection: Collection
    parts: tuple[Part, ...]
    indexes: tuple[Path, ...]
    reports: dict[Path, list[IndexReport]]

    @property
    def questions(self) -> Questions:
        """The questions of all parts."""
        first = self.parts[0].questions
        items = tuple(question for part in self.parts for question in part.questions.items)
        return replace(first, items=items, unjudged=sum(part.questions.unjudged for part in self.parts))

    @property
    def is_one_corpus(self) -> bool:
        """Whether all questions are asked over the same pages, so that one index has them."""
        return len(self.parts) == 1

    def check_one_corpus(self, option: str) -> None:
        """Raise UsageError where an option needs one corpus, and the benchmark has several."""
        if not self.is_one_corpus:
            names = ", ".join(part.below for part in self.parts)
            raise UsageError(f"{option} shows one corpus, and this benchmark has several ({names}); choose --language")

    def pictures(self, measured: Sequence[Measured], main: str) -> PagePictures | None:
        """The pictures of the pages that a report of `measured` shows; None where they are pages of PDF files.

        The benchmark has one corpus, see `check_one_corpus`.
        """
        from ..evaluation.datasets.images import CorpusImages
        from ..evaluation.report.cards import CARDS_MAX, chosen

        (part,) = self.parts
        if part.corpus.documents is not None:
            return None
        places = [place for _, its in chosen(measured, main) for place in its][:CARDS_MAX]
        outcomes = [each.outcomes[place] for each in measured for place in places]
        shown = {outcome.expected.path for outcome in outcomes}
        return CorpusImages(part.corpus, shown | {outcome.best.ref.path for outcome in outcomes if outcome.best})


def prepare(
    dataset: str,
    indexes: Sequence[Path],
    *,
    languages: Sequence[str],
    with_text: bool,
    model: str | None,
    codec: str | None,
    device: str,
    quiet: bool,
    one_corpus_for: str | None = None,
) -> Prepared:
    """Read a benchmark and index what is not indexed yet, each corpus once, in each of `indexes`.

    Without `indexes` it is a folder here, called like the benchmark. Without a `model` it is that of the index, `pixel`
    for a new one. Raises UsageError, before anything is indexed, where the option `one_corpus_for` needs one corpus and
    there are several; raises what reading and indexing raise. On Ctrl-C what is embedded stays.
    """
    from ..evaluation.datasets.collection import questions
    from ..evaluation.datasets.registry import load

    if not quiet:
        message(f"reading {dataset}")
    collection = load(dataset, languages=languages, with_text=with_text)
    folders = tuple(indexes) or (Path(_index_name(collection, with_text=with_text)),)
    groups = collection.by_corpus()
    parts = tuple(
        Part(corpus, questions(collection, subsets), _folder(subsets) if len(groups) > 1 else "")
        for corpus, subsets in groups
    )
    prepared = Prepared(collection, parts, folders, {})
    if one_corpus_for is not None:
        prepared.check_one_corpus(one_corpus_for)
    reports = {
        folder: [
            _index(part.corpus, folder / part.below, model=model, codec=codec, device=device, quiet=quiet)
            for part in parts
        ]
        for folder in folders
    }
    return replace(prepared, reports=reports)


def combined(measured: Sequence[Measured], system: System) -> Measured:
    """What was measured of each part, as one: all questions, and the pages of all parts."""
    first = measured[0]
    outcomes = tuple(outcome for each in measured for outcome in each.outcomes)
    return replace(first, system=system, outcomes=outcomes, pages=sum(each.pages for each in measured))


def print_summary(prepared: Prepared, measured: Sequence[Measured], *, as_json: bool) -> None:
    """Print the main metric by language, its mean and what it is the mean of, and what indexing took."""
    from ..evaluation.datasets.summary import summarise

    for each in measured:
        summary = summarise(prepared.collection, each)
        reports = prepared.reports[each.system.index]
        pages, seconds = sum(one.pages for one in reports), sum(one.seconds for one in reports)
        per_page = round(seconds / pages, 3) if pages else None
        if as_json:
            indexed = {"pages_indexed": pages, "seconds_per_page_indexed": per_page}
            print_json({"system": each.system.name, **summary.as_dict(), **indexed})
            continue
        if not sys.stdout.isatty():
            _print_columns(each.system.name, summary, per_page)
            continue
        print(f"{printable(each.system.name)}: {printable(summary.benchmark)}, {summary.main}")
        for name, part in summary.parts.items():
            figures = f"{part.interval.mean:.4f} ({part.interval.low:.4f}–{part.interval.high:.4f})"
            print(f"  {figures}  {name or 'all'}, {plural(part.questions, 'question')}")
        print(f"  {summary.mean:.4f}  mean of {summary.mean_of}")
        if per_page is not None:
            print(f"  {per_page:.3f} s a page to index ({plural(pages, 'page')} in {clock(seconds)})")


def _print_columns(system: str, summary: Summary, per_page: float | None) -> None:
    """Print lines in the columns of `eval_output`, for programs."""
    for name, part in summary.parts.items():
        figures = f"{part.interval.mean:.4f}\t{part.interval.low:.4f}\t{part.interval.high:.4f}"
        print(f"{printable(system)}\t{printable(name)}\t{part.questions}\t{summary.main}\t{figures}\t")
    questions = sum(part.questions for part in summary.parts.values())
    print(f"{printable(system)}\tmean of {summary.mean_of}\t{questions}\t{summary.main}\t{summary.mean:.4f}\t\t\t")
    if per_page is not None:
        print(f"{printable(system)}\t\t\ts_per_page_indexed\t{per_page:.3f}\t\t\t")


def _index(
    corpus: Corpus, directory: Path, *, model: str | None, codec: str | None, device: str, quiet: bool
) -> IndexReport:
    from ..engine.searcher import open_searcher
    from ..evaluation.datasets.indexing import index_corpus

    with progress_bar("indexing", text="{task.percentage:>3.0f}%  {task.description}", quiet=quiet, lines=True) as bar:
        report = index_corpus(
            corpus,
            directory,
            model=model or _recorded_model(directory),
            codec=codec,
            device=device,
            workers=min(max(threads.available() // 2, 1), WORKERS_MAX),
            on_progress=lambda done: bar.update(done.bytes, done.bytes_total, _progress_line(done)),
        )
    if report.failed:
        message(f"warning: {plural(len(report.failed), 'page')} of {directory} could not be indexed")
    with open_searcher(directory) as searcher:
        searcher.prepare()
    return report


def _progress_line(done: Progress) -> str:
    rate = done.pages / done.seconds if done.seconds > 0 else 0.0
    rendered = done.bytes - done.bytes_skipped
    eta = clock(done.seconds * (done.bytes_total - done.bytes) / rendered) if rendered > 0 and done.pages else "?"
    return f"{done.documents:,}/{done.documents_total:,} · {rate:.1f} pages/s · ETA {eta}"


def _recorded_model(directory: Path) -> str:
    from ..engine.store import open_snapshot

    with suppress(IndexNotFound), open_snapshot(directory) as snapshot:
        return str(snapshot.fingerprint["name"])
    return "pixel"


def _index_name(collection: Collection, *, with_text: bool) -> str:
    name = UNSAFE.sub("-", collection.name.rpartition("/")[2]).strip(".-") or "dataset"
    return f"{name}{'-text' if with_text else ''}.index"


def _folder(subsets: Sequence[Subset]) -> str:
    return UNSAFE.sub("-", subsets[0].name).strip(".-") or "default"
