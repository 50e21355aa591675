"""Turns Markdown and web pages into HTML that refers to nothing outside itself, and bytes into text.

Runs only inside the child process (`worker`). What is made here is laid out by MuPDF, which runs no scripts and makes
no requests; references to other files are taken out all the same.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Collection
from html.parser import HTMLParser

MARKUP_MAX_BYTES = 8 << 20
"""Bytes of a text, of a page of HTML or of a message's body that are laid out: two thousand pages and more."""
STYLE = (
    "<style>body{font-family:sans-serif}pre{white-space:pre-wrap}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:2px 4px;text-align:left}</style>"
)
DROPPED = frozenset(("script", "template", "iframe", "object", "embed", "video", "audio", "canvas", "frameset"))
"""Elements that are left out with all that is in them: none is drawn without running or fetching something."""
SINGLE_DROPPED = frozenset(("link", "base", "meta", "source", "track", "param", "frame"))
"""Elements without content that fetch or redirect."""
SIZES = ("width", "height")
KEPT_ATTRIBUTES = frozenset(
    (
        *("class", "id", "style", "colspan", "rowspan", "align", "valign", "width", "height", "bgcolor", "color"),
        *("dir", "lang", "start", "type", "value", "border", "size", "face", "href", "hidden"),
    )
)
"""Attributes that change how an element is drawn; a link's address is never followed."""
DATA_IMAGE = re.compile(r"\s*data:image/(?:png|jpe?g|gif|webp|bmp);base64,", re.IGNORECASE)
CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
CHARSET_WITHIN = 4096
"""Browsers look for the encoding in the first bytes only."""
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes, charset: str = "") -> str:
    """The text of `content`: by its byte order mark, the `charset` that it states, as UTF-8, or as is most likely."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    for encoding in filter(None, (charset, "utf-8")):
        try:
            return content.decode(encoding)
        except (LookupError, UnicodeError):
            continue
    from charset_normalizer import from_bytes

    best = from_bytes(content[:MARKUP_MAX_BYTES]).best()
    return content.decode(best.encoding if best is not None else "cp1252", "replace")


def from_markdown(text: str) -> str:
    """Markdown (CommonMark with tables and strikethrough) as a page of HTML; HTML inside it is shown as text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return self_contained(parser.render(text))


def from_html(content: bytes) -> str:
    """A web page, in the encoding that it states, as HTML that refers to nothing outside itself."""
    found = CHARSET.search(content, 0, CHARSET_WITHIN)
    return self_contained(decoded(content, found[1].decode("ascii") if found else ""))


def self_contained(markup: str, images: dict[str, str] | None = None) -> str:
    """HTML without scripts, frames and references to other files; an image that is outside becomes its description.

    `images` are data URLs of the images that `cid:` addresses in an e-mail mean, by content id.
    """
    parser = _SelfContained(images or {})
    parser.feed(markup)
    parser.close()
    return f'<html><head><meta charset="utf-8">{STYLE}</head>' + "".join(parser.out)


def escaped(text: str) -> str:
    """Text as HTML."""
    return html.escape(text, quote=False)


class _SelfContained(HTMLParser):
    """Writes out the HTML that it is fed, in `out`, without what is to be left out."""

    def __init__(self, images: dict[str, str]) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._images = images
        self._dropping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self._dropping.append(tag)
        elif not self._dropping and tag not in SINGLE_DROPPED and tag != "html":
            self.out.append(self._start(tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._dropping and tag not in DROPPED | SINGLE_DROPPED:
            self.out.append(self._start(tag, dict(attrs)))
            if tag not in ("br", "hr", "img", "input", "col", "wbr", "area"):
                self.out.append(f"</{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag in self._dropping:
                while self._dropping.pop() != tag:
                    pass
        elif tag not in SINGLE_DROPPED and tag not in DROPPED:
            self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _start(self, tag: str, attributes: dict[str, str | None]) -> str:
        if tag in ("img", "image"):
            source = attributes.get("src") or attributes.get("href") or attributes.get("xlink:href") or ""
            source = self._images.get(source[4:] if source.lower().startswith("cid:") else source, source)
            if not DATA_IMAGE.match(source):
                return f"<span>{escaped(attributes.get('alt') or '')}</span>"
            return _tag("img", {"src": source.strip(), **_kept(attributes, SIZES)})
        return _tag(tag, _kept(attributes, KEPT_ATTRIBUTES))


def _kept(attributes: dict[str, str | None], names: Collection[str]) -> dict[str, str]:
    return {name: value or "" for name, value in attributes.items() if name in names}


def _tag(name: str, attributes: dict[str, str]) -> str:
    return "".join([f"<{name}", *(f' {key}="{html.escape(value)}"' for key, value in attributes.items()), ">"])
