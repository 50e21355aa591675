"""The annual report of 2023, pages 8 to 14: costs, comparative figures, accounts, notes and risks."""

from __future__ import annotations

from .charts import bar_chart, horizontal_bar_chart
from .company import AMBER, BRICK, QUARTERS, REVENUE_BY_QUARTER, SAND, SKY, TEAL
from .layout import Column, Flow, table
from .report_page import start_page
from .sheet import Book


def add_pages(book: Book) -> None:
    _costs(book)
    _comparatives(book)
    _earlier(book)
    _income_statement(book)
    _balance_sheet(book)
    _notes(book)
    _risks(book)


def _costs(book: Book) -> None:
    sheet, flow = start_page(book, "Operating costs", 8)
    flow.prose(
        "Operating costs came to £75.2 million, 13.4 % more than in the year before and so less than the growth "
        "of sales. Materials remain expensive: a pressure cell costs half as much again as in 2020. The "
        "electricity bill fell by £0.7 million, because the solar roof over the assembly hall was connected in "
        "March."
    )
    horizontal_bar_chart(
        sheet, (57, flow.y + 12, 481, 290), "Operating costs 2023",
        {
            "Wages and salaries": 28.9, "Materials": 27.4, "Bought-in research": 4.7, "Other": 4.3, "Depreciation": 4.1,
            "Energy": 3.2, "Freight": 2.6,
        },
        colour=BRICK, top=30, unit="£ million",
    )  # fmt: skip
    y = flow.y + 330
    bar_chart(
        sheet, (57, y, 481, 220), "Energy used by source", ("2020", "2021", "2022", "2023"),
        {
            "Grid electricity": (9.8, 9.9, 9.6, 7.1), "Natural gas": (6.2, 6.0, 5.1, 4.4), "Own solar": (0, 0, 0.2, 2.6)
        },
        colours=[SKY, SAND, AMBER], top=20, step=5, unit="Gigawatt hours", stacked=True,
    )  # fmt: skip


def _comparatives(book: Book) -> None:
    sheet, flow = start_page(book, "Comparative figures for 2022", 9)
    flow.prose(
        "These figures are reprinted from last year's report. In 2022 demand ran ahead of what the factory "
        "could build: orders worth £6.1 million were waiting for parts at the year end. Revenue of £74.9 "
        "million was 12.8 % above 2021."
    )
    bar_chart(
        sheet, (57, flow.y + 14, 481, 300), "Revenue 2022", QUARTERS, {"Revenue": REVENUE_BY_QUARTER[2022]},
        colours=[SAND], top=25, step=5, unit="Revenue by quarter, £ million", axis="Quarter of 2022", size=10.5,
    )  # fmt: skip
    table(
        sheet, 57, flow.y + 345, (181, 100, 100, 100),
        [
            ("Orders in 2022, £ million", "Received", "Delivered", "Waiting at year end"),
            ("Probes", "36.9", "33.2", "4.0"),
            ("Loggers and telemetry", "25.8", "24.1", "2.1"),
            ("Service contracts", "17.6", "17.6", "0.0"),
            ("Total", "80.3", "74.9", "6.1"),
        ],
        align="lrrr", size=9, pad=5, accent=TEAL, strong=[4],
    )  # fmt: skip


def _earlier(book: Book) -> None:
    sheet, flow = start_page(book, "Comparative figures for 2021", 10)
    flow.prose(
        "In 2021 the factories at Tarnbridge, Port Ellery and Leutach worked through the whole year again. "
        "Revenue reached £66.4 million, more than before the interruption of 2020."
    )
    bar_chart(
        sheet, (57, flow.y + 14, 481, 270), "Revenue 2021", QUARTERS, {"Revenue": REVENUE_BY_QUARTER[2021]},
        colours=[SKY], top=20, step=5, unit="Revenue by quarter, £ million", axis="Quarter of 2021", size=10.5,
    )  # fmt: skip
    bar_chart(
        sheet,
        (57, flow.y + 314, 481, 210),
        "Output of the three factories in 2021",
        ("Tarnbridge", "Leutach", "Port Ellery"),
        {"Probes": (18.4, 7.7, 2.1), "Loggers": (9.3, 12.6, 0.8)},
        colours=[TEAL, AMBER],
        top=20,
        step=5,
        unit="Thousand instruments",
    )


def _income_statement(book: Book) -> None:
    sheet, flow = start_page(book, "Consolidated income statement", 11)
    flow.prose("For the year ended 31 December, in £ million", after=1.0)
    y = table(
        sheet, 57, flow.y, (251, 50, 90, 90),
        [
            ("", "Note", "2023", "2022"),
            ("Revenue", "2", "86.3", "74.9"),
            ("Materials", "", "(27.4)", "(22.7)"),
            ("Wages and salaries", "3", "(28.9)", "(26.2)"),
            ("Bought-in research and development", "", "(4.7)", "(4.0)"),
            ("Energy and freight", "", "(5.8)", "(6.2)"),
            ("Depreciation and amortisation", "4", "(4.1)", "(3.8)"),
            ("Other operating expenses", "", "(4.3)", "(3.4)"),
            ("Operating profit", "", "11.1", "8.6"),
            ("Finance costs", "5", "(0.9)", "(1.0)"),
            ("Profit before taxation", "", "10.2", "7.6"),
            ("Taxation", "6", "(2.4)", "(1.7)"),
            ("Profit for the year", "", "7.8", "5.9"),
            ("", "", "", ""),
            ("Earnings per share, basic and diluted", "7", "25.0p", "18.9p"),
        ],
        align="lcrr", size=10, font="serif", pad=5, accent=TEAL, strong=[8, 10, 12],
    )  # fmt: skip
    sheet.paragraph(
        57, y + 24, 481,
        "All results come from continuing operations. There was no other comprehensive income in either year, "
        "and so no separate statement of it is given. The notes on page 13 are part of these accounts.",
        size=9.5, font="serif-italic",
    )  # fmt: skip


def _balance_sheet(book: Book) -> None:
    sheet, _ = start_page(book, "Balance sheet and cash flow", 12)
    table(
        sheet, 57, 106, (301, 90, 90),
        [
            ("Consolidated balance sheet at 31 December, £ million", "2023", "2022"),
            ("Property, plant and equipment", "24.6", "24.1"),
            ("Intangible assets", "8.3", "9.2"),
            ("Right-of-use assets", "3.1", "3.6"),
            ("Inventories", "14.9", "14.1"),
            ("Trade receivables", "17.8", "15.9"),
            ("Cash", "9.4", "7.5"),
            ("Total assets", "78.1", "74.4"),
            ("Trade payables", "(13.2)", "(12.1)"),
            ("Taxation payable", "(1.1)", "(0.8)"),
            ("Borrowings", "(12.0)", "(14.0)"),
            ("Lease liabilities", "(2.4)", "(2.9)"),
            ("Pension obligation", "(1.6)", "(2.0)"),
            ("Net assets", "47.8", "42.6"),
        ],
        align="lrr", size=9.5, font="serif", pad=3.6, accent=TEAL, strong=[7, 13],
    )  # fmt: skip
    table(
        sheet, 57, 412, (391, 90),
        [
            ("Consolidated cash flow, £ million", "2023"),
            ("Operating profit", "11.1"),
            ("Depreciation and amortisation", "4.1"),
            ("Change in inventories, receivables and payables", "(1.6)"),
            ("Pension contributions", "(0.4)"),
            ("Interest paid", "(0.9)"),
            ("Tax paid", "(2.1)"),
            ("Cash generated by operations", "10.2"),
            ("Purchase of equipment and of the south meadow", "(3.2)"),
            ("Repayment of borrowings and leases", "(2.5)"),
            ("Dividends paid", "(2.6)"),
            ("Increase in cash", "1.9"),
        ],
        align="lr", size=9.5, font="serif", pad=3.6, accent=TEAL, strong=[7, 11],
    )  # fmt: skip
    sheet.paragraph(
        57, 690, 481,
            "Approved by the board on 14 March 2024 and signed on its behalf by Tobias Renwick, chief "
            "executive, and Ingrid Solberg-Hale, finance director.", size=9.5, font="serif-italic",
    )  # fmt: skip


NOTES = (
    ("1  Basis of preparation",
        ("The accounts are prepared on the historical cost basis and on the assumption that the group will "
        "continue to trade for at least twelve months. The group's chart of accounts was revised in 2023 when "
        "the Leutach ledger moved to the common system; revenue and costs of the subsidiary are mapped to the "
        "new chart without any effect on profit. Amounts are rounded to the nearest hundred thousand pounds.")),
    ("2  Revenue",
        ("Revenue is recognised when control of an instrument passes to the customer, which is on delivery for "
        "probes and loggers. Service contracts are recognised evenly over their term. No single customer "
        "accounts for more than 6 % of the total. Contract liabilities of £3.4 million are included in trade "
        "payables.")),
    ("3  Wages and salaries",
        ("The average number of employees was 544 (507). Wages were £24.1 million, social security £2.7 million "
        "and pension contributions £2.1 million. The highest paid director received £412,000.")),
    ("4  Depreciation",
        ("Buildings are written off over forty years, plant over eight, vehicles over five and computers over "
        "three. The useful life of calibration baths was lengthened from eight years to ten, which reduced the "
        "charge by £0.2 million.")),
    ("5  Finance costs",
        ("The term loan of £12.0 million bears interest at 2.1 % above the reference rate and falls due in "
        "instalments of £2.0 million a year until 2029. Covenants on leverage and interest cover were met "
        "throughout.")),
    ("6  Taxation",
        ("The standard rate was 23.5 %, a blend of the old rate and the new. Relief for research reduced the "
        "charge by £0.3 million; expenses that are not deductible raised it by the same amount.")),
    ("7  Earnings per share",
        ("Earnings are divided by 31.2 million shares, the weighted average in issue. There are no options that "
        "would dilute them.")),
    ("8  Leases",
        ("The group rents the warehouse at Leutach until 2031 and forty-four vehicles. Payments of £0.7 million "
        "were made.")),
    ("9  Contingent liabilities",
        ("A former distributor claims £1.1 million for the end of its agency in Lisbon. The directors, on legal "
        "advice, expect the claim to fail and have made no provision.")),
    ("10  Related parties",
        "Mr Renwick's brother owns Renwick Joinery, which was paid £38,000 for packing cases at market prices."),
    ("11  Events after the year end",
        ("On 9 February 2024 the group agreed to buy the patents of Lumisond, a maker of ultraviolet sensors, "
        "for £2.2 million.")),
)  # fmt: skip


def _notes(book: Book) -> None:
    sheet, _ = start_page(book, "Notes to the accounts", 13)
    flow = Flow([Column(sheet, 57, 106, 230, 580), Column(sheet, 308, 106, 230, 780)], size=9.8, leading=1.4)
    for head, text in NOTES:
        flow.head(head, size=10.5, before=6)
        flow.prose(text)


def _risks(book: Book) -> None:
    sheet, flow = start_page(book, "Principal risks", 14)
    y = table(
        sheet, 57, 106, (95, 176, 210),
        [
            ("Risk", "How it could hurt us", "What we do about it"),
            ("Single supplier", "One foundry makes the ceramic membranes of all pressure cells.",
             "A second foundry is qualified since August; safety stock covers five months."),
            ("Cyber attack", "Telemetry of customers could be read or falsified.",
             "Signed firmware, a yearly penetration test, and an insurance of £10 million."),
            ("Exchange rates", "More than half of sales are in euros and dollars.",
             "Forward contracts for nine months; costs at Leutach are in euros."),
            ("Skilled people", "Glass blowers and analogue engineers are scarce.",
             "Our own apprentices' school; retention payments for key posts."),
            ("Flooding", "The works lie 1.4 metres above the hundred-year flood.",
             "A barrier for the goods yard, and servers on the upper floor."),
            ("Regulation", "New rules on fluorinated membranes may ban two products.",
             "Replacement materials are in field trials with three utilities."),
        ],
        align="lll", size=9, pad=5, style="bands", accent=TEAL,
    )  # fmt: skip
    flow.space(y - 106 + 14)
    flow.head("Shareholder information", size=14, colour=TEAL)
    flow.prose(
        "The annual general meeting takes place on Thursday 16 May 2024 at 11 o'clock in the calibration hall. "
        "The final dividend is paid on 7 June 2024 to members on the register on 10 May. The registrars are "
        "Fenwater Registry Services, whose telephone number is 01632 960 144. Half-year results will be "
        "published on 5 September 2024."
    )
    table(
        sheet, 57, flow.y + 10, (181, 150, 150),
        [
            ("Shareholders at 31 December 2023", "Number", "Shares, thousand"),
            ("Founding family and its trusts", "14", "9,850"),
            ("Pension funds and insurers", "37", "11,420"),
            ("Employees", "406", "1,730"),
            ("Private persons", "2,918", "5,260"),
            ("Others", "85", "2,940"),
            ("Total", "3,460", "31,200"),
        ],
        align="lrr", size=9.5, pad=5, accent=TEAL, strong=[6],
    )  # fmt: skip
