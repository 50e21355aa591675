"""The hits of one question: a list that a notebook shows as pages, with what on them matches marked."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from html import escape
from typing import SupportsIndex, overload

from PIL import Image

from .errors import DocsearchError
from .records import U8, Hit

PICTURES_MAX = 12
"""Hits that are shown with their page; the others are rows of a table."""
PICTURE_PX, SHOWN_PX = 400, 200
"""A page is this wide as a picture, and shown at this width: sharp on screens of two pixels a point."""
JPEG_QUALITY = 80
CARD = f"width:{SHOWN_PX}px;margin:0;font-size:12px;line-height:1.35"
PICTURE = "width:100%;height:auto;display:block;border:1px solid rgba(128,128,128,.5);border-radius:3px;background:#fff"
CELL = "text-align:{};padding:2px 12px 2px 0"


class Hits(list[Hit]):
    """Hits of the question `text`, best first: a list like any other, with a readable repr.

    In a notebook each hit is shown as its page with the heat map over it, as `draw` gives it, (H, W, 3) uint8; where
    that raises DocsearchError, or there is no `draw`, the hits are a table.
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
        return Hits, (list(self), self.text)  # another process has no index to draw from

    def __repr__(self) -> str:
        lines = [self._heading()]
        width = max((len(hit.ref.path) for hit in self), default=0)
        lines += [f"{hit.rank:4}  {hit.score:.3f}  {hit.ref.path:{width}}  page {hit.ref.page}" for hit in self]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cards: list[str] = []
        rows: list[str] = []
        trouble = ""
        for hit in self:
            picture = None
            if self._draw is not None and len(cards) < PICTURES_MAX:
                try:
                    picture = _data_uri(self._draw(hit))
                except DocsearchError as err:
                    trouble = trouble or str(err)
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
        if trouble:
            parts.append(f"<p><small>Not every page can be shown. {escape(trouble)}</small></p>")
        return f"<div>{''.join(parts)}</div>"

    def _heading(self) -> str:
        about = f" for {self.text!r}" if self.text else ""
        return f"{len(self)} hit{'' if len(self) == 1 else 's'}{about}"


def _card(hit: Hit, picture: str) -> str:
    path, page = escape(hit.ref.path), hit.ref.page
    return (
        f'<figure style="{CARD}"><img style="{PICTURE}" src="{picture}" alt="Page {page} of {path}">'
        f'<figcaption style="padding-top:4px;overflow-wrap:anywhere"><strong>{hit.rank}.</strong> {path}<br>'
        f"page {page} · {hit.score:.3f}</figcaption></figure>"
    )


def _row(hit: Hit) -> str:
    cells = ((str(hit.rank), "right"), (f"{hit.score:.3f}", "right"), (escape(hit.ref.path), "left"))
    shown = "".join(f'<td style="{CELL.format(side)}">{text}</td>' for text, side in (*cells, (hit.ref.page, "right")))
    return f"<tr>{shown}</tr>"


def _data_uri(pixels: U8) -> str:
    picture = Image.fromarray(pixels)
    height = max(1, round(picture.height * PICTURE_PX / picture.width))
    out = io.BytesIO()
    picture.resize((PICTURE_PX, height), Image.Resampling.LANCZOS).save(out, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
