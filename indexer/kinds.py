"""The kinds of files that are read: their extensions, their first bytes, and what has to be installed for each.

A kind is what `docsearch index --kinds` names. A file in a folder is recognised by its extension; a file that is given
by its path, or uploaded, also by its first bytes if it is a PDF or a picture.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ..engine.errors import UsageError
from ..engine.install import needs
from .render import libreoffice

PDF_MAGIC = b"%PDF"
ZIP_MAGIC = b"PK\x03\x04"
PDF_MAGIC_WITHIN = 1024
"""PDF readers accept a header that starts anywhere within this many first bytes."""
IMAGE_MAGIC = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|II\x2a\x00|MM\x00\x2a|II\x2b\x00|MM\x00\x2b|GIF8[79]a"
    rb"|BM....\x00\x00\x00\x00|\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"
    rb"|....ftyp(?:avif|avis|heic|heix|heim|heis|hevc|hevx|mif1|msf1)",
    re.DOTALL,
)
"""PNG, JPEG, WebP, TIFF, GIF, BMP, JPEG 2000 (a file, a bare code stream), AVIF and HEIC."""

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".gif", ".bmp"),
    *(".jp2", ".j2k", ".jpx", ".avif", ".heic", ".heif"),
)
"""Pictures made of pixels."""
AVIF_SUFFIXES, HEIC_SUFFIXES = (".avif",), (".heic", ".heif")
DRAWING_SUFFIXES, BOOK_SUFFIXES = (".svg",), (".epub", ".fb2", ".mobi", ".cbz")
XPS_SUFFIXES = (".xps", ".oxps")
MARKDOWN_SUFFIXES = (".md", ".markdown")
TEXT_SUFFIXES = (".txt", ".text", ".rst", ".org", ".adoc", ".tex", *MARKDOWN_SUFFIXES)
WEB_SUFFIXES = (".html", ".htm", ".xhtml")
MAIL_SUFFIXES = (".eml", ".mhtml", ".mht")
"""Files in the format of one e-mail; browsers save web pages in it, too."""
OUTLOOK_SUFFIXES, MAILBOX_SUFFIXES = (".msg",), (".mbox",)
"""Messages of Outlook, each a file; and files of many messages."""
NOTED_SUFFIXES = frozenset((".pptx", ".pptm", ".ppsx", ".odp", ".ppt", ".pps"))
"""Presentations whose speaker notes are read."""
OOXML_FORMATS = {
    **dict.fromkeys((".docx", ".docm"), "docx"),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), "pptx"),
    **dict.fromkeys((".xlsx", ".xlsm"), "xlsx"),
}
"""Extension -> the name of the format that office2pdf knows."""
OFFICE_SUFFIXES = (*OOXML_FORMATS, ".odt", ".odp", ".ods", ".rtf", ".doc", ".dot", ".dotx", ".ppt", ".pps", ".xls")
CODE_SUFFIXES = (
    *(".py", ".ipynb", ".js", ".mjs", ".ts", ".jsx", ".tsx", ".vue", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".cs"),
    *(".java", ".kt", ".scala", ".go", ".rs", ".swift", ".rb", ".php", ".pl", ".lua", ".r", ".jl", ".m", ".f90"),
    *(".sh", ".bash", ".zsh", ".ps1", ".bat", ".sql", ".css", ".scss", ".cmake", ".dockerfile", ".tf", ".proto"),
    *(".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".xml", ".csv", ".tsv", ".log", ".diff", ".patch"),
)
"""Source code and data: a folder of it has many pages that few people search as pages."""
PASSAGE_SUFFIXES = frozenset((*TEXT_SUFFIXES, *CODE_SUFFIXES))
"""Files of lines of text: their pages show lines that can be told, and models of text read them in passages."""
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")
ARCHIVE_SUFFIXES = (".zip", ".tar", *(f".tar{suffix}" for suffix in COMPRESSED_SUFFIXES), ".tgz", ".tbz2", ".txz")
"""Opened only where `--archives` asks for it."""
EMPTY_FILE, EMPTY_ARCHIVE = "the file is empty (0 bytes)", "there are no files in the archive"
"""Why a file has no pages although nothing is wrong with it."""
ALL, ARCHIVE = "all", "archive"
NAMED_MAX = 3
"""Extensions of a kind that messages name."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its `name`, its `suffixes` in lower case, and whether folders are searched for it by default."""

    name: str
    suffixes: tuple[str, ...]
    is_default: bool = True


KINDS = (
    Kind("pdf", (".pdf",)),
    Kind("image", (*IMAGE_SUFFIXES, *DRAWING_SUFFIXES)),
    Kind("xps", XPS_SUFFIXES),
    Kind("ebook", BOOK_SUFFIXES),
    Kind("text", TEXT_SUFFIXES),
    Kind("web", (*WEB_SUFFIXES, ".mhtml", ".mht")),
    Kind("mail", (".eml", *OUTLOOK_SUFFIXES, *MAILBOX_SUFFIXES)),
    Kind("office", OFFICE_SUFFIXES),
    Kind("code", CODE_SUFFIXES, is_default=False),
    Kind(ARCHIVE, ARCHIVE_SUFFIXES, is_default=False),
)
MUPDF_SUFFIXES = frozenset(
    (
        *(*DRAWING_SUFFIXES, *XPS_SUFFIXES, *BOOK_SUFFIXES, *TEXT_SUFFIXES, *WEB_SUFFIXES),
        *(*MAIL_SUFFIXES, *OUTLOOK_SUFFIXES, *MAILBOX_SUFFIXES, *CODE_SUFFIXES, *ARCHIVE_SUFFIXES),
    )
)
"""What only the renderer mupdf reads."""
KIND_OF = {suffix: kind for kind in KINDS for suffix in kind.suffixes}
SUFFIXES = tuple(KIND_OF)

EXPORT_PDF, EXPORT_PICTURE = "export them as PDF", "camera RAW is not read; export them as JPEG or TIFF"
UNPACK = "not opened; unpack them"
SAVE_MESSAGES = "not opened; save the messages from Outlook as .msg, or convert them to .mbox with readpst"
OPEN_ARCHIVES = "--archives opens them"
ADVICE = {
    **dict.fromkeys(
        (".pages", ".numbers", ".key", ".vsdx", ".vsd", ".pub", ".one", ".djvu", ".ps", ".eps"), EXPORT_PDF
    ),
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".pef", ".srw"), EXPORT_PICTURE),
    **dict.fromkeys((".7z", ".rar", ".gz", ".bz2", ".xz", ".zst", ".cbr"), UNPACK),
    **dict.fromkeys((".pst", ".ost"), SAVE_MESSAGES),
}
"""What to do about files that no renderer reads, by extension."""


def selected(names: Sequence[str] | None) -> frozenset[str]:
    """The extensions of the kinds with these names, each perhaps several with commas between; None: by default.

    Raises UsageError for a name that is not known.

    >>> sorted(selected(["pdf"]))
    ['.pdf']
    """
    if names is None:
        return frozenset(suffix for kind in KINDS if kind.is_default for suffix in kind.suffixes)
    wanted = [name.strip().lower() for given in names for name in given.split(",") if name.strip()]
    by_name = {kind.name: kind for kind in KINDS}
    for name in wanted:
        if name != ALL and name not in by_name:
            raise UsageError(f"--kinds {name}: there is no such kind; choose among {', '.join((*by_name, ALL))}")
    if not wanted:
        raise UsageError(f"--kinds names no kind; choose among {', '.join((*by_name, ALL))}")
    every = [kind for kind in KINDS if ALL in wanted and kind.name != ARCHIVE]
    chosen: Iterable[Kind] = (*every, *(by_name[name] for name in wanted if name != ALL))
    return frozenset(suffix for kind in chosen for suffix in kind.suffixes)


def with_archives(names: Sequence[str] | None) -> list[str]:
    """The names of kinds with that of archives added; those that are read by default for None.

    >>> with_archives(["pdf"])
    ['pdf', 'archive']
    """
    return [*(names or (kind.name for kind in KINDS if kind.is_default)), ARCHIVE]


def readable(names: Sequence[str] | None, renderer: str = "mupdf") -> frozenset[str]:
    """The extensions of the kinds with these names that `renderer` and the installed libraries can read now.

    `names` and errors as in `selected`.
    """
    return frozenset(suffix for suffix in selected(names) if not missing(suffix, renderer))


def suffix_of(name: str) -> str:
    """The extension of a file name in lower case, that of a compressed .tar with both its parts.

    >>> suffix_of("a.PDF"), suffix_of("backup.2021.tar.gz"), suffix_of("table.csv.gz")
    ('.pdf', '.tar.gz', '.gz')
    """
    stem, suffix = os.path.splitext(name.lower())  # noqa: PTH122 - pathlib takes most of a scan's time
    return f".tar{suffix}" if suffix in COMPRESSED_SUFFIXES and stem.endswith(".tar") else suffix


def read_kinds() -> str:
    """Names the kinds, and some of their extensions.

    >>> read_kinds()[:50]
    'docsearch reads pdf (.pdf), image (.png .jpg .jpeg'
    """
    named = (
        f"{kind.name} ({' '.join(kind.suffixes[:NAMED_MAX])}{' …' if len(kind.suffixes) > NAMED_MAX else ''})"
        for kind in KINDS
        if kind.name != ARCHIVE
    )
    return f"docsearch reads {', '.join(named)}"


def is_supported(name: str, head: bytes) -> bool:
    """Whether a file is of a kind that is read, by its `name`, or by `head`, the first PDF_MAGIC_WITHIN bytes of it.

    >>> is_supported("a.PDF", b""), is_supported("a", b"%PDF-1.7"), is_supported("a", b"word")
    (True, True, False)
    """
    suffix = suffix_of(name)
    is_named = suffix in KIND_OF and suffix not in ARCHIVE_SUFFIXES
    return is_named or PDF_MAGIC in head or IMAGE_MAGIC.match(head) is not None


def missing(suffix: str, renderer: str = "mupdf") -> str:
    """What has to be installed, or chosen, before files with this extension, in lower case, can be read; "" if nothing.

    `renderer` is the one that was chosen.
    """
    if suffix in MUPDF_SUFFIXES and renderer != "mupdf":
        return "only --renderer mupdf reads them"
    if suffix in MUPDF_SUFFIXES and not _is_installed("pymupdf"):
        return needs("they are read with pymupdf")
    if suffix in OFFICE_SUFFIXES and libreoffice.program() is None:
        if suffix not in OOXML_FORMATS:
            return "install LibreOffice to read them"
        if not _is_installed("office2pdf"):
            return needs("install LibreOffice to read them, or office2pdf-python", "office")
    if suffix in OUTLOOK_SUFFIXES and not _is_installed("olefile"):
        return needs("they are read with olefile")
    if suffix in HEIC_SUFFIXES and not _is_installed("pillow_heif"):
        return needs("they are read with pillow-heif", "heic")
    if suffix in AVIF_SUFFIXES and not _is_installed("PIL._avif"):
        return "they are read by Pillow 11.3 and later: pip install -U pillow"
    return ""


def empty_kind(path: str, reason: str) -> str:
    """What a file is that failed for this reason only because nothing is in it; "" for any other file.

    An empty PDF or picture is none of these: it is damaged.

    >>> empty_kind("a.zip", EMPTY_ARCHIVE), empty_kind("notes.txt", EMPTY_FILE), empty_kind("a.pdf", EMPTY_FILE)
    ('empty archive', 'empty file', '')
    """
    suffix = suffix_of(path)
    if reason == EMPTY_ARCHIVE or (reason == EMPTY_FILE and suffix in ARCHIVE_SUFFIXES):
        return "empty archive"
    if reason != EMPTY_FILE:
        return ""
    if suffix in MAILBOX_SUFFIXES:
        return "empty mailbox"
    return "empty file" if suffix in (*TEXT_SUFFIXES, *CODE_SUFFIXES, *WEB_SUFFIXES) else ""


def advice(suffix: str, renderer: str = "mupdf") -> str:
    """What to do about files with this extension, in lower case, that are skipped; "" if nothing is known."""
    if suffix not in KIND_OF:
        return ADVICE.get(suffix, "")
    if suffix in ARCHIVE_SUFFIXES:
        return missing(suffix, renderer) or OPEN_ARCHIVES
    return missing(suffix, renderer) or f"--kinds {KIND_OF[suffix].name} reads them"


@cache
def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package of a submodule
        return False
