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
from contextlib import suppress
from typing import Any, BinaryIO

from ...engine.errors import DocumentError
from .answers import Answers, PdfOpener, pdf_opener
from .backend import OutOfMemory, as_render_error

STDERR_MAX_BYTES = 1 << 20
"""Size at which writes of native libraries to stderr, which is a file, begin to fail."""


def main() -> None:
    """Answer requests until stdin closes."""
    requests = os.fdopen(os.dup(0), "rb")
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints must not mix with the responses
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C, and ends this process
    settings = json.loads(requests.readline())
    open_pdf = pdf_opener(settings["renderer"])
    _send(responses, {"kind": "ready", "memory_limited": _limit_memory(settings["memory_limit_mb"])})
    _serve(requests, responses, settings, open_pdf)


def _serve(requests: BinaryIO, responses: BinaryIO, settings: dict[str, Any], open_pdf: PdfOpener) -> None:
    """Answer each request, until one needs more memory than there is."""
    answers = Answers(settings, open_pdf)
    for line in requests:
        request = json.loads(line)
        _alarm(request["alarm_s"])
        kind = _respond(responses, answers, request)
        if kind == "memory":
            return
        if kind == "page":
            for header, body in answers.texts():
                _send(responses, header, body)
        _alarm(0)


def _respond(responses: BinaryIO, answers: Answers, request: dict[str, Any]) -> str:
    """Send the response to a request; return its kind."""
    body: bytes | memoryview = b""
    try:
        header, body = answers.answer(request)
    except Exception as err:  # noqa: BLE001 - on broken input libraries raise anything; the parent gets the reason
        error = err if isinstance(err, (DocumentError, OutOfMemory)) else as_render_error("", err)
        header = {"kind": "memory"} if isinstance(error, OutOfMemory) else {"kind": "failed", "reason": str(error)}
    _send(responses, header, body)
    return str(header["kind"])


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
