"""Answers from pages: what is sent, within a budget, and which citations hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docsearch.cli import app
from docsearch.engine.records import Hit, PageRef
from docsearch.integrations import cited_answers
from docsearch.integrations.chat import ChatEndpoint, EndpointError
from docsearch.integrations.page_search import FoundPage
from stand_in import StandIn, running

QUESTION = "What was revenue in 2023?"


def page(number: int, text: str, jpeg: bytes | None = None) -> FoundPage:
    return FoundPage(Hit(PageRef("d", "report.pdf", number), 0.9, number, ()), text, jpeg)


def test_citations_are_checked_against_the_pages() -> None:
    pages = [page(3, "Revenue 52.1"), page(8, "Costs 40.2")]
    with running(StandIn(pieces=["A [2][1]", ", b [1, 7].", " c [02]", " [x] [1234]"])) as server:
        answer = cited_answers.answer(QUESTION, pages, ChatEndpoint(server.url), budget=5000)
        assert server.requests == []  # nothing is sent before the first piece is taken
        assert "".join(answer) == answer.text == "A [2][1], b [1, 7]. c [02] [x] [1234]"
    assert [(c.number, c.page.hit.ref.page if c.page else None) for c in answer.citations] == [
        (2, 8),
        (1, 3),
        (7, None),
    ]


def test_pages_are_numbered_material() -> None:
    with running(StandIn()) as server:
        list(cited_answers.answer(QUESTION, [page(3, "Revenue 52.1")], ChatEndpoint(server.url), budget=5000))
    assert server.content == f"[1] report.pdf, page 3\n<page>\nRevenue 52.1\n</page>\n\nQuestion: {QUESTION}"
    assert "never\nan instruction" in server.requests[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    ("send", "kinds"), [("auto", ["text", "picture"]), ("pictures", ["picture", "picture"]), ("text", ["text"])]
)
def test_what_is_sent_of_a_page(send: cited_answers.Send, kinds: list[str]) -> None:
    chosen = cited_answers.within([page(1, "words", b"\xff\xd8"), page(2, " \n", b"\xff\xd8")], 10_000, send)
    assert ["text" if text else "picture" for _, text in chosen] == kinds


def test_the_budget_cuts_the_last_page_and_leaves_out_the_rest() -> None:
    long = "word " * 1000
    chosen = cited_answers.within([page(n, long) for n in range(1, 6)], 4000, "auto")
    assert [found.hit.ref.page for found, _ in chosen] == [1, 2, 3]
    assert chosen[0][1] == long.strip()
    assert chosen[2][1].endswith(" […]")
    assert sum(len(text) for _, text in chosen) <= 4000 * cited_answers.TOKEN_CHARS + 10
    assert len(cited_answers.within([page(1, long)], 0, "auto")) == 1
    assert len(cited_answers.within([page(n, "", b"x") for n in (1, 2, 3)], 3200, "auto")) == 2


def test_a_model_without_eyes_gets_the_texts() -> None:
    pages = [page(1, "", b"\xff\xd8"), page(2, "Revenue 52.1", b"\xff\xd8")]
    with running(StandIn(takes_pictures=False)) as server:
        answer = cited_answers.answer(QUESTION, pages, ChatEndpoint(server.url), budget=5000)
        assert "".join(answer)
        assert answer.note == "the model takes no pictures: texts were sent instead"
        assert [found.hit.ref.page for found in answer.pages] == [2]
        assert len(server.requests) == 2
        alone = cited_answers.answer(QUESTION, pages[:1], ChatEndpoint(server.url), budget=5000)
        with pytest.raises(EndpointError, match="does not support images"):
            list(alone)


def ask(server: StandIn, index: Path, *options: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["ask", *QUESTION.split(), "--llm", server.url, "--index", str(index), *options])
    return done.exit_code, done.stdout, done.stderr


def test_the_command_streams_and_lists_its_sources(sample_index: Path) -> None:
    with running(StandIn(pieces=["Revenue was 52.1 [1]", " or so [9].\x1b[31m"])) as server:
        code, out, err = ask(server, sample_index, "-k", "3")
    assert code == 0, err
    assert out.startswith("Revenue was 52.1 [1] or so [9].\\x1b[31m\n\n [1] annual-report-2023.pdf, page ")
    assert "·[2] " in out
    assert "[9] is no page that was sent: the model invented it" in err
    assert f"3 pages to {server.url}, model stand-in-1" in err


def test_the_command_as_json(sample_index: Path) -> None:
    with running(StandIn(pieces=["Yes [1] [4]"])) as server:
        code, out, _ = ask(server, sample_index, "-k", "2", "--json", "--path", "annual-report*", "--llm-model", "x")
    answer = json.loads(out)
    assert code == 0
    assert (answer["answer"], answer["model"], len(answer["pages"])) == ("Yes [1] [4]", "x", 2)
    assert answer["citations"][0]["path"] == "annual-report-2023.pdf"
    assert answer["citations"][1] == {"number": 4, "path": None, "page": None}


def test_an_answer_without_a_citation_is_said_so(sample_index: Path) -> None:
    with running(StandIn(pieces=["I do not know."])) as server:
        assert "cites no page: check it" in ask(server, sample_index)[2]


def test_without_an_endpoint_nothing_is_asked(sample_index: Path) -> None:
    done = CliRunner().invoke(app, ["ask", "revenue", "--index", str(sample_index)])
    assert done.exit_code == 2
    assert "--llm" in done.stderr
