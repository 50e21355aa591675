"""An invoice and the credit note that followed it."""

from __future__ import annotations

from .company import AMBER, NAME, STREET, TEAL, logo
from .layout import table
from .sheet import GREY, Book, Sheet, tint

CUSTOMER = ("Brackwater Harbour Authority", "Accounts payable", "Pilot House, Quay Street 1", "Brackwater BW1 2AA")


def make() -> bytes:
    book = Book("Invoice 20418", author=NAME, date="20231128")
    _invoice(book)
    _credit_note(book)
    return book.pdf()


def _head(book: Book, title: str, facts: list[tuple[str, str]]) -> Sheet:
    sheet = book.sheet()
    logo(sheet, 76, 66, 15)
    for row, text in enumerate((NAME, STREET, "VAT GB 000 4471 92", "accounts@norvale.example")):
        sheet.text(538, 56 + 13 * row, text, size=9, colour=GREY, align="right")
    sheet.text(57, 152, f"{NAME}, {STREET}", size=6.5, colour=GREY)
    for row, text in enumerate(CUSTOMER):
        sheet.text(57, 170 + 15 * row, text, size=11)
    for row, (name, value) in enumerate(facts):
        sheet.text(352, 170 + 16 * row, name, size=9.5, colour=GREY)
        sheet.text(538, 170 + 16 * row, value, size=9.5, align="right")
    sheet.line((57, 768), (538, 768), colour=AMBER, width=1)
    registered = (
        "Registered in England, number 00918264. Directors: P. Astley-Munro (chair), T. Renwick, I. Solberg-Hale."
    )
    sheet.text(57, 784, registered, size=7.5, colour=GREY)
    sheet.text(57, 292, title, size=22, font="sans-bold", colour=TEAL)
    return sheet


def _invoice(book: Book) -> None:
    sheet = _head(
        book, "Invoice 20418",
        [("Invoice date", "28 November 2023"), ("Your order", "BHA-7731"), ("Delivered", "24 November 2023"),
         ("Payment due", "28 December 2023"), ("Our contact", "Amara Whitlock")],
    )  # fmt: skip
    y = table(
        sheet, 57, 316, (34, 90, 187, 45, 60, 65),
        [
            ("Item", "Part", "Description", "Quantity", "Unit price", "Amount, £"),
            ("1", "NV-310-T-6-S-25", "Salinity probe, titanium, 600 dbar, 25 m", "4", "2,445.00", "9,780.00"),
            ("2", "NV-9024", "Pile bracket with sacrificial anode", "4", "132.00", "528.00"),
            ("3", "L7-SAT", "Logger L7 with satellite link", "2", "1,480.00", "2,960.00"),
            ("4", "NV-9030", "Copper guard against mussels", "4", "46.00", "184.00"),
            ("5", "SRV-DAY", "Commissioning on site, one engineer, days", "2", "760.00", "1,520.00"),
            ("6", "FRT-02", "Carriage and packing", "1", "96.00", "96.00"),
        ],
        align="lllrrr", size=9, pad=5, accent=TEAL,
    )  # fmt: skip
    for row, (name, value) in enumerate((("Subtotal", "15,068.00"), ("VAT 20 %", "3,013.60"))):
        sheet.text(440, y + 22 + 16 * row, name, size=10, align="right")
        sheet.text(535, y + 22 + 16 * row, value, size=10, align="right")
    sheet.rect((330, y + 48, 208, 26), fill=tint(TEAL, 0.12))
    sheet.text(440, y + 66, "Total due", size=12, font="sans-bold", align="right")
    sheet.text(535, y + 66, "£18,081.60", size=12, font="sans-bold", align="right")
    sheet.text(57, y + 116, "How to pay", size=11, font="sans-bold")
    sheet.paragraph(
        57, y + 120, 481,
            "Please pay within 30 days to Tarnbridge Mutual Bank, sort code 00-41-77, account 5520 9183, "
            "quoting 20418. We charge interest of 4 % above base rate on late payments. The goods remain our "
            "property until they are paid for.",
        size=9.5,
    )  # fmt: skip


def _credit_note(book: Book) -> None:
    sheet = _head(
        book,
        "Credit note 20418-C",
        [
            ("Date", "19 December 2023"),
            ("For invoice", "20418"),
            ("Your letter", "8 December 2023"),
            ("Our contact", "Amara Whitlock"),
        ],
    )
    sheet.paragraph(
        57, 306, 481,
            "We are sorry that one of the two loggers arrived with a cracked lid. The replacement left us on 15 "
            "December. As agreed with Captain Fairweather we credit the second day of commissioning, which "
            "could not take place.", size=10.5,
    )  # fmt: skip
    table(
        sheet, 57, 376, (70, 281, 65, 65),
        [
            ("Part", "Reason", "Net, £", "Gross, £"),
            ("SRV-DAY", "Second day of commissioning cancelled", "760.00", "912.00"),
            ("FRT-02", "Goodwill: carriage refunded", "96.00", "115.20"),
            ("", "Total credit", "856.00", "1,027.20"),
        ],
        align="llrr", size=9.5, pad=6, accent=TEAL, strong=[3],
    )  # fmt: skip
    sheet.paragraph(
        57, 500, 481, "Please deduct the credit from your payment. **Remaining amount to pay: £17,054.40.**", size=10.5
    )
