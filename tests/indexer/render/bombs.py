"""Makes documents that are small, and would take much time or memory if they were read without limits."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import hostile

LAUGHS = "".join(f'<!ENTITY e{n} "' + (f"&e{n - 1};" * 10 if n else "ha" * 10) + '">' for n in range(10))
ENTITIES = f"<!DOCTYPE x [{LAUGHS}]>"
"""An entity of ten thousand million times "ha"."""
STOP = "<stop offset='0'/>"
SHEETS = 10_000
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def picture(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes with so many white pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (width // 8 + 1)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pages() -> Iterator[tuple[str, bytes]]:
    """Web pages."""
    image = base64.b64encode(picture(30_000, 30_000)).decode()
    bodies = {
        "deep": "<div>" * 100_000 + "pump",
        "deep-lists": "<ul><li>" * 50_000 + "pump",
        "deep-tables": "<table><tr><td>" * 5_000 + "pump",
        "bold": "<b>" * 300_000 + "pump",
        "breaks": "<br>" * 1_000_000,
        "words": "pump " * 1_500_000,
        "one-word": "p" * 7_000_000,
        "cells": "<table>" + "<tr>" + "<td>x" * 300 + "</tr>" + ("<tr>" + "<td>x" * 300) * 2_000 + "</table>",
        "spans": "<table><tr><td colspan=999999 rowspan=999999>x</table>" * 1_000,
        "picture": f"<img src='data:image/png;base64,{image}'>",
        "pictures": f"<img src='data:image/png;base64,{image}'>" * 50,
        "wide": "<img width=99999999 height=99999999 src='data:image/png;base64,'>pump",
        "rules": f"<style>{''.join(f'.a{n} > .b{n} ~ p{{color:red}}' for n in range(30_000))}</style><p>pump" * 3,
        "attributes": f"<p {' '.join(f'a{n}=1' for n in range(200_000))}>pump",
        "style": f"<p style='{'margin:9999999pt;' * 50_000}'>pump",
        "size": "<p style='font-size:99999999pt'>pump",
        "letters": "<p style='font-size:0.001pt'>" + "pump " * 200_000,
        "unclosed": "<!-- " + "x" * 7_000_000,
        "entities": "&amp;" * 1_500_000,
        "columns": "<p style='column-count:99999'>" + "pump " * 10_000,
    }
    yield from ((f"{name}.html", f"<html><body>{body}".encode()) for name, body in bodies.items())


def drawings() -> Iterator[tuple[str, bytes]]:
    """Drawings in SVG."""
    uses = "".join(
        f"<g id='u{n}'>" + (f"<use xlink:href='#u{n - 1}'/>" * 10 if n else "<rect width='9' height='9'/>") + "</g>"
        for n in range(12)
    )
    image = base64.b64encode(picture(30_000, 30_000)).decode()
    bodies = {
        "uses": f"<defs>{uses}</defs><use xlink:href='#u11'/>",
        "self": "<g id='a'><use xlink:href='#a'/></g>",
        "circle": "<g id='a'><use xlink:href='#b'/></g><g id='b'><use xlink:href='#a'/></g>",
        "deep": "<g>" * 100_000,
        "deep-closed": "<g>" * 20_000 + "</g>" * 20_000,
        "points": f"<path d='M0 0{' L9 9 0 0' * 500_000}'/>",
        "dashes": "<path stroke='red' stroke-dasharray='0.00001' d='M0 0L90000 90000'/>",
        "width": "<rect stroke='red' stroke-width='1e30' width='1e30' height='1e30'/>",
        "picture": f"<image xlink:href='data:image/png;base64,{image}' width='90' height='90'/>",
        "pictures": f"<image xlink:href='data:image/png;base64,{image}' width='90' height='90'/>" * 30,
        "text": f"<text y='9'>{'pump ' * 500_000}</text>",
        "texts": "<text y='9'>pump</text>" * 200_000,
        "filter": "<filter id='f'><feGaussianBlur stdDeviation='99999999'/></filter><rect filter='url(#f)' width='9'/>",
        "pattern": "<pattern id='p' width='1e-9' height='1e-9'><rect fill='url(#p)' width='9' height='9'/></pattern>"
        "<rect fill='url(#p)' width='90' height='90'/>",
        "numbers": f"<path d='M{'9' * 1_000_000} 0'/>",
        "transform": f"<g transform='{'scale(9999)' * 10_000}'><rect width='9' height='9'/></g>",
        "gradient": f"<linearGradient id='g'>{STOP * 200_000}</linearGradient><rect fill='url(#g)'/>",
        "style": f"<style>{'rect{fill:red}' * 200_000}</style><rect width='9' height='9'/>",
    }
    yield from ((f"{name}.svg", hostile.SVG.format(body).encode()) for name, body in bodies.items())
    yield "laughs.svg", (ENTITIES + hostile.SVG.format("<text y='9'>&e9;</text>")).encode()
    yield (
        "huge.svg",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1e9'><rect width='9' height='9'/></svg>",
    )


def messages() -> Iterator[tuple[str, bytes]]:
    """E-mails and a mailbox."""
    head = b"Subject: pump\r\nFrom: a@example.org\r\nMIME-Version: 1.0\r\n"
    part = b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n"
    mixed = head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    yield "parts.eml", mixed + part * 100_000 + b"--b--"
    yield "unclosed.eml", mixed + part * 1_000
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000))
    yield "deep.eml", head + deep + b"Content-Type: text/plain\r\n\r\npump"
    yield "messages.eml", head + b"Content-Type: message/rfc822\r\n\r\n" * 5_000 + b"pump"
    yield "headers.eml", head + b"X-A: b\r\n" * 500_000 + b"\r\npump"
    yield "header.eml", head + b"X-A: " + b"b" * 20_000_000 + b"\r\n\r\npump"
    yield "folded.eml", head + b"X-A: b\r\n" + b" c\r\n" * 500_000 + b"\r\npump"
    yield "encoded.eml", head + b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\r\n\r\npump"
    yield "to.eml", head + b"To: " + b"a@example.org, " * 200_000 + b"\r\n\r\npump"
    yield (
        "name.eml",
        mixed + b"--b\r\nContent-Disposition: attachment; filename=" + b"a" * 5_000_000 + b"\r\n\r\nx\r\n--b--",
    )
    names = b"".join(b"; filename*%d=a" % n for n in range(20_000))
    yield "names.eml", mixed + b"--b\r\nContent-Disposition: attachment" + names + b"\r\n\r\nx\r\n--b--"
    yield "boundary.eml", mixed + b"--b" * 5_000_000
    yield "lines.eml", head + b"\r\n" + b"\r\n" * 5_000_000
    base = b"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    yield "base64.eml", mixed + base + base64.encodebytes(b"pump " * 8_000_000) + b"\r\n--b--"
    yield "charset.eml", head + b"Content-Type: text/plain; charset=" + b"x" * 1_000_000 + b"\r\n\r\npump"
    yield "quoted.eml", head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 20_000_000
    page = EmailMessage()
    page["Subject"] = "pump"
    page.set_content("<div>" * 50_000, subtype="html")
    yield "html.eml", bytes(page)
    attached = EmailMessage()
    attached["Subject"] = "pump"
    attached.set_content("see the pictures")
    for number in range(20):
        attached.add_attachment(picture(30_000, 30_000), maintype="image", subtype="png", filename=f"{number}.png")
    yield "pictures.eml", bytes(attached)
    yield "zeros.eml", head + b"\r\n" + b"\0" * 5_000_000
    yield "many.mbox", b"From a@example.org Thu Jan  1 00:00:00 1970\nSubject: pump\n\npump\n\n" * 100_000


def office() -> Iterator[tuple[str, bytes]]:
    """Office documents, most of them packed."""
    word = hostile._docx("", "")
    body = f'<w:document xmlns:w="{hostile.WORD}"><w:body>{{}}</w:body></w:document>'
    yield "spaces.docx", packed({**word, "word/document.xml": body.format(" " * 300_000_000)})
    yield (
        "laughs.docx",
        packed({**word, "word/document.xml": ENTITIES + body.format("<w:p><w:r><w:t>&e9;</w:t></w:r></w:p>")}),
    )
    yield "paragraphs.docx", packed({**word, "word/document.xml": body.format("<w:p/>" * 2_000_000)})
    nested = "<w:tbl><w:tr><w:tc>" * 3_000
    yield "tables.docx", packed({**word, "word/document.xml": body.format(nested)})
    yield "extra.docx", packed({**word, **{f"word/media/{n}.xml": "x" for n in range(20_000)}})
    yield "picture.docx", packed({**word, "word/media/a.bin": "\0" * 500_000_000})
    yield "nothing.docx", packed({})
    yield "cut.docx", packed(word)[:-100]
    yield "laughs.odt", packed({**hostile._odf("text", ""), "content.xml": f"{ENTITIES}<x>&e9;</x>"})
    deep = "<text:section text:name='s'>" * 20_000
    yield "deep.odt", packed(hostile._odf("text", deep))
    yield "paragraphs.odt", packed(hostile._odf("text", "<text:p>pump</text:p>" * 300_000))
    repeated = (
        '<table:table table:name="a"><table:table-row table:number-rows-repeated="1048576"><table:table-cell '
        'table:number-columns-repeated="16384" office:value-type="string"><text:p>pump</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    )
    yield "repeated.ods", packed(hostile._odf("spreadsheet", repeated))
    yield "sheets.xlsx", packed(workbook(SHEETS, "<row><c t='inlineStr'><is><t>pump</t></is></c></row>"))
    yield "rows.xlsx", packed(workbook(1, "<row><c><v>1</v></c></row>" * 1_000_000))
    cells = "".join(f"<row r='{n}'><c r='XFD{n}'><v>1</v></c></row>" for n in (1, 1_048_576))
    yield "corners.xlsx", packed(workbook(1, cells))
    yield "laughs.xlsx", packed({**workbook(1, ""), "xl/workbook.xml": f"{ENTITIES}<workbook>&e9;</workbook>"})
    yield "groups.rtf", b"{\\rtf1 " + b"{" * 500_000 + b"pump"
    yield "fields.rtf", b"{\\rtf1 " + rb"{\field{\*\fldinst PAGE}{\fldrslt 1}}" * 100_000 + b"}"
    yield "random.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 4_000
    yield "page.doc", b"<html><body>" + b"<table><tr><td>" * 5_000


def workbook(count: int, rows: str) -> dict[str, str]:
    """The packed files of a workbook with `count` sheets that have these rows."""
    numbers = range(1, count + 1)
    kind = f"{hostile.RELATIONS}/worksheet"
    sheets = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    links = "".join(f'<Relationship Id="r{n}" Type="{kind}" Target="worksheets/{n}.xml"/>' for n in numbers)
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = "".join(
        f'<Override PartName="/xl/worksheets/{n}.xml" ContentType="{types}.worksheet+xml"/>' for n in numbers
    )
    root = f'<Relationship Id="r" Type="{hostile.RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    names = f'xmlns="{hostile.PACKAGE}/relationships"'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{hostile.PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{types}.sheet.main+xml"/>{parts}</Types>',
        "_rels/.rels": f"<Relationships {names}>{root}</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{hostile.RELATIONS}">'
        f"<sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships {names}>{links}</Relationships>",
        **{f"xl/worksheets/{n}.xml": sheet for n in numbers},
    }


def packed(files: dict[str, str]) -> bytes:
    """A .zip of these files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


KINDS = {"html": pages, "svg": drawings, "mail": messages, "office": office}


def write(folder: Path, kind: str) -> list[Path]:
    """Write the documents of a kind into `folder`; return them."""
    files = []
    for name, content in KINDS[kind]():
        files.append(folder / name)
        files[-1].write_bytes(content)
    return files
