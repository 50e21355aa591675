"""A quick start guide in A5: four pages with drawings."""

from __future__ import annotations

from .company import AMBER, BRICK, TEAL, logo
from .layout import table
from .sheet import A5, GREY, INK, PALE, WHITE, Book, Colour, Sheet, smooth, tint

SOIL: Colour = (0.55, 0.42, 0.30)
GRASS: Colour = (0.42, 0.58, 0.32)


def make() -> bytes:
    book = Book("Soil moisture kit, quick start", author="Norvale Instruments plc", date="20230503")
    for draw in (_cover, _bury, _pair, _lights):
        draw(book)
    return book.pdf()


def _page(book: Book, step: str, title: str) -> Sheet:
    sheet = book.sheet(A5)
    sheet.circle(62, 62, 24, fill=TEAL)
    sheet.text(62, 72, step, size=28, font="sans-bold", colour=WHITE, align="center")
    sheet.text(100, 71, title, size=21, font="sans-bold")
    return sheet


def _cover(book: Book) -> None:
    sheet = book.sheet(A5)
    sheet.rect((0, 0, 420, 595), fill=tint(GRASS, 0.3))
    sheet.rect((0, 380, 420, 215), fill=SOIL)
    _stem(sheet, 190, 380)
    logo(sheet, 50, 50, 12)
    sheet.text(38, 120, "Soil moisture kit", size=30, font="sans-bold")
    sheet.text(38, 150, "Quick start guide", size=20)
    sheet.text(38, 560, "In the box: sensor fork, logger, stake, two straps, allen key", size=10.5, colour=WHITE)


def _stem(sheet: Sheet, x: float, ground: float) -> None:
    """Draw a logger on its stake, with the sensor fork below ground level."""
    sheet.rect((x - 4, ground - 120, 8, 160), fill=GREY)
    sheet.rect((x - 34, ground - 150, 68, 46), fill=WHITE, line=INK, width=1.4, round_=0.15)
    sheet.rect((x - 42, ground - 160, 84, 8), fill=TEAL, line=INK)
    sheet.line((x + 30, ground - 150), (x + 30, ground - 196), width=2)
    sheet.path([(x + 4, ground - 108), (x + 60, ground - 40), (x + 64, ground + 44)], line=INK, width=1.8)
    sheet.rect((x + 50, ground + 44, 28, 18), fill=AMBER, line=INK)
    for prong in (53, 62, 71):
        sheet.rect((x + prong, ground + 62, 3, 56), fill=(0.8, 0.8, 0.8), line=INK, width=0.4)


def _bury(book: Book) -> None:
    sheet = _page(book, "1", "Bury the sensor fork")
    sheet.rect((40, 110, 340, 130), fill=tint(GRASS, 0.25))
    sheet.rect((40, 240, 340, 150), fill=tint(SOIL, 0.7))
    for plant in range(6):
        x = 66 + 20 * plant
        sheet.path([(x, 240), (x - 6, 210), (x, 222), (x + 7, 204), (x, 240)], fill=GRASS, line=None)
    sheet.rect((276, 240, 60, 104), fill=tint(SOIL, 0.4))
    sheet.path(smooth([(306, 320), (300, 280), (312, 240), (318, 190), (350, 150)]), width=2)
    sheet.rect((286, 320, 40, 22), fill=AMBER, line=INK)
    for prong in (290, 304, 318):
        sheet.rect((prong, 342, 4, 44), fill=WHITE, line=INK, width=0.5)
    sheet.line((262, 242), (262, 342), colour=WHITE, width=1.2)
    sheet.text(206, 298, "30 cm", size=15, font="sans-bold", colour=WHITE)
    sheet.paragraph(
        40, 404, 340,
            "Dig a hole one hand deeper than the roots of your crop, usually 30 cm; for almonds and vines 60 "
            "cm. Push the three prongs into the undisturbed wall of the hole, never into loose earth. Fill the "
            "hole with what came out of it, pour a litre of water over it and tread it down.", size=11.5, leading=1.4,
    )  # fmt: skip
    sheet.paragraph(40, 520, 340, "**Stones?** Choose another spot. A bent prong reads dry for ever.", size=11.5)


def _pair(book: Book) -> None:
    sheet = _page(book, "2", "Pair with your phone")
    sheet.rect((130, 110, 160, 250), fill=INK, round_=0.1)
    sheet.rect((140, 132, 140, 200), fill=WHITE)
    sheet.text(210, 156, "Field 7, row 12", size=11, font="sans-bold", align="center")
    sheet.rect((152, 170, 116, 70), fill=tint(TEAL, 0.2))
    sheet.text(210, 216, "24 %", size=30, font="sans-bold", colour=TEAL, align="center")
    sheet.text(210, 234, "water in soil", size=8, align="center")
    sheet.rect((152, 252, 116, 26), fill=AMBER, round_=0.3)
    sheet.text(210, 269, "Irrigate tonight", size=11, font="sans-bold", align="center")
    sheet.text(210, 304, "Battery 98 %", size=9, colour=GREY, align="center")
    sheet.paragraph(
        40, 378, 340,
            "Switch on Bluetooth and hold the phone within two metres of the logger. Press the button under the "
            "rubber cap until the lamp blinks blue. Choose your field in the list and enter the six-digit code "
            "from the label inside the lid.",
        size=11.5, leading=1.4,
    )  # fmt: skip
    sheet.rect((40, 488, 340, 56), fill=PALE)
    sheet.paragraph(
        52,
        497,
        316,
        "Forgotten the code? Remove the battery, count to thirty, and put it back: the code is then 000000.",
        size=11,
    )


def _lights(book: Book) -> None:
    sheet = _page(book, "3", "What the lamp tells you")
    rows: tuple[tuple[Colour, str, str], ...] = (
        ((0.15, 0.60, 0.25), "Green, once an hour", "All is well."),
        ((0.15, 0.35, 0.80), "Blue, blinking", "Waiting for a phone."),
        (AMBER, "Amber, twice", "No satellite in view. Move the mast away from the trees."),
        (BRICK, "Red, three times", "The battery lasts less than a month."),
        (WHITE, "Dark", "Asleep. Tap the lid to wake the logger."),
    )
    for row, (colour, name, meaning) in enumerate(rows):
        y = 110 + 54 * row
        sheet.circle(60, y + 20, 15, fill=colour, line=INK)
        sheet.text(92, y + 17, name, size=13, font="sans-bold")
        sheet.text(92, y + 35, meaning, size=10.5)
    table(
        sheet, 40, 404, (140, 100, 100),
        [
            ("Soil", "Irrigate below", "Stop above"),
            ("Sand", "8 %", "14 %"),
            ("Loam", "18 %", "30 %"),
            ("Clay", "28 %", "42 %"),
            ("Peat", "40 %", "60 %"),
        ],
        align="lrr", size=11, pad=5, style="bands", accent=TEAL,
    )  # fmt: skip
