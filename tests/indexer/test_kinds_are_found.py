"""Of a folder with a file of each extension every one is found and pointed at, or listed with what to do."""

from __future__ import annotations

import importlib.util
import mailbox
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import outlook_files
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch import open_index
from docsearch.engine.page_views import PageViews
from docsearch.indexer import pipeline
from docsearch.indexer.kinds import KIND_OF
from docsearch.indexer.page_images import PageImages
from docsearch.indexer.render import libreoffice
from docsearch.indexer.report import IndexReport

pytest.importorskip("pymupdf", reason="MuPDF reads most of these kinds")

WORDS = """
kitchen turbine orchard granite violin glacier lantern compass hospital bakery elephant pyramid tornado
library satellite vineyard dolphin cathedral furnace saddle mushroom telescope parachute calendar
chimney bicycle aquarium carpenter volcano windmill trumpet hedgehog railway monastery blueberry canyon
ferry juniper kettle lobster magnet nectar oyster pepper quarry ribbon spinach tunnel umbrella walnut
""".split()  # noqa: SIM905 - a list literal would have a line for each
PICTURES = ("png", "jpg", "webp", "tif", "gif", "bmp", "jp2", "j2k", "avif", "heic", "jpe", "jfif")
OFFICE_BY_LIBREOFFICE = {"docx": ("doc", "odt"), "pptx": ("ppt", "odp"), "xlsx": ("xls", "ods")}
PICTURE_HEADING = (0.09, 0.22, 0.8, 0.36)
"""The place of the heading in `picture`, in fractions of its width and height."""
MARGIN = 0.03
NEVER_READ = ("cr2", "pst", "pages", "zip")


def heading(word: str) -> str:
    return f"The {word} report"


class Folder:
    """Writes a file of each extension that this machine can make, each with a word of its own in its heading."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.word_of: dict[str, str] = {}
        self._words = iter(WORDS)

    def new(self, suffix: str) -> tuple[Path, str]:
        file = self.folder / f"file.{suffix}"
        word = self.word_of[file.name] = next(self._words)
        return file, heading(word)

    def make(self) -> None:
        self._pictures()
        self._text()
        self._books()
        self._mail()
        self._pdf()
        self._office()

    def _pictures(self) -> None:
        if importlib.util.find_spec("pillow_heif"):
            import pillow_heif

            pillow_heif.register_heif_opener()
        for suffix in PICTURES:
            if suffix == "heic" and importlib.util.find_spec("pillow_heif") is None:
                continue
            file, text = self.new(suffix)
            picture(text).save(file, **{"format": "JPEG"} if suffix in ("jpe", "jfif") else {})
        file, text = self.new("svg")
        file.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="300">'
            f'<text x="40" y="90" font-size="32">{text}</text></svg>'
        )

    def _text(self) -> None:
        for suffix in ("txt", "rst", "py", "json", "csv", "log"):
            file, text = self.new(suffix)
            file.write_text(f"{text}\n\nIt was written in spring.\n")
        file, text = self.new("md")
        file.write_text(f"# {text}\n\nIt was written in *spring*.\n")
        for suffix in ("html", "htm", "xhtml"):
            file, text = self.new(suffix)
            file.write_text(f"<html><body><h1>{text}</h1><p>It was written in spring.</p></body></html>")

    def _books(self) -> None:
        file, text = self.new("epub")
        package = (
            '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>'
        )
        with zipfile.ZipFile(file, "w") as book:
            container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
            book.writestr("META-INF/container.xml", container)
            book.writestr("book.opf", package)
            book.writestr("a.xhtml", f"<html><body><h1>{text}</h1></body></html>")
        file, text = self.new("fb2")
        file.write_text(f"<FictionBook><body><section><p>{text}</p></section></body></FictionBook>")
        file, text = self.new("cbz")
        with zipfile.ZipFile(file, "w") as comic:
            picture(text).save(self.folder / "page.ppm")
            with Image.open(self.folder / "page.ppm") as page:
                page.save(self.folder / "page.part", format="PNG")
            comic.write(self.folder / "page.part", "1.png")
            (self.folder / "page.ppm").unlink()
            (self.folder / "page.part").unlink()

    def _mail(self) -> None:
        for suffix in ("eml", "mht", "mbox"):
            file, text = self.new(suffix)
            mail = EmailMessage()
            mail["Subject"], mail["From"] = text, "anna@example.org"
            mail.set_content("It was written in spring.")
            if suffix == "mbox":
                box = mailbox.mbox(file)
                box.add(mail)
                box.close()
            else:
                file.write_bytes(bytes(mail))
        file, text = self.new("msg")
        outlook_files.write(file, outlook_files.message(text, "It was written in spring."))

    def _pdf(self) -> None:
        import pymupdf

        file, text = self.new("pdf")
        document = pymupdf.open()
        document.new_page().insert_text((72, 100), text, fontsize=20)
        document.save(file)

    def _office(self) -> None:
        if not all(importlib.util.find_spec(name) for name in ("docx", "pptx", "openpyxl")):
            return
        import docx
        import openpyxl
        import pptx

        program, profile = libreoffice.program(), self.folder / ".profile"
        for suffix, others in OFFICE_BY_LIBREOFFICE.items():
            for each in (suffix, *(others if program else ())):
                file, text = self.new(each)
                source = self.folder / f"file.{suffix}" if each == suffix else self.folder / f".made/file.{suffix}"
                source.parent.mkdir(exist_ok=True)
                if suffix == "docx":
                    made = docx.Document()
                    made.add_heading(text, 1)
                elif suffix == "pptx":
                    made = pptx.Presentation()
                    made.slides.add_slide(made.slide_layouts[0]).shapes.title.text = text
                else:
                    made = openpyxl.Workbook()
                    made.active["B2"] = text
                made.save(source)
                if each != suffix:
                    command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--convert-to", each]
                    command += ["--outdir", str(self.folder), str(source)]
                    subprocess.run(command, check=True, capture_output=True, timeout=120)
        if program:
            file, text = self.new("rtf")
            file.write_text(rf"{{\rtf1 \fs40 {text}\par}}")


def picture(text: str) -> Image.Image:
    image = Image.new("RGB", (1000, 500), "white")
    ImageDraw.Draw(image).text((90, 110), text, "black", ImageFont.load_default(52))
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("kinds") / "docs")
    made.folder.mkdir()
    made.make()
    for suffix in NEVER_READ:
        (made.folder / f"file.{suffix}").write_bytes(b"x")
    shutil.rmtree(made.folder / ".profile", ignore_errors=True)
    shutil.rmtree(made.folder / ".made", ignore_errors=True)
    return made


@pytest.fixture(scope="module")
def indexed(folder: Folder) -> tuple[Path, IndexReport]:
    directory = folder.folder.parent / "index"
    return directory, pipeline.index_documents([folder.folder], directory, kinds=["all"], workers=2)


@pytest.fixture(scope="module")
def searcher(indexed: tuple[Path, IndexReport]) -> Iterator[PageViews]:
    with open_index(indexed[0]) as opened:
        yield opened


@pytest.mark.slow
def test_every_file_is_indexed_or_listed_with_what_to_do(folder: Folder, indexed: tuple[Path, IndexReport]) -> None:
    _, report = indexed
    assert report.failed == ()
    assert len(folder.word_of) >= 30
    assert report.documents == len(folder.word_of)
    assert {each.kind: bool(each.advice) for each in report.other_kinds} == {
        f".{suffix}": True for suffix in NEVER_READ
    }
    assert all(f".{name.rpartition('.')[2]}" in KIND_OF for name in folder.word_of)


@pytest.mark.slow
def test_every_file_is_found_by_a_question_and_pointed_at(
    folder: Folder, indexed: tuple[Path, IndexReport], searcher: PageViews
) -> None:
    images = PageImages(indexed[0], dpi=60, max_pixels=2_000_000)
    lost, off = [], []
    for name, word in folder.word_of.items():
        best = searcher.search(f"{word} report", k=1)[0]
        if best.ref.path != name:
            lost.append((name, word, best.ref.path))
            continue
        _, words = images.with_words(best.ref)
        heat = np.asarray(searcher.overlay(word, best.ref, (200, 200), words=words))[..., 3]
        y, x = np.unravel_index(int(heat.argmax()), heat.shape)
        boxes = [box for text, box in zip(words.texts, words.boxes, strict=True) if word in text.lower()]
        x0, y0, x1, y1 = boxes[0] if boxes else PICTURE_HEADING
        across, down = x / heat.shape[1], y / heat.shape[0]
        if not (x0 - MARGIN <= across <= x1 + MARGIN and y0 - MARGIN <= down <= y1 + MARGIN):
            off.append((name, word, round(across, 2), round(down, 2)))
    images.close()
    assert (lost, off) == ([], [])
