"""The data sheet of a probe: features and drawing, electrical characteristics, register map, ordering code."""

from __future__ import annotations

from .charts import line_chart
from .company import AMBER, BRICK, SKY, TEAL, logo
from .layout import table
from .sheet import GREY, INK, PALE, WHITE, Book, Sheet, tint


def make() -> bytes:
    book = Book("NV-310 salinity probe, data sheet", author="Norvale Instruments plc", date="20231106")
    for draw in (_features, _electrical, _registers, _ordering):
        draw(book)
    return book.pdf()


def _page(book: Book, title: str, number: int) -> Sheet:
    sheet = book.sheet()
    sheet.rect((0, 0, 595, 56), fill=TEAL)
    logo(sheet, 64, 28, 12, WHITE)
    sheet.text(545, 34, "NV-310", size=20, font="sans-bold", colour=WHITE, align="right")
    sheet.text(50, 88, title, size=15, font="sans-bold", colour=TEAL)
    sheet.text(50, 818, "Document DS-310-07, November 2023. Subject to change.", size=7.5, colour=GREY)
    sheet.text(545, 818, f"{number} / 4", size=7.5, colour=GREY, align="right")
    return sheet


def _features(book: Book) -> None:
    sheet = _page(book, "Inductive salinity probe for long deployments", 1)
    y = 104.0
    for item in (
        "0 to 42 psu, accuracy ±0.03 psu over 300 days",
        "Self-correcting for fouling: two excitation frequencies",
        "No electrodes, no wiper, no moving parts",
        "Titanium housing, depth rating 600 m",
        "SDI-12, RS-485 Modbus and 4–20 mA outputs",
        "Battery operation from 6.2 V; 38 µA asleep",
    ):
        sheet.circle(55, y + 7, 2.2, fill=AMBER)
        sheet.text(64, y + 10, item, size=10)
        y += 18
    sheet.paragraph(
        50,
        y + 8,
        250,
        "The NV-310 measures conductivity, temperature and pressure and reports practical salinity every "
        "second. It is made for moorings, piles and buoys that nobody visits for most of a year.",
        size=9.5,
        leading=1.4,
    )
    sheet.text(330, 116, "Mechanical dimensions, mm", size=10, font="sans-bold")
    sheet.rect((350, 150, 120, 54), fill=PALE, line=INK)
    sheet.rect((470, 142, 46, 70), fill=tint(TEAL, 0.2), line=INK)
    sheet.circle(493, 177, 14, fill=WHITE, line=INK)
    sheet.rect((332, 166, 18, 22), fill=GREY, line=INK)
    for x0, x1, y0, label in ((332, 516, 232, "248"), (470, 516, 248, "62")):
        sheet.line((x0, y0), (x1, y0), width=0.5)
        for x in (x0, x1):
            sheet.line((x, 216), (x, y0 + 4), width=0.4, colour=GREY)
        sheet.text((x0 + x1) / 2, y0 - 3, label, size=8, align="center")
    sheet.line((528, 142), (528, 212), width=0.5)
    sheet.text(538, 180, "Ø 76", size=8, turn=90, align="center")
    sheet.text(440, 268, "Bore Ø 24, connector M12, 8 pins", size=8, colour=GREY, align="center")
    line_chart(
        sheet,
        (50, 330, 495, 200),
        "Supply current against sampling interval",
        ("1 s", "10 s", "1 min", "10 min", "1 h"),
        {"SDI-12": (11.8, 3.2, 0.9, 0.2, 0.06), "RS-485": (16.4, 6.0, 2.4, 0.8, 0.3)},
        colours=[TEAL, BRICK],
        top=20,
        step=5,
        unit="Milliamperes at 12 V, 20 °C",
        size=8.5,
    )
    table(
        sheet, 50, 556, (150, 172, 173),
        [
            ("Pin", "Signal", "Wire colour"),
            ("1", "Supply 6.2 to 30 V", "brown"),
            ("2", "Ground", "white"),
            ("3", "SDI-12 data", "green"),
            ("4", "RS-485 A", "yellow"),
            ("5", "RS-485 B", "grey"),
            ("6", "Current loop +", "pink"),
            ("7", "Current loop −", "blue"),
            ("8", "Shield", "bare"),
        ],
        align="lll", size=9, pad=4, style="grid", accent=TEAL,
    )  # fmt: skip


def _electrical(book: Book) -> None:
    sheet = _page(book, "Electrical and measurement characteristics", 2)
    rows = [("Parameter", "Condition", "Min", "Typ", "Max", "Unit")]
    rows += [
        ("Supply voltage", "", "6.2", "12", "30", "V"),
        ("Supply current, asleep", "12 V", "", "38", "55", "µA"),
        ("Supply current, measuring", "12 V, RS-485 active", "", "16.4", "19.0", "mA"),
        ("Inrush current", "30 V, 1 ms", "", "120", "180", "mA"),
        ("Reverse polarity protection", "", "−30", "", "", "V"),
        ("Start-up time", "to first valid reading", "", "1.4", "2.0", "s"),
        ("Conductivity range", "", "0", "", "75", "mS/cm"),
        ("Conductivity resolution", "", "", "0.001", "", "mS/cm"),
        ("Conductivity accuracy", "0 to 35 °C", "", "±0.02", "±0.04", "mS/cm"),
        ("Salinity range", "", "0", "", "42", "psu"),
        ("Salinity accuracy, clean", "2 to 42 psu", "", "±0.02", "±0.03", "psu"),
        ("Salinity accuracy, fouled", "layer below 0.8 mm", "", "±0.03", "±0.05", "psu"),
        ("Temperature range", "water", "−2", "", "45", "°C"),
        ("Temperature accuracy", "", "", "±0.01", "±0.02", "°C"),
        ("Temperature response", "63 %, 0.5 m/s", "", "4.5", "6.0", "s"),
        ("Pressure range", "", "0", "", "600", "dbar"),
        ("Pressure accuracy", "full scale", "", "±0.05", "±0.1", "%"),
        ("Burst pressure", "", "900", "", "", "dbar"),
        ("Excitation frequency 1", "", "19.8", "20.0", "20.2", "kHz"),
        ("Excitation frequency 2", "", "59.4", "60.0", "60.6", "kHz"),
        ("Sampling interval", "", "1", "60", "86400", "s"),
        ("Internal memory", "", "", "4.2", "", "million readings"),
        ("Clock drift", "20 °C", "", "1", "2", "s/month"),
        ("Current loop load", "24 V", "", "", "600", "Ω"),
        ("RS-485 bit rate", "", "1.2", "19.2", "115.2", "kbit/s"),
        ("RS-485 termination", "switchable", "", "120", "", "Ω"),
        ("SDI-12 line voltage", "logic high", "3.5", "", "5.5", "V"),
        ("Electrostatic discharge", "contact", "±8", "", "", "kV"),
        ("Surge", "line to ground", "±2", "", "", "kV"),
        ("Storage temperature", "dry", "−30", "", "65", "°C"),
        ("Weight in air", "with connector", "", "1.86", "", "kg"),
        ("Weight in water", "", "", "1.02", "", "kg"),
    ]
    y = table(
        sheet, 50, 100, (150, 130, 48, 48, 48, 71), rows, align="llrrrl", size=8, pad=3.6, style="grid", accent=TEAL
    )
    sheet.paragraph(
        50,
        y + 6,
        495,
        "All values at 20 °C and 12 V unless stated. Typical values are the mean of 200 probes; limits are "
        "tested on every probe in the calibration hall against three reference salinometers.",
        size=7.5,
        colour=GREY,
    )


def _registers(book: Book) -> None:
    sheet = _page(book, "Modbus register map", 3)
    rows = [("Address", "Name", "Access", "Type", "Default", "Meaning")]
    rows += [
        ("0x0000", "SALINITY", "R", "float32", "", "Practical salinity, psu, corrected"),
        ("0x0002", "CONDUCT", "R", "float32", "", "Conductivity, mS/cm, at water temperature"),
        ("0x0004", "TEMP", "R", "float32", "", "Water temperature, °C"),
        ("0x0006", "PRESSURE", "R", "float32", "", "Gauge pressure, dbar"),
        ("0x0008", "RAW_F1", "R", "float32", "", "Conductivity at 20 kHz, uncorrected"),
        ("0x000A", "RAW_F2", "R", "float32", "", "Conductivity at 60 kHz, uncorrected"),
        ("0x000C", "LAYER", "R", "float32", "", "Inferred thickness of growth, mm"),
        ("0x000E", "PHASE", "R", "int16", "", "Phase at 60 kHz, hundredths of a degree"),
        ("0x0010", "STATUS", "R", "uint16", "0x0000", "Bit 0 blocked bore, 1 low supply, 2 leak, 3 memory full"),
        ("0x0020", "INTERVAL", "RW", "uint32", "60", "Sampling interval, seconds"),
        ("0x0022", "AVERAGE", "RW", "uint16", "8", "Number of readings in an average, 1 to 255"),
        ("0x0023", "OUTPUT", "RW", "uint16", "1", "0 off, 1 SDI-12, 2 RS-485, 3 current loop"),
        ("0x0024", "LOOP_LOW", "RW", "float32", "0.0", "Salinity at 4 mA"),
        ("0x0026", "LOOP_HIGH", "RW", "float32", "42.0", "Salinity at 20 mA"),
        ("0x0028", "BAUD", "RW", "uint16", "3", "0 1200, 1 4800, 2 9600, 3 19200, 4 57600, 5 115200"),
        ("0x0029", "SLAVE_ID", "RW", "uint16", "17", "Bus address, 1 to 247"),
        ("0x0030", "CAL_DATE", "R", "uint32", "", "Day of last calibration, seconds since 2000"),
        ("0x0032", "CAL_A0", "R", "float32", "", "Calibration offset"),
        ("0x0034", "CAL_A1", "R", "float32", "", "Calibration slope"),
        ("0x0036", "SERIAL", "R", "uint32", "", "Serial number, as engraved"),
        ("0x0040", "UNLOCK", "W", "uint16", "", "Write 0x5AFE before any RW register"),
        ("0x0041", "RESET", "W", "uint16", "", "Write 0xB007 to restart"),
    ]
    y = table(
        sheet, 50, 100, (50, 72, 42, 52, 52, 227), rows, align="lllllc".replace("c", "l"), size=8, font="mono", pad=4.2,
        style="grid", accent=TEAL,
    )  # fmt: skip
    sheet.text(50, y + 26, "Example: read salinity", size=11, font="sans-bold")
    sheet.rect((50, y + 34, 495, 66), fill=PALE)
    for row, text in enumerate(
        ("request   11 04 00 00 00 02 73 5B", "reply     11 04 04 42 0B 5C 29 A1 0F", "value     34.840 psu")
    ):
        sheet.text(62, y + 52 + 17 * row, text, size=9.5, font="mono")


def _ordering(book: Book) -> None:
    sheet = _page(book, "Ordering information", 4)
    sheet.text(297, 136, "NV-310 - T - 6 - S - 10", size=22, font="mono-bold", align="center")
    y = table(
        sheet, 50, 160, (60, 115, 240, 80),
        [
            ("Place", "Option", "Choice", "Price, £"),
            ("T", "Housing", "T titanium; P polymer, 100 m only", "2,140 / 1,560"),
            ("6", "Pressure", "0 none; 1 100 dbar; 6 600 dbar", "0 / 95 / 210"),
            ("S", "Output", "S SDI-12; M Modbus; L current loop; X all", "0 / 0 / 60 / 110"),
            ("10", "Cable", "length in metres, 2 to 300", "3.80 a metre"),
        ],
        align="lllr", size=9, pad=5, style="bands", accent=TEAL,
    )  # fmt: skip
    sheet.text(50, y + 40, "Accessories", size=13, font="sans-bold", colour=TEAL)
    y = table(
        sheet, 50, y + 50, (90, 305, 100),
        [
            ("Part", "Description", "Price, £"),
            ("NV-9011", "Mooring clamp, stainless steel, for 8 to 20 mm rope", "84"),
            ("NV-9024", "Pile bracket, polyethylene, with sacrificial anode", "132"),
            ("NV-9030", "Copper guard against mussels", "46"),
            ("NV-9047", "USB programming lead", "118"),
            ("NV-9052", "Transport case with desiccant", "155"),
            ("NV-9060", "Recalibration with certificate, five points", "290"),
        ],
        align="llr", size=9, pad=5, style="bands", accent=TEAL,
    )  # fmt: skip
    sheet.text(50, y + 40, "Conformity", size=13, font="sans-bold", colour=TEAL)
    sheet.paragraph(
        50,
        y + 46,
        495,
        "The probe carries the CE and UKCA marks. It contains no mercury, lead or cadmium and is taken back "
        "free of charge at the end of its life. Salinity is traceable to IAPSO standard sea water. The "
        "warranty is three years, or five if the probe is registered within ninety days of delivery.",
        size=9.5,
        leading=1.45,
    )
    sheet.rect((50, y + 122, 495, 60), fill=tint(SKY, 0.3))
    sheet.text(66, y + 148, "Orders: orders@norvale.example", size=12, font="sans-bold")
    sheet.text(
        66, y + 168, "Delivery within three weeks from stock; engraving of your own asset number on request.", size=9.5
    )
