"""Messages of Outlook are the pages that .eml files are, with their attachments; a damaged one costs itself only."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

pytest.importorskip("pymupdf", reason="MuPDF lays e-mail out")
pytest.importorskip("olefile", reason="reads Outlook's messages")

import outlook_files as outlook
from compressed_rtf import compress

from docsearch.engine.errors import DocumentError
from docsearch.engine.store import open_snapshot
from docsearch.engine.store.unread import ATTACHMENT, reason
from docsearch.indexer import pipeline
from docsearch.indexer.render import mail
from docsearch.indexer.render.laid_out import open_laid_out
from docsearch.indexer.render.outlook import ATTACHED_MAX
from fake_encoder import FakeEncoder

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c626001000000050001"
    "0d0a2db40000000049454e44ae426082"
)


def attached(file: Path) -> dict[str, bytes]:
    members = mail.AttachedToMessages(file)
    return {name: members.read(number) for number, name in enumerate(members.names)}


def page_text(file: Path) -> str:
    document = open_laid_out(file)
    document.render(1, dpi=40, max_pixels=1_000_000)
    return " ".join(document.text().split())


def test_a_message_shows_its_headers_and_text(tmp_path: Path) -> None:
    file = outlook.write(tmp_path / "a.msg", outlook.message("Offer für den Kran", "The price is € 12,500."))
    read = mail.read_message(file)
    assert (read.subject, read.sender) == ("Offer für den Kran", '"Kim, Anna" <anna@example.org>')
    text = page_text(file)
    for part in ("Offer für den Kran", "Kim, Anna", "Bob Stone <bob@example.org>", "Mon, 03 Mar 2025", "€ 12,500"):
        assert part in text


def test_the_body_with_markup_is_shown_with_its_pictures(tmp_path: Path) -> None:
    markup = "<p>Look: <img src='cid:one@x'><b>a picture</b><script>alert(1)</script></p>".encode("cp1251")
    content = outlook.message(
        "Picture",
        "Look",
        **outlook.binary(0x1013, markup),
        **{"__attach_version1.0_#00000000": outlook.attachment("one.png", PIXEL, "image/png", "one@x")},
    )
    read = mail.read_message(outlook.write(tmp_path / "a.msg", content))
    assert "data:image/png;base64," in read.markup
    assert "alert" not in read.markup
    assert read.attachments == ()


def test_attached_files_and_messages_are_documents(tmp_path: Path) -> None:
    large = random.Random(1).randbytes(9000)
    inner = outlook.message(
        "Inner one",
        "deep text",
        header=24,
        **{"__attach_version1.0_#00000000": outlook.attachment("deep.txt", b"deepest")},
    )
    content = outlook.message(
        "Outer",
        "see attached",
        **{
            "__attach_version1.0_#00000000": outlook.attachment("plan.pdf", large, "application/pdf"),
            "__attach_version1.0_#00000001": {**outlook.fixed(8), "__substg1.0_3701000D": inner},
        },
    )
    file = outlook.write(tmp_path / "a.msg", content)
    found = attached(file)
    assert found["plan.pdf"] == large
    message = tmp_path / "inner.eml"
    message.write_bytes(found["Inner one.eml"])
    assert mail.read_message(message).subject == "Inner one"
    assert attached(message) == {"deep.txt": b"deepest"}
    assert mail.read_message(file).attachments == ("plan.pdf", "Inner one.eml")


@pytest.mark.parametrize(
    ("properties", "encoding"),
    [([(0x3FFD, 3, 1251)], "cp1251"), ([(0x3FF1, 3, 1049)], "cp1251"), ([(0x3FFD, 3, 950)], "cp950"), ([], "cp1252")],
    ids=["code page", "language", "Chinese", "none"],
)
def test_texts_of_eight_bits_are_read_in_their_encoding(
    tmp_path: Path, properties: list[tuple[int, int, int]], encoding: str
) -> None:
    words = {"cp1251": "автоматически", "cp950": "格式測試", "cp1252": "größer"}[encoding]
    content = {
        **outlook.fixed(32, *properties),
        **outlook.text_8bit(0x0037, words, encoding),
        **outlook.text_8bit(0x1000, words, encoding),
    }
    read = mail.read_message(outlook.write(tmp_path / "a.msg", content))
    assert read.subject == words
    assert words in read.markup.partition("<pre")[2]


def test_a_contact_shows_its_telephone(tmp_path: Path) -> None:
    content = outlook.message("Anna Kim", "", **outlook.text(0x3A08, "+49 40 1234"), **outlook.text(0x3A16, "Harbour"))
    assert "Company: Harbour Business phone: +49 40 1234" in page_text(outlook.write(tmp_path / "a.msg", content))


def test_a_message_saved_by_another_program_may_be_an_ordinary_one(tmp_path: Path) -> None:
    file = tmp_path / "a.msg"
    file.write_bytes(b"Subject: plain\r\n\r\nplain text\r\n")
    assert mail.read_message(file).subject == "plain"


def test_other_ole_files_are_refused(tmp_path: Path) -> None:
    file = outlook.write(tmp_path / "a.msg", {"WordDocument": b"x" * 100})
    with pytest.raises(DocumentError, match="not a message of Outlook"):
        mail.read_message(file)


def test_damaged_messages_fail_alone(tmp_path: Path) -> None:
    whole = outlook.write(tmp_path / "whole.msg", outlook.message("Subject", "text " * 2000)).read_bytes()
    chance = random.Random(7)
    file = tmp_path / "a.msg"
    for _ in range(300):
        content = bytearray(whole[: chance.randrange(8, len(whole))] if chance.random() < 0.5 else whole)
        for _ in range(chance.randrange(20)):
            content[chance.randrange(8, len(content))] = chance.randrange(256)
        file.write_bytes(content)
        try:
            mail.read_message(file)
        except DocumentError:
            continue


def rich(body: bytes) -> dict[str, bytes | outlook.Storage]:
    """A message whose text is there as compressed RTF alone."""
    return outlook.message("Crane", "", **outlook.binary(0x1009, body))


def test_a_text_that_is_there_as_rtf_alone_is_read(tmp_path: Path) -> None:
    example = bytes.fromhex(  # of [MS-OXRTFCP], section 3.1.1
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert "hello world" in page_text(outlook.write(tmp_path / "a.msg", rich(example)))
    text = (
        rb"{\rtf1\ansi\ansicpg1251\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset204 Arial;}}{\*\htmltag64 <p>}"
        rb"\htmlrtf \par\htmlrtf0 \'d6\'e5\'ed\'e0 \u8364?12,500{\pict\wmetafile8 0100}{\*\htmltag72 </p>}"
        rb"\par line two}"
    )
    shown = page_text(outlook.write(tmp_path / "b.msg", rich(compress(text))))
    assert "Цена €12,500 line two" in shown
    assert "<p>" not in shown
    assert open_laid_out(tmp_path / "b.msg").unread() == []


@pytest.mark.parametrize(
    "body",
    [
        compress(b"no RTF at all"),
        compress(b"{\\rtf1 hello}")[:-4],
        struct.pack("<II4sI", 1 << 30, 1 << 30, b"LZFu", 0),
        b"short",
    ],
)
def test_rtf_that_cannot_be_read_is_told_and_costs_the_text_only(tmp_path: Path, body: bytes) -> None:
    file = outlook.write(tmp_path / "a.msg", rich(body))
    assert "Crane" in page_text(file)
    (told,) = open_laid_out(file).unread()
    assert reason(*told) == "read in part: without the text of the message, RTF that cannot be read"


def test_attached_files_beyond_the_number_that_is_looked_at_are_told(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    many = {f"__attach_version1.0_#{n:08X}": outlook.attachment(f"{n}.txt", b"crane") for n in range(ATTACHED_MAX + 3)}
    content = outlook.message("inner", "text", header=24, **many)
    inner = {**outlook.fixed(8), "__substg1.0_3701000D": content}
    outlook.write(tmp_path / "docs" / "a.msg", outlook.message("outer", "x", **{"__attach_version1.0_#0000": inner}))
    pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder(), kinds=["mail"])
    with open_snapshot(tmp_path / "index") as snapshot:
        assert set(snapshot.documents()) == {"a.msg", "a.msg/inner.eml"}
        (told,) = (each for each in snapshot.unread.all() if each.kind == ATTACHMENT)
    assert told.reason == "503 attached files were not read: 0.txt, 1.txt, 2.txt, …, and all after the first 499"
    assert told.path == "a.msg/inner.eml"


def test_messages_attached_in_a_ring_of_depth_end(tmp_path: Path) -> None:
    content: outlook.Storage = outlook.message("deepest", "text", header=24)
    for _ in range(20):
        attachment = {**outlook.fixed(8), "__substg1.0_3701000D": content}
        content = outlook.message("outer", "text", header=24, **{"__attach_version1.0_#00000000": attachment})
    file = outlook.write(tmp_path / "a.msg", {**content, **outlook.fixed(32)})
    assert len(attached(file)) == 1


def test_a_message_that_lies_too_deep_is_counted_as_not_read(tmp_path: Path) -> None:
    content: outlook.Storage = outlook.message("level 6", "text", header=24)
    for level in range(5, 0, -1):
        attachment = {**outlook.fixed(8), "__substg1.0_3701000D": content}
        content = outlook.message(f"level {level}", "text", header=24, **{"__attach_version1.0_#00000000": attachment})
    (tmp_path / "docs").mkdir()
    outlook.write(tmp_path / "docs" / "a.msg", {**content, **outlook.fixed(32)})
    report = pipeline.index_documents([tmp_path / "docs"], tmp_path / "index", encoder=FakeEncoder())
    deepest = "a.msg/level 2.eml/level 3.eml/level 4.eml"
    with open_snapshot(tmp_path / "index") as snapshot:
        assert max(snapshot.documents(), key=len) == deepest
        found = [f"{each.path}: {each.reason}" for each in snapshot.unread.all() if each.kind == ATTACHMENT]
    assert found == [f"{deepest}: 1 attached file was not read: level 5.eml"]
    assert report.unread[ATTACHMENT] == 1
