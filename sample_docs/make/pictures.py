"""Documents that are image files: a canteen menu (PNG), a receipt (JPEG) and a field book (TIFF of three pages)."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from .layout import table
from .scanned_letter import scan
from .sheet import WHITE, Book, Colour, tint

GREEN: Colour = (0.20, 0.42, 0.26)
CREAM: Colour = (0.99, 0.97, 0.92)


def _images(book: Book, dpi: int) -> list[Image.Image]:
    return [Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples) for pixels in book.pixels(dpi=dpi)]


def canteen_menu() -> bytes:
    book = Book("Canteen menu", author="", date="20240304")
    sheet = book.sheet((595.0, 760.0))
    sheet.rect((0, 0, 595, 760), fill=CREAM)
    sheet.rect((18, 18, 559, 724), line=GREEN, width=2)
    sheet.text(298, 82, "Canteen menu", size=40, font="serif-bold", colour=GREEN, align="center")
    sheet.text(298, 108, "Week 10, 4 to 8 March 2024", size=15, font="serif-italic", align="center")
    days = (
        ("Monday", "Leek and potato soup", "Shepherd's pie with peas", "Rhubarb crumble"),
        ("Tuesday", "Beetroot salad", "Smoked haddock, mustard sauce", "Stewed prunes"),
        ("Wednesday", "Lentil broth", "Aubergine curry and rice", "Coconut macaroon"),
        ("Thursday", "Celeriac rémoulade", "Braised rabbit with dumplings", "Lemon posset"),
        ("Friday", "Cockle chowder", "Fried plaice, chips, tartare sauce", "Treacle tart"),
    )
    for row, (day, starter, main, sweet) in enumerate(days):
        y = 152 + 96 * row
        sheet.rect((40, y, 130, 76), fill=GREEN)
        sheet.text(105, y + 45, day, size=19, font="serif-bold", colour=WHITE, align="center")
        sheet.text(188, y + 20, starter, size=14, font="serif")
        sheet.text(188, y + 44, main, size=17, font="serif-bold")
        sheet.text(188, y + 66, sweet, size=14, font="serif-italic")
        sheet.line((188, y + 84), (555, y + 84), colour=tint(GREEN, 0.4))
    sheet.text(298, 662, "Three courses £6.40, apprentices £2.90", size=15, font="serif", align="center")
    sheet.text(
        298,
        692,
        "Allergies? Ask Benedetta at the counter. Served from 11:45 to 13:30.",
        size=12,
        font="serif",
        align="center",
    )
    buffer = io.BytesIO()
    _images(book, 110)[0].quantize(32, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True, dpi=(110, 110))
    return buffer.getvalue()


def receipt() -> bytes:
    book = Book("Receipt", author="", date="20240517")
    sheet = book.sheet((250.0, 470.0))
    rows = (
        "",
        "    PETTIGREW & DAUGHTERS",
        "     SHIP CHANDLERS EST. 1871",
        "   Fish Street 9, Brackwater",
        "",
        "17.05.2024  14:22   Till 2",
        "",
        "Manila rope 12mm 25m   41.50",
        "Shackle galv. 10mm x6  17.40",
        "Stockholm tar 1 l      12.95",
        "Hurricane lantern      38.00",
        "Sou'wester, yellow     22.75",
        "Ship's biscuit 500g     4.20",
        "                     -------",
        "TOTAL           GBP   136.80",
        "Paid by card         ***6071",
        "VAT 20% included       22.80",
        "",
        "  Goods may be returned dry",
        "     within fourteen days.",
        "",
        "    Mind the step, skipper!",
    )
    for row, text in enumerate(rows):
        bold = text.startswith("TOTAL") or "PETTIGREW" in text
        sheet.text(16, 24 + 20 * row, text, size=12.4, font="mono-bold" if bold else "mono")
    buffer = io.BytesIO()
    scan(_images(book, 150)[0].convert("L"), seed=7, skew=-1.8).save(buffer, "JPEG", quality=60, dpi=(150, 150))
    return buffer.getvalue()


def field_book() -> bytes:
    """Three black-and-white pages with CCITT Group 4 compression, as from a fax machine."""
    book = Book("Field book", author="", date="20210719")
    stations: Sequence[tuple[str, str, str, Sequence[tuple[str, ...]], str]] = (
        (
            "Station 4, Skarvholm bridge",
            "14 June 2021",
            "overcast, wind SW 4",
            (
                ("06:10", "0.5", "11.2", "13.4", "18", "ebb begins"),
                ("06:40", "0.5", "10.6", "13.4", "21", ""),
                ("07:10", "0.5", "9.1", "13.6", "27", "ferry passed"),
                ("07:40", "2.0", "14.8", "12.9", "24", "seal on pontoon"),
                ("08:10", "2.0", "13.0", "12.9", "30", ""),
                ("08:40", "4.0", "19.7", "12.1", "33", "bottle 17"),
            ),
            "Probe A2 wiped at 06:05. Barnacles the size of lentils.",
        ),
        (
            "Station 7, oyster beds",
            "2 July 2021",
            "clear, calm",
            (
                ("12:00", "0.5", "24.9", "17.8", "6", "slack water"),
                ("12:30", "0.5", "25.3", "18.0", "5", "bottle 22"),
                ("13:00", "1.0", "25.8", "17.9", "5", ""),
                ("13:30", "1.0", "26.4", "17.6", "7", "cormorants"),
                ("14:00", "1.5", "27.1", "17.2", "9", "flood begins"),
            ),
            "Farmer Thorvaldsen asks whether the probe frightens oysters.",
        ),
        (
            "Station 9, outer bar",
            "19 August 2021",
            "fog, swell 1.5 m",
            (
                ("09:15", "1.0", "33.0", "16.1", "3", ""),
                ("09:45", "5.0", "33.6", "15.2", "3", "bottle 31"),
                ("10:15", "9.0", "34.2", "14.0", "2", "trawler close"),
                ("10:45", "–", "–", "–", "–", "mooring gone"),
            ),
            "Probe C1's neighbour lost with its mooring. Trawler Havbris, informed by radio at 10:52.",
        ),
    )
    for number, (place, day, weather, readings, remark) in enumerate(stations, 1):
        sheet = book.sheet((595.0, 640.0))
        sheet.text(50, 64, "FIELD BOOK", size=20, font="mono-bold")
        sheet.text(545, 64, f"sheet {number} of 3", size=12, font="mono", align="right")
        for row, (name, value) in enumerate(
            (("Place", place), ("Date", day), ("Weather", weather), ("Observer", "H. Okonjo-Lindqvist"))
        ):
            sheet.text(50, 104 + 22 * row, f"{name}:", size=13, font="mono")
            sheet.text(140, 104 + 22 * row, value, size=13, font="mono-bold")
        y = table(
            sheet, 50, 200, (70, 70, 75, 75, 85, 120),
            [("Time", "Depth m", "Salinity", "Temp. C", "Turbidity", "Remark"), *readings],
            align="lrrrrl", size=11, font="mono", pad=6, style="rules",
        )  # fmt: skip
        sheet.paragraph(50, y + 26, 495, remark, size=13, font="mono", leading=1.5)
        sheet.text(50, 600, "Institute of Estuarine Physics, Skarvholm", size=11, font="mono")
    pages = [
        page.convert("L").point(lambda value: 255 if value > 150 else 0).convert("1") for page in _images(book, 150)
    ]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], compression="group4", dpi=(150, 150))
    return buffer.getvalue()
