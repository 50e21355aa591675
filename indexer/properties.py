"""What the index records of a document besides its pages: what its file says of itself, its kind and its language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from ..engine.query.languages import language_of
from ..engine.query.terms import terms_of
from ..engine.store import IndexWriter
from ..engine.store.column_values import Value
from ..engine.store.columns import AUTHOR, HAS_TEXT, KEYWORDS, KIND, LANGUAGE, OCR_ENGINE, PRODUCER, SPOKEN, TITLE

SAME_KINDS = {"jpg": "jpeg", "jpe": "jpeg", "tif": "tiff", "htm": "html", "markdown": "md", "text": "txt"}
"""Extensions that mean the same kind as another one."""
EXTENSION = re.compile(r"\.([a-z0-9]{1,8})")
PAGES_READ = 8
"""Pages with a text layer that a document's language is told from."""
PAGE_CHARS_READ = 4000
NO_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel)|powerpoint presentation|presentation|document|untitled|unbenannt|unknown|"
    r"title|no title|sans titre|sin título|senza titolo|untitled[ -]?document|dokument|slide|folie|blank|none|null|"
    r"scan(?:ned)?(?: document| image)?|file:/.*|image|print|layout|default|template|doc|draft|n/?a|[\W_\d]*)[ _-]?\d*",
    re.IGNORECASE,
)
"""Titles that programs write where nobody gave one."""
PROGRAM = re.compile(r"^microsoft (?:office )?(?:word|powerpoint|excel) ?[-–] ?", re.IGNORECASE)
FILE_NAME = re.compile(
    r"[^\s]+\.(?:docx?|dot[xm]?|pptx?|pps|xlsx?|pdf|indd|qxd|qxp|fm|tex|dvi|ps|eps|ai|odt|odp|ods|rtf|txt|html?|wpd|pub)",
    re.IGNORECASE,
)
"""A title that is the name of the file that the PDF was made from."""
NO_AUTHOR = re.compile(
    r"(?:user|admin(?:istrator)?|author|owner|unknown|anonymous|none|null|default|root|guest|scanner|windows user|"
    r"microsoft office user|[\W_\d]*)\d*",
    re.IGNORECASE,
)
KEYWORD_BREAKS = re.compile(r"\s*[;,\n]\s*")
KEYWORDS_MAX = 100


def record(writer: IndexWriter, doc_id: str, path: str, properties: Mapping[str, str]) -> None:
    """Record the columns of a begun or complete document whose pages have been added; see `columns`."""
    found = columns(path, properties, writer.texts(doc_id, PAGES_READ))
    engine = writer.ocr_engine(doc_id)
    writer.record_properties(doc_id, found | {OCR_ENGINE: engine} if engine else found)


def columns(path: str, properties: Mapping[str, str], texts: Sequence[str]) -> dict[str, Value]:
    """The columns of a document at `path` in the index that can be told of it, by name.

    `properties` are what its file says, by names of `render.properties.NAMES`, and the program that laid out its pages;
    `texts` are the text layers of its first pages that have one.
    """
    found: dict[str, Value] = {KIND: kind_of(path) or properties.get(KIND, "")}
    for name in SPOKEN:
        text = properties.get(name, "").strip()
        if name == KEYWORDS:
            found[name] = tuple(dict.fromkeys(filter(None, KEYWORD_BREAKS.split(text))))[:KEYWORDS_MAX]
        elif not (name == TITLE and not says_something(text)) and not (name == AUTHOR and NO_AUTHOR.fullmatch(text)):
            found[name] = text
    found[PRODUCER] = properties.get(PRODUCER, "")
    found[LANGUAGE] = language(texts)
    found[HAS_TEXT] = any(text.strip() for text in texts)
    return {name: value for name, value in found.items() if value not in ("", ())}


def kind_of(path: str) -> str:
    """The kind of a document by the extension of its name, "" without one.

    >>> kind_of("scans/Letter.JPG"), kind_of("README")
    ('jpeg', '')
    """
    match = EXTENSION.fullmatch(PurePosixPath(path).suffix.lower())
    return "" if match is None else SAME_KINDS.get(match[1], match[1])


def says_something(title: str) -> bool:
    """Whether a title is one that a person gave, not a program.

    >>> [says_something(title) for title in ("Annual report 2023", "Microsoft Word - x.doc", "untitled")]
    [True, False, False]
    """
    plain = PROGRAM.sub("", title).strip()
    return not (plain != title.strip() or NO_TITLE.fullmatch(plain) or FILE_NAME.fullmatch(plain))


def language(texts: Sequence[str]) -> str:
    """The code of the language that most of some pages are in, "" where their words do not tell."""
    counts: dict[str, int] = {}
    for text in texts[:PAGES_READ]:
        if code := language_of(text, set(terms_of(text[:PAGE_CHARS_READ]))):
            counts[code] = counts.get(code, 0) + 1
    return max(counts, key=lambda code: (counts[code], code), default="")
