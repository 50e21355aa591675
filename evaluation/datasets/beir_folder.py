"""A BEIR folder, corpus.jsonl, queries.jsonl and qrels/<split>.tsv, whose corpus names a picture of each page.

BEIR itself has texts only. Here a line of corpus.jsonl has "image", a file in the folder, beside "_id" and "text".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...engine.errors import UsageError
from ..readers import jsonl, lines
from .card import PREFERRED_SPLIT
from .collection import Corpus, CorpusPage, DatasetQuery, Subset
from .languages import language_name
from .parquet import ALIASES, as_grade, as_id, as_text

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"


def is_beir_folder(folder: Path) -> bool:
    """Whether a folder has the corpus and the queries of BEIR."""
    return (folder / CORPUS).is_file() and (folder / QUERIES).is_file()


def read(folder: Path, *, split: str = PREFERRED_SPLIT, with_text: bool = False) -> tuple[Subset, ...]:
    """The one subset of the folder; queries without a relevant page are left out. Raises UsageError."""
    pictures: dict[str, str] = {}
    texts: dict[str, str] = {}
    for number, row in jsonl.objects(folder / CORPUS):
        where = f"{folder / CORPUS}:{number}"
        page_id = as_id(next((row[name] for name in ALIASES["page id"] if name in row), None), where, "page id")
        if page_id in pictures:
            raise UsageError(f"{where}: a second page with the id {page_id}")
        if not isinstance(row.get("image"), str):
            raise UsageError(
                f"{where}: no 'image', the file of the page's picture; docsearch searches pages, not passages of text"
            )
        pictures[page_id] = _inside(row["image"], where)
        if with_text:
            parts = (as_text(row.get(name), where, name) for name in ("title", "text"))
            texts[page_id] = "\n".join(part for part in parts if part)
    if not pictures:
        raise UsageError(f"{folder / CORPUS}: the corpus is empty")

    def pages() -> Iterator[CorpusPage]:
        for page_id, name in pictures.items():
            try:
                yield CorpusPage(page_id, (folder / name).read_bytes(), texts.get(page_id, ""))
            except OSError as err:
                raise UsageError(f"{folder / name}: cannot be read: {err.strerror or err}") from err
            except ValueError as err:  # a null character, half a surrogate pair
                raise UsageError(f"{folder / name}: cannot be read: {err}") from err

    judged = read_tsv(_qrels(folder, split))
    queries: dict[str, DatasetQuery] = {}
    unjudged = 0
    for number, row in jsonl.objects(folder / QUERIES):
        where = f"{folder / QUERIES}:{number}"
        query_id = as_id(next((row[name] for name in ALIASES["query id"] if name in row), None), where, "query id")
        text = as_text(next((row[name] for name in ALIASES["query"] if name in row), None), where, "query")
        if query_id in queries:
            raise UsageError(f"{where}: a second query with the id {query_id}")
        grades = judged.get(query_id, {})
        if max(grades.values(), default=0) <= 0 or not text.strip():
            unjudged += 1
            continue
        metadata = row.get("metadata")
        given = row.get("language") or (metadata.get("language") if isinstance(metadata, dict) else None)
        language = as_text(given, where, "language")
        queries[query_id] = DatasetQuery(query_id, text, grades, language_name(language) if language else "")
    if not queries:
        raise UsageError(f"{folder}: no query of {QUERIES} is judged")
    return (Subset("", Corpus(tuple(pictures), pages, has_text=with_text), tuple(queries.values()), unjudged),)


def read_tsv(file: Path) -> dict[str, dict[str, int]]:
    """Grades by query id and page id, of lines query-id, corpus-id, score after a header. Raises UsageError."""
    judged: dict[str, dict[str, int]] = {}
    for number, line in lines.numbered(file):
        if number == 1 and line.split("\t")[-1].strip().lower() == "score":
            continue
        where = f"{file}:{number}"
        fields = line.split("\t")
        if len(fields) != 3:
            raise UsageError(f"{where}: {len(fields)} fields; a line is query-id, corpus-id and score, between tabs")
        try:
            grade = as_grade(float(fields[2]), where)
        except ValueError as err:
            raise UsageError(f"{where}: the grade {fields[2]!r} is not a number") from err
        judged.setdefault(fields[0], {})[fields[1]] = grade
    return judged


def _qrels(folder: Path, split: str) -> Path:
    files = sorted((folder / QRELS).glob("*.tsv"))
    found = next((file for file in files if file.stem == split), files[0] if len(files) == 1 else None)
    if found is None:
        has = ", ".join(file.name for file in files) or "no .tsv file"
        raise UsageError(f"{folder / QRELS}: no {split}.tsv; there is {has}")
    return found


def _inside(name: str, where: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise UsageError(f"{where}: {name} is not a path inside the folder")
    return name
