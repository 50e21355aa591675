from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from page_states import empty

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the extra 'browser'")
expect = sync_api.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]
BEST = "#pages > li:first-child .card"
DROP = """(bytes) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "lighthouse.pdf", { type: "application/pdf" }));
  for (const type of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


def test_a_dropped_document_is_indexed_found_and_deleted(
    serve: Callable[..., str], visit: Visit, make_pdf: Callable[..., Path], tmp_path: Path
) -> None:
    page = visit(serve())
    expect(page.locator("#add")).to_be_visible()
    dropped = make_pdf(tmp_path / "lighthouse.pdf", ["lighthouse keeper", "storm log"]).read_bytes()
    page.evaluate(DROP, list(dropped))
    expect(page.locator(".upload.done .upload-state")).to_have_text("2 pages")
    page.fill("#query", "lighthouse keeper")
    expect(page.locator(f"{BEST} .title")).to_have_text("lighthouse.pdf")
    expect(page.locator(f"{BEST} .where")).to_contain_text("page 1")
    page.get_by_role("button", name="Open").click()
    expect(page.locator(".viewer .pages-of")).to_have_text("1 of 2")
    page.keyboard.press("Escape")

    page.locator("#document-list li", has_text="lighthouse").hover()
    page.get_by_role("button", name="Delete lighthouse.pdf").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete lighthouse.pdf?")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#document-list")).to_contain_text("lighthouse")
    page.locator("#document-list li", has_text="lighthouse").hover()
    page.get_by_role("button", name="Delete lighthouse.pdf").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#document-list")).not_to_contain_text("lighthouse")
    expect(page.locator(".pages .title", has_text="lighthouse")).to_have_count(0)


def test_a_file_that_is_no_document_is_refused_with_the_reason(serve: Callable[..., str], visit: Visit) -> None:
    page = visit(serve(), expected=("415",))
    expect(page.locator("#add")).to_be_visible()
    page.set_input_files("#document-files", {"name": "notes.bin", "mimeType": "text/plain", "buffer": b"only text"})
    expect(page.locator(".upload.failed .upload-state")).not_to_be_empty()
    page.get_by_role("button", name="Dismiss notes.bin").click()
    expect(page.locator("#uploads")).to_be_hidden()


def test_progress_is_shown_as_the_server_reports_it(serve: Callable[..., str], visit: Visit) -> None:
    page = visit(serve())
    expect(page.locator("#add")).to_be_visible()
    upload = {"upload": "u", "name": "long.pdf", "doc_id": None, "error": None}
    event = json.dumps({**upload, "state": "indexing", "pages_done": 3, "pages_total": 12})

    def accept(route: Route) -> None:
        route.fulfill(status=202, json={**upload, "state": "waiting"})

    page.route("**/v1/documents?name=*", accept)
    page.route(
        "**/v1/uploads/u/events",
        lambda route: route.fulfill(content_type="text/event-stream", body=f"retry: 60000\ndata: {event}\n\n"),
    )
    page.set_input_files("#document-files", {"name": "long.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-"})
    progress = page.get_by_role("progressbar", name="Progress of long.pdf")
    expect(progress).to_have_js_property("value", 0.25)


def test_a_read_only_server_offers_no_changes(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator("#add")).to_be_hidden()
    expect(page.locator("#document-list .delete")).to_have_count(0)


def test_a_server_without_index_info_can_still_be_searched(visit: Visit, address: str) -> None:
    def forget_the_index(page: Page) -> None:
        page.route("**/v1/index", lambda route: route.fulfill(status=404, json={"error": "not found"}))

    page = visit(address, before=forget_the_index, expected=("404",))
    expect(page.locator(".welcome .lead")).to_contain_text("29 pages of 5 documents")
    expect(page.locator("#add")).to_be_hidden()


def test_an_empty_index_invites_documents(visit: Visit, address: str) -> None:
    page = visit(address, before=empty)
    expect(page.locator(".welcome h2")).to_have_text("No documents yet")
    expect(page.locator(".welcome").get_by_role("button", name="Add documents")).to_be_visible()
