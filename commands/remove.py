"""`docsearch remove`: removes documents from an index."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated
from unicodedata import normalize

import typer

from ..engine.errors import UsageError
from ..engine.printable import printable
from .interrupts import interruptible
from .options import DEFAULT_INDEX, AsJson, IndexDirectory
from .output import plural, print_json

WILDCARD = re.compile(r"[*?[]")
KEPT = "documents are removed all together or not at all; 'docsearch info' counts them"


def remove(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Documents (paths as 'query' prints them), folders or globs.")
    ],
    index: IndexDirectory = DEFAULT_INDEX,
    as_json: AsJson = False,
) -> None:
    """Remove documents from the index. The files themselves are not deleted.

    A PATH is a document's path in the index, a folder of documents, or a glob. 'docsearch compact' reclaims the space.

    Examples:

        docsearch remove 2019/report.pdf

        docsearch remove drafts/ "*.png"
    """
    from ..engine.store import open_writer

    with interruptible(lambda: KEPT), open_writer(index, fingerprint=None, create=False) as writer:
        chosen: dict[str, None] = {}
        for path in paths:
            prefix = WILDCARD.split(normalize("NFC", path).rstrip("/"), maxsplit=1)[0]
            matching = [known for known in writer.find_paths(prefix) if _matches(known, path)]
            if not matching:
                raise UsageError(f"{path}: no document in the index has this path; nothing was removed")
            chosen.update(dict.fromkeys(matching))
        pages = writer.remove(chosen)
        writer.commit()
    if as_json:
        print_json({"documents": len(chosen), "pages": pages})
    else:
        print(f"{plural(len(chosen), 'document')} removed, {plural(pages, 'page')}")


def _matches(document: str, path: str) -> bool:
    """Whether a document is meant by PATH, in either of Unicode's normal forms, or as its name is printed."""
    path = normalize("NFC", path)
    folder = path.rstrip("/") + "/"
    return any(
        name == path or name.startswith(folder) or fnmatchcase(name, path)
        for name in {normalize("NFC", document), normalize("NFC", printable(document))}
    )
