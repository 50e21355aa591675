"""The questions of a report: failures first, some with pictures of the expected page and of what was found instead."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import chain

from ...engine.printable import printable
from ..comparison import Comparison
from ..questions import Judgement
from ..run import DEPTH, Measured, Outcome
from .labels import label, scrolling
from .pictures import Pictures

CARDS_MAX = 40
"""Questions shown with pictures; the pictures of one have about 50 kB."""
CHANGED_MAX = 12
"""Questions shown under the ones that changed most between two systems."""
ROWS_MAX = 2000
"""Questions listed without pictures."""
FIRST_HITS = 10
"""A question whose answer is not among so many hits is a failure."""

Chosen = list[tuple[str, list[int]]]
"""Headings, each with the places of its questions."""


def chosen(measured: Sequence[Measured], main: str) -> Chosen:
    """All questions under headings, each once, the worst first.

    With several systems, those that changed most between the first and the last come first; the other headings are by
    the first system.
    """
    found: Chosen = []
    first = measured[0].outcomes
    taken: set[int] = set()
    if len(measured) > 1:
        places = {id(outcome): place for place, outcome in enumerate(first)}
        changes = Comparison(measured[0], measured[-1]).changes(main)[:CHANGED_MAX]
        changed = [places[id(change.first)] for change in changes]
        found.append(("Changed most", changed))
        taken.update(changed)
    left = sorted((i for i in range(len(first)) if i not in taken), key=lambda i: (first[i].values[main], i))
    of_first = f", {measured[0].system.name}" if len(measured) > 1 else ""
    for heading, ranks in (
        (f"Not among the first {FIRST_HITS}{of_first}", None),
        (f"Found, but not first{of_first}", range(2, FIRST_HITS + 1)),
        (f"Found first{of_first}", range(1, 2)),
    ):
        found.append((heading, [i for i in left if _is_among(first[i].rank, ranks)]))
    return [(heading, places) for heading, places in found if places]


def _is_among(rank: int | None, ranks: range | None) -> bool:
    if ranks is None:
        return rank is None or rank > FIRST_HITS
    return rank in ranks


def sections(measured: Sequence[Measured], main: str, choice: Chosen, pictures: Sequence[Pictures]) -> str:
    """The sections of all questions as HTML. `pictures` draw the pages of each system."""
    parts = []
    cards = rows = 0
    for heading, places in choice:
        drawn = places[: max(CARDS_MAX - cards, 0)]
        listed = places[len(drawn) :][: max(ROWS_MAX - rows, 0)]
        cards, rows = cards + len(drawn), rows + len(listed)
        parts.append(f"<section><h2>{escape(printable(heading))} <small>{len(places):,}</small></h2>")
        shown = "".join(_card([each.outcomes[i] for each in measured], measured, main, pictures) for i in drawn)
        parts.append(f'<div class="cards{" two" if len(measured) == 1 else ""}">{shown}</div>')
        if listed:
            parts.append(_table(heading, [[each.outcomes[i] for each in measured] for i in listed], measured))
        if left := len(places) - len(drawn) - len(listed):
            parts.append(f'<p class="quiet">{left:,} more are not listed.</p>')
        parts.append("</section>")
    return "".join(parts)


def _card(outcomes: Sequence[Outcome], measured: Sequence[Measured], main: str, pictures: Sequence[Pictures]) -> str:
    question = outcomes[0].question
    expected = outcomes[0].expected
    others = sum(grade > 0 for grade in outcomes[0].matched.grades.values()) - 1
    more = f" and {others} more" if others else ""
    is_missing = any((each.path, each.page) == (expected.path, expected.page) for each in outcomes[0].matched.missing)
    why = "not in the index" if is_missing else "no picture"
    uri = None if is_missing else pictures[0].of(question.text, expected.path, expected.page)
    figures = [_figure("expected", "Expected", f"{_place(expected)}{more}", uri, "", why)]
    for outcome, each, drawn in zip(outcomes, measured, pictures, strict=True):
        found = f"{each.system.name}: found" if len(measured) > 1 else "Found"
        score = f"{label(main)} {outcome.values[main]:.2f} · {_rank(outcome)}"
        best = outcome.best
        if best is None:
            figures.append(_figure("wrong", f"{found} nothing", "", None, score, "no hit"))
            continue
        is_right = outcome.rank == 1
        heading = f"{found} {'first' if is_right else 'instead'}"
        is_same = (best.ref.path, best.ref.page) == (expected.path, expected.page)
        uri = None if is_same else drawn.of(question.text, best.ref.path, best.ref.page)
        placeholder = "✓ the expected page" if is_same else "no picture"
        place = f"{best.ref.path}, page {best.ref.page}"
        figures.append(_figure("right" if is_right else "wrong", heading, place, uri, score, placeholder))
    chips = "".join(
        f"<li>{escape(printable(name))}: {escape(printable(', '.join(values)))}</li>"
        for name, values in question.columns.items()
    )
    identity = f"<li>{escape(printable(question.query_id))}</li>"
    within = f"<li>asked inside {escape(printable(outcomes[0].matched.path))}</li>" if outcomes[0].matched.path else ""
    return (
        f'<article><h3>{escape(printable(question.text))}</h3><ul class="chips">{identity}{within}{chips}</ul>'
        f'<div class="pages">{"".join(figures)}</div></article>'
    )


def _figure(kind: str, heading: str, place: str, uri: str | None, score: str, placeholder: str) -> str:
    head, where = escape(printable(heading)), escape(printable(place))
    picture = (
        f'<div class="none">{escape(placeholder)}</div>'
        if uri is None
        else f'<img loading="lazy" decoding="async" src="{uri}" alt="{where}">'
    )
    caption = f"<strong>{head}</strong>{where}<span>{escape(score)}</span>"
    return f'<figure class="{kind}">{picture}<figcaption>{caption}</figcaption></figure>'


def _table(heading: str, rows: Sequence[Sequence[Outcome]], measured: Sequence[Measured]) -> str:
    names = [f" {each.system.name}" if len(measured) > 1 else "" for each in measured]
    heads = ["question", "expected", *chain.from_iterable((f"first hit{name}", f"rank{name}") for name in names)]
    lines = []
    for outcomes in rows:
        cells = [outcomes[0].question.text, _place(outcomes[0].expected)]
        for each in outcomes:
            found = each.best
            cells += [f"{found.ref.path}, page {found.ref.page}" if found else "nothing", str(each.rank or "–")]
        lines.append("".join(f"<td>{escape(printable(cell))}</td>" for cell in cells))
    head = "".join(f'<th scope="col">{escape(printable(name))}</th>' for name in heads)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f'<table class="list"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide" {scrolling(heading)}>{table}</div>'


def _place(judgement: Judgement) -> str:
    return judgement.path if judgement.page is None else f"{judgement.path}, page {judgement.page}"


def _rank(outcome: Outcome) -> str:
    if outcome.rank is None:
        return f"answer not among {DEPTH} hits"
    return f"answer at rank {outcome.rank}"
