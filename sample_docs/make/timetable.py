"""A ferry and bus timetable: two landscape pages of dense tables."""

from __future__ import annotations

from .layout import table
from .sheet import A4, GREY, WHITE, Book, Colour, Sheet, tint

PLUM: Colour = (0.36, 0.12, 0.36)


def make() -> bytes:
    book = Book("Timetable summer 2024", author="Tarn Valley Transport", date="20240415")
    _ferry(book)
    _bus(book)
    return book.pdf()


def _page(book: Book, title: str, dates: str) -> Sheet:
    sheet = book.sheet(A4, landscape=True)
    sheet.rect((0, 0, 842, 70), fill=PLUM)
    sheet.text(40, 46, title, size=23, font="sans-bold", colour=WHITE)
    sheet.text(802, 44, dates, size=13, colour=WHITE, align="right")
    return sheet


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _grid(sheet: Sheet, y: float, stops: list[tuple[str, int]], starts: list[int], skip: dict[int, int]) -> float:
    """Draw a table of departures; `skip` maps the index of a journey to the first stop that it no longer serves."""
    rows = [("Stop", *(str(101 + number) for number in range(len(starts))))]
    for place, (stop, after) in enumerate(stops):
        times = (_clock(start + after) if place < skip.get(number, 99) else "–" for number, start in enumerate(starts))
        rows.append((stop, *times))
    wide = (762 - 150) / len(starts)
    return table(
        sheet,
        40,
        y,
        (150, *[wide] * len(starts)),
        rows,
        align="l" + "c" * len(starts),
        size=8.6,
        pad=3.6,
        style="bands",
        accent=PLUM,
    )


def _ferry(book: Book) -> None:
    sheet = _page(book, "Ferry Brackwater – Skerry Island", "1 May to 30 September 2024")
    out = [
        ("Brackwater, north mole", 0),
        ("Seal Bank (on request)", 18),
        ("Lighthouse jetty", 31),
        ("Skerry Island harbour", 44),
    ]
    back = [
        ("Skerry Island harbour", 0),
        ("Lighthouse jetty", 12),
        ("Seal Bank (on request)", 26),
        ("Brackwater, north mole", 45),
    ]
    starts = [385, 450, 530, 615, 690, 775, 850, 935, 1010, 1090, 1175, 1260]
    sheet.text(40, 98, "Outward", size=13, font="sans-bold")
    y = _grid(sheet, 106, out, starts, {0: 1, 11: 3})
    sheet.text(40, y + 30, "Return", size=13, font="sans-bold")
    y = _grid(sheet, y + 38, back, [start + 55 for start in starts], {10: 2})
    sheet.text(40, y + 34, "Fares, £", size=13, font="sans-bold")
    table(
        sheet, 40, y + 42, (170, 70, 70),
        [
            ("Ticket", "Single", "Return"),
            ("Adult", "9.20", "16.00"),
            ("Child, 5 to 15", "4.60", "8.00"),
            ("Dog or bicycle", "2.00", "3.50"),
            ("Sheep, each", "1.10", "–"),
            ("Coffin, accompanied", "40.00", "–"),
        ],
        align="lrr", size=9, pad=4, style="bands", accent=PLUM,
    )  # fmt: skip
    sheet.paragraph(
        400, y + 30, 402,
            "The 06:25 runs without stopping on Mondays only. There is no service in winds above force 8; "
            "listen to the harbour wireless on channel 14 from five o'clock. Cars cannot be carried. Passengers "
            "for Seal Bank must tell the mate when they board, and should expect wet feet. Lost property is "
            "kept at Pilot House for six weeks.", size=10, leading=1.45,
    )  # fmt: skip


def _bus(book: Book) -> None:
    sheet = _page(book, "Bus 27 Tarnbridge – Leafield – Brackwater", "Mondays to Fridays, from 15 April 2024")
    stops = [
        ("Tarnbridge railway station", 0),
        ("Market Cross", 4),
        ("Kiln Lane works", 9),
        ("Hospital", 14),
        ("Grammar school", 18),
        ("Lower Ashby, church", 26),
        ("Upper Ashby, Plough Inn", 31),
        ("Leafield, green", 39),
        ("Leafield, crematorium", 43),
        ("Windmill Hill", 50),
        ("Marsh End", 58),
        ("Brackwater, Fish Street", 66),
        ("Brackwater, north mole", 71),
    ]
    starts = [330, 375, 420, 450, 480, 540, 600, 660, 720, 780, 840, 900, 945, 990, 1035, 1110, 1200, 1320]
    y = _grid(sheet, 92, stops, starts, {3: 8, 12: 8, 17: 11})
    sheet.rect((40, y + 22, 762, 46), fill=tint(PLUM, 0.08))
    sheet.paragraph(
        52, y + 26, 738,
            "**School days:** journeys 104 and 113 end at Leafield green and carry pupils of the grammar school "
            "free of charge. **Saturdays:** hourly from 07:00. **Sundays:** no service; ring the village taxi "
            "on 01632 960 512 before noon on Saturday. The last bus connects with the London train that arrives "
            "at 21:52 and waits for it up to ten minutes.",
        size=10, leading=1.45,
    )  # fmt: skip
    sheet.text(802, 570, "Tarn Valley Transport, timetable of summer 2024", size=8, colour=GREY, align="right")
