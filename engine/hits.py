"""The hits of one query: a list that a notebook shows as pages, matches highlighted."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from html import escape
from typing import Protocol, SupportsIndex, overload

from . import images
from .errors import DocsearchError
from .printable import printable
from .records import U8, Hit, PageRef

PICTURES_MAX = 12
"""Hits shown with a picture of their page; the others are rows of a table."""
PICTURE_PX, SHOWN_PX = 400, 200
"""Width of a page's picture, and the width it is shown at: sharp on screens with two pixels a point."""
JPEG_QUALITY = 80
"""Pillow's quality setting, 1 to 95."""
CARD = f"width:{SHOWN_PX}px;margin:0;font-size:12px;line-height:1.35"
PICTURE = "width:100%;height:auto;display:block;border:1px solid rgba(128,128,128,.5);border-radius:3px;background:#fff"
CELL = "text-align:{};padding:2px 12px 2px 0"


class PagePictures(Protocol):
    """A source of page pictures; the engine itself opens no documents."""

    def pixels(self, ref: PageRef) -> U8:
        """The page `ref` as (H, W, 3) uint8. Raises DocsearchError where there is no picture of it."""
        ...

    def close(self) -> None:
        """Close open documents."""
        ...


class Hits(list[Hit]):
    """The hits of the query `text`, best first: an ordinary list with a readable repr.

    A notebook shows each hit as its page with the heat map on it, as `draw` returns it, (H, W, 3) uint8. Hits for which
    `draw` raises DocsearchError are rows of a table; without `draw` all are.
    """

    def __init__(self, hits: Iterable[Hit] = (), text: str = "", draw: Callable[[Hit], U8] | None = None) -> None:
        super().__init__(hits)
        self.text = text
        self._draw = draw

    @overload
    def __getitem__(self, at: SupportsIndex, /) -> Hit: ...
    @overload
    def __getitem__(self, at: slice, /) -> Hits: ...
    def __getitem__(self, at: SupportsIndex | slice, /) -> Hit | Hits:
        if isinstance(at, slice):
            return Hits(super().__getitem__(at), self.text, self._draw)
        return super().__getitem__(at)

    def __reduce__(self) -> tuple[type[Hits], tuple[list[Hit], str]]:
        return Hits, (list(self), self.text)  # `draw` is left out: another process has no open index

    def __repr__(self) -> str:
        lines = [self._heading()]
        paths = [printable(hit.ref.path) for hit in self]
        width = max(map(len, paths), default=0)
        for hit, path in zip(self, paths, strict=True):
            lines.append(f"{hit.rank:4}  {hit.score:.3f}  {path:{width}}  page {hit.ref.page}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cards: list[str] = []
        rows: list[str] = []
        error = ""
        for hit in self:
            picture = None
            if self._draw is not None and len(cards) < PICTURES_MAX:
                try:
                    picture = _data_uri(self._draw(hit))
                except DocsearchError as err:
                    error = error or str(err)
            if picture is None:
                rows.append(_row(hit))
            else:
                cards.append(_card(hit, picture))
        parts = [f"<p>{escape(self._heading())}</p>"]
        if cards:
            parts.append(f'<div style="display:flex;flex-wrap:wrap;gap:16px">{"".join(cards)}</div>')
        if rows:
            names = (("rank", "right"), ("score", "right"), ("document", "left"), ("page", "right"))
            heads = "".join(f'<th scope="col" style="{CELL.format(side)}">{name}</th>' for name, side in names)
            parts.append(f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>")
        if error:
            parts.append(f"<p><small>Some pages cannot be shown: {escape(error)}</small></p>")
        return f"<div>{''.join(parts)}</div>"

    def _heading(self) -> str:
        about = f" for {self.text!r}" if self.text else ""
        return f"{len(self)} hit{'' if len(self) == 1 else 's'}{about}"


def _card(hit: Hit, picture: str) -> str:
    path, page = escape(printable(hit.ref.path)), hit.ref.page
    return (
        f'<figure style="{CARD}"><img style="{PICTURE}" src="{picture}" alt="Page {page} of {path}">'
        f'<figcaption style="padding-top:4px;overflow-wrap:anywhere"><strong>{hit.rank}.</strong> {path}<br>'
        f"page {page} · {hit.score:.3f}</figcaption></figure>"
    )


def _row(hit: Hit) -> str:
    cells = ((str(hit.rank), "right"), (f"{hit.score:.3f}", "right"), (escape(printable(hit.ref.path)), "left"))
    shown = "".join(f'<td style="{CELL.format(side)}">{text}</td>' for text, side in (*cells, (hit.ref.page, "right")))
    return f"<tr>{shown}</tr>"


def _data_uri(pixels: U8) -> str:
    encoded = images.encode_jpeg(pixels, width=PICTURE_PX, quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode("ascii")
