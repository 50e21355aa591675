"""E-books, text, web pages and e-mail are documents with pages and a text layer; what is broken costs itself only."""

from __future__ import annotations

import mailbox
import re
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

pytest.importorskip("pymupdf", reason="MuPDF reads these kinds")

from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import (
    DocumentFailed,
    DocumentOpened,
    PageFailed,
    PageRendered,
    Renderer,
    RenderEvent,
)
from docsearch.indexer.render.unread import Unread


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer(dpi=40, max_pixels=1_000_000, page_timeout_s=300, memory_limit_mb=512) as renderer:
        yield renderer


def render(renderer: Renderer, file: Path) -> list[RenderEvent]:
    return list(renderer.render([(Document(file.name, file, 0, 0), frozenset())]))


def texts(renderer: Renderer, file: Path) -> list[str]:
    events = render(renderer, file)
    failed = [event for event in events if isinstance(event, (DocumentFailed, PageFailed))]
    assert not failed
    return [event.image.text for event in events if isinstance(event, PageRendered)]


def epub(file: Path, *chapters: str) -> Path:
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
        'full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    numbers = range(len(chapters))
    items = "".join(f'<item id="c{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in numbers)
    order = "".join(f'<itemref idref="c{n}"/>' for n in numbers)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="2.0">'
        f"<manifest>{items}</manifest><spine>{order}</spine></package>"
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", container)
        book.writestr("book.opf", package)
        for number, body in enumerate(chapters):
            page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
            book.writestr(f"{number}.xhtml", page)
    return file


def fiction_book(file: Path, body: str) -> Path:
    file.write_text(
        '<?xml version="1.0" encoding="utf-8"?><FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0">'
        f"<body><section>{body}</section></body></FictionBook>"
    )
    return file


def message(*, subject: str = "Pump B7", attached: bool = True) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "Anna <anna@example.org>", "bo@example.org"
    mail.set_content("the plain form")
    mail.add_alternative("<p>the pump <b>arrives</b> <img src='http://127.0.0.1:1/x.png' alt=seal></p>", subtype="html")
    if attached:
        mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="costs.pdf")
    return mail


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "hydraulic\tpump\n", "hydraulic"),
        ("a.txt", "\ufeffmanuel d’été".encode("utf-16"), "été"),
        ("a.txt", "Überdruckventil für die Förderpumpe der Anlage".encode("cp1252"), "Überdruckventil"),
        ("a.py", "def pump():\n    return 7\n", "def pump():"),
        ("a.csv", "part,price\npump,7\n", "pump,7"),
        ("a.md", "# Pump\n\n| a | b |\n|---|---|\n| seal | 12 |\n\n<b>raw</b>", "<b>raw</b>"),
        ("a.html", b"<meta charset=iso-8859-1><p>caf\xe9</p><script>document.write('no')</script>", "café"),
        (
            "a.xhtml",
            "<html xmlns='http://www.w3.org/1999/xhtml'><body><p>pump &amp; seal</p></body></html>",
            "pump & seal",
        ),
        (
            "a.svg",
            '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><text y="20">pump</text></svg>',
            "pump",
        ),
    ],
)
def test_text_and_markup_are_pages_with_their_text(
    renderer: Renderer, tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    [text] = texts(renderer, written(tmp_path / name, content))
    assert expected in text
    assert "document.write" not in text


def test_books_are_pages_with_their_text(renderer: Renderer, tmp_path: Path) -> None:
    book = epub(tmp_path / "a.epub", "<p>first pump</p>", "<p>second seal</p>")
    assert [text.split()[0] for text in texts(renderer, book)] == ["first", "second"]
    assert "first pump" in texts(renderer, fiction_book(tmp_path / "a.fb2", "<p>first pump</p>"))[0]


def test_every_picture_of_a_comic_is_a_page(renderer: Renderer, tmp_path: Path) -> None:
    from PIL import Image

    with zipfile.ZipFile(tmp_path / "a.cbz", "w") as comic:
        for number in range(3):
            Image.new("RGB", (200, 300), (80 * number, 0, 0)).save(tmp_path / "page.png")
            comic.write(tmp_path / "page.png", f"{number}.png")
    pages = [event for event in render(renderer, tmp_path / "a.cbz") if isinstance(event, PageRendered)]
    assert [int(page.image.pixels[20, 20, 0]) for page in pages] == [0, 80, 160]


def test_long_lines_of_text_and_code_are_wrapped(renderer: Renderer, tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(200))
    for name, content in (("a.txt", words), ("a.md", f"```\n{words}\n```"), ("a.html", f"<pre>{words}</pre>")):
        assert "word199" in " ".join(texts(renderer, written(tmp_path / name, content)))


def test_a_message_shows_its_headers_its_text_and_the_names_of_attached_files(
    renderer: Renderer, tmp_path: Path
) -> None:
    file = written(tmp_path / "a.eml", bytes(message()))
    [text] = texts(renderer, file)
    assert "Pump B7" in text
    assert "Anna <anna@example.org>" in text
    assert "the pump arrives seal" in text
    assert "the plain form" not in text
    [opened] = [event for event in render(renderer, file) if isinstance(event, DocumentOpened)]
    assert opened.unread == (Unread("attachment", 1, "costs.pdf"),)
    assert opened.properties == {"title": "Pump B7", "author": "Anna <anna@example.org>"}


def test_a_picture_inside_a_message_is_drawn(renderer: Renderer, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (300, 300), (255, 0, 0)).save(tmp_path / "red.png")
    mail = EmailMessage()
    mail.set_content("<img src='cid:red' width=300>", subtype="html")
    mail.add_related((tmp_path / "red.png").read_bytes(), maintype="image", subtype="png", cid="<red>")
    pages = render(renderer, written(tmp_path / "a.eml", bytes(mail)))
    [pixels] = [event.image.pixels for event in pages if isinstance(event, PageRendered)]
    assert ((pixels[..., 0] > 200) & (pixels[..., 1] < 60)).mean() > 0.1


def test_each_message_of_a_mailbox_begins_on_its_own_page(renderer: Renderer, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "a.mbox")
    for number in range(3):
        box.add(message(subject=f"Subject {number}", attached=False))
    box.close()
    found = texts(renderer, tmp_path / "a.mbox")
    assert [text.split("\n")[1] for text in found] == ["Subject 0", "Subject 1", "Subject 2"]


@pytest.mark.parametrize(
    "headers",
    [
        b"Subject: =?no-such-charset?q?=E9?=\r\nContent-Type: text/plain; charset=no-such\r\n",
        b"From: <<<>>\r\nTo: ,,,;\r\nContent-Type: multipart/mixed\r\n",
        b"Content-Type: multipart/mixed; boundary=\r\nContent-Transfer-Encoding: base64\r\n",
        b"Content-Type: text/html; charset=\xff\xfe\r\nSubject: \xff\r\n",
        b"Date: never\r\nContent-Disposition: attachment; filename*=x'y\r\n",
    ],
)
def test_malformed_headers_do_not_cost_the_message(renderer: Renderer, tmp_path: Path, headers: bytes) -> None:
    assert texts(renderer, written(tmp_path / "a.eml", headers + b"\r\nthe pump arrives\r\n"))


def test_a_text_that_is_too_long_is_read_in_part_and_said_to_be(
    renderer: Renderer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docsearch.indexer.render import laid_out, markup

    monkeypatch.setattr(markup, "MARKUP_MAX_BYTES", 1 << 20)
    document = laid_out.open_laid_out(written(tmp_path / "a.txt", b"pump\n" * (1 << 18)))
    assert document.unread() == [Unread("partial", 0, "the first 1 MB")]


def test_a_text_file_that_is_no_text_is_refused(renderer: Renderer, tmp_path: Path) -> None:
    [event] = render(renderer, written(tmp_path / "a.txt", bytes(range(256)) * 10))
    assert isinstance(event, DocumentFailed)
    assert event.reason == "the content is not text"


def test_the_renderer_pdfium_says_what_reads_these_kinds(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2", reason="needs PDFium")
    with Renderer(dpi=40, max_pixels=1_000_000, renderer="pdfium") as renderer:
        [event] = render(renderer, written(tmp_path / "a.md", "# Pump"))
    assert isinstance(event, DocumentFailed)
    assert "--renderer mupdf" in event.reason


def zip_bomb(file: Path) -> Path:
    return epub(file, "<p>" + "pump " * 30_000_000 + "</p>")


def entity_bomb(file: Path) -> Path:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    body = "<text y='20'>&e11;</text>"
    return written(
        file, f'<!DOCTYPE svg [<!ENTITY e0 "pump">{entities}]><svg xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def deep_tags(file: Path) -> Path:
    return written(file, "<div>" * 20_000 + "pump")


def many_tables(file: Path) -> Path:
    return written(file, "<table><tr><td>" * 3000 + "pump")


def truncated_epub(file: Path) -> Path:
    whole = epub(file, "<p>pump</p>" * 1000).read_bytes()
    return written(file, whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.epub", zip_bomb),
        ("a.epub", truncated_epub),
        ("a.svg", entity_bomb),
        ("a.html", deep_tags),
        ("a.html", many_tables),
        ("a.mobi", lambda file: written(file, b"BOOKMOBI" * 100)),
        ("a.xps", lambda file: written(file, b"PK\x03\x04" + b"\0" * 100)),
        ("a.cbz", lambda file: written(file, b"PK\x03\x04" + b"\0" * 100)),
        ("a.fb2", lambda file: written(file, "<FictionBook><body><section>")),
        ("a.mbox", lambda file: written(file, "no mailbox")),
    ],
)
def test_a_hostile_or_broken_file_costs_itself_only(
    renderer: Renderer, tmp_path: Path, name: str, make: Callable[[Path], Path]
) -> None:
    render(renderer, make(tmp_path / name))  # it fails, or is read in part, within the limits of the process
    assert "pump" in texts(renderer, written(tmp_path / "after.txt", "pump"))[0]


def test_a_table_of_20000_rows_is_read_to_its_last_row(tmp_path: Path) -> None:
    head = "<table><tr><th>Order<th>Customer<th>Date<th>Sum"
    rows = (f"<tr><td>{n}<td>Customer {n * 7919 % 10007}<td>2024-03-{n % 28 + 1:02d}<td>{n}.50" for n in range(20_000))
    (tmp_path / "orders.html").write_text(f"<h1>Orders</h1>{head}{''.join(rows)}</table><p>end of orders")
    with Renderer(dpi=20, max_pixels=1_000_000, page_timeout_s=600) as renderer:
        shown = texts(renderer, tmp_path / "orders.html")
    assert "19999.50" in shown[-1]
    assert "end of orders" in shown[-1]
    assert [int(each) for each in re.findall(r"^(\d+)\.50$", "\n".join(shown), re.MULTILINE)] == list(range(20_000))


@pytest.mark.parametrize("around", ["<table><tr><td>{}</table>", "<div>{}</div>", "<b>{}</b>"])
def test_what_is_in_very_many_elements_is_read(tmp_path: Path, around: str) -> None:
    begin, end = around.split("{}")
    (tmp_path / "deep.html").write_text(f"<p>first{begin * 300}deepest{end * 300}last")
    with Renderer(dpi=50, max_pixels=1_000_000) as renderer:
        shown = re.findall(r"\w+", " ".join(texts(renderer, tmp_path / "deep.html")))
    assert "".join(shown) == "firstdeepestlast"
    assert around.startswith("<b>") or len(shown) == 3


@pytest.mark.parametrize(
    "begin",
    [
        *("<ul><li>", "<ol><li>", "<blockquote>", "<dl><dt>t<dd>", "<ul><li><blockquote>"),
        "<blockquote style='margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex'>",
        "<ul style='color:#333'><li style='margin-left:3px'>",
    ],
)
@pytest.mark.parametrize("depth", [30, 300])
def test_lists_and_quotations_in_each_other_are_read_to_the_innermost(tmp_path: Path, begin: str, depth: int) -> None:
    (tmp_path / "deep.html").write_text("".join(f"{begin}word{number} " for number in range(depth)) + "</p>innermost")
    with Renderer(dpi=72, max_pixels=1_000_000) as renderer:
        shown = " ".join(texts(renderer, tmp_path / "deep.html")).split()
    assert [word for word in shown if word.startswith("word")] == [f"word{number}" for number in range(depth)]
    assert "innermost" in shown
