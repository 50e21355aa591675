"""The annual report of 2023, pages 1 to 7: cover to people. The revenue chart of 2023 is on page 6."""

from __future__ import annotations

from . import annual_report_accounts
from .charts import bar_chart
from .company import AMBER, NAME, QUARTERS, REVENUE_BY_QUARTER, SAND, SKY, STREET, TEAL, logo
from .layout import Column, Flow, table
from .report_page import start_page
from .sheet import GREY, WHITE, Book, smooth, tint


def make() -> bytes:
    book = Book("Annual report 2023", author=NAME, date="20240318")
    _cover(book)
    _at_a_glance(book)
    _chair(book)
    _markets(book)
    _five_years(book)
    _revenue(book)
    _people(book)
    annual_report_accounts.add_pages(book)
    return book.pdf()


def _cover(book: Book) -> None:
    sheet = book.sheet()
    sheet.rect((0, 0, 595, 842), fill=TEAL)
    for row in range(9):
        y = 470 + 44 * row
        wave = smooth([(-10 + 41 * step, y + (13 if step % 2 else -13)) for step in range(16)])
        sheet.path(wave, line=tint(TEAL, 0.86 - 0.05 * row), width=9)
    logo(sheet, 82, 88, 20, WHITE)
    sheet.text(60, 250, "Clear water,", size=46, font="serif", colour=WHITE)
    sheet.text(60, 304, "clearly measured", size=46, font="serif", colour=WHITE)
    sheet.text(60, 372, "Annual report and accounts", size=18, colour=WHITE)
    sheet.text(60, 398, "for the year ended 31 December 2023", size=13, colour=WHITE)


def _at_a_glance(book: Book) -> None:
    sheet, _ = start_page(book, "The year at a glance", 2)
    figures = [
        ("£86.3m", "sales to customers in 41 countries", "2022: £74.9m"),
        ("12.9 %", "operating margin", "2022: 11.5 %"),
        ("25.0p", "earnings per share", "2022: 18.9p"),
        ("9.0p", "dividend per share for the year", "2022: 7.5p"),
        ("562", "colleagues at the year end", "2022: 519"),
        ("31 %", "less carbon per probe than in 2019", "2022: 24 %"),
    ]
    for place, (big, what, before) in enumerate(figures):
        x, y = 57 + 164 * (place % 3), 112 + 118 * (place // 3)
        sheet.rect((x, y, 152, 104), fill=tint(TEAL, 0.09))
        sheet.text(x + 12, y + 42, big, size=27, font="sans-bold", colour=TEAL)
        sheet.text(x + 12, y + 62, what, size=7.9)
        sheet.text(x + 12, y + 84, before, size=8, colour=GREY)
    sheet.text(57, 384, "Contents", size=14, font="sans-bold")
    contents = [
        ("Letter from the chair", 3),
        ("Our markets", 4),
        ("Five-year record", 5),
        ("Sales in the year", 6),
        ("People", 7),
        ("Operating costs", 8),
        ("Comparative figures for 2022", 9),
        ("Comparative figures for 2021", 10),
        ("Consolidated income statement", 11),
        ("Balance sheet and cash flow", 12),
        ("Notes to the accounts", 13),
        ("Principal risks and shareholder information", 14),
    ]
    for row, (name, page) in enumerate(contents):
        y = 410 + 24 * row
        sheet.text(57, y, name, size=10.5)
        sheet.text(538, y, str(page), size=10.5, align="right")
        sheet.line((57, y + 6), (538, y + 6), colour=SAND, width=0.5)
    sheet.paragraph(
        57, 708, 481,
        "Norvale designs and builds probes, loggers and telemetry that tell water companies, farmers and harbour "
        "masters what is in their water. We were founded in Tarnbridge in 1968 and have been listed since 1997.",
        size=9.5, colour=GREY,
    )  # fmt: skip


def _chair(book: Book) -> None:
    sheet, flow = start_page(book, "Letter from the chair", 3, size=12.0)
    flow.prose("Dear shareholder,")
    for text in (
        (
            "When I wrote to you a year ago the shelves of our stores were bare of the pressure cells that every probe "
            "needs, and our order book was full of promises that we could not keep. I am glad to report that "
            "the shortage ended in the spring. By September every order that was overdue had left Kiln Lane, "
            "and the last of the emergency suppliers had been thanked and released."
        ),
        (
            "The result is a record. Every region grew, and so did every product line. What pleases the board "
            "more is how it was done: no price was raised for customers under contract, the apprentices' "
            "school took in eighteen young people, the most in its history, and nobody was seriously hurt at "
            "work."
        ),
        (
            "In June Marguerite Oyelaran retired after eleven years as chief executive. She found a maker of good "
            "thermometers and leaves a company that listens to rivers. Her successor, Tobias Renwick, joined us as an "
            "apprentice in 1994 and has run the factory since 2015. The board looked at forty candidates and found the "
            "best one two doors down the corridor."
        ),
        (
            "Two decisions of the year will be felt for longer than it lasted. We bought the meadow south of the "
            "works, so that the calibration hall can be doubled without leaving the town; and we closed the small "
            "factory at Port Ellery, whose work had dwindled. Of its twenty-six people nineteen accepted a post "
            "elsewhere in the group."
        ),
        (
            "The board proposes a final dividend of 5.7 pence, which makes 9.0 pence for the year. We expect "
            "the coming year to be quieter: order intake returned to its usual pace in the autumn, and we plan "
            "to spend more on the new ultraviolet sensor than on any product before it."
        ),
        "I thank you for your patience during the shortage, and all colleagues for their ingenuity in ending it.",
    ):
        flow.prose(text, after=0.7)
    y = flow.y
    strokes = ((62, 40), (72, 10), (80, 42), (92, 14), (98, 40), (112, 26), (122, 40), (140, 30), (152, 38), (190, 22))
    sheet.path(smooth([(x, y + dy) for x, dy in strokes]), line=(0.1, 0.15, 0.45), width=1.4)
    sheet.text(57, y + 66, "Dame Philippa Astley-Munro", size=11.5, font="serif-bold")
    sheet.text(57, y + 82, "Chair, 14 March 2024", size=11, font="serif")


def _markets(book: Book) -> None:
    sheet, flow = start_page(book, "Our markets", 4, size=11.5)
    flow.prose(
        "Water is measured because somebody must answer for it. Four groups of customers account for almost all "
        "of what we make, and each of them buys for a different reason."
    )
    for head, text in (
        ("Water companies",
            ("Drinking water leaves the works with a duty attached: chlorine, turbidity and conductivity must be "
            "known every minute. Utilities replace their probes every seven years, and the regulator's stricter "
            "lead limit brought many replacements forward. Our share of this market in the British Isles is "
            "about 38 %.")),
        ("Agriculture",
            ("Growers in dry regions pay for each cubic metre. Soil moisture loggers with a solar cell and a "
            "satellite link saved the almond growers of our pilot group 22 % of their irrigation. Agriculture "
            "is our fastest growing market.")),
        ("Harbours and dredging",
            ("A dredger that stirs up too much silt must stop. Our turbidity buoys let the master see the plume "
            "before the inspector does. Eleven of the fifteen largest European harbours now use them.")),
        ("Research",
            ("Universities and weather services buy few instruments and ask the hardest questions. The salinity "
            "probe NV-310, developed with the Institute of Estuarine Physics, began as a loan to two doctoral "
            "students.")),
    ):  # fmt: skip
        flow.head(head, colour=TEAL)
        flow.prose(text)
    flow.space(10)
    _, (x, y, _, _) = flow.block(130)
    table(
        sheet, x, y, (150, 110, 110, 111),
        [
            ("Market", "Share of sales", "Yearly growth", "Main rivals"),
            ("Water companies", "46 %", "9 %", "Two large, many local"),
            ("Agriculture", "21 %", "34 %", "Mostly start-ups"),
            ("Harbours and dredging", "19 %", "14 %", "One"),
            ("Research", "14 %", "6 %", "Three"),
        ],
        align="lrrl", size=9, pad=5, style="bands", accent=TEAL,
    )  # fmt: skip
    y = flow.y + 12
    sheet.rect((57, y, 481, 108), fill=tint(AMBER, 0.15))
    sheet.rect((57, y, 5, 108), fill=AMBER)
    sheet.paragraph(
        80, y + 12, 440,
            "“We used to open the sluice when the ditch looked salty. Now the telephone rings before the first "
            "eel has noticed.”", size=15, font="serif-italic",
    )  # fmt: skip
    sheet.text(80, y + 88, "Wilhelmina Drost, warden of the Marsh End polder, a customer since 2009", size=9.5)


def _five_years(book: Book) -> None:
    sheet, flow = start_page(book, "Five-year record", 5)
    flow.prose(
        "The table follows the accounts as they were published at the time. Only 2020, when two of our three factories "
        "stood still for nine weeks, interrupts the growth."
    )
    y = table(
        sheet, 57, flow.y + 6, (181, 60, 60, 60, 60, 60),
        [
            ("£ million unless stated", "2019", "2020", "2021", "2022", "2023"),
            ("Revenue", "61.2", "58.7", "66.4", "74.9", "86.3"),
            ("Operating profit", "6.5", "4.4", "7.2", "8.6", "11.1"),
            ("Operating margin, %", "10.6", "7.5", "10.8", "11.5", "12.9"),
            ("Profit for the year", "4.4", "2.7", "4.9", "5.9", "7.8"),
            ("Net assets", "36.1", "36.9", "39.2", "42.6", "47.8"),
            ("Net debt", "14.0", "13.1", "9.2", "6.5", "2.6"),
            ("Earnings per share, pence", "14.1", "8.7", "15.7", "18.9", "25.0"),
            ("Dividend per share, pence", "6.0", "3.0", "6.6", "7.5", "9.0"),
            ("Average number of employees", "488", "471", "480", "507", "544"),
        ],
        align="lrrrrr", size=9, pad=4.5, accent=TEAL,
    )  # fmt: skip
    bar_chart(
        sheet, (57, y + 40, 481, 260), "Operating profit, 2019 to 2023", ("2019", "2020", "2021", "2022", "2023"),
        {"Operating profit": (6.5, 4.4, 7.2, 8.6, 11.1)}, colours=[SKY], top=12, step=2, unit="£ million",
    )  # fmt: skip


def _revenue(book: Book) -> None:
    sheet, flow = start_page(book, "Revenue in 2023", 6)
    flow.prose(
        "Revenue rose by 15.2 % to £86.3 million. Each quarter was better than the one before, as it usually is in a "
        "business whose customers spend what is left of their budgets in the autumn; but the fourth quarter of 2023 "
        "was also the first with no order held back for want of parts."
    )
    bar_chart(
        sheet, (57, flow.y + 14, 481, 330), "Revenue chart 2023", QUARTERS,
        {"Revenue": REVENUE_BY_QUARTER[2023]}, colours=[TEAL], top=30, step=5,
        unit="Revenue by quarter, £ million", axis="Quarter of 2023", size=11,
    )  # fmt: skip
    y = flow.y + 378
    sheet.text(57, y, "Revenue 2023 by product line and by region, £ million", size=11, font="sans-bold")
    table(
        sheet, 57, y + 10, (150, 60), [
            ("Product line", "2023"), ("Probes", "38.6"), ("Loggers and telemetry", "27.9"), ("Service", "19.8"),
            ("Total", "86.3"),
        ], align="lr", size=9, pad=4.5, accent=TEAL, strong=[4],
    )  # fmt: skip
    table(
        sheet, 318, y + 10, (160, 60), [
            ("Region", "2023"), ("British Isles", "29.4"), ("Continental Europe", "33.1"), ("Americas", "14.6"),
            ("Asia and Pacific", "9.2"), ("Total", "86.3"),
        ], align="lr", size=9, pad=4.5, accent=TEAL, strong=[5],
    )  # fmt: skip


def _people(book: Book) -> None:
    sheet, flow = start_page(book, "People", 7)
    flow.prose(
        "At the end of 2023 we were 562 people, 43 more than a year before. Most of the new posts are in "
        "production, where a second shift began in April, and in engineering. Staff turnover fell to 7.1 %; the "
        "average colleague has been with us for nine years."
    )
    bar_chart(
        sheet,
        (57, flow.y + 12, 481, 270),
        "Headcount 2023",
        ("Production", "Engineering", "Service", "Sales", "Administration"),
        {"2022": (196, 118, 92, 70, 43), "2023": (214, 131, 96, 74, 47)},
        colours=[SAND, AMBER],
        top=250,
        step=50,
        unit="Employees at 31 December, by function",
        form="{:.0f}",
    )
    left = Column(sheet, 57, flow.y + 304, 228, flow.y + 462)
    right = Column(sheet, 310, flow.y + 304, 228, 780)
    columns = Flow([left, right], size=10.5)
    columns.head("Apprentices", colour=TEAL)
    columns.prose(
        "Eighteen apprentices started in September, among them seven young women, in four trades: glass blowing, "
        "fine mechanics, electronics and logistics. All nine who finished were offered a permanent post."
    )
    columns.head("Health and safety", colour=TEAL)
    columns.prose(
        "There were three accidents with lost time, after five in the year before. Two were falls on the icy "
        "ramp of the goods yard, which has since been heated; the third was a burn in the glass shop. A "
        "near-miss book now hangs in every hall, and 212 entries show that it is used."
    )
    columns.head("Pay", colour=TEAL)
    columns.prose(
        "Wages rose by 6.4 % in January under the agreement with the works council. The median pay gap between men and "
        "women narrowed from 8.8 % to 7.3 %. "
    )
    sheet.text(57, 770, f"The register of members is kept at {STREET}.", size=8, colour=GREY)
