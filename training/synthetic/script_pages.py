"""Random synthetic pages in scripts other than Latin, Greek and Cyrillic, with a label for each unit.

Pillow draws the letters; Raqm shapes those that join or change places. Pages are drawn at twice their size and reduced,
as most are: letters then have the soft edges that PDF renderers give them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from ...engine.models.pixel.units import PAIRED, RUN, clusters, is_unit, simplify, units_of_run
from ..pixel.labelled_pages import UNREAD, LabelledPage
from . import vocabulary
from .script_fonts import Face, Fonts, characters, sized
from .script_words import LANGUAGE_WEIGHT, RIGHT_TO_LEFT, UNSPACED, Language, load, punctuated

PAGE_PX = (1024, 704)
"""Width and height of a page."""
BODY_PX = (12.0, 21.0, 44.0)
"""Smallest, most frequent and largest size of running text, in px of the em, on a log scale."""
EASY_PX, EASY_PAGES = 18.0, 400
"""Curriculum: text is at least EASY_PX at first, and BODY_PX[0] after EASY_PAGES pages."""
REDUCED_SHARE = 0.8
"""Share of pages that are drawn at twice their size and reduced."""
LATIN_SHARE = 0.08
"""Share of words that are numbers or Latin, which the network must not see."""
NUMBER_SHARE, ENGLISH_WORDS = 0.6, 8000
"""Share of these that are numbers, and how many words there are besides."""
LATIN_SAMPLE = frozenset(map(ord, "0aZ"))
"""A font that has these has the numbers and the words above."""
ASCENT = {"CJK": 0.88, "OTHER": 0.8}
DESCENT = {"CJK": 0.12, "OTHER": 0.25}
"""Top and bottom of a unit's box above and below the baseline, in ems."""
SPREAD_SHARE = 0.25
"""Share of lines with unspaced scripts whose letters are set apart, as in justified text."""
STRETCHED, STRETCHED_SHARE = ("ar", "fa"), 0.12
"""Languages that justify lines by stretching words, and the share of such words."""
TATWEEL = "\u0640"
JOINING = frozenset("بتثجحخسشصضطظعغفقكلمنهيئپچکگی")
"""Letters that join with the one after them, and may be stretched."""
DRAWS = 6
"""Times that a word is drawn again if the font lacks its letters."""


class Style(NamedTuple):
    """How text is set: its language, its font, the size in px, and the grey value of its letters."""

    language: Language
    face: Face
    size: int
    ink: int


class Canvas:
    """A grey page being drawn, with the boxes and labels of its units."""

    def __init__(self, width: int, height: int, paper: int, rng: random.Random) -> None:
        self.rng = rng
        self.image = Image.new("L", (width, height), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.boxes: list[tuple[float, float, float, float]] = []
        self.words: list[str] = []

    def add(self, x0: float, x1: float, baseline: float, size: float, unit: str) -> None:
        """Label a unit that stands between two places of a line."""
        kind = "CJK" if unit and re.match(PAIRED, unit) and not "\u0e00" <= unit[0] <= "\u0e7f" else "OTHER"
        self.boxes.append((x0, baseline - ASCENT[kind] * size, x1, baseline + DESCENT[kind] * size))
        self.words.append(unit)

    def text_line(self, style: Style, x0: float, x1: float, baseline: float) -> None:
        """Fill a line from `x0` to `x1` with random words."""
        if style.language.code in UNSPACED:
            self.unspaced_line(style, x0, x1, baseline)
        else:
            self.spaced_line(style, x0, x1, baseline)

    def spaced_line(self, style: Style, x0: float, x1: float, baseline: float) -> None:
        """A line of words with spaces, from the right for scripts that run to the left."""
        font, rng = sized(style.face, style.size, shaped=True), self.rng
        leftwards = style.language.code in RIGHT_TO_LEFT
        x = x1 if leftwards else x0
        space = style.size * rng.uniform(0.22, 0.5)
        while True:
            word = token(style, rng)
            right = leftwards and is_unit(simplify(word).strip(" .,:;()[]\"'«»،؛؟?!-"))
            direction = "rtl" if right else "ltr"
            width = font.getlength(word, direction=direction)
            if (x - width < x0) if leftwards else (x + width > x1):
                return
            left = x - width if leftwards else x
            self.draw.text((left, baseline), word, style.ink, font, anchor="ls", direction=direction)
            self.label_word(style, word, left, width, baseline, right=right)
            x = left - space if leftwards else left + width + space

    def label_word(self, style: Style, word: str, left: float, width: float, baseline: float, *, right: bool) -> None:
        """Label a word that was drawn, without its punctuation."""
        font = sized(style.face, style.size, shaped=True)
        text = simplify(word)
        runs = list(re.finditer(RUN, text))
        if len(runs) != 1:
            self.add(left, left + width, baseline, style.size, UNREAD)
            return
        before, after = text[: runs[0].start()], text[runs[0].end() :]
        edges = [font.getlength(part, direction="rtl" if right else "ltr") for part in (before, after)]
        start, end = (edges[1], edges[0]) if right else (edges[0], edges[1])
        x0, x1 = left + start, left + width - end
        run = runs[0].group()
        if not re.match(PAIRED, run):
            self.add(x0, x1, baseline, style.size, units_of_run(run)[0])
            return
        parts = clusters(run)
        self.label_clusters(parts, [x0 + (x1 - x0) * i / len(parts) for i in range(len(parts) + 1)], baseline, style)

    def label_clusters(self, parts: list[str], edges: list[float], baseline: float, style: Style) -> None:
        """Label the pairs of a run of clusters, of which the i-th stands between edges i and i + 1."""
        if len(parts) == 1:
            self.add(edges[0], edges[1], baseline, style.size, parts[0])
        for i in range(len(parts) - 1):
            self.add(edges[i], edges[i + 2], baseline, style.size, parts[i] + parts[i + 1])

    def unspaced_line(self, style: Style, x0: float, x1: float, baseline: float) -> None:
        """A line of words without spaces between them, drawn cluster by cluster."""
        rng, thai = self.rng, style.language.code == "th"
        font = sized(style.face, style.size, shaped=thai)
        apart = style.size * rng.uniform(0.01, 0.15) if rng.random() < SPREAD_SHARE else 0.0
        x, edges = x0, [x0]
        parts: list[str] = []

        def finish() -> None:
            if parts:
                self.label_clusters(parts, edges, baseline, style)

        while True:
            text = token(style, rng)
            if thai and rng.random() < 0.12:
                text += " "
            for piece in pieces(text):
                paired = re.match(PAIRED, piece) is not None
                width = font.getlength(piece)
                if x + width > x1:
                    finish()
                    return
                self.draw.text((x, baseline), piece, style.ink, font, anchor="ls")
                if paired:
                    parts.append(piece)
                    edges.append(x + width)
                else:
                    finish()
                    if piece[0].isalnum():
                        self.add(x, x + width, baseline, style.size, UNREAD)
                x += width + (apart if paired else 0)
                if not paired:
                    parts, edges = [], [x]


def pieces(text: str) -> list[str]:
    """A text as it is drawn: cluster by cluster, with other text (numbers, punctuation) between them."""
    out, at = [], 0
    text = simplify(text) if max(text) < "\uff00" else text
    for run in re.finditer(RUN, text):
        if run.start() > at:
            out.append(text[at : run.start()])
        out += clusters(run.group())
        at = run.end()
    return out + ([text[at:]] if at < len(text) else [])


def stretched(word: str, rng: random.Random) -> str:
    """An Arabic word with one of its joints stretched, as lines are justified; the same word if none can be."""
    joints = [i for i in range(1, len(word)) if word[i - 1] in JOINING and word[i].isalpha()]
    at = rng.choice(joints) if joints else len(word)
    return word[:at] + (TATWEEL * rng.choice((1, 1, 2, 3)) if joints else "") + word[at:]


@cache
def latin_words() -> tuple[str, ...]:
    """English words and names, as texts in other scripts have them."""
    import wordfreq  # the extra "train"

    return tuple(wordfreq.top_n_list("en", ENGLISH_WORDS, ascii_only=True))


def token(style: Style, rng: random.Random) -> str:
    """A random word with punctuation, or a number, that the font can draw."""
    has = characters(style.face)
    if rng.random() < LATIN_SHARE and has >= LATIN_SAMPLE:
        return vocabulary.number(rng) if rng.random() < NUMBER_SHARE else rng.choice(latin_words()).title()
    for _ in range(DRAWS):
        word = style.language.word(rng)
        if style.language.code in STRETCHED and rng.random() < STRETCHED_SHARE:
            word = stretched(word, rng)
        word = punctuated(word, style.language, rng)
        if all(ord(c) in has for c in word if not c.isspace()):
            return word
    return "-"


def paragraph(canvas: Canvas, style: Style, area: tuple[float, float, float, float]) -> float:
    """Fill an area with lines; returns where it ends."""
    rng = canvas.rng
    x0, top, x1, bottom = area
    leading = style.size * rng.uniform(1.2, 2.0)
    y = top + style.size
    while y < bottom:
        width = (x1 - x0) * (rng.uniform(0.3, 1.0) if rng.random() < 0.15 else 1.0)
        start = x1 - width if style.language.code in RIGHT_TO_LEFT else x0
        canvas.text_line(style, start, start + width, y)
        y += leading
    return y - leading + style.size * 0.4


def table(canvas: Canvas, style: Style, area: tuple[float, float, float, float]) -> float:
    """Fill an area with a table of words and numbers; returns where it ends."""
    rng = canvas.rng
    x0, top, x1, bottom = area
    columns = rng.randrange(2, 6)
    step = (x1 - x0) / columns
    leading = style.size * rng.uniform(1.3, 2.4)
    ruled, words = rng.random() < 0.6, [rng.random() < 0.6 for _ in range(columns)]
    number = sized(style.face, style.size, shaped=False)
    y = top + style.size
    while y < bottom:
        if ruled:
            line = y - style.size - (leading - style.size) * 0.4
            canvas.draw.line((x0, line, x1, line), fill=style.ink, width=rng.choice((1, 1, 2)))
        for column, is_words in enumerate(words):
            left, right = x0 + column * step + 6, x0 + (column + 1) * step - 6
            if is_words:
                canvas.text_line(style, left, left + (right - left) * rng.uniform(0.3, 1.0), y)
                continue
            text = vocabulary.number_with_unit(rng) if characters(style.face) >= LATIN_SAMPLE else ""
            width = number.getlength(text)
            if 0 < width < right - left:
                canvas.draw.text((right - width, y), text, style.ink, number, anchor="ls")
                canvas.add(right - width, right, y, style.size, UNREAD)
        y += leading
    if ruled and rng.random() < 0.6:
        for column in range(columns + 1):
            x = x0 + column * step
            canvas.draw.line((x, top, x, y - leading + style.size * 0.5), fill=style.ink, width=1)
    return y - leading + style.size * 0.5


def labels(canvas: Canvas, style: Style, area: tuple[float, float, float, float]) -> float:
    """Scattered short texts over shapes, like the labels of charts."""
    rng = canvas.rng
    x0, top, x1, bottom = area
    for _ in range(rng.randrange(2, 8)):
        x, y = rng.uniform(x0, x1), rng.uniform(top, bottom)
        shade = rng.randrange(100, 256)
        if rng.random() < 0.5:
            canvas.draw.rectangle((x, y, min(x1, x + rng.uniform(10, 80)), bottom), fill=shade)
        else:
            canvas.draw.line(
                (x, y, rng.uniform(x0, x1), rng.uniform(top, bottom)), fill=shade, width=rng.choice((1, 3))
            )
    y = top + style.size
    while y < bottom:
        x = x0 + rng.uniform(0, (x1 - x0) * 0.4)
        while x < x1 - style.size * 2:
            width = style.size * rng.uniform(1.5, 7)
            canvas.text_line(style, x, min(x + width, x1), y)
            x += width + style.size * rng.uniform(0.6, 8)
        y += style.size * rng.uniform(1.4, 3.0)
    return y


def draw_page(fonts: Fonts, languages: dict[str, Language], rng: random.Random, *, least_px: float) -> LabelledPage:
    """Draw and label one page."""
    code = rng.choices(list(languages), [LANGUAGE_WEIGHT[c] for c in languages])[0]
    factor = 2 if rng.random() < REDUCED_SHARE else 1
    paper = 255 if rng.random() < 0.7 else rng.randrange(215, 256)
    width, height = (side * factor for side in PAGE_PX)
    canvas = Canvas(width, height, paper, rng)
    low, mode, high = np.log(np.maximum(BODY_PX, least_px)).tolist()
    columns = rng.choice((1, 1, 2))
    margin = rng.uniform(10, 40) * factor
    step = (width - 2 * margin) / columns
    for column in range(columns):
        y = margin
        left, right = margin + column * step, margin + (column + 1) * step - 12 * factor
        while y < height - margin:
            body = float(np.exp(rng.triangular(low, high, mode)))
            dark = rng.random() < 0.12
            ink, ground = (rng.randrange(200, 256), rng.randrange(0, 110)) if dark else (rng.randrange(0, 90), paper)
            kind = rng.random()
            if kind < 0.15:
                body *= rng.uniform(1.2, 2.2)
            style = Style(languages[code], fonts.choose(code, rng), round(body * factor), ink)
            bottom = min(y + rng.uniform(60, 260) * factor, height - margin)
            if dark:
                canvas.draw.rectangle((left - 5, y - 3, right + 5, bottom + 8 * factor), fill=ground)
            block = paragraph if kind < 0.7 else table if kind < 0.92 else labels
            end = block(canvas, style, (left, y, right, bottom))
            y = max(end, bottom) + rng.uniform(8, 24) * factor
    image = canvas.image.reduce(factor) if factor > 1 else canvas.image
    boxes = np.array(canvas.boxes, np.float32).reshape(-1, 4) / np.float32(factor)
    none = np.zeros((0, 4), np.float32)
    return LabelledPage(np.asarray(image), boxes, tuple(canvas.words), none, (), coarse=False)


def synthetic_pages(
    rng: random.Random, *, drawn: int = 0, codes: tuple[str, ...] = tuple(LANGUAGE_WEIGHT), held_out: bool = False
) -> Iterator[LabelledPage]:
    """Endless synthetic pages in the languages `codes`; `drawn` pages came before (see EASY_PAGES).

    With `held_out`, in the fonts that training does not use.
    """
    fonts, languages = Fonts.load(codes, held_out=held_out), load(codes)
    while True:
        ease = max(0.0, 1 - drawn / EASY_PAGES)
        try:
            page = draw_page(fonts, languages, rng, least_px=BODY_PX[0] + ease * (EASY_PX - BODY_PX[0]))
        except OSError:  # the instructions of some fonts fail at some sizes
            continue
        yield page
        drawn += 1
