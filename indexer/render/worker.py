"""The child process that renders pages: reads requests on stdin, writes raw pixels and text to stdout.

It runs as `python -m docsearch.indexer.render.worker` and is the only place where untrusted files are parsed. It
imports neither torch nor an encoder, limits its own memory, and sends nothing but JSON lines and raw bytes: a document
that compromises it still cannot make the parent execute anything. The protocol, one JSON object per line:

    in   {"dpi", "max_pixels", "detail_pixels", "lines", "renderer", "memory_limit_mb", "passwords", "ocr",
          "ocr_timeout_s", "alarm_s"}                    settings, once
    out  {"kind": "ready", "memory_limited"}
    in   {"open": file, "original": file, "passages": bool, "alarm_s"}
                                                         "original" is an Office document that "open" was made of, or ""
    out  {"kind": "opened", "page_count", "properties": {name: text}}
    in   {"render": page, "alarm_s"}
    out  {"kind": "page", "width", "height", "dpi", "size_pt", "label", "lines"} and width x height x 3 bytes of RGB,
         {"kind": "text", "bytes"} and that many bytes of UTF-8,
         {"kind": "headings", "bytes"} and that many bytes of UTF-8
    in   {"detail": true, "alarm_s"}                     of the page rendered last
    out  {"kind": "detail", "width", "height", "dpi"} and width x height bytes of grey; 0 x 0 if its print needs none
    in   {"words": true, "alarm_s"}                      of the page rendered last
    out  {"kind": "words", "bytes"} and that many bytes of JSON: [[x0, y0, x1, y1, word], ...] in fractions of the page
    in   {"ocr": true, "alarm_s"}                         the page rendered last, which has no text layer
    out  {"kind": "ocr", "bytes"} and that many bytes of JSON: [text, [[x0, y0, x1, y1, word], ...]]
    in   {"unread": "document" or "page", "alarm_s"}      of the open document, or of the page rendered last
    out  {"kind": "unread", "unread": [[kind, items, detail], ...]}
    in   {"undrawn": true, "alarm_s"}                     of the page rendered last
    out  {"kind": "undrawn", "bytes"} and that many bytes of JSON: [notes, [comment, ...], [description, ...]]
    in   {"members": file, "alarm_s"}                     the files that lie in a document
    out  {"kind": "members", "bytes"} and that many bytes of JSON: [[name, ...], how many there are beyond these]
    in   {"member": number, "alarm_s"}                    of those listed last, counted from 0
    out  {"kind": "member", "bytes"} and that many bytes

Instead of a response it may send {"kind": "failed", "reason"} or {"kind": "memory"}; after the latter it exits.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from ...engine.errors import DocumentError
from ...engine.store.labels import LABEL_MAX_CHARS
from ..kinds import (
    EMPTY_FILE,
    IMAGE_MAGIC,
    IMAGE_SUFFIXES,
    MUPDF_SUFFIXES,
    OFFICE_SUFFIXES,
    OOXML_FORMATS,
    PASSAGE_SUFFIXES,
    PDF_MAGIC,
    PDF_MAGIC_WITHIN,
    ZIP_MAGIC,
    missing,
    suffix_of,
)
from .archive import NAME_MAX_CHARS, Members, check_size
from .backend import (
    TEXT_MAX_CHARS,
    WORDS_MAX,
    ConvertedPdf,
    GreyBitmap,
    OpenDocument,
    OpenPdf,
    OutOfMemory,
    as_render_error,
)
from .detail import MIN_GAIN, needed
from .headings import HEADINGS_MAX_CHARS
from .members import open_members
from .ocr import Ocr
from .ocr import read as read_by_ocr
from .office_content import BesidePages, beside_pages
from .undrawn import Undrawn, as_json
from .unread import small_print

STDERR_MAX_BYTES = 1 << 20
"""Size at which writes of native libraries to stderr, which is a file, begin to fail."""
PdfOpener = Callable[[Path, tuple[str, ...], ConvertedPdf | None], OpenPdf]


def main() -> None:
    """Answer requests until stdin closes."""
    requests = os.fdopen(os.dup(0), "rb")
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints must not mix with the responses
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C, and ends this process
    settings = json.loads(requests.readline())
    open_pdf = _pdf_opener(settings["renderer"])
    _send(responses, {"kind": "ready", "memory_limited": _limit_memory(settings["memory_limit_mb"])})
    _serve(requests, responses, settings, open_pdf)


def _serve(requests: BinaryIO, responses: BinaryIO, settings: dict[str, Any], open_pdf: PdfOpener) -> None:
    document: OpenDocument | None = None
    passwords, dpi = tuple(settings["passwords"]), float(settings["dpi"])
    sizes: list[tuple[float, int]] | None = None
    size = (1, 1)
    text = ""
    members: Members | None = None
    beside, page = BesidePages(), 0
    for line in requests:
        request = json.loads(line)
        _alarm(request["alarm_s"])
        body: bytes | memoryview = b""
        try:
            if "open" in request:
                if document is not None:
                    document.close()
                    document = None
                file, passages = Path(request["open"]), bool(request["passages"])
                document = open_document(file, passwords, settings["renderer"], open_pdf, passages=passages)
                beside = BesidePages()
                if original := request["original"]:
                    beside = beside_pages(Path(original), by_library=original == str(file))
                    beside = beside.of_pages(document.page_count)
                    if isinstance(document, OpenPdf):
                        document.of_office = True
                header = {"kind": "opened", "page_count": document.page_count, "properties": _properties(document)}
            elif "unread" in request:
                assert document is not None
                if request["unread"] == "document":
                    unread = [*document.unread(), *beside.unread]
                else:
                    if sizes is None:
                        sizes = list(document.font_sizes())
                    own_dpi = document.own_dpi() if not sizes else None
                    wanted = min(settings["dpi"], own_dpi or settings["dpi"])
                    unread = [*document.unread_on_page(), *small_print(sizes, dpi=dpi, wanted_dpi=wanted)]
                header = {"kind": "unread", "unread": unread}
            elif "members" in request:
                if members is not None:
                    members.close()
                    members = None
                members = open_members(
                    Path(request["members"]), passwords, lambda file: open_pdf(file, passwords, None)
                )
                names = [name[-NAME_MAX_CHARS:] for name in members.names]
                body = json.dumps([names, members.left_out]).encode()
                header = {"kind": "members", "bytes": len(body)}
            elif "member" in request:
                assert members is not None
                body = members.read(request["member"])
                check_size(len(body))
                header = {"kind": "member", "bytes": len(body)}
            elif "words" in request:
                assert document is not None
                body = _words(document, size)
                header = {"kind": "words", "bytes": len(body)}
            elif "undrawn" in request:
                assert document is not None
                body = as_json(_undrawn(document, beside, page))
                header = {"kind": "undrawn", "bytes": len(body)}
            elif "ocr" in request:
                assert document is not None
                body = _ocr(document, text, dpi, settings)
                header = {"kind": "ocr", "bytes": len(body)}
            elif "detail" in request:
                assert document is not None
                sizes = list(document.font_sizes())
                detail = _detail(document, sizes, dpi, settings)
                header, body = {"kind": "detail", "width": 0, "height": 0, "dpi": dpi}, b""
                if detail is not None:
                    dpi = detail.dpi
                    body = detail.pixels.reshape(-1).data
                    header |= {"width": detail.pixels.shape[1], "height": detail.pixels.shape[0], "dpi": dpi}
            else:
                assert document is not None
                page = int(request["render"])
                bitmap = document.render(page, dpi=settings["dpi"], max_pixels=settings["max_pixels"])
                header = {"kind": "page", "width": bitmap.width, "height": bitmap.height}
                label = bitmap.label.strip()[:LABEL_MAX_CHARS] if bitmap.label.strip() != str(request["render"]) else ""
                lines = document.lines() if settings["lines"] else None
                header |= {"dpi": bitmap.dpi, "size_pt": bitmap.size_pt, "label": label, "lines": lines}
                body, dpi, sizes = bitmap.rgb, bitmap.dpi, None
                size = (bitmap.width, bitmap.height)
        except Exception as err:  # noqa: BLE001 - on broken input libraries raise anything; the parent gets the reason
            error = err if isinstance(err, (DocumentError, OutOfMemory)) else as_render_error("", err)
            body = b""
            header = {"kind": "memory"} if isinstance(error, OutOfMemory) else {"kind": "failed", "reason": str(error)}
        _send(responses, header, body)
        if header["kind"] == "memory":
            return
        if header["kind"] == "page":
            assert document is not None
            text = _text(document)
            encoded = text.encode("utf-8", "replace")
            _send(responses, {"kind": "text", "bytes": len(encoded)}, encoded)
            found = _headings(document) if text.strip() else b""
            _send(responses, {"kind": "headings", "bytes": len(found)}, found)
        _alarm(0)


def open_document(
    file: Path, passwords: tuple[str, ...], renderer: str, open_pdf: PdfOpener, *, passages: bool = False
) -> OpenDocument:
    """Open `file` as a PDF or an image, as its first bytes say, or else as its extension says.

    A text file has pages, or with `passages` a page for each of its passages.
    Raises DocumentError if it has no page to render.
    """
    try:
        with file.open("rb") as stream:
            head = stream.read(PDF_MAGIC_WITHIN)
    except OSError as err:
        raise DocumentError(f"the file cannot be read: {err.strerror or err}") from err
    if not head:
        raise DocumentError(EMPTY_FILE)
    document: OpenDocument
    looks_like_pdf, looks_like_image = PDF_MAGIC in head, IMAGE_MAGIC.match(head) is not None
    suffix = suffix_of(file.name)
    named_image = suffix in IMAGE_SUFFIXES
    if suffix in MUPDF_SUFFIXES and not (head.startswith(PDF_MAGIC) or looks_like_image):
        if what := missing(suffix, renderer):
            raise DocumentError(f"files of the type {suffix}: {what}")
        from .laid_out import open_laid_out
        from .passage_pages import open_passages

        document = open_passages(file) if passages and suffix in PASSAGE_SUFFIXES else open_laid_out(file)
    elif suffix in OOXML_FORMATS and head.startswith(ZIP_MAGIC):
        if what := missing(suffix, renderer):
            raise DocumentError(f"files of the type {suffix}: {what}")
        from .ooxml import convert

        document = open_pdf(file, passwords, convert(file))
    elif (named_image and looks_like_image) or ((named_image or looks_like_image) and not looks_like_pdf):
        from .image import open_image

        document = open_image(file)
    else:
        try:
            document = open_pdf(file, passwords, None)
        except DocumentError:
            if looks_like_pdf:
                raise
            if suffix in OFFICE_SUFFIXES:
                raise DocumentError(missing(suffix, renderer) or "the content is not what the extension says") from None
            raise DocumentError("not a PDF: no %PDF header, and nothing in it could be repaired") from None
    if document.page_count < 1:
        raise DocumentError("no pages found; the document may be truncated or damaged")
    return document


def _properties(document: OpenDocument) -> dict[str, str]:
    try:
        return document.properties()
    except Exception:  # noqa: BLE001 - broken metadata must never cost the document
        return {}


def _text(document: OpenDocument) -> str:
    try:
        text = document.text()
    except Exception:  # noqa: BLE001 - a broken text layer must never cost the page
        return ""
    return text[:TEXT_MAX_CHARS].replace("\0", "")


def _headings(document: OpenDocument) -> bytes:
    try:
        found = document.headings()
    except Exception:  # noqa: BLE001 - as for the text layer
        return b""
    return found[:HEADINGS_MAX_CHARS].replace("\0", "").encode("utf-8", "replace")


def _undrawn(document: OpenDocument, beside: BesidePages, page: int) -> Undrawn:
    """What is not drawn on the page rendered last: as its PDF has it, and as what is `beside` the pages says."""
    own = beside.of_page(page)
    if not isinstance(document, OpenPdf):
        return own
    found = document.undrawn()
    comments = own.comments if beside.has_comments else found.comments
    return Undrawn(own.notes, comments, own.descriptions or found.descriptions)


def _words(document: OpenDocument, size: tuple[int, int]) -> bytes:
    """The visible words of the page rendered last, with boxes in fractions of its picture of `size` px, as JSON."""
    width, height = size
    found = [
        [round(x0 / width, 5), round(y0 / height, 5), round(x1 / width, 5), round(y1 / height, 5), word]
        for x0, y0, x1, y1, word in islice(document.words(), WORDS_MAX)
    ]
    return json.dumps(found).encode()


def _ocr(document: OpenDocument, text: str, dpi: float, settings: dict[str, Any]) -> bytes:
    """What OCR reads on the page rendered last at `dpi`, whose text layer is `text`, as JSON."""
    ocr, timeout_s = Ocr(**settings["ocr"]), float(settings["ocr_timeout_s"])
    found, words = read_by_ocr(document, text, ocr, page_dpi=dpi, timeout_s=timeout_s)
    rounded = [[*(round(float(edge), 5) for edge in box), word] for *box, word in words[:WORDS_MAX]]
    return json.dumps([found[:TEXT_MAX_CHARS].replace("\0", ""), rounded]).encode()


def _detail(
    document: OpenDocument, sizes: list[tuple[float, int]], dpi: float, settings: dict[str, Any]
) -> GreyBitmap | None:
    """The page rendered last, at `dpi`, once more at the resolution that its print needs; None if that is no higher."""
    own_dpi = document.own_dpi() if not sizes else None
    need = needed(sizes, dpi=dpi, wanted_dpi=settings["dpi"], own_dpi=own_dpi)
    if not need.detail:
        return None
    detail = document.detail(dpi=need.dpi, max_pixels=settings["detail_pixels"])
    return detail if detail.dpi > MIN_GAIN * dpi else None


def _pdf_opener(renderer: str) -> PdfOpener:
    if renderer == "pdfium":
        from .pdfium import open_pdf as open_with_pdfium

        return open_with_pdfium
    from .mupdf import open_pdf as open_with_mupdf

    return open_with_mupdf


def _send(responses: BinaryIO, header: dict[str, Any], body: bytes | memoryview = b"") -> None:
    responses.write(json.dumps(header).encode() + b"\n")
    if body:
        responses.write(body)
    responses.flush()


def _alarm(seconds: int) -> None:
    """End this process if the request takes longer, in case the parent is gone; 0 cancels the alarm."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _limit_memory(limit_mb: int) -> bool:
    """Limit this process's memory, core dump and files, as far as the system allows; return whether memory is limited.

    Windows has no such limits, and macOS refuses to limit memory (EINVAL): there the parent watches it. A limit that is
    lower already stays.
    """
    is_limited = False
    if sys.platform != "win32":
        try:
            import resource
        except ImportError:
            return False
        limits = {resource.RLIMIT_AS: limit_mb << 20, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: STDERR_MAX_BYTES}
        for kind, limit in limits.items():
            with suppress(OSError, ValueError):
                _, maximum = resource.getrlimit(kind)
                lowered = limit if maximum == resource.RLIM_INFINITY else min(limit, maximum)
                resource.setrlimit(kind, (lowered, lowered))
                is_limited = is_limited or kind == resource.RLIMIT_AS
    return is_limited


if __name__ == "__main__":
    main()
