"""Messages of Outlook (.msg) as messages of Python's `email` package: they become the pages that .eml files become.

Runs only inside the child process (`worker`). A .msg file is an OLE compound file, which olefile opens; the streams in
it have the names and the contents that Microsoft publishes as [MS-OXMSG] and [MS-OXPROPS].
"""

from __future__ import annotations

import email
import email.policy
import re
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from html import unescape
from pathlib import Path
from typing import Any

import olefile

from ...engine.errors import DocumentError
from .mail import ATTACHED_LEFT_OUT, BODY_LEFT_OUT
from .markup import decoded

ATTACHED_MAX = 500
"""Attached files of a message that are looked at; how many more there are is told."""
RECIPIENTS_MAX = 100
"""Recipients of a message that are shown."""
SIGNED = "multipart/signed"
"""Type of the attached file that is all of a signed message, as it was sent."""
DEPTH_MAX = 4
"""How deep messages may be attached to messages; of one that lies deeper only the subject is read."""
TEXT, TEXT_8BIT, BINARY, INT32, TIME, STORAGE = 0x001F, 0x001E, 0x0102, 0x0003, 0x0040, 0x000D
"""Types of properties."""
SUBJECT, BODY, HTML, RTF, HEADERS = 0x0037, 0x1000, 0x1013, 0x1009, 0x007D
SENDER_NAME, SENDER_SMTP, SENDER_ADDRESS = 0x0C1A, 0x5D01, 0x0C1F
FROM_NAME, FROM_SMTP, FROM_ADDRESS = 0x0042, 0x5D02, 0x0065
SHOWN_TO, SHOWN_CC = 0x0E04, 0x0E03
SENT_AT, RECEIVED_AT, BODY_CODEPAGE, CODEPAGE = 0x0039, 0x0E06, 0x3FDE, 0x3FFD
ADDRESS_OF_MAIL = re.compile(r"[!-.0-~][!-~]*@[!-~]+")
"""An address of e-mail; one of Exchange begins with a slash."""
SPECIAL = re.compile(r"[^\w .'-]")
"""What a name may have in quotes only."""
NAME, SMTP, ADDRESS, RECIPIENT_TYPE = 0x3001, 0x39FE, 0x3003, 0x0C15
FILE_NAME, SHORT_FILE_NAME, MIME_TYPE, CONTENT, CONTENT_ID = 0x3707, 0x3704, 0x370E, 0x3701, 0x3712
EXTRA = {
    0x3A16: "Company",
    0x3A17: "Job title",
    0x3A08: "Business phone",
    0x3A1C: "Mobile phone",
    0x3A09: "Home phone",
    0x3A27: "City",
}
"""Properties of contacts that have no other place on the page."""
TO, CC = 1, 2
ROOT_HEADER, ATTACHED_MESSAGE_HEADER, HEADER = 32, 24, 8
"""Bytes before the properties in their stream: of the file, of a message attached to it, of files and recipients."""
ENTRY = struct.Struct("<HHIQ")
"""A property of fixed size: its type, its id, flags, and the value."""
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
LANGUAGE_MASK, LOCALE = 0x3FF, 0x3FF1
"""The bits of a locale that are its language, and the property with the locale of a message."""
CODEPAGES = {
    **dict.fromkeys((0x05, 0x0E, 0x15, 0x18, 0x1A, 0x1B, 0x24), 1250),
    **dict.fromkeys((0x02, 0x19, 0x22, 0x23), 1251),
    0x08: 1253,
    0x1F: 1254,
    0x0D: 1255,
    0x01: 1256,
    0x1E: 874,
    0x11: 932,
    0x04: 936,
    0x12: 949,
    **dict.fromkeys((0x25, 0x26, 0x27), 1257),
}
"""The code page of languages that Windows does not write in 1252."""
LATIN = 1252
ENCODINGS = {65001: "utf-8", 20127: "ascii", 28591: "latin-1", 1200: "utf-16-le", 50220: "iso2022_jp"}
"""Encodings of Windows' code pages whose name is not cp and the number."""


def read_message(file: Path) -> EmailMessage:
    """The message in a file, with its attachments. Raises DocumentError if it is none, or damaged."""
    try:
        with olefile.OleFileIO(str(file)) as opened:
            if not opened.exists("__properties_version1.0"):
                raise DocumentError("not a message of Outlook")
            return _Message(opened, (), ROOT_HEADER).as_email()
    except DocumentError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError) as err:
        raise DocumentError(f"the message cannot be opened: {err}") from err


class _Properties:
    """The properties of a message, an attached file or a recipient, whose streams lie in the storage `place`."""

    def __init__(self, opened: Any, place: tuple[str, ...], header: int, codepage: str = "") -> None:
        self._opened = opened
        self._place = place
        self._fixed: dict[tuple[int, int], int] = {}
        content = self._stream("__properties_version1.0") or b""
        for start in range(header, len(content) - ENTRY.size + 1, ENTRY.size):
            kind, number, _flags, value = ENTRY.unpack_from(content, start)
            self._fixed[number, kind] = value
        language = self.integer(LOCALE) & LANGUAGE_MASK
        own = self.integer(CODEPAGE) or (CODEPAGES.get(language, LATIN) if language else 0)
        self.codepage = _encoding(own) or codepage or _encoding(self.integer(BODY_CODEPAGE)) or _encoding(LATIN)

    def integer(self, number: int) -> int:
        """A number; 0 if there is none."""
        return self._fixed.get((number, INT32), 0) & 0xFFFFFFFF

    def time(self, number: int) -> datetime | None:
        """A time; None if there is none, or one that no calendar has."""
        ticks = self._fixed.get((number, TIME), 0)
        try:
            return EPOCH + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def binary(self, number: int) -> bytes | None:
        """Bytes; None if there are none."""
        return self._stream(f"__substg1.0_{number:04X}{BINARY:04X}")

    def text(self, *numbers: int, codepage: str = "") -> str:
        """The first of some texts that there is, in Unicode, or in the encoding `codepage` or that of the message."""
        for number in numbers:
            content = self._stream(f"__substg1.0_{number:04X}{TEXT:04X}")
            if content is not None:
                text = content.decode("utf-16-le", "replace")
            else:
                content = self._stream(f"__substg1.0_{number:04X}{TEXT_8BIT:04X}")
                text = decoded(content or b"", codepage or self.codepage)
            if text := text.replace("\0", "").strip():
                return text
        return ""

    def has_storage(self, number: int) -> bool:
        """Whether a property is a storage of its own, as an attached message is."""
        return bool(self._opened.exists([*self._place, f"__substg1.0_{number:04X}{STORAGE:04X}"]))

    def _stream(self, name: str) -> bytes | None:
        path = [*self._place, name]
        if self._opened.get_type(path) != olefile.STGTY_STREAM:
            return None
        content: bytes = self._opened.openstream(path).read()
        return content


class _Message:
    """A message in an OLE file: the file itself, or one that is attached to it, in the storage `place`."""

    def __init__(self, opened: Any, place: tuple[str, ...], header: int, depth: int = 1) -> None:
        self._opened = opened
        self._place = place
        self._depth = depth
        self._said = _Properties(opened, place, header)

    @property
    def subject(self) -> str:
        """What it is about."""
        return " ".join(self._said.text(SUBJECT).split())

    def as_email(self) -> EmailMessage:
        """The message, with its attachments."""
        said, message = self._said, EmailMessage()
        transported = email.message_from_string(said.text(HEADERS), policy=email.policy.default)
        recipients = list(self._recipients())
        headers = {
            "Subject": self.subject,
            "From": _address(said, (SENDER_NAME,), (SENDER_SMTP, SENDER_ADDRESS))
            or _address(said, (FROM_NAME,), (FROM_SMTP, FROM_ADDRESS)),
            "To": _listed(recipients, TO) or said.text(SHOWN_TO),
            "Cc": _listed(recipients, CC) or said.text(SHOWN_CC),
            "Date": self._date(),
        }
        for name, value in headers.items():
            value = value or str(transported.get(name) or "")
            if value:
                message[name] = " ".join(value.split())
        body, markup = self._said.text(BODY), self._html()
        if not (body or markup):
            body = self._rich_text(message)
        text = self._text(body)
        if text or not markup:
            message.set_content(text)
        if markup and text:
            message.add_alternative(markup, subtype="html")
        elif markup:
            message.set_content(markup, subtype="html")
        attached = self._storages("__attach_version1.0_#")
        for name in attached[:ATTACHED_MAX]:
            self._attach(message, name, markup)
        if len(attached) > ATTACHED_MAX:
            message[ATTACHED_LEFT_OUT] = str(len(attached) - ATTACHED_MAX)
        return message

    def as_subject(self) -> EmailMessage:
        """A message of the subject alone, for one that lies too deep to be opened: it is counted as not read."""
        message = EmailMessage()
        if self.subject:
            message["Subject"] = self.subject
        message.set_content("")
        return message

    def _date(self) -> str:
        moment = self._said.time(SENT_AT) or self._said.time(RECEIVED_AT)
        return "" if moment is None else format_datetime(moment)

    def _text(self, body: str) -> str:
        extra = [f"{name}: {value}" for number, name in EXTRA.items() if (value := self._said.text(number))]
        return "\n".join([*extra, body]).replace("\r\n", "\n")

    def _rich_text(self, message: EmailMessage) -> str:
        """The text of a body that is there as RTF alone; "" if there is none, or it cannot be read, which `message`
        then says.
        """
        if not (content := self._said.binary(RTF)):
            return ""
        from . import rtf

        try:
            return rtf.text_of(content)
        except ValueError:
            message[BODY_LEFT_OUT] = "RTF"
            return ""

    def _html(self) -> str:
        codepage = _encoding(self._said.integer(BODY_CODEPAGE))
        content = self._said.binary(HTML)
        return decoded(content, codepage) if content else self._said.text(HTML, codepage=codepage)

    def _recipients(self) -> Iterator[tuple[int, str]]:
        for name in self._storages("__recip_version1.0_#")[:RECIPIENTS_MAX]:
            one = _Properties(self._opened, (*self._place, name), HEADER, self._said.codepage)
            if shown := _address(one, (NAME,), (SMTP, ADDRESS)):
                yield one.integer(RECIPIENT_TYPE), shown

    def _attach(self, message: EmailMessage, name: str, markup: str) -> None:
        place = (*self._place, name)
        one = _Properties(self._opened, place, HEADER, self._said.codepage)
        file_name = " ".join(one.text(FILE_NAME, SHORT_FILE_NAME, NAME).split())
        if one.has_storage(CONTENT):
            inner = (*place, f"__substg1.0_{CONTENT:04X}{STORAGE:04X}")
            if self._opened.exists([*inner, "__properties_version1.0"]):
                attached = _Message(self._opened, inner, ATTACHED_MESSAGE_HEADER, self._depth + 1)
                content_of = attached.as_email if self._depth < DEPTH_MAX else attached.as_subject
                message.add_attachment(content_of(), filename=f"{attached.subject or 'message'}.eml")
            return
        content = one.binary(CONTENT)
        if content is None:  # a link to a file elsewhere
            return
        if one.text(MIME_TYPE).lower() == SIGNED:
            file_name = "signed.eml"
        kind = _mime_type(one.text(MIME_TYPE), content)
        content_id = one.text(CONTENT_ID).strip("<>")
        if content_id and f"cid:{content_id}" in unescape(markup):
            message.add_attachment(content, *kind, filename=file_name, disposition="inline", cid=f"<{content_id}>")
        else:
            message.add_attachment(content, *kind, filename=file_name)

    def _storages(self, start: str) -> list[str]:
        """The names of the storages of this message that begin with `start`, sorted."""
        own = len(self._place)
        found = {
            path[own]
            for path in self._opened.listdir(streams=True, storages=True)
            if len(path) > own and tuple(path[:own]) == self._place and path[own].startswith(start)
        }
        return sorted(found)


def _address(said: _Properties, names: Sequence[int], addresses: Sequence[int]) -> str:
    """A name and an address as an e-mail has them; without an address in Exchange's own form."""
    name = " ".join(said.text(*names).replace('"', "").split())
    address = next((each for number in addresses if ADDRESS_OF_MAIL.fullmatch(each := said.text(number))), "")
    if not address or address == name:
        return address or (f'"{name}"' if SPECIAL.search(name) else name)
    return f'"{name}" <{address}>' if name else address


def _listed(recipients: Sequence[tuple[int, str]], kind: int) -> str:
    return ", ".join(shown for its_kind, shown in recipients if its_kind == kind)


def _mime_type(text: str, content: bytes) -> tuple[str, str]:
    """The type of an attached file that a message states, if it is one; else that of a picture by its first bytes."""
    main, _, sub = text.lower().partition("/")
    if main in ("image", "application", "audio", "video") and sub.replace("-", "").replace(".", "").isalnum():
        return main, sub
    for magic, found in ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif")):
        if content.startswith(magic):
            return "image", found
    return "application", "octet-stream"


def _encoding(codepage: int) -> str:
    """Python's name of a code page of Windows; "" if it has none."""
    if not codepage:
        return ""
    name = ENCODINGS.get(codepage, f"cp{codepage}")
    try:
        b"".decode(name)
    except LookupError:
        return ""
    return name
