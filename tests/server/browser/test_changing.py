from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from page_states import GONE, empty
from waiting import eventually

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
    page = visit(serve(), expected=GONE)
    expect(page.locator("#add")).to_be_visible()
    dropped = make_pdf(tmp_path / "lighthouse.pdf", ["lighthouse keeper", "storm log"]).read_bytes()
    page.evaluate(DROP, list(dropped))
    expect(page.locator(".upload.done .upload-state")).to_have_text("2 pages")
    page.fill("#query", "lighthouse keeper")
    expect(page.locator(f"{BEST} .title")).to_have_text("lighthouse.pdf")
    expect(page.locator(f"{BEST} .where")).to_contain_text("page 1")
    page.get_by_role("button", name="Open lighthouse.pdf").click()
    expect(page.locator(".viewer .pages-of")).to_have_text("1 of 2")
    page.keyboard.press("Escape")
    expect(page.locator(".viewer")).to_be_hidden()

    page.locator("#document-list li", has_text="lighthouse").hover()
    page.get_by_role("button", name="Delete lighthouse.pdf").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete lighthouse.pdf?")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
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
    expect(page.locator(".upload")).to_have_count(0)
    expect(page.locator("#uploads")).to_be_hidden()


def test_progress_and_places_are_shown_as_the_server_reports_them(serve: Callable[..., str], visit: Visit) -> None:
    page = visit(serve())
    expect(page.locator("#add")).to_be_visible()
    sent: list[str] = []
    states = [{"state": "indexing", "pages_done": 3, "pages_total": 12}, {"state": "waiting", "place": 1}, {}]
    base = {"doc_id": None, "error": None, "pages_done": 0, "pages_total": None, "place": 0, "collection": None}

    def accept(route: Route) -> None:
        name = parse_qs(urlsplit(route.request.url).query)["name"][0]
        sent.append(name)
        route.fulfill(status=202, json={"upload": f"u{len(sent)}", "name": name, "state": "waiting"})

    def report(route: Route) -> None:
        known = zip(sent, states, strict=False)
        each = [
            {**base, "upload": f"u{at}", "name": name, **state} for at, (name, state) in enumerate(known, 1) if state
        ]
        route.fulfill(json={"uploads": each})

    page.route("**/v1/documents?name=*", accept)
    page.route("**/v1/uploads", report)
    files = [{"name": name, "mimeType": "application/pdf", "buffer": b"%PDF-"} for name in ("long.pdf", "next.pdf")]
    page.set_input_files("#document-files", files)
    progress = page.get_by_role("progressbar", name="Progress of long.pdf")
    expect(progress).to_have_js_property("value", 0.25)
    expect(page.locator(".upload-state")).to_have_text(["page 3 of 12", "waiting, 1 before it"])
    expect(page.locator(".upload-title")).to_have_text("Adding 2 documents")
    states[0] = {"state": "done", "pages_done": 12, "pages_total": 12, "doc_id": "d"}
    states[1] = {"state": "failed", "error": "it has no pages"}
    expect(page.locator(".upload-state")).to_have_text(["12 pages", "it has no pages"])
    expect(page.locator(".upload-title")).to_have_text("Documents added")
    states[2] = {"state": "waiting", "place": 0}
    page.get_by_role("button", name="Try next.pdf again").click()
    expect(page.locator(".upload-state")).to_have_text(["12 pages", "next in line"])
    eventually(page, lambda: tuple(sent), lambda names: names == ("long.pdf", "next.pdf", "next.pdf"))


def test_a_file_that_could_not_be_sent_is_sent_again(
    serve: Callable[..., str], visit: Visit, make_pdf: Callable[..., Path], tmp_path: Path
) -> None:
    page = visit(serve(), expected=("ERR_FAILED",))
    expect(page.locator("#add")).to_be_visible()
    page.route("**/v1/documents?name=*", lambda route: route.abort())
    page.set_input_files("#document-files", make_pdf(tmp_path / "report.pdf", ["rhubarb"]))
    expect(page.locator(".upload.failed .upload-state")).to_have_text("the server does not respond")
    page.unroute("**/v1/documents?name=*")
    page.get_by_role("button", name="Try report.pdf again").click()
    expect(page.locator(".upload.done .upload-state")).to_have_text("1 page")


def test_documents_are_deleted_without_a_mouse_and_tab_passes_by(serve: Callable[..., str], visit: Visit) -> None:
    page = visit(serve(), expected=GONE)
    rows = page.locator("#document-list .document")
    expect(rows).to_have_count(6)
    rows.nth(1).focus()
    page.keyboard.press("Tab")
    expect(rows.nth(2)).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.get_by_role("dialog")).to_contain_text("Delete canteen-menu.png?")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(rows).to_have_count(5)


def test_a_read_only_server_offers_no_changes(visit: Visit, address: str) -> None:
    page = visit(address)
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator("#document-list .document")).to_have_count(6)
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
