"""`docsearch ask`: an answer in sentences, from the pages that were found, by a model of the user's choice."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import DEFAULT_INDEX, AsJson, IndexDirectory, SearchMode, Where
from .output import message, plural, print_json

if TYPE_CHECKING:
    from ..engine.records import Mode
    from ..integrations.cited_answers import CitedAnswer
    from ..integrations.page_search import FoundPage

DEFAULT_PAGES = 5
DEFAULT_BUDGET = 12_000


class Sent(StrEnum):
    """Values of --send."""

    auto = "auto"
    text = "text"
    pictures = "pictures"


def ask(
    words: Annotated[list[str], typer.Argument(metavar="QUESTION", help="A question.")],
    llm: Annotated[
        str,
        typer.Option(
            "--llm",
            envvar="DOCSEARCH_LLM",
            metavar="URL",
            help="Endpoint that follows OpenAI's protocol, such as http://localhost:11434/v1. Its key, if it needs "
            "one, is taken from $DOCSEARCH_LLM_KEY.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--llm-model", envvar="DOCSEARCH_LLM_MODEL", help="Its model; by default the first that it lists."
        ),
    ] = None,
    index: IndexDirectory = DEFAULT_INDEX,
    k: Annotated[int, typer.Option("-k", min=1, help="Pages to answer from, if the budget allows.")] = DEFAULT_PAGES,
    path: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Answer only from documents with a matching path or file name.")
    ] = None,
    where: Where = None,
    mode: SearchMode = None,
    send: Annotated[
        Sent,
        typer.Option("--send", help="What is sent of a page: its text, its picture, or its picture if it has no text."),
    ] = Sent.auto,
    budget: Annotated[
        int, typer.Option("--budget", min=500, metavar="TOKENS", help="Tokens of all pages together, about.")
    ] = DEFAULT_BUDGET,
    as_json: AsJson = False,
) -> None:
    """Answer a question in sentences, with citations of pages.

    A language model, which --llm names, writes the answer from the pages that the index finds. They are sent to it and
    nowhere else. Citations like [2] are numbers of the pages listed below the answer; a citation of a page that is not
    listed is pointed out.

    Examples:

        docsearch ask "What was revenue in 2023?" --llm http://localhost:11434/v1

        docsearch ask "Who signed the contract?" --llm http://localhost:8000/v1 --send pictures --path "contracts/*"
    """
    from ..engine.errors import UsageError
    from ..integrations import cited_answers
    from ..integrations.chat import ChatEndpoint
    from ..integrations.page_search import PageSearch

    question = " ".join(words).strip()
    if not question:
        raise UsageError('the question is empty; ask something, like: docsearch ask "What was revenue in 2023?"')
    endpoint = ChatEndpoint(llm, model)
    wanted: Mode | None = None if mode is None else mode.value
    with PageSearch(index, path=path, where=where, mode=wanted, pictures=send is not Sent.text) as search:
        pages = search.search(question, k)
    if not pages:
        message("no page matches: nothing was sent")
        return
    answer = cited_answers.answer(question, pages, endpoint, budget=budget, send=send.value)
    if not answer.pages:
        raise UsageError(
            f"none of {plural(len(pages), 'page')} has a text layer; send pictures, with a model that sees"
        )
    message(f"{plural(len(answer.pages), 'page')} to {endpoint.url}, model {answer.model}")
    if as_json:
        text = "".join(answer)
        print_json({"question": question, "answer": text, "model": answer.model, **_sources(answer)})
    else:
        _print(answer)
    if answer.note:
        message(answer.note)


def _print(answer: CitedAnswer) -> None:
    from ..engine.printable import printable, printable_text

    for piece in answer:
        sys.stdout.write(printable_text(piece))
        sys.stdout.flush()
    print("\n")
    cited = {each.number for each in answer.citations}
    for number, page in enumerate(answer.pages, 1):
        mark = " " if number in cited else "·"
        print(f"{mark}[{number}] {printable(page.hit.place)}")
    for invented in (each.number for each in answer.citations if each.page is None):
        message(f"[{invented}] is no page that was sent: the model invented it")
    if not cited:
        message("the answer cites no page: check it")


def _sources(answer: CitedAnswer) -> dict[str, Any]:
    return {
        "pages": [_place(page) for page in answer.pages],
        "citations": [
            {"number": each.number, **(_place(each.page) if each.page is not None else {"path": None, "page": None})}
            for each in answer.citations
        ],
    }


def _place(page: FoundPage) -> dict[str, object]:
    hit = page.hit
    lines = {"lines": list(hit.lines)} if hit.lines else {}
    return {"path": hit.ref.path, "page": hit.ref.page, **lines, "score": round(hit.score, 4)}
