"""Generate all sample documents: `python -m sample_docs.make [FOLDER]`, by default into sample_docs itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import (
    annual_report,
    bulletin_fr,
    datasheet,
    handbook_de,
    invoice,
    paper,
    pictures,
    plans,
    posters,
    quick_start,
    scanned_letter,
    slides,
    terms,
    timetable,
)

DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "annual-report-2023.pdf": annual_report.make,
    "bulletin-eau-2023.pdf": bulletin_fr.make,
    "canteen-menu.png": pictures.canteen_menu,
    "field-book.tif": pictures.field_book,
    "invoice-20418.pdf": invoice.make,
    "letter-harbour-master.pdf": scanned_letter.make,
    "paper-probe-drift.pdf": paper.make,
    "posters.pdf": posters.make,
    "probe-nv-310-datasheet.pdf": datasheet.make,
    "quick-start-soil-kit.pdf": quick_start.make,
    "receipt.jpg": pictures.receipt,
    "strategy-slides-2024.pdf": slides.make,
    "terms-of-sale.pdf": terms.make,
    "timetable-2024.pdf": timetable.make,
    "wartungshandbuch-l7.pdf": handbook_de.make,
    "works-plans.pdf": plans.make,
}


def write(folder: Path) -> None:
    """Generate all documents into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in DOCUMENTS.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
