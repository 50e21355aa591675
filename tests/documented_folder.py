"""A folder in which the commands and programs of the documentation run: what they name is there, small."""

from __future__ import annotations

import importlib.util
import json
import shutil
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pymupdf
from PIL import Image

from docsearch import open_index
from docsearch.engine.store import layout
from docsearch.evaluation import marks
from docsearch.exchange.folder import export
from docsearch.indexer.pipeline import index_documents
from documented import REPOSITORY, blocks

SAMPLES = REPOSITORY / "sample_docs"
DEFAULT_INDEX = ".docsearch"
INDEXES = (
    DEFAULT_INDEX, "office.index", "reports.index", "contracts.index", "archive.index", "notes.index", "a.index",
    "b.index", "int8.index", "binary.index", "whole.index", "third.index", "scans.index", "shared/reports.index",
)  # fmt: skip
"""Indexes that the documentation searches; each is one of `reports`."""
REPORTS = {
    "2019/report.pdf": "timetable-2024.pdf",
    "2023/invoice.pdf": "invoice-20418.pdf",
    "contracts/terms.pdf": "terms-of-sale.pdf",
    "contracts/lease.pdf": "letter-harbour-master.pdf",
    "drafts/poster.pdf": "posters.pdf",
    "menu.png": "canteen-menu.png",
    "2023/soil-kit.pdf": "quick-start-soil-kit.pdf",
    "2023/paper.pdf": "paper-probe-drift.pdf",
}
SOURCE_LINES = 200
QUESTIONS = (
    {"query": "invoice total", "path": "2023/invoice.pdf", "page": 1, "language": "english"},
    {"query": "terms of sale", "path": "contracts/terms.pdf", "page": 1, "language": "english"},
    {"query": "canteen menu", "path": "menu.png", "page": 1, "language": "german"},
)


def prepare(folder: Path) -> None:
    """Fill a new folder with documents, questions and indexes under the names that the documentation uses."""
    folder.mkdir(parents=True)
    (folder / "sample_docs").symlink_to(SAMPLES)
    (folder / "reports").mkdir()
    (table,) = (each.text for each in blocks(REPOSITORY / "docs/filters.md", "") if each.text.startswith("path,"))
    (folder / "reports/metadata.csv").write_text(table, "utf-8")
    _other_documents(folder)
    _questions(folder)
    made = folder / INDEXES[0]
    sources = [folder / "reports", folder / "old-reports"]
    for name, sample in REPORTS.items():  # each run makes a segment: as many as an example makes shards
        _copy(sample, folder / "reports" / name)
        index_documents(sources, made, workers=1, metadata=folder / "reports/metadata.csv")
    with open_index(made) as index:
        for question in QUESTIONS:
            (hit,) = index.search(str(question["query"]), k=1)
            marks.set_mark(made, str(question["query"]), hit.ref, right=True)
        if importlib.util.find_spec("pyarrow") is not None:
            export(index.snapshot, folder / "vectors.parquet", file_format="parquet")
    for other in INDEXES[1:]:
        shutil.copytree(made, folder / other)


def moved(prepared: Path, folder: Path) -> Path:
    """A copy of a prepared folder, whose indexes know their documents in the copy."""
    shutil.copytree(prepared, folder, symlinks=True)
    for index in INDEXES:
        for file in (layout.ROOTS, layout.SOURCES):
            known = folder / index / file
            known.write_text(known.read_text("utf-8").replace(json.dumps(str(prepared))[1:-1], str(folder)), "utf-8")
    return folder


def _copy(sample: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(SAMPLES / sample, target)


def _other_documents(folder: Path) -> None:
    """What the examples index or ask with, besides reports."""
    _copy("receipt.jpg", folder / "photos/receipt.jpg")
    for name in ("old-reports/invoice.pdf", "archive/invoice.pdf", "notes/invoice.pdf"):
        _copy("invoice-20418.pdf", folder / name)
    _copy("invoice-20418.pdf", folder / "report.pdf")
    _copy("canteen-menu.png", folder / "scans/letter.png")
    with Image.open(SAMPLES / "canteen-menu.png") as picture:
        picture.resize((picture.width // 4, picture.height // 4)).save(folder / "form.png")
    (folder / "vault").mkdir()
    with pymupdf.open(SAMPLES / "terms-of-sale.pdf") as document:
        encryption = {"encryption": pymupdf.PDF_ENCRYPT_AES_256, "user_pw": "secret", "owner_pw": "secret"}
        document.save(folder / "vault/terms.pdf", **encryption)
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Invoice", "kim@example.com", "me@example.com"
    mail.set_content("The invoice is attached.")
    content = (SAMPLES / "invoice-20418.pdf").read_bytes()
    mail.add_attachment(content, maintype="application", subtype="pdf", filename="report.pdf")
    (folder / "backup").mkdir()
    with zipfile.ZipFile(folder / "backup/backup.zip", "w") as archive:
        archive.writestr("mail.eml", mail.as_bytes())
        archive.writestr("2021/report.pdf", content)
    (folder / "src").mkdir()
    lines = [f"price_{number} = {number}  # where typing errors are corrected" for number in range(SOURCE_LINES)]
    (folder / "src/prices.py").write_text("\n".join(lines), "utf-8")


def _questions(folder: Path) -> None:
    """The questions of the examples, in each form."""
    rows = [json.dumps(question) for question in QUESTIONS]
    for name in ("questions.jsonl", "queries.jsonl"):
        (folder / name).write_text("\n".join(rows), "utf-8")
    (folder / "questions.txt").write_text("\n".join(str(question["query"]) for question in QUESTIONS), "utf-8")
    table = [",".join(QUESTIONS[0]), *(",".join(map(str, question.values())) for question in QUESTIONS)]
    for name in ("questions.csv", "queries.csv"):
        (folder / name).write_text("\n".join(table), "utf-8")
