"""Words that belong to a page and are not drawn on it: speaker notes, comments, descriptions of pictures.

They follow the page's text, each kind after a line that names it, so that questions find the page by them and snippets
show where they are from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

SPEAKER_NOTES, COMMENTS, DESCRIPTIONS = "Speaker notes:", "Comments:", "Descriptions of pictures:"
ITEMS_MAX, ITEM_MAX_CHARS, NOTES_MAX_CHARS = 1000, 2000, 200_000
"""Comments, and descriptions, of a page that are read; characters of each, and of notes."""
AUTHOR_MAX_CHARS = 100
JSON_MAX_BYTES = 6 * (2 * ITEMS_MAX * 2 * (ITEM_MAX_CHARS + AUTHOR_MAX_CHARS) + NOTES_MAX_CHARS)
"""A character takes six bytes of JSON at most, and a description has a title."""
FILE_NAME = re.compile(r"\S.{0,200}\.(png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp)", re.IGNORECASE)
GENERATED = re.compile(r"\s*Description automatically generated( with \w+ confidence)?\.?\s*$")
"""What PowerPoint and Word put after a description that they made."""
PLACEHOLDERS = frozenset(("picture", "image", "chart"))
"""What programs write where nobody described a picture."""


@dataclass(frozen=True, slots=True)
class Undrawn:
    """Speaker `notes`, lines of `comments`, and `descriptions` of pictures."""

    notes: str = ""
    comments: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()


def with_undrawn(text: str, undrawn: Undrawn) -> str:
    r"""The text of a page with what is not drawn on it after it.

    >>> with_undrawn("Title\n", Undrawn("pause", ("Kim: wrong year",)))
    'Title\n\nSpeaker notes:\npause\n\nComments:\nKim: wrong year\n'
    """
    parts = {SPEAKER_NOTES: undrawn.notes, COMMENTS: "\n".join(undrawn.comments)}
    parts[DESCRIPTIONS] = "\n".join(undrawn.descriptions)
    if not any(parts.values()):
        return text
    added = "".join(f"\n\n{name}\n{lines}" for name, lines in parts.items() if lines)
    return f"{text.rstrip()}{added}\n".lstrip()


def comment(author: str, text: str) -> str:
    r"""A comment as a line, "" for one that says nothing.

    >>> comment("Kim, 11/30/26, ", "wrong\n year"), comment("", "why?"), comment("Kim", " ")
    ('Kim, 11/30/26: wrong year', 'why?', '')
    """
    said, by = " ".join(text.split())[:ITEM_MAX_CHARS], " ".join(author.split()).strip(" ,")[:AUTHOR_MAX_CHARS]
    return f"{by}: {said}" if by and said else said


def description(title: str, text: str) -> str:
    r"""The description of a picture as a line, "" for the name of a file and whatever else says nothing.

    >>> description("", "A map of the harbour\n\nDescription automatically generated"), description("", "img 1.PNG")
    ('A map of the harbour', '')
    >>> description("Figure 2", "sales by year"), description("", "Picture")
    ('Figure 2: sales by year', '')
    """
    parts = [" ".join(GENERATED.sub("", each).split())[:ITEM_MAX_CHARS] for each in (title, text)]
    kept = [each for each in parts if each and each.lower() not in PLACEHOLDERS and not FILE_NAME.fullmatch(each)]
    return ": ".join(dict.fromkeys(kept))


def lines(found: Iterable[str]) -> tuple[str, ...]:
    """Comments or descriptions without those that say nothing; at most ITEMS_MAX."""
    return tuple(islice(filter(None, found), ITEMS_MAX))


def as_json(undrawn: Undrawn) -> bytes:
    """What the child process sends."""
    return json.dumps([undrawn.notes[:NOTES_MAX_CHARS], undrawn.comments, undrawn.descriptions]).encode()


def received(content: bytes | bytearray) -> Undrawn:
    """What the child process sent, checked: a document may have made it send anything. Raises ValueError."""
    notes, comments, descriptions = json.loads(content)
    for each in (comments, descriptions):
        if not isinstance(each, list) or len(each) > ITEMS_MAX:
            raise ValueError("comments or descriptions that are no short list")
    return Undrawn(_plain(notes), tuple(map(_plain, comments)), tuple(map(_plain, descriptions)))


def _plain(text: object) -> str:
    return str(text).replace("\0", "").encode("utf-8", "replace").decode()
