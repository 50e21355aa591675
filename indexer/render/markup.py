"""Turns Markdown and web pages into HTML that refers to nothing outside itself, and bytes into text.

Runs only inside the child process (`worker`). What is made here is laid out by MuPDF, which runs no scripts and makes
no requests; references to other files are taken out all the same.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Collection
from dataclasses import dataclass
from html.parser import HTMLParser

MARKUP_MAX_BYTES = 8 << 20
"""Bytes of a text, of a page of HTML or of a message's body that are laid out: two thousand pages and more."""
GRID, PROSE = "docsearch-grid", "docsearch-prose"
"""Classes: tables whose cells have borders, and text with its own line breaks that is no code."""
STYLE = (
    "<style>body{font-family:sans-serif;overflow-wrap:break-word}pre{white-space:pre-wrap}"
    "table{border-collapse:collapse}td,th{padding:2px 4px;text-align:left;overflow-wrap:normal}"
    f".{GRID} td,.{GRID} th{{border:1px solid #999}}.{PROSE}{{font-family:sans-serif}}</style>"
)
UNBROKEN = re.compile(r"(white-space\s*:\s*)(nowrap|pre)\b(?!-)", re.IGNORECASE)
"""What keeps a style sheet's lines from being broken: they would end at the edge of the page."""
DROPPED = frozenset(
    ("script", "template", "iframe", "object", "embed", "video", "audio", "canvas", "frameset", "noscript")
)
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
DRAWING_ATTRIBUTES = {
    name.lower(): name
    for name in (
        *("x", "y", "dx", "dy", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "d", "points", "viewBox"),
        *("transform", "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "opacity"),
        *("font-family", "font-size", "font-weight", "font-style", "text-anchor"),
    )
}
"""Attributes of drawings in a page, SVG, by their names in lower case; those that refer to something are left out."""
SEPARATE = frozenset(("a", "button", "label"))
"""Elements that style sheets put apart: without them, two in a row would be one word."""
RENAMED = dict.fromkeys(("details", "summary", "select", "option"), "div")
"""Elements that MuPDF does not know, but that stand on lines of their own."""
TYPED = frozenset(("", "text", "search", "email", "tel", "url", "number", "date", "time", "month", "submit", "button"))
"""Kinds of input fields whose value is printed on them."""
DATA_IMAGE = re.compile(r"\s*data:image/(?:png|jpe?g|gif|webp|bmp);base64,", re.IGNORECASE)
MARKDOWN_LEVELS_MAX = 200
"""So many quotations, or half as many lists, in each other are read of Markdown; the parser drops what is deeper."""
TABLE_ROWS_MAX = 1000
"""Rows of a table that are laid out together; MuPDF's time grows with their square (docs/log.md#long-tables)."""
DEPTH_MAX = 60
"""Elements in each other, at most, that are laid out as such; MuPDF leaves out, in silence, what is in some 100."""
NOTED_DEPTH_MAX = 1000
INDENTED = frozenset(("blockquote", "dd", "dir", "menu", "ol", "ul"))
UNINDENTED = "margin-left:0; margin-right:0; padding-left:0; padding-right:0"
INDENTS_MAX = 6
"""Lists and quotations in each other that are indented; those in them are not: they would begin beyond the page."""
CLOSED_BY: dict[str, frozenset[str]] = {
    "p": frozenset(("p",)),
    "li": frozenset(("p", "li")),
    "option": frozenset(("option",)),
    **dict.fromkeys(("dt", "dd"), frozenset(("p", "dt", "dd"))),
    **dict.fromkeys(("td", "th"), frozenset(("p", "td", "th"))),
    **dict.fromkeys(("tr", "tbody", "tfoot"), frozenset(("p", "td", "th", "tr", "thead", "tbody"))),
}
"""Elements whose end tag may be missing, by what follows them."""
EMPTY = frozenset(("area", "br", "col", "hr", "image", "img", "input", "wbr"))
WITHIN_LINES = frozenset(
    (
        *("a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "label", "mark", "q", "s"),
        *("samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var"),
    )
)
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

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MARKDOWN_LEVELS_MAX}).enable(
        ["table", "strikethrough"]
    )
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


@dataclass(slots=True)
class _Table:
    """An open table: its `place` in what was written, its attributes, the rows since it began or was last split, and
    how many rows the cells of the latest ones reach down.
    """

    place: int
    attributes: dict[str, str]
    rows: int = 0
    spanned: int = 0


class _SelfContained(HTMLParser):
    """Writes out the HTML that it is fed, in `out`, without what is to be left out."""

    def __init__(self, images: dict[str, str]) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._images = images
        self._dropping: list[str] = []
        self._tables: list[_Table] = []  # open ones
        self._open: list[str] = []  # elements; those after the first DEPTH_MAX are not written, only what is in them
        self._drawing = 0  # how many drawings are open
        self._is_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self._dropping.append(tag)
        elif not self._dropping and tag not in SINGLE_DROPPED and tag != "html":
            if tag in SEPARATE and self.out and self.out[-1] == f"</{tag}>":
                self.out.append(" ")
            if tag not in EMPTY and not self._is_written(tag):
                self._instead(tag)
                return
            self._drawing += tag == "svg"
            self._is_style = tag == "style"
            self.out.append(self._start(RENAMED.get(tag, tag), dict(attrs)))

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
            if tag in self._open:
                while self._open.pop() != tag:
                    pass
                if len(self._open) >= DEPTH_MAX:
                    self._instead(tag)
                    return
            self.out.append(f"</{RENAMED.get(tag, tag)}>")
            self._is_style = False
            self._drawing -= tag == "svg" and self._drawing > 0
            if tag == "table" and self._tables:
                self._tables.pop()

    def _is_written(self, tag: str) -> bool:
        """Note that an element begins; whether it is in few enough others to be laid out."""
        closed = CLOSED_BY.get(tag, ())
        while self._open and self._open[-1] in closed:
            self._open.pop()
        if len(self._open) < NOTED_DEPTH_MAX:
            self._open.append(tag)
        return len(self._open) <= DEPTH_MAX

    def _instead(self, tag: str) -> None:
        """Write what keeps texts apart where an element that is not written begins or ends."""
        if tag not in WITHIN_LINES and self.out[-1:] != ["<br>"]:
            self.out.append("<br>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.out.append(_broken(data) if self._is_style else data)

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
        kept = _kept(attributes, KEPT_ATTRIBUTES)
        if "style" in kept:
            kept["style"] = _broken(kept["style"])
        if self._drawing or tag == "svg":
            kept |= {
                DRAWING_ATTRIBUTES[name]: value or ""
                for name, value in attributes.items()
                if name in DRAWING_ATTRIBUTES and "url" not in (value or "").lower()
            }
        if tag == "input" and (attributes.get("type") or "").lower() in TYPED:
            return f"<span>{escaped(kept.get('value', ''))}</span>"
        if tag in INDENTED and sum(each in INDENTED for each in self._open) > INDENTS_MAX:
            own = kept.get("style", "").rstrip("; ")
            kept["style"] = f"{own}{'; ' if own else ''}{UNINDENTED}"
        if tag == "table":
            if kept.get("border", "0").strip() not in ("", "0"):
                _add_class(kept, GRID)
            self._tables.append(_Table(len(self.out), kept))
        elif tag in ("tr", "th", "td") and self._tables:
            self._in_table(tag, kept, self._tables[-1])
        return _tag(tag, kept)

    def _in_table(self, tag: str, attributes: dict[str, str], table: _Table) -> None:
        """Split a long table before a row, where no cell reaches across; draw the borders of one with headings."""
        if tag == "tr":
            table.rows += 1
            table.spanned -= 1
            if table.rows > TABLE_ROWS_MAX and table.spanned <= 0:
                self.out.append("</table>")
                table.place, table.rows, table.spanned = len(self.out), 1, 0
                self.out.append(_tag("table", table.attributes))
            return
        rows = attributes.get("rowspan", "").strip()[:6]
        table.spanned = max(table.spanned, int(rows) if rows.isascii() and rows.isdigit() else 1)
        if tag == "th" and GRID not in table.attributes.get("class", ""):
            _add_class(table.attributes, GRID)
            self.out[table.place] = _tag("table", table.attributes)


def _broken(style: str) -> str:
    """A style sheet without what keeps lines from being broken."""
    return UNBROKEN.sub(lambda found: found[1] + ("normal" if found[2].lower() == "nowrap" else "pre-wrap"), style)


def _add_class(attributes: dict[str, str], name: str) -> None:
    attributes["class"] = f"{attributes.get('class', '')} {name}".strip()


def _kept(attributes: dict[str, str | None], names: Collection[str]) -> dict[str, str]:
    return {name: value or "" for name, value in attributes.items() if name in names}


def _tag(name: str, attributes: dict[str, str]) -> str:
    return "".join([f"<{name}", *(f' {key}="{html.escape(value)}"' for key, value in attributes.items()), ">"])
