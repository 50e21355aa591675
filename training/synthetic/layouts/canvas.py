"""The canvas of a page layout: matching fonts and colours, random text in one language, text setting, pictures."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import pymupdf
from PIL import Image

from .. import document_terms, vocabulary
from ..figures import FIGURES
from ..pen import MONO, SCRIPT, WHITE, Colour, Pen, inset, length, mix, random_colour
from ..photographs import GIVEN_PHOTO_SHARE, random_photo
from ..sheet import COLOURS, PAPERS, Sheet

BOLD, ITALIC, LIGHT = ("bold", "black", "heavy"), ("italic", "oblique", "slanted"), ("thin", "light")
CHARTS = ("bar chart", "line chart", "pie chart", "scatter plot")
TYPEWRITER = ("courier", "typewriter", "cursor", "freemono", "nimbus mono")
HANDWRITING = (*SCRIPT, "chorus", "z003", "comic neue")
DISPLAY_ONLY = ("keyboard", "hairline", "smallcaps", " sc ", "caps", "math", "condens", "anonymous", "3270")
"""Parts of the names of fonts that are unsuitable for running text."""
MARGIN_PT = (34, 80)
"""Range of margins on a page 600 points wide."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The fonts of one page: for running text, headings, fixed-width text and handwriting."""

    body: pymupdf.Font
    bold: pymupdf.Font
    italic: pymupdf.Font
    heading: pymupdf.Font
    mono: pymupdf.Font
    hand: pymupdf.Font


@lru_cache(maxsize=4096)
def is_bold(font: pymupdf.Font) -> bool:
    return bool(font.flags["bold"]) or name_contains(font, BOLD)


@lru_cache(maxsize=4096)
def is_italic(font: pymupdf.Font) -> bool:
    return bool(font.flags["italic"]) or name_contains(font, ITALIC)


def name_contains(font: pymupdf.Font, parts: Iterable[str]) -> bool:
    name = font.name.lower()
    return any(part in name for part in parts)


def choose_faces(fonts: Sequence[pymupdf.Font], rng: random.Random) -> Faces:
    """Choose matching fonts for a page at random; all `fonts` have the letters of the page's script."""
    upright = [f for f in fonts if not is_italic(f)]
    plain = [
        f
        for f in upright
        if not is_bold(f) and not name_contains(f, (*MONO, *TYPEWRITER, *HANDWRITING, *LIGHT, *DISPLAY_ONLY))
    ] or [*fonts]
    body = rng.choice(plain)
    family = body.name.replace("-", " ").split()
    kin = [f for f in fonts if f.name.startswith(" ".join(family[:2]))]
    kin = kin if len(kin) > 2 else [f for f in fonts if f.name.startswith(family[0])]
    bold = rng.choice([f for f in kin if is_bold(f) and not is_italic(f)] or [body])
    italic = rng.choice([f for f in kin if is_italic(f) and not is_bold(f)] or [body])
    heavy = [f for f in upright if is_bold(f) and not name_contains(f, (*MONO, *TYPEWRITER))]
    head = bold if rng.random() < 0.6 else rng.choice([*heavy, *plain])
    fixed = [f for f in upright if name_contains(f, TYPEWRITER) and not is_bold(f)] if rng.random() < 0.5 else []
    mono = rng.choice(fixed or [f for f in upright if name_contains(f, MONO) and not name_contains(f, LIGHT)] or [body])
    hand = rng.choice([f for f in fonts if name_contains(f, HANDWRITING)] or [italic])
    return Faces(body, bold, italic, head, mono, hand)


def columns_of(area: pymupdf.Rect, count: int, gap: float) -> list[pymupdf.Rect]:
    """Divide `area` into `count` columns of equal width, `gap` points apart."""
    step = (area.width + gap) / count
    return [pymupdf.Rect(area.x0 + i * step, area.y0, area.x0 + (i + 1) * step - gap, area.y1) for i in range(count)]


def below(area: pymupdf.Rect, y: float) -> pymupdf.Rect:
    """The part of `area` below y, at least one point high."""
    return pymupdf.Rect(area.x0, min(y, area.y1 - 1), area.x1, area.y1)


@dataclass
class Canvas:
    """A page being laid out. `size` is the font size of its running text, points; `whole` is the page's rectangle.

    `language_code` chooses the language of document terms; `pictures` are JPEG streams that photographs may show.
    """

    sheet: Sheet
    faces: Faces
    language_code: str
    pictures: Sequence[bytes]
    size: float
    ink: Colour
    accent: Colour
    paper: Colour
    pen: Pen = field(init=False)

    def __post_init__(self) -> None:
        self.rng, self.page, self.whole = self.sheet.rng, self.sheet.page, pymupdf.Rect(self.sheet.page.rect)
        self.page.draw_rect(self.whole, color=None, fill=self.paper)
        self._new_pen()

    def _new_pen(self) -> None:
        self.pen = Pen(self.sheet, self.whole, self.size, self.ink)
        self.pen.font = self.faces.body

    def resize(self, size: float) -> float:
        """Set the size of running text from now on, and return it."""
        self.size = self.pen.size = size
        return size

    def layer(self) -> None:
        """Start a new layer: put what the pen has drawn on the page, so that what follows lies above it."""
        self.pen.finish()
        self._new_pen()

    def text_area(self) -> pymupdf.Rect:
        """The page without margins, which are random."""
        edge = self.rng.uniform(*MARGIN_PT) * self.whole.width / 600
        return inset(self.whole, edge, edge * self.rng.uniform(0.8, 1.3))

    # Random text.

    def term(self, name: str) -> str:
        """A stock term, such as "total", in the page's language."""
        return document_terms.term(name, self.language_code, self.rng)

    def word(self) -> str:
        language = self.sheet.language
        while True:
            # The word lists contain emoji, too.
            found = self.rng.choices(language.words, cum_weights=language.cumulative)[0]
            if found[0].isalnum():
                return found

    def title(self, least: int = 2, most: int = 6) -> str:
        """A heading of `least` to `most` words."""
        text = " ".join(self.word() for _ in range(self.rng.randint(least, most)))
        return text[:1].upper() + text[1:] if most > 6 or self.rng.random() < 0.7 else text.title()

    def sentence(self) -> str:
        words = [self.word() for _ in range(self.rng.randrange(5, 22))]
        for i in range(1, len(words) - 1):
            kind = self.rng.random()
            if kind < 0.06:
                words[i] += ","
            elif kind < 0.1:
                words[i] = vocabulary.number(self.rng)
            elif kind < 0.15:
                words[i] = words[i].capitalize()
        return " ".join([words[0].capitalize(), *words[1:]]) + self.rng.choice("......?:")

    def paragraph(self, least: int = 2, most: int = 7) -> str:
        return " ".join(self.sentence() for _ in range(self.rng.randint(least, most)))

    def person(self) -> str:
        first = self.rng.choice((self.word().capitalize(), self.rng.choice("ABCDEFGHJKLMPRST") + "."))
        return f"{first} {self.word().capitalize()}"

    def company(self) -> str:
        ends = ("Ltd", "GmbH", "Inc.", "S.A.", "& Co.", "AG", "B.V.", "Group", "LLC")
        return f"{self.word().capitalize()} {self.rng.choice((self.word().capitalize(), ''))} {self.rng.choice(ends)}"

    def address(self) -> list[str]:
        rng = self.rng
        street = f"{rng.randrange(1, 220)} {self.word().capitalize()} {self.word().capitalize()}"
        return [street, f"{rng.randrange(10000, 99999)} {self.word().capitalize()}"]

    def date(self) -> str:
        rng = self.rng
        day, month, year = rng.randrange(1, 29), rng.randrange(1, 13), rng.randrange(1975, 2030)
        named_month = f"{day} {rng.choice(self.term('months').split(','))} {year}"
        return rng.choice((named_month, f"{day:02}.{month:02}.{year}", f"{month}/{day}/{year}"))

    def money(self, most: float = 900) -> str:
        text = f"{self.rng.uniform(1, most):,.2f}"
        return text if self.language_code == "en" else text.replace(",", " ").replace(".", ",")

    # Text set into areas.

    def wrap(self, text: str, width: float, font: pymupdf.Font, size: float) -> list[str]:
        """Break `text` into lines no wider than `width`; a word that is wider gets a line of its own."""
        space = length(" ", font, size)
        lines: list[list[str]] = [[]]
        used = 0.0
        for word in text.split():
            long = length(word, font, size)
            if lines[-1] and used + long > width:
                lines.append([])
                used = 0.0
            lines[-1].append(word)
            used += long + space
        return [" ".join(line) for line in lines]

    def fitting_size(self, text: str, width: float, font: pymupdf.Font, size: float) -> float:
        """`size`, or the largest smaller size at which the longest word of `text` fits into `width`."""
        longest = max((length(word, font, 1) for word in text.split()), default=1)
        return min(size, width / max(longest, 0.1))

    def set_text(
        self,
        area: pymupdf.Rect,
        text: str,
        *,
        font: pymupdf.Font | None = None,
        size: float | None = None,
        leading: float = 1.25,
        anchor: float = 0.0,
        colour: Colour | None = None,
        justified: bool = False,
        indent: float = 0.0,
    ) -> float:
        """Set as much of `text` as fits into `area`, from the top; returns the y below its last line.

        `anchor` aligns lines left (0), centred (0.5) or right (1); `indent` is that of the first line.
        """
        font, y = font or self.faces.body, area.y0
        size = size or self.size
        lines = self.wrap(text, area.width - indent, font, size)
        for i, line in enumerate(lines):
            if y + size * leading > area.y1 + 0.5:
                break
            base, left = y + size, area.x0 + (indent if i == 0 else 0)
            words = line.split()
            spare = area.x1 - left - length(line, font, size) if justified else 0
            if 0 < spare < 0.6 * size * len(words) and i < len(lines) - 1:
                spare = area.x1 - left - sum(length(w, font, size) for w in words)
                x = left
                for w in words:
                    self.pen.text(x, base, w, size=size, font=font, colour=colour)
                    x += length(w, font, size) + spare / max(len(words) - 1, 1)
            else:
                self.pen.text(left + (area.x1 - left) * anchor, base, line, anchor=anchor, size=size, font=font,
                              colour=colour)  # fmt: skip
            y += size * leading
        return y

    def prose(self, area: pymupdf.Rect, *, size: float | None = None, leading: float = 1.25, justified: bool = False,
              gap: float = 0.5, font: pymupdf.Font | None = None, headed: float = 0.0) -> float:  # fmt: skip
        """Fill `area` with random paragraphs; returns the y below them.

        They are `gap` lines apart, or indented if that is 0; a share `headed` of them has a heading.
        """
        size, y = size or self.size, area.y0
        while y + size * leading < area.y1:
            if self.rng.random() < headed and y + size * 4 < area.y1:
                rest = pymupdf.Rect(area.x0, y + size * 0.7, area.x1, area.y1)
                y = (
                    self.set_text(rest, self.title(), font=self.faces.bold, size=size * 1.15, colour=self.accent)
                    + size * 0.3
                )
            rest = pymupdf.Rect(area.x0, y, area.x1, area.y1)
            y = self.set_text(rest, self.paragraph(), size=size, leading=leading, justified=justified, font=font,
                         indent=0 if gap else size * 1.4)  # fmt: skip
            y += gap * size * leading
        return y

    def heading(self, area: pymupdf.Rect, text: str, size: float, *, anchor: float = 0.0,
                colour: Colour | None = None) -> float:  # fmt: skip
        """Set `text` as a heading at the top of `area`, smaller than `size` if it does not fit; returns the y below."""
        size = self.fitting_size(text, area.width, self.faces.heading, size)
        while len(self.wrap(text, area.width, self.faces.heading, size)) * size * 1.15 > area.height > size:
            size *= 0.85
        return self.set_text(area, text, font=self.faces.heading, size=size, leading=1.15, anchor=anchor, colour=colour)

    def rule(self, x0: float, x1: float, y: float, *, width: float = 0.6, colour: Colour | None = None) -> None:
        self.pen.path([(x0, y), (x1, y)], colour or self.ink, width=width)

    # Pictures.

    def photograph(self, frame: pymupdf.Rect) -> None:
        """Fill `frame` with a photograph cropped to its shape, below what the pen draws next."""
        self.layer()
        shape = frame.width / frame.height
        if not (self.pictures and self.rng.random() < GIVEN_PHOTO_SHARE):
            stream = random_photo(self.rng, shape, frame.width)
        else:
            with Image.open(io.BytesIO(self.rng.choice(self.pictures))) as image:
                wide, tall = min(image.width, image.height * shape), min(image.height, image.width / shape)
                left, top = (image.width - wide) * self.rng.random(), (image.height - tall) * self.rng.random()
                cut = image.crop((int(left), int(top), max(int(left + wide), 1), max(int(top + tall), 1)))
            out = io.BytesIO()
            cut.convert("RGB").save(out, "JPEG", quality=85)
            stream = out.getvalue()
        self.page.insert_image(frame, stream=stream, keep_proportion=False)

    def figure(self, area: pymupdf.Rect, *kinds: str, size: float | None = None) -> None:
        """Draw a figure of one of `kinds` in `area`, without a caption; `size` is that of its text."""
        self.layer()
        pen = Pen(self.sheet, area & self.whole, size or self.size, self.ink)
        if min(pen.area.width, pen.area.height) > 3 * self.size:
            FIGURES[self.rng.choice(kinds)][1](pen, pen.area)
            pen.finish()


def new_canvas(
    document: pymupdf.Document,
    shape: tuple[float, float],
    language_code: str,
    language: vocabulary.Language,
    fonts: Sequence[pymupdf.Font],
    rng: random.Random,
    pictures: Sequence[bytes],
    *,
    colourful: bool = False,
) -> Canvas:
    """The canvas of a new page of `document`; `shape` is its size in points, `colourful` allows any colour of paper."""
    page = document.new_page(width=shape[0], height=shape[1])
    faces = choose_faces(fonts, rng)
    accent = random_colour(rng) if rng.random() < 0.75 else (0.1, 0.1, 0.1)
    paper: Colour = rng.choice(PAPERS) if rng.random() < 0.2 else WHITE
    ink: Colour = rng.choice(COLOURS[:3])
    if colourful and rng.random() < 0.6:
        deep = rng.random() < 0.55
        paper = (
            mix(random_colour(rng), (0, 0, 0), rng.uniform(0, 0.6))
            if deep
            else mix(random_colour(rng), WHITE, rng.uniform(0.5, 0.9))
        )
        ink = WHITE if sum(paper) < 1.7 else (0.08, 0.08, 0.1)
        accent = mix(random_colour(rng), ink, 0.4)
    sheet = Sheet(page, language, [faces.body, faces.bold, faces.body, faces.hand], rng)
    return Canvas(sheet, faces, language_code, pictures, rng.uniform(8.5, 12), ink, accent, paper)
