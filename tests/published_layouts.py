"""Writes tiny benchmarks to folders in the layouts in which real ones are published, with pyarrow and Pillow alone."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image, ImageDraw

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
BOX = pa.struct([(name, pa.int64()) for name in ("annotator", "x1", "x2", "y1", "y2")])
WIDTH, HEIGHT = 200, 260


@cache
def picture(text: str, *, form: str = "PNG") -> bytes:
    """A page of WIDTH by HEIGHT pixels that shows `text`, as a file of the format `form`."""
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    ImageDraw.Draw(page).text((20, 40), text, fill="black", font_size=16)
    out = io.BytesIO()
    page.save(out, form)
    return out.getvalue()


def as_struct(content: bytes) -> dict[str, Any]:
    """A picture as `datasets` stores it."""
    return {"bytes": content, "path": None}


def table(folder: Path, config: str, columns: Mapping[str, tuple[Any, Sequence[Any]]], *, split: str = "test") -> Path:
    """Write one split of one configuration; `columns` are types and values by name."""
    file = folder / config / f"{split}-00000-of-00001.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: pa.array(values, kind) for name, (kind, values) in columns.items()}
    parquet.write_table(pa.table(arrays), file)
    return file


def vidore_v1(folder: Path, *, plain_binary: bool = False, with_scores: bool = True) -> Path:
    """ViDoRe v1, BEIR flavour: hyphens, integer ids, float scores, two equal pictures."""
    pages = [picture("alpha"), picture("beta", form="JPEG"), picture("alpha")]
    images = (pa.binary(), pages) if plain_binary else (IMAGE, [as_struct(page) for page in pages])
    table(folder, "corpus", {"corpus-id": (pa.int64(), [0, 1, 2]), "image": images})
    table(folder, "queries", {"query-id": (pa.int64(), [0, 1, 2]), "query": (pa.string(), ["alpha", "beta", "none"])})
    qrels: dict[str, tuple[Any, list[Any]]] = {
        "query-id": (pa.int64(), [0, 0, 1]),
        "corpus-id": (pa.int64(), [0, 2, 1]),
    }
    if with_scores:
        qrels["score"] = (pa.float64(), [1.0, 1.0, 1.0])
    table(folder, "qrels", qrels)
    return folder


def vidore_v1_rows(folder: Path) -> Path:
    """ViDoRe v1, QA flavour: one table, a distractor without a query, a picture with two questions."""
    rows = {
        "query": (pa.string(), ["alpha", None, "first letter", "beta"]),
        "image": (IMAGE, [as_struct(picture(each)) for each in ("alpha", "gamma", "alpha", "beta")]),
        "image_filename": (pa.string(), ["a.png", "g.png", "a.png", "b.png"]),
        "answer": (pa.string(), ["1", None, "2", "3"]),
    }
    table(folder, "data", rows)
    return folder


def vidore_v2(folder: Path) -> Path:
    """ViDoRe v2: one corpus, queries in two languages whose rows alternate, qrels of both."""
    corpus = {
        "corpus-id": (pa.int64(), [0, 1]),
        "image": (IMAGE, [as_struct(picture("alpha")), as_struct(picture("beta"))]),
        "doc-id": (pa.string(), ["report", "report"]),
    }
    table(folder, "corpus", corpus)
    queries = {
        "query-id": (pa.int64(), [0, 1, 2, 3]),
        "query": (pa.string(), ["alpha", "alpha en français", "beta", "bêta"]),
        "language": (pa.string(), ["english", "french", "english", "french"]),
    }
    table(folder, "queries", queries)
    qrels = {
        "query-id": (pa.int64(), [0, 1, 2, 3]),
        "corpus-id": (pa.int64(), [0, 0, 1, 1]),
        "score": (pa.int64(), [1, 1, 1, 1]),
    }
    table(folder, "qrels", qrels)
    table(folder, "docs", {"doc-id": (pa.string(), ["report"])})
    return folder


def vidore_v3(folder: Path) -> Path:
    """ViDoRe v3: underscores, 0-based page numbers, null and empty markdown, grades 1 and 2, boxes in pixels."""
    corpus = {
        "corpus_id": (pa.int64(), [0, 1, 2]),
        "image": (IMAGE, [as_struct(picture(each)) for each in ("alpha", "beta", "gamma")]),
        "doc_id": (pa.string(), ["d", "d", "e"]),
        "markdown": (pa.string(), ["# alpha", "", None]),
        "page_number_in_doc": (pa.int64(), [0, 1, 0]),
    }
    table(folder, "corpus", corpus)
    queries = {
        "query_id": (pa.int64(), [10, 11, 12, 13]),
        "query": (pa.string(), ["alpha", "alpha", "gamma", None]),
        "language": (pa.string(), ["english", "german", "english", "german"]),
        "query_types": (pa.list_(pa.string()), [["extractive"], ["extractive"], ["numerical", "boolean"], None]),
        "answer": (pa.string(), ["1", "2", "3", "4"]),
    }
    table(folder, "queries", queries)
    box = {"annotator": 0, "x1": 20, "x2": 100, "y1": 26, "y2": 130}
    qrels = {
        "query_id": (pa.int64(), [10, 10, 11, 12, 13, 99]),
        "corpus_id": (pa.int64(), [0, 1, 0, 2, 0, 0]),
        "score": (pa.int64(), [2, 1, 2, 1, 1, 1]),
        "bounding_boxes": (pa.list_(BOX), [[box], None, [], [{**box, "x2": 20}], None, None]),
    }
    table(folder, "qrels", qrels)
    table(folder, "documents_metadata", {"doc_id": (pa.string(), ["d", "e"])})
    (folder / "pdfs").mkdir()
    return folder


def mteb_upload(folder: Path, *, other_pages: bool = False) -> Path:
    """A re-upload of mteb: a corpus, queries and qrels for each language, string ids, null texts, a card."""
    languages = ("english", "german")
    for language in languages:
        shown = ["alpha", "gamma" if other_pages and language == "german" else "beta"]
        corpus = {
            "id": (pa.string(), ["corpus-test-0", "corpus-test-1"]),
            "image": (IMAGE, [as_struct(picture(each)) for each in shown]),
            "text": (pa.string(), [None, None]),
            "modality": (pa.string(), ["image", "image"]),
        }
        table(folder, f"{language}-corpus", corpus)
        queries = {"id": (pa.string(), ["query-test-0"]), "text": (pa.string(), ["alpha"])}
        table(folder, f"{language}-queries", queries)
        qrels = {
            "query-id": (pa.string(), ["query-test-0"]),
            "corpus-id": (pa.string(), ["corpus-test-0"]),
            "score": (pa.int32(), [1]),
        }
        table(folder, f"{language}-qrels", qrels)
    configs = [f"{language}-{role}" for language in languages for role in ("corpus", "queries", "qrels")]
    card(folder, {config: {"test": f"{config}/test-*"} for config in configs})
    return folder


def mteb_domains(folder: Path) -> Path:
    """MMDocIR as mteb has it: tables for each domain, all in the split "train"."""
    for domain, shown in (("laws", "alpha"), ("news", "beta")):
        text = pa.string()
        corpus = {"id": (text, ["p1"]), "image": (IMAGE, [as_struct(picture(shown))]), "text": (text, [shown])}
        table(folder, f"{domain}-corpus", corpus, split="train")
        table(folder, f"{domain}-queries", {"id": (text, ["q1"]), "text": (text, [shown])}, split="train")
        qrels = {"query-id": (text, ["q1"]), "corpus-id": (text, ["p1"]), "score": (pa.int64(), [1])}
        table(folder, f"{domain}-qrels", qrels, split="train")
    return folder


def jina_vdr(folder: Path) -> Path:
    """Jina-VDR: a folder for each language, pages of its own, ids that languages share."""
    for language, shown in (("en", "alpha"), ("jp", "beta")):
        vidore_v1_tables = {
            "corpus": {"corpus-id": (pa.int64(), [1]), "image": (IMAGE, [as_struct(picture(shown))])},
            "queries": {"query-id": (pa.int64(), [7]), "query": (pa.string(), [shown])},
            "qrels": {"query-id": (pa.int64(), [7]), "corpus-id": (pa.int64(), [1]), "score": (pa.int32(), [1])},
        }
        for role, columns in vidore_v1_tables.items():
            table(folder, f"{language}/{role}", columns)
    return folder


def miracl_vision(folder: Path) -> Path:
    """MIRACL-Vision: a table of pictures by name, one of which no page has; the split is "default"."""
    corpus = {
        "_id": (pa.string(), ["a#0", "b#0"]),
        "text": (pa.string(), ["the first", None]),
        "image_id": (pa.string(), ["1.png", "2.png"]),
    }
    table(folder, "corpus-de", corpus, split="default")
    shown = [as_struct(picture(each)) for each in ("beta", "gamma", "alpha")]
    images = {"file_name": (pa.string(), ["2.png", "3.png", "1.png"]), "image": (IMAGE, shown)}
    table(folder, "images-de", images, split="default")
    table(folder, "queries-de", {"_id": (pa.string(), ["q"]), "text": (pa.string(), ["alpha"])}, split="default")
    qrels = {
        "query-id": (pa.string(), ["q"]),
        "corpus-id": (pa.string(), ["a#0"]),
        "score": (pa.float64(), [1.0]),
    }
    table(folder, "qrels-de", qrels, split="default")
    return folder


def hugging_face_beir(folder: Path) -> Path:
    """BEIR on the hub: files anywhere, as the card says; the qrels are "default"; splits are called as the tables."""
    files = folder / "files"
    table(files, "c", {"_id": (pa.string(), ["p 1"]), "image": (IMAGE, [as_struct(picture("alpha"))])}, split="corpus")
    table(files, "q", {"_id": (pa.string(), ["q1"]), "text": (pa.string(), ["alpha"])}, split="queries")
    table(files, "r", {"query-id": (pa.string(), ["q1"]), "corpus-id": (pa.string(), ["p 1"])})
    configs = {
        "corpus": {"corpus": "files/c/*.parquet"},
        "queries": {"queries": "files/q/*.parquet"},
        "default": {"test": "files/r/*.parquet"},
    }
    card(folder, configs)
    return folder


def card(folder: Path, configs: Mapping[str, Mapping[str, str]]) -> None:
    """A card whose front matter lists the files of each split of each configuration."""
    lines = ["---", "license: mit", "configs:"]
    for config, splits in configs.items():
        lines += [f"- config_name: {config}", "  data_files:"]
        for split, pattern in splits.items():
            lines += [f"  - split: {split}", f"    path: {pattern}"]
    (folder / "README.md").write_text("\n".join([*lines, "---", "# A benchmark", ""]))


def beir_folder(folder: Path) -> Path:
    """A BEIR folder with pictures, and one query that nothing is judged for."""
    (folder / "images").mkdir(parents=True)
    (folder / "qrels").mkdir()
    for name in ("alpha", "beta"):
        (folder / f"images/{name}.png").write_bytes(picture(name))
    corpus = [
        {"_id": "d1", "title": "A", "text": "alpha text", "image": "images/alpha.png"},
        {"_id": "d2", "title": "", "text": None, "image": "images/beta.png"},
    ]
    queries = [{"_id": "q1", "text": "alpha", "metadata": {"language": "en"}}, {"_id": "q2", "text": "nothing"}]
    json_lines(folder / "corpus.jsonl", corpus)
    json_lines(folder / "queries.jsonl", queries)
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n")
    return folder


def mmdocir(folder: Path) -> Path:
    """MMDocIR: two documents whose pages are numbered from 0, questions with layouts, one without a page."""
    pages = {
        "doc_name": (pa.string(), ["a.pdf", "a.pdf", "b.pdf"]),
        "domain": (pa.string(), ["News", "News", "Laws"]),
        "passage_id": (pa.string(), ["0", "1", "0"]),
        "image_path": (pa.string(), ["a_0.jpg", "a_1.jpg", "b_0.jpg"]),
        "image_binary": (pa.binary(), [picture(each, form="JPEG") for each in ("alpha", "beta", "alpha")]),
        "ocr_text": (pa.string(), ["alpha", None, "alpha"]),
        "vlm_text": (pa.string(), ["", "", ""]),
    }
    file = table(folder, "", pages)
    file.rename(folder / "MMDocIR_pages.parquet")
    layout = {"page": 1, "page_size": [400, 520], "bbox": [40, 52, 200, 260]}
    asked = [
        {"Q": "beta", "A": "2", "type": "Text", "page_id": [1], "layout_mapping": [layout]},
        {"Q": "nothing", "A": "", "type": "Text", "page_id": [], "layout_mapping": []},
    ]
    documents = [
        {"doc_name": "a.pdf", "domain": "News", "page_indices": [0, 2], "layout_indinces": [0, 1], "questions": asked},
        {"doc_name": "b.pdf", "domain": "Laws", "page_indices": [2, 3], "layout_indinces": [1, 1], "questions": []},
    ]
    json_lines(folder / "MMDocIR_annotations.jsonl", documents)
    return folder


def mmlongbench(folder: Path) -> Path:
    """MMLongBench-Doc without its PDFs: lists written out as text, a question that is not answerable."""
    rows = {
        "doc_id": (pa.string(), ["a.pdf", "a.pdf"]),
        "doc_type": (pa.string(), ["Brochure", "Brochure"]),
        "question": (pa.string(), ["second page", "nothing"]),
        "answer": (pa.string(), ["yes", "Not answerable"]),
        "evidence_pages": (pa.string(), ["[2]", "[]"]),
        "evidence_sources": (pa.string(), ["['Chart', 'Table']", "[]"]),
        "answer_format": (pa.string(), ["Str", "None"]),
    }
    table(folder, "data", rows, split="train")
    (folder / "documents").mkdir()
    return folder


def json_lines(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
