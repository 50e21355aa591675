"""The slides of a talk on strategy: eight landscape pages."""

from __future__ import annotations

from .charts import donut_chart, line_chart
from .company import AMBER, BRICK, NAME, SAND, SKY, TEAL, logo
from .layout import table
from .sheet import GREY, PALE, SLIDE, WHITE, Book, Colour, Sheet, tint

NAVY: Colour = (0.07, 0.13, 0.25)


def make() -> bytes:
    book = Book("Strategy 2024 to 2027", author=NAME, date="20240122")
    for draw in (_title, _agenda, _mix, _forecast, _roadmap, _competitors, _matrix, _next_steps):
        draw(book)
    return book.pdf()


def _slide(book: Book, title: str, number: int) -> Sheet:
    sheet = book.sheet(SLIDE)
    sheet.rect((0, 0, 14, 540), fill=AMBER)
    sheet.text(56, 74, title, size=32, font="sans-bold", colour=NAVY)
    sheet.text(904, 518, str(number), size=11, colour=GREY, align="right")
    sheet.text(56, 518, "Strategy day, 22 January 2024", size=11, colour=GREY)
    return sheet


def _title(book: Book) -> None:
    sheet = book.sheet(SLIDE)
    sheet.rect((0, 0, 960, 540), fill=NAVY)
    sheet.rect((56, 330, 120, 6), fill=AMBER)
    logo(sheet, 78, 80, 18, WHITE)
    sheet.text(56, 236, "From probes", size=58, font="sans-bold", colour=WHITE)
    sheet.text(56, 300, "to answers", size=58, font="sans-bold", colour=WHITE)
    sheet.text(56, 380, "Strategy 2024 to 2027", size=24, colour=WHITE)
    sheet.text(56, 416, "Tobias Renwick, chief executive", size=18, colour=tint(SKY, 0.8))


def _agenda(book: Book) -> None:
    sheet = _slide(book, "What we decide today", 2)
    items = (
        ("Where we stand", "customers stay 11 years on average"),
        ("Subscriptions", "sell readings, not only instruments"),
        ("The ultraviolet sensor", "launch before Lumisond's patents run out"),
        ("Factories", "Tarnbridge grows, Leutach specialises"),
        ("Money", "£14 million over three years"),
    )
    for row, (head, text) in enumerate(items):
        y = 140 + 72 * row
        sheet.circle(82, y, 22, fill=TEAL)
        sheet.text(82, y + 8, str(row + 1), size=22, font="sans-bold", colour=WHITE, align="center")
        sheet.text(124, y + 0, head, size=22, font="sans-bold")
        sheet.text(124, y + 22, text, size=16, colour=GREY)


def _mix(book: Book) -> None:
    sheet = _slide(book, "Customers buy hardware and keep service", 3)
    shares = {"Water companies": 46.0, "Agriculture": 21.0, "Harbours": 19.0, "Research": 14.0}
    donut_chart(
        sheet, 210, 300, 130, shares, colours=[TEAL, AMBER, SKY, SAND], centre="41 countries", size=17, unit=" %"
    )
    sheet.rect((600, 150, 304, 300), fill=PALE)
    sheet.text(622, 190, "Renewal rate", size=18, font="sans-bold")
    sheet.text(622, 256, "94 %", size=60, font="sans-bold", colour=TEAL)
    sheet.paragraph(
        622, 276, 262,
        "of service contracts were renewed in 2023. Where we lost one, the customer had merged with another or closed "
        "the plant. Nobody left us for a cheaper offer.", size=16,
    )  # fmt: skip


def _forecast(book: Book) -> None:
    sheet = _slide(book, "Subscriptions overtake service in 2026", 4)
    line_chart(
        sheet, (56, 110, 848, 380), "Income by type, plan", ("2023", "2024", "2025", "2026", "2027"),
        {"Service": (19.8, 20.5, 21.0, 21.2, 21.5), "Subscriptions": (1.2, 5.0, 12.5, 23.0, 34.0)},
        colours=[SKY, BRICK], top=40, step=10, unit="£ million", size=14,
    )  # fmt: skip


def _roadmap(book: Book) -> None:
    sheet = _slide(book, "Roadmap of the ultraviolet sensor", 5)
    for column, name in enumerate(("Q1 2024", "Q2 2024", "Q3 2024", "Q4 2024", "Q1 2025", "Q2 2025")):
        x = 220 + 114 * column
        sheet.rect((x, 110, 112, 30), fill=NAVY)
        sheet.text(x + 56, 131, name, size=15, font="sans-bold", colour=WHITE, align="center")
        sheet.line((x, 140), (x, 470), colour=PALE, width=1)
    rows: tuple[tuple[str, float, float, Colour], ...] = (
        ("Lamp and optics", 0.0, 2.2, TEAL),
        ("Firmware", 0.7, 3.2, TEAL),
        ("Field trials", 2.4, 4.4, AMBER),
        ("Certification", 3.3, 4.8, SKY),
        ("Pilot production", 4.0, 5.2, SKY),
        ("Launch", 5.2, 6.0, BRICK),
    )
    for row, (name, start, end, colour) in enumerate(rows):
        y = 162 + 52 * row
        sheet.text(56, y + 20, name, size=16)
        sheet.rect((220 + 114 * start, y, 114 * (end - start), 30), fill=colour, round_=0.3)
    sheet.text(220 + 114 * 4.4 + 8, 162 + 52 * 2 + 20, "six utilities, two estuaries", size=13, colour=GREY)


def _competitors(book: Book) -> None:
    sheet = _slide(book, "How our logger compares", 6)
    table(
        sheet, 56, 110, (288, 140, 140, 140, 140),
        [
            ("Feature", "Norvale L7", "Hydrolog", "AquaDot", "Silvermere"),
            ("Battery life, years", "7", "5", "10", "3"),
            ("Channels", "8", "4", "2", "12"),
            ("Satellite link", "yes", "option", "no", "yes"),
            ("Burial depth, metres", "3.0", "1.5", "0.5", "2.0"),
            ("List price, £", "1,480", "1,120", "390", "2,650"),
            ("Warranty, years", "5", "2", "1", "3"),
        ],
        align="lcccc", size=18, pad=11, style="bands", accent=NAVY,
    )  # fmt: skip
    sheet.text(56, 488, "Test of eleven loggers by the Growers' Association, October 2023", size=13, colour=GREY)


def _matrix(book: Book) -> None:
    sheet = _slide(book, "Where to invest: effort against benefit", 7)
    left, top, wide, high = 110.0, 110.0, 560.0, 360.0
    sheet.rect((left + wide / 2, top, wide / 2, high / 2), fill=PALE)
    sheet.rect((left, top, wide, high), line=NAVY, width=1.4)
    sheet.line((left + wide / 2, top), (left + wide / 2, top + high), colour=GREY)
    sheet.line((left, top + high / 2), (left + wide, top + high / 2), colour=GREY)
    sheet.text(left + wide / 2, top + high + 24, "Effort", size=16, font="sans-bold", align="center")
    sheet.text(left - 16, top + high / 2, "Benefit", size=16, font="sans-bold", turn=90)
    ideas: tuple[tuple[str, float, float, float, Colour], ...] = (
        ("Ultraviolet sensor", 0.72, 0.20, 30, BRICK),
        ("Reading subscriptions", 0.36, 0.24, 26, TEAL),
        ("Second calibration hall", 0.80, 0.62, 24, SKY),
        ("Spare parts shop", 0.18, 0.58, 14, AMBER),
        ("Rental fleet", 0.44, 0.78, 18, SAND),
    )
    for name, across, down, radius, colour in ideas:
        x, y = left + wide * across, top + high * down
        sheet.circle(x, y, radius, fill=colour)
        sheet.text(x, y + radius + 16, name, size=14, align="center")
    sheet.paragraph(
        700, 120, 210,
            "The size of a bubble is the money needed. Reading subscriptions cost little, because the telemetry "
            "is already in the field: **we start there.**", size=17,
    )  # fmt: skip


def _next_steps(book: Book) -> None:
    sheet = _slide(book, "Next steps", 8)
    table(
        sheet, 56, 120, (470, 210, 168),
        [
            ("Task", "Owner", "Due"),
            ("Price list for reading subscriptions", "Amara Whitlock", "9 February"),
            ("Contract with Lumisond's owners", "Ingrid Solberg-Hale", "16 February"),
            ("Planning application for the south meadow", "Piotr Zielinski", "1 March"),
            ("Hire six firmware engineers", "Grace Adeyemi", "30 April"),
            ("Report to the board", "Tobias Renwick", "16 May"),
        ],
        align="lll", size=19, pad=13, accent=TEAL,
    )  # fmt: skip
