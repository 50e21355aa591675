"""Pages without a text layer are read by OCR where that is asked for, with its limits; all others are not."""

from __future__ import annotations

import importlib.util
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image, ImageDraw, ImageFont

import fake_tesseract
from docsearch.engine.errors import DocumentError, UsageError
from docsearch.engine.store.unread import PARTIAL
from docsearch.indexer.discover import Document
from docsearch.indexer.render import ocr, rapid_ocr, tesseract
from docsearch.indexer.render import process as render_process
from docsearch.indexer.render.ocr import Ocr
from docsearch.indexer.render.process import RenderProcess, RenderSettings
from docsearch.indexer.render.renderer import PageRendered, Renderer
from fake_tesseract import FakeTesseract

SIZE = (800, 600)
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
needs_rapidocr = pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="needs the extra ocr")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTesseract]:
    yield fake_tesseract.install(tmp_path / "bin", monkeypatch)
    fake_tesseract.forget()


@pytest.fixture
def without_tesseract(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    fake_tesseract.uninstall(monkeypatch)
    yield
    fake_tesseract.forget()


def picture(file: Path, text: str = "turbine hall") -> Path:
    image = Image.new("RGB", SIZE, "white")
    if text:
        ImageDraw.Draw(image).text((60, 80), text, "black", ImageFont.load_default(48))
    image.save(file, dpi=(110, 110))
    return file


def scan(file: Path, texts: tuple[str, ...]) -> Path:
    """A PDF with a picture on each page, and one of the `texts` as its text layer."""
    document = pymupdf.open()
    for text in texts:
        page = document.new_page(width=576, height=432)
        page.insert_image(page.rect, filename=str(picture(file.with_suffix(".png"))))
        page.insert_text((30, 400), text, fontsize=10)
    document.save(file)
    return file


def rendered(file: Path, reading: Ocr | None, renderer: str = "mupdf") -> list[PageRendered]:
    with Renderer(dpi=72, max_pixels=1_000_000, renderer=renderer, ocr=reading) as opened:
        events = list(opened.render([(Document(file.name, file, 0, 0), frozenset())]))
    return [event for event in events if isinstance(event, PageRendered)]


@needs_shell
def test_words_become_the_text_of_a_picture_without_those_that_are_unsure(fake: FakeTesseract, tmp_path: Path) -> None:
    (page,) = rendered(picture(tmp_path / "a.png"), Ocr("tesseract", "eng"))
    assert page.image.text == "turbine hall"
    assert page.ocr is not None
    assert page.ocr.engine == "Tesseract 9.8.7, eng"
    assert page.ocr.words.texts == ("turbine", "hall")
    np.testing.assert_allclose(page.ocr.words.boxes[0], [10 / 800, 20 / 600, 90 / 800, 50 / 600], atol=0.01)
    assert page.unread == ()


def test_rows_that_are_no_words_are_left_out() -> None:
    row = "5\t1\t1\t1\t1\t1\t{}\t20\t{}\t30\t{}\t{}"
    rows = [("x", 60, 99, "a"), (1, "nan", 99, "b"), ("inf", 60, 99, "c"), (1, "1e999", 99, "d"), (1, 60, "nan", "e")]
    table = "\n".join(row.format(*each) for each in [*rows, (10, 60, 99, "net")])
    assert tesseract.words_of(table) == [[(10.0, 20.0, 70.0, 50.0, "net")]]


@needs_shell
@pytest.mark.parametrize("renderer", ["mupdf", "pdfium"])
def test_pages_with_a_text_layer_are_not_read(fake: FakeTesseract, tmp_path: Path, renderer: str) -> None:
    if renderer == "pdfium":
        pytest.importorskip("pypdfium2")
    text = "The machines of the power station were replaced in the spring of 1998, all at once."
    pages = rendered(scan(tmp_path / "a.pdf", (text, "")), Ocr("tesseract", "eng"), renderer)
    assert [page.ocr is not None for page in pages] == [False, True]
    assert pages[0].image.text.strip() == text
    assert pages[1].image.text == "turbine hall"
    assert len(fake.calls) == 1


@needs_shell
def test_a_number_stamped_on_a_scan_is_no_text_layer(fake: FakeTesseract, tmp_path: Path) -> None:
    (page,) = rendered(scan(tmp_path / "a.pdf", ("0042",)), Ocr("tesseract", "eng"))
    assert page.image.text == "turbine hall"


@needs_shell
def test_a_short_page_without_a_picture_keeps_its_text(fake: FakeTesseract, tmp_path: Path) -> None:
    document = pymupdf.open()
    document.new_page().insert_text((72, 72), "Chapter 2")
    document.save(tmp_path / "a.pdf")
    (page,) = rendered(tmp_path / "a.pdf", Ocr("tesseract", "eng"))
    assert (page.image.text.strip(), page.ocr, fake.calls) == ("Chapter 2", None, [])


@needs_shell
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_large_scan_is_in_memory_once_while_it_is_read(fake: FakeTesseract, tmp_path: Path) -> None:
    image = Image.new("RGB", (10_000, 7_000), "white")  # 210 MB
    image.paste("black", (0, 0, 5_000, 500))
    image.save(tmp_path / "a.png", compress_level=1)
    limits = {"page_timeout_s": 300, "memory_limit_mb": 720}  # 620 are enough; a second copy takes 210
    with Renderer(dpi=72, max_pixels=1_000_000, ocr=Ocr("tesseract", "eng"), **limits) as opened:
        events = list(opened.render([(Document("a.png", tmp_path / "a.png", 0, 0), frozenset())]))
    (page,) = (event for event in events if isinstance(event, PageRendered))
    assert (page.image.text, page.unread) == ("turbine hall", ())


@needs_shell
def test_an_empty_page_is_not_read(fake: FakeTesseract, tmp_path: Path) -> None:
    (page,) = rendered(picture(tmp_path / "a.png", ""), Ocr("tesseract", "eng"))
    assert page.image.text == ""
    assert page.ocr is not None  # it was looked at
    assert fake.calls == []


@needs_shell
def test_without_ocr_nothing_is_read(fake: FakeTesseract, tmp_path: Path) -> None:
    (page,) = rendered(picture(tmp_path / "a.png"), None)
    assert (page.image.text, page.ocr, fake.calls) == ("", None, [])


@needs_shell
@pytest.mark.parametrize(("data", "mode"), [("osd", "1"), ("equ", "3")])
def test_pages_are_turned_upright_where_the_data_for_that_is_installed(
    fake: FakeTesseract, tmp_path: Path, data: str, mode: str
) -> None:
    fake.answer(fake_tesseract.WORDS, data=data)
    rendered(picture(tmp_path / "a.png"), Ocr("tesseract", "eng"))
    assert f"--psm {mode} " in fake.calls[0]


@needs_shell
def test_languages_are_passed_on_and_threads_are_not_taken(fake: FakeTesseract, tmp_path: Path) -> None:
    fake.answer(fake_tesseract.WORDS, then=f"echo threads $OMP_THREAD_LIMIT >> {fake.folder}/calls")
    rendered(picture(tmp_path / "a.png"), Ocr("tesseract", "deu+eng"))
    assert "-l deu+eng " in fake.calls[0]
    assert fake.calls[1:] == ["threads 1"]


@needs_shell
def test_pages_that_cannot_be_read_are_kept_and_told_and_soon_not_tried(fake: FakeTesseract, tmp_path: Path) -> None:
    fake.answer((), then="echo no such thing >&2; exit 3")
    pages = rendered(scan(tmp_path / "a.pdf", ("",) * 5), Ocr("tesseract", "eng"))
    assert [page.image.text for page in pages] == [""] * 5
    assert [[each.kind for each in page.unread] for page in pages] == [[PARTIAL]] * 5
    assert "Tesseract failed: no such thing" in pages[0].unread[0].detail
    assert "not tried: 3 pages before it" in pages[4].unread[0].detail
    assert len(fake.calls) == ocr.FAILURES_MAX


@needs_shell
def test_a_page_that_takes_too_long_is_given_up(
    fake: FakeTesseract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_process, "OCR_MARGIN_S", 300.0)  # the limit of Tesseract has to go off before
    fake.answer((), then="exec sleep 600")
    process = RenderProcess(RenderSettings(72, 1_000_000, ocr=Ocr("tesseract", "eng"), ocr_timeout_s=1))
    try:
        process.render(picture(tmp_path / "a.png"), 1)
        with pytest.raises(DocumentError, match="Tesseract took longer than 1 s"):
            process.ocr()
        assert process.render(tmp_path / "a.png", 1).text == ""  # the process goes on
    finally:
        process.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which processes there are")
@pytest.mark.parametrize("waits", [True, False])
def test_nothing_that_tesseract_started_outlives_it(fake: FakeTesseract, tmp_path: Path, waits: bool) -> None:
    wait, child = "wait" if waits else ":", tmp_path / "child"
    begun = f"sleep 600 > /dev/null 2>&1 & echo $! > {child}.new; mv {child}.new {child}"
    fake.answer((), then=f"{begun}; {wait}")
    for limit_s in (1.5, 30.0, 300.0) if waits else (300.0,):  # the later ones where it does not get so far in time
        with pytest.raises(DocumentError, match="took longer") if waits else nullcontext():
            tesseract.read(np.zeros((20, 20), np.uint8), 72, languages="eng", timeout_s=limit_s)
        if child.exists():
            break
    started, end = int(child.read_text()), time.monotonic() + 300
    while _runs(started):
        assert time.monotonic() < end
        time.sleep(0.02)


def _runs(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@needs_shell
def test_a_process_that_is_killed_while_it_reads_costs_no_page(
    fake: FakeTesseract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.answer((), then="kill -9 $PPID")
    pages = rendered(scan(tmp_path / "a.pdf", ("", "")), Ocr("tesseract", "eng"))
    assert [page.image.ref.page for page in pages] == [1, 2]
    assert all(page.unread for page in pages)


@needs_shell
def test_a_language_that_is_named_twice_counts_once(fake: FakeTesseract) -> None:
    assert ocr.chosen("tesseract", "eng+deu+eng") == Ocr("tesseract", "eng+deu")
    assert ocr.recorded("tesseract eng+eng") == Ocr("tesseract", "eng")


@needs_shell
def test_auto_is_tesseract_with_all_languages(fake: FakeTesseract) -> None:
    assert ocr.chosen("auto") == Ocr("tesseract", "deu+eng")
    assert ocr.chosen("tesseract", "eng") == Ocr("tesseract", "eng")
    assert ocr.recorded(ocr.chosen("auto").setting) == ocr.chosen("auto")


@needs_shell
def test_languages_that_are_not_there_or_too_many_are_refused(
    fake: FakeTesseract, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"no language 'fra'; installed are: deu, eng"):
        ocr.chosen("auto", "fra+eng")
    monkeypatch.setattr(tesseract, "languages", lambda: ("a", "b", "c", "d"))
    with pytest.raises(UsageError, match=r"4 languages installed.*--ocr-languages a\+b\+c"):
        ocr.chosen("tesseract")


@pytest.mark.usefixtures("without_tesseract")
def test_without_tesseract_auto_is_rapidocr_or_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapid_ocr, "is_installed", lambda: True)
    assert ocr.chosen("auto") == Ocr("rapidocr")
    with pytest.raises(UsageError, match="is for Tesseract"):
        ocr.chosen("auto", "deu")
    with pytest.raises(UsageError, match="needs the program tesseract"):
        ocr.chosen("tesseract")
    monkeypatch.setattr(rapid_ocr, "is_installed", lambda: False)
    with pytest.raises(UsageError, match=r"apt-get install tesseract-ocr.*\[ocr\]"):
        ocr.chosen("auto")
    with pytest.raises(UsageError, match=r"rapidocr.*\[ocr\]"):
        Renderer(dpi=72, max_pixels=1_000_000, ocr=Ocr("rapidocr"))
    with pytest.raises(UsageError, match="unknown OCR engine 'abbyy'"):
        ocr.chosen("abbyy")


@pytest.mark.slow
@pytest.mark.skipif(tesseract.program() is None, reason="needs Tesseract")
def test_tesseract_reads_a_picture(tmp_path: Path) -> None:
    (page,) = rendered(picture(tmp_path / "a.png"), ocr.chosen("tesseract", tesseract.languages()[0]))
    assert page.image.text == "turbine hall"
    assert page.ocr is not None
    x0, y0, x1, y1 = page.ocr.words.boxes[0].tolist()
    assert 0.05 < x0 < 0.1 < 0.25 < x1 < 0.4
    assert 0.1 < y0 < 0.2 < y1 < 0.3


@pytest.mark.slow
@pytest.mark.skipif("osd" not in tesseract._data(), reason="needs Tesseract's data for orientations")
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_tesseract_reads_pages_that_are_turned(tmp_path: Path, degrees: int) -> None:
    lines = ("The machines of the power station", "were replaced in the spring of 1998.", "Thirty men did it at once,")
    image = Image.new("RGB", (1000, 1400), "white")
    for number, line in enumerate(lines * 3):
        ImageDraw.Draw(image).text((60, 80 + 80 * number), line, "black", ImageFont.load_default(40))
    image.rotate(degrees, expand=True).save(tmp_path / "a.png")
    (page,) = rendered(tmp_path / "a.png", ocr.chosen("tesseract", tesseract.languages()[0]))
    assert page.image.text.startswith(lines[0])
    assert page.ocr is not None
    x0, y0, x1, y1 = page.ocr.words.boxes[0].tolist()  # where the first word is on the page as it lies
    corner = {90: (x0, 1 - y1), 180: (1 - x1, 1 - y1), 270: (1 - x1, y0)}[degrees]
    assert max(corner) < 0.1


@pytest.mark.slow
@needs_rapidocr
def test_rapidocr_reads_a_picture_within_the_limits_of_the_process(tmp_path: Path) -> None:
    (page,) = rendered(picture(tmp_path / "a.png"), Ocr("rapidocr"))
    assert page.image.text == "turbine hall"
    assert page.ocr is not None
    assert page.ocr.engine.startswith("RapidOCR 3.")


@pytest.mark.slow
@needs_rapidocr
def test_rapidocr_needs_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    rapid_ocr._engine.cache_clear()
    with Image.open(picture(tmp_path / "a.png")) as image:
        lines = rapid_ocr.read(np.asarray(image.convert("L")))
    assert [word for line in lines for *_, word in line] == ["turbine", "hall"]
