"""The HTML page of a report: what was measured, of which systems, in which groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from ...engine.printable import printable
from ..comparison import Comparison
from ..metrics import METRICS
from ..questions import Questions
from ..run import Measured
from ..significance import LEVEL, Interval
from .labels import label, scrolling

GROUP_METRICS = ("ndcg@10", "recall@10", "mrr", "success@1")
SIGNIFICANT = 0.05
"""Differences with a smaller p-value are printed bold."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
WITHOUT = "(none)"
ABOUT = (
    f"Means over questions with {LEVEL:.0%} bootstrap intervals; metrics as trec_eval defines them, with linear gain. "
    "Differences are paired; p is that of a two-sided randomisation test."
)


def document(
    measured: Sequence[Measured],
    comparisons: Sequence[Comparison],
    asked: Questions,
    group_by: str | None,
    questions: str,
    made: str,
) -> str:
    """The page; `questions` is the HTML of its questions, `made` says when and with what it was made."""
    count = len(asked)
    title = f"Search quality on {count:,} question{'' if count == 1 else 's'}"
    style = (files(__package__) / "style.css").read_text("utf-8")
    parts = [
        f"<header><h1>{title}</h1><p>{_text(asked.source)} · {_text(made)}</p>",
        f"{_headline(measured, asked)}</header><main>",
        _notes(measured, asked),
        f"<section><h2>Metrics</h2>{_metrics(measured, comparisons)}</section>",
        _groups(measured, group_by) if group_by is not None else "",
        questions,
        "</main><footer>",
        f"<p>{ABOUT}</p>",
        "<p>Marked on the pages is what matches the question.</p></footer>",
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<style>{style}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _headline(measured: Sequence[Measured], asked: Questions) -> str:
    cards = []
    for each in measured:
        main, first = each.interval(asked.main), each.interval("success@1")
        median, high = each.milliseconds()
        figures = (
            (f"{main.mean:.3f}", label(asked.main)),
            (f"{first.mean:.0%}", "right page first"),
            (f"{median:.0f} ms", f"a question (95th percentile {high:.0f})"),
        )
        shown = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for value, name in figures)
        about = f"{each.pages:,} pages · model {each.model} · mode {each.mode} · {each.search}"
        cards.append(
            f'<div class="system"><h2>{_text(each.system.name)}</h2><dl>{shown}</dl><p>{_text(about)}</p></div>'
        )
    return f'<div class="systems">{"".join(cards)}</div>'


def _notes(measured: Sequence[Measured], asked: Questions) -> str:
    notes = []
    for each in measured:
        if missing := len(each.missing()):
            notes.append(
                f"{missing:,} of {each.judged():,} answers are not in {each.system.index}; they count as not found."
            )
    notes = list(dict.fromkeys(notes))  # several systems may search one index
    if asked.synthetic:
        notes.append(
            "These questions are synthetic: made by a program from the text of the pages that answer them. They are "
            "easier than the questions of people."
        )
    if asked.unjudged:
        notes.append(f"{asked.unjudged:,} questions without an answer were left out.")
    return f'<ul class="notes">{"".join(f"<li>{_text(note)}</li>" for note in notes)}</ul>' if notes else ""


def _metrics(measured: Sequence[Measured], comparisons: Sequence[Comparison]) -> str:
    heads = ["metric", *(each.system.name for each in measured)]
    heads += [f"{each.second.system.name} against {each.first.system.name}" for each in comparisons]
    rows = []
    for name in METRICS:
        cells = [f'<th scope="row">{label(name)}</th>']
        cells += [f"<td>{_bar(each.interval(name))}</td>" for each in measured]
        for compared in comparisons:
            difference = compared.difference(name)
            found = difference.interval
            mean = f"{found.mean:+.3f}"
            mean = f"<strong>{mean}</strong>" if difference.p_value < SIGNIFICANT else mean
            span = f"{found.low:+.3f} to {found.high:+.3f}, p = {difference.p_value:.3f}"
            cells.append(f"<td>{mean} <small>{span}</small></td>")
        rows.append("".join(cells))
    return _table("Metrics", heads, rows)


def _groups(measured: Sequence[Measured], column: str) -> str:
    groups = [each.groups(column) for each in measured]
    heads = [column, *(["system"] if len(measured) > 1 else []), "questions", *map(label, GROUP_METRICS)]
    rows = []
    for value in groups[0]:
        for each, of_system in zip(measured, groups, strict=True):
            group = of_system[value]
            cells = [f'<th scope="row">{_text(value or WITHOUT)}</th>']
            cells += [f"<td>{_text(each.system.name)}</td>"] if len(measured) > 1 else []
            cells.append(f"<td>{len(group.outcomes):,}</td>")
            cells += [f"<td>{_bar(group.interval(name))}</td>" for name in GROUP_METRICS]
            rows.append("".join(cells))
    return f"<section><h2>By {_text(column)}</h2>{_table(f'By {column}', heads, rows)}</section>"


def _table(name: str, heads: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f'<th scope="col">{_text(each)}</th>' for each in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="wide" {scrolling(name)}><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _bar(interval: Interval) -> str:
    """A mean with its interval, as numbers and as a mark on a line from 0 to 1."""
    low, mean, high = (f"{100 * each:.1f}%" for each in (interval.low, interval.mean, interval.high))
    return (
        f"{interval.mean:.3f} <small>{interval.low:.3f}–{interval.high:.3f}</small>"
        f'<span class="bar" aria-hidden="true" style="--low:{low};--mean:{mean};--high:{high}"><i></i><b></b></span>'
    )


def _text(text: str) -> str:
    return escape(printable(text))
