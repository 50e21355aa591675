"""Two architectural drawings in A3 landscape: the ground floor of the works, and the site with its drains."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from .company import BRICK, SAND, SKY, TEAL
from .layout import table
from .sheet import A3, GREY, INK, WHITE, Book, Colour, Sheet, smooth, tint

METRE = 13.0  # points on the floor plan
GREEN: Colour = (0.45, 0.60, 0.38)

FINISHES = (
    ("Assembly hall", "oiled beech blocks", "4", "D1–D3"),
    ("Calibration hall", "conductive vinyl", "12", "D4"),
    ("Glass blowing", "steel plate", "20", "D5"),
    ("Boiler room", "painted concrete", "6", "D6"),
    ("Paint shop", "quarry tiles", "30", "D7"),
    ("Corridor", "terrazzo", "2", "D8, D9"),
    ("Goods in", "hardened concrete", "3", "D10"),
    ("Warehouse", "hardened concrete", "1", "D11, D12"),
    ("Packing", "cork", "4", "D13"),
    ("Canteen", "linoleum, ochre", "8", "D14"),
    ("First aid", "rubber", "6", "D15"),
    ("Reception", "slate", "3", "D16, D17"),
    ("Apprentices' school", "oiled beech blocks", "6", "D18"),
    ("Server room", "raised floor", "15", "D19"),
    ("Drawing office", "wool carpet", "4", "D20"),
)


def make() -> bytes:
    book = Book("Tarnbridge works, drawings", author="Hollis and Marchetti, architects", date="20230612")
    _floor(book)
    _site(book)
    return book.pdf()


def _frame(book: Book, title: str, number: str, scale: str) -> Sheet:
    sheet = book.sheet(A3, landscape=True)
    sheet.rect((28, 28, 1135, 786), line=INK, width=1.6)
    sheet.rect((883, 694, 280, 120), line=INK, width=1.0)
    sheet.text(895, 714, "Hollis and Marchetti, architects", size=11, font="sans-bold")
    sheet.text(895, 736, "Norvale Instruments, Tarnbridge works", size=10)
    sheet.text(895, 760, title, size=15, font="sans-bold")
    for x, name, value in ((895, "Drawing", number), (985, "Scale", scale), (1060, "Date", "12 June 2023")):
        sheet.text(x, 782, name, size=7, colour=GREY)
        sheet.text(x, 800, value, size=11)
    return sheet


def _north(sheet: Sheet, x: float, y: float) -> None:
    sheet.circle(x, y, 24, line=INK)
    sheet.path([(x, y - 30), (x - 9, y + 14), (x, y + 6)], fill=INK)
    sheet.path([(x, y - 30), (x + 9, y + 14), (x, y + 6)], fill=WHITE, line=INK)
    sheet.text(x, y - 36, "N", size=14, font="sans-bold", align="center")


def _scale_bar(sheet: Sheet, x: float, y: float, unit: float, marks: Sequence[int]) -> None:
    for start, end in itertools.pairwise(marks):
        box = (x + unit * start, y, unit * (end - start), 7)
        sheet.rect(box, fill=INK if marks.index(start) % 2 == 0 else WHITE, line=INK)
    for mark in marks:
        sheet.text(x + unit * mark, y + 18, f"{mark} m", size=8, align="center")


def _room(sheet: Sheet, box: tuple[float, float, float, float], name: str, area: str, fill: Colour = WHITE) -> None:
    x, y, w, h = (METRE * part for part in box)
    x, y = x + 90, y + 90
    sheet.rect((x, y, w, h), fill=fill, line=INK, width=3.2)
    lines = name.split("\n")
    for row, text in enumerate(lines):
        sheet.text(
            x + w / 2, y + h / 2 - 4 + 15 * (row - (len(lines) - 1)), text, size=12, font="sans-bold", align="center"
        )
    sheet.text(x + w / 2, y + h / 2 + 12, area, size=9.5, colour=GREY, align="center")


def _door(sheet: Sheet, x: float, y: float, *, wide: float = 1.2, upright: bool = False) -> None:
    """Draw a door: a gap in a wall, and the arc of its swing; (x, y) in metres."""
    left, top, gap = 90 + METRE * x, 90 + METRE * y, METRE * wide
    if upright:
        sheet.line((left, top), (left, top + gap), colour=WHITE, width=4.4)
        sheet.line((left, top), (left + gap, top), width=0.8)
    else:
        sheet.line((left, top), (left + gap, top), colour=WHITE, width=4.4)
        sheet.line((left, top), (left, top + gap), width=0.8)
    rim = [(0.0, 1.0), (0.26, 0.97), (0.5, 0.87), (0.71, 0.71), (0.87, 0.5), (0.97, 0.26), (1.0, 0.0)]
    sheet.path([(left + gap * across, top + gap * down) for across, down in rim], line=GREY, width=0.5)


def _floor(book: Book) -> None:
    sheet = _frame(book, "Ground floor plan", "A-101", "1 : 220")
    rooms: tuple[tuple[tuple[float, float, float, float], str, str, Colour], ...] = (
        ((0, 0, 24, 20), "Assembly hall", "480 m²", tint(SKY, 0.25)),
        ((24, 0, 14, 12), "Calibration hall", "168 m²", tint(TEAL, 0.15)),
        ((38, 0, 10, 12), "Glass blowing", "120 m²", tint(BRICK, 0.15)),
        ((48, 0, 12, 8), "Boiler room", "96 m²", tint(SAND, 0.5)),
        ((48, 8, 12, 10), "Paint shop", "120 m²", WHITE),
        ((24, 12, 24, 6), "Corridor", "144 m²", WHITE),
        ((24, 18, 8, 10), "Goods in", "80 m²", tint(SAND, 0.4)),
        ((0, 20, 12, 16), "Warehouse", "192 m²", tint(SAND, 0.4)),
        ((12, 20, 12, 8), "Packing", "96 m²", WHITE),
        ((12, 28, 20, 8), "Canteen", "160 m²", tint(GREEN, 0.25)),
        ((32, 18, 8, 10), "First aid", "80 m²", WHITE),
        ((32, 28, 12, 8), "Reception", "96 m²", tint(TEAL, 0.08)),
        ((40, 18, 12, 10), "Apprentices'\nschool", "120 m²", tint(SKY, 0.2)),
        ((52, 18, 8, 10), "Server\nroom", "80 m²", tint(BRICK, 0.1)),
        ((44, 28, 16, 8), "Drawing office", "128 m²", WHITE),
    )
    for box, name, area, fill in rooms:
        _room(sheet, box, name, area, fill)
    for x, y in (
        (30, 12),
        (42, 12),
        (27, 18),
        (35, 18),
        (44, 18),
        (54, 18),
        (36, 28),
        (50, 28),
        (16, 28),
        (5, 20),
        (16, 20),
    ):
        _door(sheet, x, y)
    for x, y in ((24, 14), (48, 14), (12, 24), (32, 31), (44, 31), (24, 22)):
        _door(sheet, x, y, upright=True)
    for column, name in enumerate("ABCDEF"):
        axis = 90 + METRE * 12 * column
        sheet.line((axis, 62), (axis, 84), colour=GREY, dashes="[6 3] 0")
        sheet.circle(axis, 52, 11, line=INK)
        sheet.text(axis, 56, name, size=11, align="center")
    sheet.text(90 + METRE * 30, 80, "60.00 m", size=9, align="center", colour=GREY)
    sheet.text(72, 90 + METRE * 18, "36.00 m", size=9, align="center", colour=GREY, turn=90)
    _legend(sheet)
    for place, part in enumerate((FINISHES[:8], FINISHES[8:])):
        table(
            sheet,
            90 + 396 * place,
            590,
            (110, 130, 76, 64),
            [("Room", "Floor finish", "Air, per hour", "Doors"), *part],
            align="llrr",
            size=9,
            pad=3.4,
            style="grid",
            accent=TEAL,
        )
    _north(sheet, 1110, 640)
    _scale_bar(sheet, 905, 640, METRE, (0, 2, 4, 8))


def _legend(sheet: Sheet) -> None:
    sheet.text(905, 120, "Legend", size=13, font="sans-bold")
    for row, (name, fill) in enumerate(
        (
            ("Clean area, shoes off", tint(TEAL, 0.15)),
            ("Hot work", tint(BRICK, 0.15)),
            ("Storage", tint(SAND, 0.5)),
            ("Open to visitors", tint(GREEN, 0.25)),
        )
    ):
        sheet.rect((905, 136 + 24 * row, 24, 15), fill=fill, line=INK)
        sheet.text(938, 148 + 24 * row, name, size=10)
    sheet.text(905, 262, "Notes", size=13, font="sans-bold")
    sheet.paragraph(
        905,
        266,
        240,
        "1. Escape doors open outwards.\n2. Floor load 10 kN/m², in the warehouse 15 kN/m².\n3. Sprinklers "
        "throughout, except in the server room, which has inert gas.\n4. The wall between glass blowing and "
        "boiler room resists fire for 90 minutes.\n5. Clear height of the assembly hall 7.20 m.",
        size=10,
        leading=1.5,
    )


def _site(book: Book) -> None:
    sheet = _frame(book, "Site and drainage plan", "A-002", "1 : 500")
    river = [(28, 690), (180, 660), (360, 690), (560, 650), (760, 688), (883, 660), (883, 814), (28, 814)]
    sheet.path([*smooth(river[:6]), *river[6:]], fill=tint(SKY, 0.6), line=TEAL, width=1.5)
    sheet.text(420, 756, "River Tarn", size=24, font="serif-italic", colour=TEAL, align="center")
    sheet.path([(28, 110), (1163, 70), (1163, 118), (28, 160)], fill=(0.88, 0.88, 0.87), line=GREY)
    sheet.text(540, 124, "Kiln Lane", size=17, align="center")
    sheet.rect((115, 198, 340, 204), fill=tint(SAND, 0.9), line=INK, width=2)
    sheet.text(285, 300, "Works building", size=16, font="sans-bold", align="center")
    sheet.text(285, 320, "ridge 11.40 m", size=10, align="center")
    sheet.rect((490, 210, 150, 90), fill=tint(SAND, 0.6), line=INK, width=2)
    sheet.text(565, 260, "Offices", size=14, font="sans-bold", align="center")
    sheet.rect((120, 450, 470, 150), fill=tint(GREEN, 0.35), line=GREEN, width=1)
    sheet.text(355, 520, "South meadow", size=18, font="sans-bold", align="center")
    sheet.text(355, 542, "reserved for the second calibration hall", size=11, align="center")
    sheet.rect((670, 200, 190, 230), line=INK)
    for row in range(9):
        sheet.line((670, 224 + 23 * row), (730, 224 + 23 * row), colour=GREY)
        sheet.line((800, 224 + 23 * row), (860, 224 + 23 * row), colour=GREY)
    sheet.text(765, 320, "Car park, 84 spaces", size=11, turn=90, align="center")
    sheet.rect((490, 330, 150, 70), fill=(0.9, 0.9, 0.9), line=INK)
    sheet.text(565, 370, "Goods yard", size=13, align="center")
    sheet.circle(660, 520, 34, fill=tint(SKY, 0.5), line=INK)
    sheet.text(660, 518, "Fire", size=10, align="center")
    sheet.text(660, 530, "pond", size=10, align="center")
    for points, name, at in (
        ([(140, 420), (470, 420), (610, 440), (610, 640), (560, 672)], "Storm drain DN 400", (300, 415)),
        ([(565, 300), (565, 316), (655, 316), (655, 450), (885, 450), (885, 122)], "Foul sewer DN 200", (740, 445)),
    ):
        storm = name.startswith("Storm")
        sheet.path(points, line=TEAL if storm else BRICK, width=2.2, dashes="[9 4] 0")
        sheet.text(*at, name, size=10, colour=TEAL if storm else BRICK)
    manholes = (
        (140, 420, "M1"),
        (470, 420, "M2"),
        (610, 440, "M3"),
        (610, 640, "M4"),
        (655, 450, "F2"),
        (885, 450, "F3"),
    )
    for x, y, name in manholes:
        sheet.rect((x - 6, y - 6, 12, 12), fill=WHITE, line=INK)
        sheet.text(x + 9, y + 16, name, size=10, font="sans-bold")
    sheet.path([(60, 630), (240, 612), (420, 626), (600, 604), (840, 622)], line=BRICK, width=1, dashes="[14 4 2 4] 0")
    sheet.text(650, 598, "Flood line, once in a hundred years, 23.10 m", size=10, colour=BRICK)
    sheet.paragraph(
        905, 200, 240,
            "Levels in metres above datum. Invert of the outfall at manhole M4: 21.85 m, with a flap against "
            "back-flow. Oil separator at M3 to be emptied twice a year. Trees on the boundary are protected: "
            "two oaks, one black poplar.",
        size=10, leading=1.5,
    )  # fmt: skip
    _north(sheet, 1110, 640)
    _scale_bar(sheet, 905, 640, 5.67, (0, 5, 10, 20))
