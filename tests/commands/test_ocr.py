"""`docsearch index --ocr`: what it prints, what it refuses, and how its time is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

import fake_tesseract
from docsearch.commands.indexing import PACE_S, ProgressLine, default_workers
from docsearch.engine import threads
from docsearch.indexer.render import rapid_ocr
from docsearch.indexer.render.renderer import Renderer
from docsearch.indexer.report import Progress
from fake_tesseract import FakeTesseract

Run = Callable[..., tuple[int, str, str]]
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTesseract]:
    yield fake_tesseract.install(tmp_path / "bin", monkeypatch)
    fake_tesseract.forget()


@pytest.fixture
def with_scan(docs: Path) -> Path:
    image = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(image).line((0, 0, 300, 200), "black", 9)
    image.save(docs / "scan.png")
    return docs


@needs_shell
def test_pages_that_ocr_read_are_counted_and_marked_in_json(fake: FakeTesseract, run: Run, with_scan: Path) -> None:
    code, out, _ = run("index", with_scan, "--ocr", "--ocr-languages", "eng")
    assert code == 0
    assert "1 page read by OCR" in out
    _, out, _ = run("query", "turbine", "--json")
    hits = {hit["path"]: hit for hit in map(json.loads, out.splitlines())}
    assert hits["scan.png"]["ocr_engine"] == "Tesseract 9.8.7, eng"
    assert hits["scan.png"]["snippet"]["text"] == "turbine hall"
    assert "ocr_engine" not in hits["a.pdf"]
    _, out, _ = run("query", "turbine", "--format", "csv", "--where", "ocr_engine is not null")
    assert out.splitlines()[0].endswith("ocr_engine")
    assert "Tesseract 9.8.7, eng" in out
    _, out, _ = run("info", "--json")
    assert json.loads(out)["ocr"] == "tesseract eng"


@needs_shell
def test_an_engine_or_a_language_asks_for_ocr(fake: FakeTesseract, run: Run, with_scan: Path) -> None:
    run("index", with_scan, "--ocr-engine", "tesseract", "--json")
    assert len(fake.calls) == 1
    _, out, _ = run("index", with_scan, "--ocr-languages", "deu", "--dry-run", "--json")
    assert [each["path"] for each in json.loads(out)["to_read"]] == ["scan.png"]
    _, out, _ = run("index", with_scan, "--ocr-languages", "deu", "--json")
    assert json.loads(out)["ocr_pages"] == 1


@needs_shell
def test_it_is_remembered_and_ended(fake: FakeTesseract, run: Run, with_scan: Path) -> None:
    run("index", with_scan, "--ocr")
    (with_scan / "b.png").write_bytes((with_scan / "scan.png").read_bytes() + b" ")
    _, out, _ = run("update")
    assert "1 page read by OCR" in out
    run("index", with_scan, "--no-ocr")
    assert "ocr" in (facts := json.loads(run("info", "--json")[1]))
    assert facts["ocr"] == "off"


@needs_shell
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--no-ocr", "--ocr-languages", "deu"), "--no-ocr reads no page"),
        (("--ocr-languages", "fra"), "Tesseract has no language 'fra'; installed are: deu, eng"),
        (("--ocr-engine", "rapidocr", "--ocr-languages", "deu"), "--ocr-languages is for Tesseract"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    fake: FakeTesseract, run: Run, docs: Path, options: tuple[str, ...], message: str
) -> None:
    code, _, err = run("index", docs, *options)
    assert code == 2
    assert message in err
    assert run("info")[0] == 2  # no index was made


def test_it_says_what_to_install(run: Run, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tesseract.uninstall(monkeypatch)
    monkeypatch.setattr(rapid_ocr, "is_installed", lambda: False)
    code, _, err = run("index", docs, "--ocr")
    fake_tesseract.forget()
    assert code == 2
    assert "apt-get install tesseract-ocr" in err
    assert 'pip install -e ".[ocr]"' in err


def progress(seconds: float, done: int, **others: int) -> Progress:
    counts = {"documents": 1, "documents_total": 2, "bytes_skipped": 0, "pages": 1, "pages_total": 2, "failed": 0}
    return Progress(bytes=done, bytes_total=10_000, seconds=seconds, path="", **{**counts, **others})  # type: ignore[arg-type]


def test_the_time_left_follows_the_pace_of_the_last_minutes() -> None:
    line = ProgressLine()
    for second in range(0, 100, 5):  # text: 50 bytes a second
        text = line(progress(second, 50 * second))
    assert "ETA 1:45" in text
    for second in range(100, 100 + 2 * int(PACE_S), 5):  # scans: 2 bytes a second
        text = line(progress(second, 5000 + 2 * (second - 100)))
    left = 10_000 - 5000 - 2 * (second - 100)
    assert f"ETA {left // 2 // 60}:" in text


def test_a_page_that_takes_minutes_leaves_the_time_as_it_was_told() -> None:
    line = ProgressLine()
    for second in range(0, 100, 5):
        line(progress(second, 50 * second))
    for second in range(100, 100 + 3 * int(PACE_S), 5):
        assert "ETA ?" not in line(progress(second, 4750))


def test_pages_that_ocr_read_are_counted() -> None:
    assert "12 by OCR" in ProgressLine()(progress(10.0, 1000, ocr_pages=12))
    assert "OCR" not in ProgressLine()(progress(10.0, 1000))


def test_every_core_renders_where_ocr_takes_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available", lambda: 12)
    index = tmp_path / "index"
    assert [default_workers(index, asked) for asked in (None, "off", "auto", "tesseract")] == [6, 6, 12, 12]


@needs_shell
def test_later_runs_use_as_many_cores_as_the_one_that_turned_ocr_on(
    fake: FakeTesseract, run: Run, with_scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    start = Renderer.__init__

    def counted(itself: Renderer, **settings: Any) -> None:
        started.append(settings["workers"])
        start(itself, **settings)

    monkeypatch.setattr(threads, "available", lambda: 3)
    monkeypatch.setattr(Renderer, "__init__", counted)
    for number, command in enumerate([("index", with_scan), ("index", with_scan, "--ocr"), ("update",)]):
        (with_scan / f"{number}.png").write_bytes((with_scan / "scan.png").read_bytes() + bytes(number + 1))
        assert run(*command)[0] == 0
    assert started[0] == 1
    assert set(started[1:]) == {3}
    assert default_workers(Path(".docsearch")) == 3  # as `watch` asks before each of its updates
    run("index", with_scan, "--no-ocr")
    assert default_workers(Path(".docsearch")) == 1
