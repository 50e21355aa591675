"""The child process that draws pages: orders come in on stdin, raw pixels and text go out on stdout.

It runs as `python -m docsearch.indexer.render.worker` and is the only place where files nobody vouches for are taken
apart. It imports neither torch nor an encoder, limits its own memory, and sends nothing but JSON lines and raw bytes:
a document that takes it over still cannot make the parent run anything. The protocol, one JSON object a line:

    in   {"dpi", "max_pixels", "renderer", "memory_limit_mb", "passwords", "alarm_s"}   settings, once
    out  {"kind": "ready"}
    in   {"open": file, "alarm_s"}
    out  {"kind": "opened", "page_count"}
    in   {"draw": page, "alarm_s"}
    out  {"kind": "page", "width", "height", "dpi", "size_pt"} and width x height x 3 bytes of RGB,
         {"kind": "text", "bytes"} and that many bytes of UTF-8

or, in place of an answer, {"kind": "failed", "reason"} or {"kind": "memory"}; after the latter the process ends.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ...engine.errors import DocumentError
from ..discover import IMAGE_MAGIC, IMAGE_SUFFIXES, PDF_MAGIC, PDF_MAGIC_WITHIN
from .backend import TEXT_MAX_CHARS, OpenDocument, OutOfMemory, failure

MESSAGES_MAX_BYTES = 1 << 20
"""What native libraries may write to the message file before writing fails."""
Opener = Callable[[Path, tuple[str, ...]], OpenDocument]


def main() -> None:
    """Serve orders until stdin closes."""
    orders = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints must not get between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business, which then ends this process
    settings = json.loads(orders.readline())
    open_pdf = _opener(settings["renderer"])
    _limit_memory(settings["memory_limit_mb"])
    _serve(orders, answers, settings, open_pdf)


def _serve(orders: BinaryIO, answers: BinaryIO, settings: dict[str, Any], open_pdf: Opener) -> None:
    document: OpenDocument | None = None
    passwords = tuple(settings["passwords"])
    _send(answers, {"kind": "ready"})
    for line in orders:
        order = json.loads(line)
        _alarm(order["alarm_s"])
        body: bytes | memoryview = b""
        try:
            if "open" in order:
                if document is not None:
                    document.close()
                    document = None
                document = open_document(Path(order["open"]), passwords, open_pdf)
                head = {"kind": "opened", "page_count": document.page_count}
            else:
                assert document is not None
                drawing = document.draw(order["draw"], dpi=settings["dpi"], max_pixels=settings["max_pixels"])
                head = {"kind": "page", "width": drawing.width, "height": drawing.height}
                head |= {"dpi": drawing.dpi, "size_pt": drawing.size_pt}
                body = drawing.rgb
        except Exception as err:  # noqa: BLE001 - broken input makes libraries raise anything; the parent gets the reason
            cause = err if isinstance(err, (DocumentError, OutOfMemory)) else failure("", err)
            head = {"kind": "memory"} if isinstance(cause, OutOfMemory) else {"kind": "failed", "reason": str(cause)}
        _send(answers, head, body)
        if head["kind"] == "memory":
            return
        if head["kind"] == "page":
            assert document is not None
            text = _text(document)
            _send(answers, {"kind": "text", "bytes": len(text)}, text)
        _alarm(0)


def open_document(file: Path, passwords: tuple[str, ...], open_pdf: Opener) -> OpenDocument:
    """Open `file` as what its first bytes say it is. Raises DocumentError where there is nothing to draw."""
    try:
        with file.open("rb") as stream:
            head = stream.read(PDF_MAGIC_WITHIN)
    except OSError as err:
        raise DocumentError(f"the file cannot be read: {err.strerror or err}") from err
    if not head:
        raise DocumentError("the file is empty (0 bytes)")
    document: OpenDocument
    looks_like_pdf, looks_like_image = PDF_MAGIC in head, IMAGE_MAGIC.match(head) is not None
    named_image = file.suffix.lower() in IMAGE_SUFFIXES
    if (named_image and looks_like_image) or ((named_image or looks_like_image) and not looks_like_pdf):
        from .image import open_image

        document = open_image(file)
    else:
        try:
            document = open_pdf(file, passwords)
        except DocumentError:
            if looks_like_pdf:
                raise
            raise DocumentError("not a PDF: no %PDF header, and nothing in it could be repaired") from None
    if document.page_count < 1:
        raise DocumentError("the document has no pages, or none that can be found")
    return document


def _text(document: OpenDocument) -> bytes:
    try:
        text = document.text()
    except Exception:  # noqa: BLE001 - the text layer must never cost the page, whatever is wrong with it
        return b""
    return text[:TEXT_MAX_CHARS].replace("\0", "").encode("utf-8", "replace")


def _opener(renderer: str) -> Opener:
    if renderer == "pdfium":
        from .pdfium import open_pdf as open_with_pdfium

        return open_with_pdfium
    from .mupdf import open_pdf as open_with_mupdf

    return open_with_mupdf


def _send(answers: BinaryIO, head: dict[str, Any], body: bytes | memoryview = b"") -> None:
    answers.write(json.dumps(head).encode() + b"\n")
    if body:
        answers.write(body)
    answers.flush()


def _alarm(seconds: int) -> None:
    """End this process when an order takes longer, in case the parent is no longer there to do it."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _limit_memory(limit_mb: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the page timeout still holds there
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit_mb << 20, limit_mb << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MESSAGES_MAX_BYTES, MESSAGES_MAX_BYTES))


if __name__ == "__main__":
    main()
