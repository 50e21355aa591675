"""A page that crashes, hangs or exhausts its renderer fails alone; a fake pymupdf does so on demand."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from patient_timer import use_faulty_pymupdf

from docsearch.engine.errors import DocsearchError
from docsearch.indexer.discover import Document
from docsearch.indexer.render import process
from docsearch.indexer.render.page_budget import CONSECUTIVE_FAILURES_MAX, CONSECUTIVE_PROCESSES_LOST_MAX
from docsearch.indexer.render.renderer import (
    DocumentDone,
    DocumentFailed,
    DocumentOpened,
    PageFailed,
    PageRendered,
    Renderer,
    RenderEvent,
)

Script = Callable[..., Document]
HANG_S, PATIENCE_S = 1, 300
"""Limits of pages and documents, where one hangs, and where none does."""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """`script("ok", "crash", …)` writes a document whose pages behave so when rendered, and `opening` when opened."""
    use_faulty_pymupdf(tmp_path, monkeypatch)
    monkeypatch.setattr(process, "TEXT_TIMEOUT_S", float(HANG_S))

    def write(*pages: str, opening: str = "", name: str = "a.pdf") -> Document:
        file = tmp_path / name
        file.write_text("\n".join([f"%PDF {opening}", *pages]))
        return Document(name, file, 1, 1)

    return write


def rendered(
    *documents: Document, workers: int = 1, skip: frozenset[int] = frozenset(), page_timeout_s: int = PATIENCE_S
) -> list[RenderEvent]:
    limits = {"page_timeout_s": page_timeout_s, "memory_limit_mb": 512}
    with Renderer(dpi=72, max_pixels=100_000, workers=workers, **limits) as renderer:
        return list(renderer.render((document, skip) for document in documents))


def outcome(event: RenderEvent) -> str | int:
    """A page's number if it was rendered, the reason if it or its document failed, else the type of the event."""
    if isinstance(event, PageRendered):
        return event.image.ref.page
    return event.reason if isinstance(event, (PageFailed, DocumentFailed)) else type(event).__name__


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("crash", "rendering the page crashed the render process (Segmentation fault)"),
        ("hang", f"rendering the page took longer than {HANG_S} s"),
        ("memory", "rendering the page needs more than 512 MB of memory"),
        ("error", "broken beyond repair"),
        ("exit", "rendering the page made the render process exit (exit code 0)"),
    ],
)
def test_a_bad_page_fails_alone(script: Script, fault: str, reason: str) -> None:
    limit_s = HANG_S if fault == "hang" else PATIENCE_S
    events = rendered(script("ok", fault, "ok"), script("ok", name="b.pdf"), page_timeout_s=limit_s)
    assert [outcome(event) for event in events] == [
        "DocumentOpened",
        1,
        reason,
        3,
        "DocumentDone",
        "DocumentOpened",
        1,
        "DocumentDone",
    ]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("crash", "opening the document crashed the render process (Segmentation fault)"),
        ("hang", f"opening the document took longer than {HANG_S} s"),
        ("memory", "opening the document needs more than 512 MB of memory"),
        ("error", "the PDF cannot be opened: broken beyond repair"),
    ],
)
def test_a_document_that_cannot_be_opened_fails_alone(script: Script, fault: str, reason: str) -> None:
    limit_s = HANG_S if fault == "hang" else PATIENCE_S
    events = rendered(script("ok", opening=fault), script("ok", name="b.pdf"), page_timeout_s=limit_s)
    assert [outcome(event) for event in events] == [reason, "DocumentOpened", 1, "DocumentDone"]


@pytest.mark.parametrize("fault", ["text crash", "text hang", "text memory", "text error"])
def test_text_that_cannot_be_extracted_does_not_cost_the_page(script: Script, fault: str) -> None:
    events = rendered(script(fault, "ok"))
    assert [outcome(event) for event in events] == ["DocumentOpened", 1, 2, "DocumentDone"]
    assert [event.image.text for event in events if isinstance(event, PageRendered)] == ["", "ok?"]


def test_a_page_is_tried_again_when_pages_before_it_may_be_to_blame(script: Script) -> None:
    events = rendered(script("ok", "crash unless first", "ok", "crash unless first"))
    assert [outcome(event) for event in events] == ["DocumentOpened", 1, 2, 3, 4, "DocumentDone"]


def test_what_libraries_print_reaches_neither_the_responses_nor_the_terminal(
    script: Script, capfd: pytest.CaptureFixture[str]
) -> None:
    events = rendered(script("noise", "ok"))
    assert [outcome(event) for event in events] == ["DocumentOpened", 1, 2, "DocumentDone"]
    assert capfd.readouterr() == ("", "")


def test_a_document_that_kills_every_process_is_given_up(script: Script) -> None:
    events = rendered(script(*["crash"] * 50))
    failed = [event for event in events if isinstance(event, PageFailed)]
    assert CONSECUTIVE_PROCESSES_LOST_MAX < len(failed) < CONSECUTIVE_PROCESSES_LOST_MAX + 6
    assert failed[-1].reason.startswith(f"this page and {50 - failed[-1].page} after it were not tried")
    assert isinstance(events[-1], DocumentDone)


def test_a_document_of_failing_pages_is_given_up(script: Script) -> None:
    events = rendered(script(*["error"] * 100_000, "ok"))
    assert CONSECUTIVE_FAILURES_MAX < len(events) < CONSECUTIVE_FAILURES_MAX + 10


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_events_come_in_order_whatever_the_number_of_processes(script: Script, workers: int) -> None:
    documents = [script(*["ok"] * pages, name=f"{pages}.pdf") for pages in (1, 13, 2, 0, 9, 1, 1, 30)]
    events = rendered(*documents, workers=workers, skip=frozenset({2, 7, 40}))
    expected: list[tuple[str, str | int]] = []
    for document, pages in zip(documents, (1, 13, 2, 0, 9, 1, 1, 30), strict=True):
        if pages == 0:
            expected.append((document.path, "no pages found; the document may be truncated or damaged"))
            continue
        kept = [page for page in range(1, pages + 1) if page not in (2, 7)]
        expected += [(document.path, what) for what in ("DocumentOpened", *kept, "DocumentDone")]
    assert [(event.document.path, outcome(event)) for event in events] == expected


def test_no_more_than_a_few_pages_wait_for_the_caller(script: Script) -> None:
    with Renderer(dpi=72, max_pixels=100_000) as renderer:
        events = renderer.render([(script(*["ok"] * 200), frozenset())])
        assert isinstance(next(events), DocumentOpened)
        deadline = time.monotonic() + PATIENCE_S
        while renderer._pending < renderer._max_pending:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert sum(isinstance(event, PageRendered) for event in events) == 200


def test_documents_are_requested_as_they_are_needed(script: Script) -> None:
    requested = 0

    document = script("ok")

    def endless() -> Iterator[tuple[Document, frozenset[int]]]:
        nonlocal requested
        while True:
            requested += 1
            yield document, frozenset()

    with Renderer(dpi=72, max_pixels=100_000) as renderer:
        events = renderer.render(endless())
        assert sum(isinstance(next(events), PageRendered) for _ in range(31)) >= 10
        assert requested < 20
        events.close()
        assert [outcome(event) for event in renderer.render([(script("ok", "ok"), frozenset())])][1:3] == [1, 2]


def test_a_renderer_can_be_left_in_the_middle_of_a_page(script: Script) -> None:
    with Renderer(dpi=72, max_pixels=100_000, page_timeout_s=10 * PATIENCE_S) as renderer:
        assert isinstance(next(renderer.render([(script("hang"), frozenset())])), DocumentOpened)
        started = time.monotonic()
    assert time.monotonic() - started < PATIENCE_S


def test_a_process_that_starts_while_its_renderer_is_left_ends(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    left = process.RenderProcess(process.RenderSettings(72, 100_000))
    start = subprocess.Popen

    def left_before(*given: Any, **named: Any) -> object:
        left.kill()
        return start(*given, **named)

    monkeypatch.setattr(subprocess, "Popen", left_before)
    with pytest.raises(DocsearchError, match="starting was stopped"):
        left.open(script("ok").file)
    left.close()


def test_a_process_is_replaced_after_a_number_of_pages(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PAGES_PER_CHILD", 1)
    assert [outcome(e) for e in rendered(script(*["crash unless first"] * 4))] == [
        "DocumentOpened",
        1,
        2,
        3,
        4,
        "DocumentDone",
    ]


def test_a_library_that_cannot_be_imported_is_an_error_and_not_a_hang(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/pymupdf.py").write_text("raise ImportError('libmupdf.so is missing')")
    monkeypatch.syspath_prepend(tmp_path / "broken")
    with pytest.raises(DocsearchError, match=r"libmupdf\.so is missing"):
        rendered(script("ok"))
