"""The hits of one query: a list that a notebook shows as pages, matches highlighted."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, overload

from .errors import DocsearchError
from .install import pandas
from .printable import also_at, printable
from .records import U8, Hit, Mode, PageRef, PageWords

if TYPE_CHECKING:
    from pandas import DataFrame

PICTURES_MAX = 12
"""Hits shown with a picture of their page; the others are rows of a table."""
PICTURE_PX, SHOWN_PX = 400, 200
"""Width of a page's picture, and the width it is shown at: sharp on screens with two pixels a point."""
JPEG_QUALITY = 80
"""Pillow's quality setting, 1 to 95."""
CONFIDENCE_DIGITS = 4
CARD = f"width:{SHOWN_PX}px;margin:0;font-size:12px;line-height:1.35"
PICTURE = "width:100%;height:auto;display:block;border:1px solid rgba(128,128,128,.5);border-radius:3px;background:#fff"
CELL = "text-align:{};padding:2px 12px 2px 0"


FIELDS = (
    "text", "confidence", "no_good_match", "unread_letters", "mode", "corrections", "missing_phrases", "missing_shards",
    "missing_pages", "try_mode",
)  # fmt: skip
"""What is known of an answer besides its hits."""


class PagePictures(Protocol):
    """A source of page pictures; the engine itself opens no documents."""

    def pixels(self, ref: PageRef) -> U8:
        """The page `ref` as (H, W, 3) uint8. Raises DocsearchError where there is no picture of it."""
        ...

    def with_words(self, ref: PageRef) -> tuple[U8, PageWords]:
        """The page as `pixels` has it, and the words of its text layer; raises the same."""
        ...

    @property
    def thumbnails(self) -> PagePictures:
        """The same pages in the size of a list of hits, which takes less time; closed with these."""
        ...

    def close(self) -> None:
        """Close open documents."""
        ...


class Hits(list[Hit]):
    """The hits of the query `text`, best first: an ordinary list with a readable repr.

    `confidence` is the probability, 0..1, that the first hit is right, as measured on questions with known answers. It
    is None for queries by a picture or a page, and for models without a calibration. `no_good_match` says that it is
    too low to trust the hits, which are then the closest pages. `unread_letters` are those letters of the query that
    the model does not read. `corrections` are the words of the query that no page has, each with the word that was
    searched for instead, and `missing_phrases` the phrases in quotes that no page has as they are. `missing_shards` are
    the shards of the index that did not answer, where answers without them are accepted, and `missing_pages` how many
    pages they have: these were not searched. `try_mode` is another mode of search that may find pages where the answer
    is weak or empty, None where there is none.

    A notebook shows each hit as its page with the heat map on it, as `draw` returns it, (H, W, 3) uint8. Hits for which
    `draw` raises DocsearchError are rows of a table; without `draw` all are.
    """

    def __init__(
        self,
        hits: Iterable[Hit] = (),
        text: str = "",
        draw: Callable[[Hit], U8] | None = None,
        *,
        confidence: float | None = None,
        no_good_match: bool = False,
        unread_letters: str = "",
        mode: Mode = "visual",
        corrections: Mapping[str, str] | None = None,
        missing_phrases: Sequence[str] = (),
        missing_shards: Sequence[str] = (),
        missing_pages: int = 0,
        try_mode: Mode | None = None,
    ) -> None:
        super().__init__(hits)
        self.text = text
        self.confidence = confidence
        self.no_good_match = no_good_match
        self.unread_letters = unread_letters
        self.mode = mode
        self.corrections = dict(corrections or {})
        self.missing_phrases = tuple(missing_phrases)
        self.missing_shards = tuple(missing_shards)
        self.missing_pages = missing_pages
        self.try_mode = try_mode
        self._draw = draw

    @overload
    def __getitem__(self, at: SupportsIndex, /) -> Hit: ...
    @overload
    def __getitem__(self, at: slice, /) -> Hits: ...
    def __getitem__(self, at: SupportsIndex | slice, /) -> Hit | Hits:
        if isinstance(at, slice):
            return self._like(super().__getitem__(at), self._draw)
        return super().__getitem__(at)

    def as_dict(self) -> dict[str, Any]:
        """What is known of the answer besides its hits, as a JSON object."""
        return {
            "confidence": None if self.confidence is None else round(self.confidence, CONFIDENCE_DIGITS),
            "no_good_match": self.no_good_match,
            "unread_letters": self.unread_letters,
            "mode": self.mode,
            "corrections": self.corrections,
            "missing_phrases": list(self.missing_phrases),
            **self._missing(),
            **({"try_mode": self.try_mode} if self.try_mode else {}),
        }

    def _missing(self) -> dict[str, Any]:
        """What was not searched; nothing for an answer of the whole index."""
        if not self.missing_shards:
            return {}
        return {"missing_shards": list(self.missing_shards), "missing_pages": self.missing_pages}

    def to_pandas(self, *, details: bool = False) -> DataFrame:
        """A row per hit: `rank`, `score`, `path`, `page`, `doc_id`, `also`, and `index` where several are searched.

        With `details`, also what the hits tell while the index is open: `label`, `title`, `modified` (a time in UTC),
        `snippet` (its text, None without a text layer) and `text`. Raises UsageError where pandas is not installed, or,
        with `details`, where the index was closed.
        """
        pd = pandas()
        rows = [{**hit.as_dict(), "score": hit.score} for hit in self]
        names = [
            "rank",
            "score",
            "path",
            "page",
            "doc_id",
            "also",
            *(["index"] if any("index" in r for r in rows) else []),
        ]
        frame = pd.DataFrame(rows, columns=names)
        if details:
            told = [hit.details for hit in self]
            for name in ("label", "title"):
                frame[name] = [str(getattr(its, name)) for its in told]
            frame["modified"] = pd.to_datetime([its.modified or None for its in told], utc=True)
            frame["snippet"] = [None if its.snippet is None else its.snippet.text for its in told]
            frame["text"] = [its.text for its in told]
        return frame

    def drawn_by(self, draw: Callable[[Hit], U8] | None) -> Hits:
        """The same hits, whose pages a notebook shows as `draw` returns them."""
        return self._like(self, draw)

    def _like(self, hits: Iterable[Hit], draw: Callable[[Hit], U8] | None) -> Hits:
        return Hits(
            hits,
            self.text,
            draw,
            confidence=self.confidence,
            no_good_match=self.no_good_match,
            unread_letters=self.unread_letters,
            mode=self.mode,
            corrections=self.corrections,
            missing_phrases=self.missing_phrases,
            missing_shards=self.missing_shards,
            missing_pages=self.missing_pages,
            try_mode=self.try_mode,
        )

    def without(self, shards: Sequence[str], pages: int) -> Hits:
        """The same hits, marked as those of an index without some `shards`, which have so many `pages`."""
        found = self._like(self, self._draw)
        found.missing_shards, found.missing_pages = tuple(shards), pages
        return found

    def read_as(self, text: str, corrections: Mapping[str, str], missing_phrases: Sequence[str]) -> Hits:
        """The same hits, of the query `text` before it was read: with its operators and typing errors."""
        found = self._like(self, self._draw)
        found.text, found.corrections, found.missing_phrases = text, dict(corrections), tuple(missing_phrases)
        return found

    def __reduce__(self) -> tuple[Callable[..., Hits], tuple[list[Hit], dict[str, object]]]:
        # `draw` is left out: another process has no open index.
        return _unpickled, (list(self), {name: getattr(self, name) for name in FIELDS})

    def __repr__(self) -> str:
        lines = [self._heading()]
        paths = [printable(hit.ref.path) for hit in self]
        width = max(map(len, paths), default=0)
        for hit, path in zip(self, paths, strict=True):
            also = f"  ({also_at(hit.also)})" if hit.also else ""
            where = f"lines {hit.lines[0]}-{hit.lines[1]}" if hit.lines else f"page {hit.ref.page}"
            lines.append(f"{hit.rank:4}  {hit.score:.3f}  {path:{width}}  {where}{also}")
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
        found = f"{len(self)} hit{'' if len(self) == 1 else 's'}{about}"
        for typed, instead in self.corrections.items():
            found += f"; showing results for {instead!r} (no page has {typed!r})"
        if self.missing_shards:
            names = ", ".join(self.missing_shards)
            found += f"; {self.missing_pages:,} pages were not searched: shard {names} did not answer"
        return f"{found}; no good match, these are the closest pages" if self and self.no_good_match else found


def _unpickled(hits: list[Hit], fields: dict[str, Any]) -> Hits:
    return Hits(hits, **fields)


def _card(hit: Hit, picture: str) -> str:
    path, page = escape(printable(hit.ref.path)), hit.ref.page
    return (
        f'<figure style="{CARD}"><img style="{PICTURE}" src="{picture}" alt="Page {page} of {path}">'
        f'<figcaption style="padding-top:4px;overflow-wrap:anywhere"><strong>{hit.rank}.</strong> {path}<br>'
        f"page {page} · {hit.score:.3f}{_small_also(hit)}</figcaption></figure>"
    )


def _row(hit: Hit) -> str:
    path = escape(printable(hit.ref.path)) + _small_also(hit)
    cells = ((str(hit.rank), "right"), (f"{hit.score:.3f}", "right"), (path, "left"))
    shown = "".join(f'<td style="{CELL.format(side)}">{text}</td>' for text, side in (*cells, (hit.ref.page, "right")))
    return f"<tr>{shown}</tr>"


def _small_also(hit: Hit) -> str:
    return f"<br><small>{escape(also_at(hit.also))}</small>" if hit.also else ""


def _data_uri(pixels: U8) -> str:
    from . import images  # imports Pillow, which no answer needs

    encoded = images.encode_jpeg(pixels, width=PICTURE_PX, quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode("ascii")
