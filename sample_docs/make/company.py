"""The fictional company of the documents, Norvale Instruments: name, colours, logo and revenue.

All names, numbers and places in sample_docs are fictional.
"""

from __future__ import annotations

from .sheet import Colour, Sheet

NAME = "Norvale Instruments plc"
STREET = "Kiln Lane 4, Tarnbridge TN3 8QW"

TEAL: Colour = (0.02, 0.36, 0.42)
AMBER: Colour = (0.87, 0.55, 0.10)
SKY: Colour = (0.42, 0.66, 0.75)
BRICK: Colour = (0.66, 0.24, 0.18)
SAND: Colour = (0.80, 0.76, 0.66)

QUARTERS = ("Q1", "Q2", "Q3", "Q4")
REVENUE_BY_QUARTER = {  # million pounds
    2021: (15.4, 16.2, 16.8, 18.0),
    2022: (17.2, 18.3, 18.9, 20.5),
    2023: (19.1, 20.8, 21.9, 24.5),
}


def logo(sheet: Sheet, x: float, y: float, size: float, colour: Colour = TEAL) -> None:
    """Draw the logo, three waves in a ring and the company's name; (x, y) is the centre of the ring, of radius size."""
    sheet.circle(x, y, size, line=colour, width=size * 0.16)
    for row in (-0.34, 0.0, 0.34):
        steps = [(-0.6 + 0.2 * step, row + (0.09 if step % 2 else -0.09)) for step in range(7)]
        sheet.path([(x + size * across, y + size * down) for across, down in steps], line=colour, width=size * 0.12)
    sheet.text(x + size * 1.6, y + size * 0.35, "norvale", size=size * 1.35, font="sans-bold", colour=colour)
