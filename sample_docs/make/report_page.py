"""The header and footer of the inner pages of the annual report."""

from __future__ import annotations

from .company import NAME, TEAL
from .layout import Flow, footer, page_column
from .sheet import Book, Sheet


def start_page(book: Book, title: str, number: int, *, size: float = 10.5) -> tuple[Sheet, Flow]:
    """Start a page with header and footer; return its sheet, and the flow for its text."""
    column = page_column(book, top=104)
    sheet = column.sheet
    sheet.rect((0, 0, sheet.width, 10), fill=TEAL)
    sheet.text(57, 84, title, size=22, font="sans-bold", colour=TEAL)
    footer(sheet, f"{NAME}  |  Annual report 2023", str(number))
    return sheet, Flow([column], size=size)
