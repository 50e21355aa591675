"""A customer's typewritten letter of two pages, scanned: grey, skewed, speckled, without a text layer."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

import pymupdf
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .layout import Column, Flow
from .sheet import A4, Book, Colour, smooth

BLUE_INK: Colour = (0.12, 0.16, 0.42)
SCAN_DPI = 110

FIRST = (
    "Dear Ms Whitlock,",
    ("Thank you for the four salinity probes, which our pilots fixed to the piles of the north mole on Monday. "
    "They work, and the harbour office can read them on its screen."),
    ("I must however complain about one of the two loggers. When we opened the crate on 24 November the lid of "
    "the grey one was cracked from corner to corner, as if somebody had stepped on it. The crate itself was "
    "sound, so that I do not believe the haulier is to blame. We put it on the tug Constance to dry, where the "
    "cook mistook it for a lunch box."),
    ("Your engineer, Mr Zielinski, was most helpful on the first day, but could not do anything on the second, because "
    "without the logger there was nothing to commission. He spent the afternoon repairing our tide gauge instead, for "
    "which I thank him; it had been eleven centimetres wrong since Easter."),
    "I should be glad if you would",
)  # fmt: skip
WISHES = (
    "send a new logger before the spring tides of 15 December;",
    "tell us whether we should return the broken one;",
    "consider whether the second day ought to be charged.",
)
SECOND = (
    (
        "There is one more matter. The skippers of the dredger Perseverance would like to see the silt plume on "
        "their own bridge. Can your telemetry send the readings of the turbidity buoy to a ship as well as to the "
        "harbour office? They have a marine radio and a patient mate."
    ),
    (
        "If you come to see us in January, bring boots. The pontoon is being rebuilt and the only way to the north "
        "mole is over the mud at low water."
    ),
)


def make() -> bytes:
    scanned = pymupdf.open()
    for number, pixmap in enumerate(_typed().pixels(dpi=SCAN_DPI)):
        picture = Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples).convert("L")
        buffer = io.BytesIO()
        scan(picture, seed=31 + number, skew=(0.9, -1.3)[number], holes=(0.31, 0.66)).save(
            buffer, "JPEG", quality=48, dpi=(SCAN_DPI, SCAN_DPI)
        )
        page = scanned.new_page(width=A4[0], height=A4[1])
        page.insert_image(page.rect, stream=buffer.getvalue())
    scanned.set_metadata(
        {"producer": "sample_docs/make", "creationDate": "D:20231211090000Z", "modDate": "D:20231211090000Z"}
    )
    return bytes(scanned.tobytes(garbage=4, deflate=True, no_new_id=True))


def scan(picture: Image.Image, *, seed: int, skew: float, holes: Sequence[float] = ()) -> Image.Image:
    """Make a clean grey picture look scanned: rotated by `skew` degrees, blurred, speckled, shaded at one edge.

    `holes` are the positions of punch holes, as shares of the height.
    """
    chance = random.Random(seed)
    width, height = picture.size
    page = picture.rotate(skew, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.55))
    grain = Image.frombytes("L", (width // 2, height // 2), chance.randbytes((width // 2) * (height // 2)))
    grain = grain.resize((width, height), Image.Resampling.BILINEAR).point(lambda value: 225 + value * 22 // 255)
    page = ImageChops.multiply(page, grain)
    draw = ImageDraw.Draw(page)
    for _ in range(170):
        x, y, size = chance.randrange(width), chance.randrange(height), chance.choice((1, 1, 1, 2))
        draw.ellipse((x, y, x + size, y + size), fill=chance.randrange(40, 150))
    for hole in holes:
        x, y, radius = 30, round(height * hole), 13
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=120, outline=90)
    shade = Image.linear_gradient("L").rotate(90).resize((width, height)).point(lambda value: 255 - max(0, 70 - value))
    return ImageChops.multiply(page, shade)


def _typed() -> Book:
    book = Book("Letter", author="Brackwater Harbour Authority", date="20231208")
    sheet = book.sheet()
    sheet.text(298, 70, "BRACKWATER HARBOUR AUTHORITY", size=17, font="serif-bold", align="center")
    sheet.text(
        298,
        88,
        "Office of the Harbour Master · Pilot House · Quay Street 1",
        size=10,
        font="serif-italic",
        align="center",
    )
    sheet.line((80, 98), (515, 98), width=1.2)
    for row, text in enumerate(("Norvale Instruments plc", "Ms Amara Whitlock", "Kiln Lane 4", "Tarnbridge TN3 8QW")):
        sheet.text(80, 140 + 15 * row, text, size=11, font="mono")
    sheet.text(515, 140, "8 December 2023", size=11, font="mono", align="right")
    sheet.text(80, 236, "Cracked logger, order BHA-7731", size=11, font="mono-bold")
    flow = Flow([Column(sheet, 80, 256, 435, 770)], font="mono", size=11, align="left", leading=1.3)
    for text in FIRST:
        flow.prose(text, after=0.8)
    flow.bullets(WISHES, mark="-")
    sheet = book.sheet()
    sheet.text(80, 70, "Norvale Instruments plc, 8 December 2023", size=11, font="mono")
    sheet.text(515, 70, "page 2", size=11, font="mono", align="right")
    flow = Flow([Column(sheet, 80, 100, 435, 700)], font="mono", size=11, align="left", leading=1.3)
    for text in SECOND:
        flow.prose(text, after=0.8)
    flow.prose("Yours sincerely,")
    y = flow.y + 50
    strokes = (
        (80, 0),
        (96, -34),
        (100, 6),
        (118, -26),
        (122, 4),
        (140, -12),
        (148, 2),
        (166, -14),
        (176, 0),
        (200, -22),
        (206, 5),
        (262, -6),
    )
    sheet.path(smooth([(x, y + dy) for x, dy in strokes]), line=BLUE_INK, width=1.8)
    sheet.text(80, y + 34, "Captain Eleanor Fairweather", size=11, font="mono")
    sheet.text(80, y + 50, "Harbour Master", size=11, font="mono")
    sheet.text(80, y + 100, "Enclosed: photograph of the lid", size=11, font="mono")
    sheet.rect((372, 470, 140, 64), line=(0.55, 0.1, 0.15), width=2)
    sheet.text(442, 496, "RECEIVED", size=18, font="sans-bold", colour=(0.55, 0.1, 0.15), align="center")
    sheet.text(442, 520, "11 DEC 2023", size=14, font="sans-bold", colour=(0.55, 0.1, 0.15), align="center")
    return book
