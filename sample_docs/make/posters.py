"""Two posters with headings of 84 to 150 points."""

from __future__ import annotations

from .company import AMBER, BRICK, TEAL, logo
from .sheet import A3, INK, WHITE, Book, Colour, smooth, tint

NIGHT: Colour = (0.06, 0.11, 0.24)


def make() -> bytes:
    book = Book("Posters", author="Norvale Instruments plc", date="20240402")
    _open_day(book)
    _safety(book)
    return book.pdf()


def _open_day(book: Book) -> None:
    sheet = book.sheet(A3)
    sheet.rect((0, 0, 842, 1191), fill=NIGHT)
    sheet.circle(640, 520, 150, fill=AMBER)
    for row in range(7):
        y = 560 + 42 * row
        crest = smooth([(-20 + 60 * step, y + (20 if step % 2 else -20)) for step in range(16)])
        sheet.path([*crest, (880, 1191), (-20, 1191)], fill=tint(TEAL, 1 - 0.11 * row), line=None)
    sheet.text(56, 200, "Open", size=150, font="display", colour=WHITE)
    sheet.text(56, 350, "Day", size=150, font="display", colour=WHITE)
    sheet.text(60, 430, "at the instrument works", size=34, font="display", colour=WHITE)
    sheet.rect((0, 890, 842, 301), fill=WHITE)
    sheet.text(56, 980, "8 June", size=84, font="sans-bold", colour=NIGHT)
    sheet.text(400, 946, "Saturday, 10 until 5", size=30, colour=NIGHT)
    sheet.text(400, 984, "Kiln Lane, Tarnbridge", size=30, colour=NIGHT)
    for row, text in enumerate(
        (
            "Glass blowing every hour · boat trips on the Tarn",
            "Build your own thermometer · brass band · free ice cream",
        )
    ):
        sheet.text(58, 1042 + 36 * row, text, size=25, colour=INK)
    logo(sheet, 84, 1144, 18)
    sheet.text(786, 1152, "Free shuttle bus from the station", size=18, colour=INK, align="right")


def _safety(book: Book) -> None:
    sheet = book.sheet(A3)
    sheet.rect((0, 0, 842, 1191), fill=(1.0, 0.83, 0.0))
    for step in range(-2, 16):
        x = 70 * step
        sheet.path([(x, 1191), (x + 35, 1191), (x + 125, 1101), (x + 90, 1101)], fill=INK, line=None)
    sheet.path([(421, 70), (641, 440), (201, 440)], fill=WHITE, line=INK, width=20)
    sheet.rect((407, 190, 28, 130), fill=INK)
    sheet.circle(421, 370, 20, fill=INK)
    sheet.text(421, 590, "GOGGLES", size=126, font="sans-bold", align="center")
    sheet.text(421, 715, "ON!", size=126, font="sans-bold", align="center")
    sheet.paragraph(
        90, 760, 662,
            "Molten glass splinters. Nobody enters the glass shop without goggles, apron and closed shoes.", size=38,
        align="center", leading=1.25,
    )  # fmt: skip
    sheet.rect((150, 955, 542, 88), fill=BRICK)
    sheet.text(421, 1012, "Burns? Call 4444", size=46, font="sans-bold", colour=WHITE, align="center")
