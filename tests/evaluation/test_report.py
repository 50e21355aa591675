"""The report: one page without requests, failures first, bounded, and no name becomes markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import at_hand
from docsearch.engine import searcher as searching
from docsearch.engine.searcher import open_searcher
from docsearch.evaluation import report
from docsearch.evaluation.questions import Judgement, Question, Questions
from docsearch.evaluation.report import cards
from docsearch.evaluation.run import Measured, System, measure
from docsearch.indexer import pipeline
from fake_encoder import SPEC, FakeEncoder

AXE = Path(__file__).resolve().parents[2] / ".axe/node_modules/axe-core/axe.min.js"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def index(tmp_path: Path, make_pdf: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    make_pdf(tmp_path / "docs/a.pdf", ["revenue chart", "notes"])
    make_pdf(tmp_path / "docs/b & c.pdf", ["minutes"])
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    monkeypatch.setattr(searching, "find_spec", lambda name, revision="": SPEC)
    monkeypatch.setattr(searching, "load_query_encoder", lambda name, revision="": FakeEncoder())
    return tmp_path / "index"


def question(text: str, path: str, page: int | None, *, inside: bool = False) -> Question:
    return Question(text, text, (Judgement(path, page),), inside=inside, columns={"kind": (HOSTILE,)})


def measured(index: Path, questions: Questions, name: str = "toy") -> Measured:
    with open_searcher(index) as searcher:
        return measure(searcher, questions, System(name, index))


def written(index: Path, questions: Questions, *systems: str) -> tuple[str, int]:
    file = index.parent / "report.html"
    found = [measured(index, questions, name) for name in systems or ("toy",)]
    undrawn = report.write(file, found, questions, "kind", made="docsearch 0, 2026-11-30")
    return file.read_text("utf-8"), undrawn


ASKED = Questions(
    "q.jsonl",
    (
        question("right by itself", "b & c.pdf", 1, inside=True),
        question(HOSTILE, "a.pdf", 1),
        question("not in the index", "gone.pdf", 4),
        question("a whole document", "a.pdf", None),
    ),
    unjudged=2,
    synthetic=True,
)


class Tags(HTMLParser):
    """Collects the tags and the addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action"}]


def test_a_report_asks_for_nothing_and_runs_nothing(index: Path) -> None:
    html, undrawn = written(index, ASKED)
    page = Tags(html)
    assert page.addresses
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert "script" not in page.tags
    assert "url(" not in html
    assert "&lt;script&gt;" in html
    assert undrawn == 0


def test_failures_come_first_and_everything_is_said(index: Path) -> None:
    html, _ = written(index, ASKED)
    places = [html.index(f"<h3>{text}") for text in ("not in the index", "right by itself")]
    assert places == sorted(places)
    assert "1 of 4 answers are not in" in html
    assert "These questions are synthetic" in html
    assert "2 questions without an answer" in html
    assert "docsearch 0, 2026-11-30" in html


def test_a_page_is_drawn_once_where_the_expected_one_was_found(index: Path) -> None:
    html, _ = written(index, Questions("q.jsonl", ASKED.items[:1]))
    assert html.count("<img") == 1
    assert "✓ the expected page" in html


def test_pictures_and_rows_are_bounded(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "CARDS_MAX", 1)
    monkeypatch.setattr(cards, "ROWS_MAX", 2)
    html, _ = written(index, ASKED)
    assert html.count("<article>") == 1
    assert sum(int(count) for count in re.findall(r"(\d+) more are not listed", html)) == 1


def test_documents_that_are_gone_leave_a_place(index: Path) -> None:
    (index.parent / "docs/b & c.pdf").unlink()
    html, undrawn = written(index, Questions("q.jsonl", ASKED.items[:1]))
    assert undrawn == 1
    assert "<img" not in html
    assert "no picture" in html


def test_two_systems_stand_side_by_side(index: Path) -> None:
    questions = Questions("q.jsonl", ASKED.items[:2])
    first = measured(index, questions, "first")
    second = measured(index, questions.asked_inside(), "second & last")
    file = index.parent / "report.html"
    report.write(file, [first, second], questions, None, made="")
    html = file.read_text("utf-8")
    assert "second &amp; last against first" in html
    assert html.count('class="system"') == 2
    assert html.count("<article>") == 2
    for article in html.split("<article>")[1:]:
        assert article.count("<figure") == 3


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1240, "light"), (360, "dark")])
def test_a_report_has_no_serious_barrier(index: Path, monkeypatch: pytest.MonkeyPatch, width: int, scheme: str) -> None:
    pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
    if not AXE.is_file() or at_hand.program() is None:
        pytest.skip("needs axe-core (make .axe) and a browser")
    monkeypatch.setattr(cards, "CARDS_MAX", 2)
    written(index, ASKED, "first", "second")
    with at_hand.launched() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page.goto((index.parent / "report.html").as_uri())
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run()")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
