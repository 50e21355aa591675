"""E-mails as pages of HTML: a message (.eml, .msg), all messages of a mailbox (.mbox), and web pages saved as mail
(.mhtml).

Runs only inside the child process (`worker`). Messages are taken apart by Python's `email` package.
"""

from __future__ import annotations

import base64
import email
import email.policy
import mailbox
import mimetypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from ...engine.errors import DocumentError
from ..kinds import MAILBOX_SUFFIXES, OUTLOOK_SUFFIXES, suffix_of
from .markup import GRID, MARKUP_MAX_BYTES, PROSE, decoded, escaped, self_contained

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""First bytes of Outlook's own format; a .msg file of another program may be an e-mail as an .eml file is."""
HEADERS = ("Subject", "From", "To", "Cc", "Date")
HEADER_MAX_CHARS, HEADER_SHOWN_CHARS = 2000, 20
NUMBER = re.compile("[0-9]{1,6}")
MESSAGES_MAX = 1000
"""Messages of a mailbox that are read: all are laid out when it is opened."""
PARTS_MAX, PARTS_COUNTED_MAX = 500, 20_000
"""Parts of a message that are looked at, as no message written by people has more, and that are counted."""
ATTACHED_LEFT_OUT, BODY_LEFT_OUT = "X-Docsearch-Attached-Left-Out", "X-Docsearch-Body-Left-Out"
"""Headers of a message that was made of another format: the number of attached files that it lacks, and the format of
a text that could not be read. As headers they stay with a message that is attached to another one.
"""
INLINE_IMAGE_MAX_BYTES = 4 << 20
MESSAGE_MAX_BYTES = 64 << 20
"""A larger message is refused: with its attachments decoded it would not fit into the process's memory."""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """A message as HTML, what it is about and whom it is from, the names of attached files, and how many there are
    beyond these; `unread` says what of its text is not on the page.
    """

    markup: str
    subject: str
    sender: str
    attachments: tuple[str, ...]
    left_out: int
    unread: tuple[str, ...]


def read_message(file: Path) -> MessagePage:
    """The message in a file as HTML: its headers, its text, and the names of attached files. Raises DocumentError."""
    return _page(_open_message(file))


def read_mailbox(file: Path) -> Iterator[MessagePage]:
    """The messages of a mailbox, one after the other, MESSAGES_MAX at most."""
    box = mailbox.mbox(file, factory=None, create=False)
    try:
        for number, key in enumerate(box.iterkeys()):
            if number >= MESSAGES_MAX:
                return
            yield _page(_parsed(box.get_bytes(key)[:MESSAGE_MAX_BYTES]))
    finally:
        box.close()


def count_messages(file: Path) -> int:
    """How many messages a mailbox has."""
    box = mailbox.mbox(file, factory=None, create=False)
    try:
        return len(box)
    finally:
        box.close()


class AttachedToMessages:
    """The files attached to a message, or to the first MESSAGES_MAX messages of a mailbox, as `archive.Members`.

    In a mailbox, their names begin with the number of the message. Files of messages after the first MESSAGES_MAX are
    not counted. Raises DocumentError.
    """

    def __init__(self, file: Path) -> None:
        is_mailbox = suffix_of(file.name) in MAILBOX_SUFFIXES
        self._box = mailbox.mbox(file, factory=None, create=False) if is_mailbox else None
        self._places: list[tuple[str, int]] = []  # the key of the message of each file, and its place in that
        self._open: tuple[str, list[tuple[str, Callable[[], bytes]]]] = ("", [])
        self.names: list[str] = []
        self.left_out = 0
        if self._box is None:
            found = _taken_apart(_open_message(file))
            self._open, self.left_out = ("", _files(found)), found.left_out
            self.names = [name for name, _ in self._open[1]]
            self._places = [("", place) for place in range(len(self.names))]
        else:
            for number, key in zip(range(1, MESSAGES_MAX + 1), self._box.iterkeys(), strict=False):
                found = self._taken_apart(key)
                self._open = (key, _files(found))
                names = [f"{number}/{name}" for name, _ in self._open[1]]
                self.names += names
                self._places += [(key, place) for place in range(len(names))]
                self.left_out += found.left_out

    def read(self, number: int) -> bytes:
        """As `Members.read`."""
        key, place = self._places[number]
        return self._message(key)[place][1]()

    def close(self) -> None:
        """Close the file."""
        if self._box is not None:
            self._box.close()

    def _message(self, key: str) -> list[tuple[str, Callable[[], bytes]]]:
        """The files attached to a message; the last one asked for stays open."""
        if self._box is not None and (key != self._open[0] or not self._open[1]):
            self._open = (key, _files(self._taken_apart(key)))
        return self._open[1]

    def _taken_apart(self, key: str) -> _TakenApart:
        assert self._box is not None
        return _taken_apart(_parsed(self._box.get_bytes(key)[:MESSAGE_MAX_BYTES]))


@dataclass(frozen=True, slots=True)
class _TakenApart:
    """The `parts` of a message that have no parts themselves, the `body` that people read, the `attached` files with
    their names, and how many attached files are `left_out`.
    """

    parts: list[Message[Any, Any]]
    body: Message[Any, Any] | None
    attached: list[tuple[str, Message[Any, Any]]]
    left_out: int


def _taken_apart(message: Message[Any, Any]) -> _TakenApart:
    found = _parts(message)
    parts, more = found[:PARTS_MAX], found[PARTS_MAX:]
    body = _body(message, parts)
    attached = [(name, part) for part in parts if (name := _attachment(part, body))]
    before = _header(message, ATTACHED_LEFT_OUT)[:6]
    left_out = sum(bool(_attachment(part, body)) for part in more)
    return _TakenApart(parts, body, attached, left_out + (int(before) if NUMBER.fullmatch(before) else 0))


def _open_message(file: Path) -> Message[Any, Any]:
    if file.stat().st_size > MESSAGE_MAX_BYTES:
        raise DocumentError(f"the message is larger than {MESSAGE_MAX_BYTES >> 20} MB")
    if suffix_of(file.name) in OUTLOOK_SUFFIXES:
        with file.open("rb") as stream:
            start = stream.read(len(OLE_MAGIC))
        if start == OLE_MAGIC:
            from . import outlook

            return outlook.read_message(file)
    return _parsed(file.read_bytes())


def _parsed(content: bytes) -> Message[Any, Any]:
    return email.message_from_bytes(content, policy=email.policy.default)


def _files(message: _TakenApart) -> list[tuple[str, Callable[[], bytes]]]:
    return [(_with_extension(name, part), partial(_content, part)) for name, part in message.attached]


def _content(part: Message[Any, Any]) -> bytes:
    """The content of an attached file; of an attached message, the message as a file would have it."""
    payload = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(payload, list):
        return b"".join(each.as_bytes() for each in payload[:1] if isinstance(each, Message))
    decoded_payload = part.get_payload(decode=True)
    return decoded_payload if isinstance(decoded_payload, bytes) else b""


def _with_extension(name: str, part: Message[Any, Any]) -> str:
    """The name of an attached file, with the extension of its type if it has none."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        return name if name.lower().endswith(".eml") else f"{name}.eml"
    if name == f"({kind})":
        name = "attachment"
    return name if PurePosixPath(name).suffix else f"{name}{mimetypes.guess_extension(kind) or ''}"


def _page(message: Message[Any, Any]) -> MessagePage:
    found = _taken_apart(message)
    body, attachments = found.body, tuple(name for name, _ in found.attached)
    rows = [(name, _header(message, name)) for name in HEADERS]
    if attachments:
        rows.append(("Attached", ", ".join(attachments)))
    head = "".join(f"<tr><th>{name}</th><td>{escaped(value)}</td></tr>" for name, value in rows if value)
    text, is_html = ("", False) if body is None else (_text(body), body.get_content_type() == "text/html")
    unread = [f"the first {MARKUP_MAX_BYTES >> 20} MB"] if len(text) > MARKUP_MAX_BYTES else []
    if kind := _header(message, BODY_LEFT_OUT)[:HEADER_SHOWN_CHARS]:
        unread.append(f"without the text of the message, {kind} that cannot be read")
    text = text[:MARKUP_MAX_BYTES]
    markup = text if is_html else f'<pre class="{PROSE}">{escaped(text)}</pre>'
    images = _images(found.parts) if is_html else {}
    page = self_contained(f'<body><table class="{GRID}">{head}</table>{markup}</body>', images)
    sender = _header(message, "From")
    if "<" not in sender:  # a name alone, which the package puts in quotes
        sender = sender.strip('"')
    return MessagePage(page, _header(message, "Subject"), sender, attachments, found.left_out, tuple(unread))


def _parts(message: Message[Any, Any]) -> list[Message[Any, Any]]:
    """The parts of a message that have no parts themselves; an attached message is one part."""
    found: list[Message[Any, Any]] = []
    waiting = [message]
    while waiting and len(found) < PARTS_COUNTED_MAX:
        part = waiting.pop()
        payload = part.get_payload()
        if part.is_multipart() and isinstance(payload, list) and part.get_content_type() != "message/rfc822":
            waiting.extend(reversed([each for each in payload if isinstance(each, Message)]))
        else:
            found.append(part)
    return found


def _body(message: Message[Any, Any], parts: list[Message[Any, Any]]) -> Message[Any, Any] | None:
    """The part that people read: the HTML form where there is one, else the plain text."""
    if isinstance(message, EmailMessage):
        try:
            if (body := message.get_body(("html", "plain"))) is not None:
                return body
        except (LookupError, ValueError, AttributeError, TypeError):  # a structure that contradicts itself
            pass
    readable = [part for part in parts if part.get_content_type() in ("text/html", "text/plain")]
    return next((part for part in readable if part.get_content_type() == "text/html"), next(iter(readable), None))


def _text(part: Message[Any, Any]) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        charset = part.get_content_charset() or ""
    except (LookupError, ValueError, TypeError):
        charset = ""
    return decoded(payload, charset)


def _attachment(part: Message[Any, Any], body: Message[Any, Any] | None) -> str:
    """The name of an attached file; "" for the text itself and images that it shows."""
    if part is body:
        return ""
    try:
        name, disposition = part.get_filename() or "", part.get_content_disposition()
    except (LookupError, ValueError, TypeError, AttributeError):
        name, disposition = "", None
    if part.get_content_type() == "message/rfc822":
        return name or "message.eml"
    if disposition == "attachment" or (name and not part.get("Content-ID")):
        return " ".join(name.split())[:HEADER_MAX_CHARS] or f"({part.get_content_type()})"
    return ""


def _images(parts: list[Message[Any, Any]]) -> dict[str, str]:
    """Data URLs of the images that a message shows, by content id and by address."""
    found: dict[str, str] = {}
    for part in parts:
        if part.get_content_maintype() != "image":
            continue
        names = [str(part.get("Content-ID") or "").strip().strip("<>"), str(part.get("Content-Location") or "").strip()]
        payload = part.get_payload(decode=True)
        if any(names) and isinstance(payload, bytes) and len(payload) <= INLINE_IMAGE_MAX_BYTES:
            url = f"data:{part.get_content_type()};base64,{base64.b64encode(payload).decode('ascii')}"
            found |= {name: url for name in names if name}
    return found


def _header(message: Message[Any, Any], name: str) -> str:
    try:
        value = message.get(name) or ""
    except Exception:  # noqa: BLE001 - the package raises many things on headers that are malformed
        value = next((raw for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(str(value).split())[:HEADER_MAX_CHARS]
