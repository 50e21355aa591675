"""General terms of sale in small print: three columns of 5.8-point text on one A5 page."""

from __future__ import annotations

from .company import NAME, STREET
from .layout import Column, Flow
from .sheet import A5, GREY, Book

CLAUSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Scope", (
        ("These terms apply to every sale of goods and every service by the seller to a buyer who acts in the "
        "course of business. Terms of the buyer do not apply, even if the seller has not objected to them."),
        ("A change of these terms is valid only if a director of the seller has signed it. A message sent by "
        "electronic mail is a signed document for this purpose, a message on a telephone is not."))),
    ("Offers and orders", (
        ("An offer is open for thirty days from its date unless it says otherwise. An order becomes binding when "
        "the seller confirms it or sends the goods, whichever comes first."),
        ("The buyer may cancel an order for standard goods until they have been packed. For goods made to the "
        "buyer's specification the buyer owes the cost of the work done, and of materials that cannot be used "
        "elsewhere."),
        ("Drawings, weights and figures in catalogues are approximate. Only the data sheet with the latest date "
        "is part of the contract."))),
    ("Prices", (
        ("Prices are in pounds sterling, net of value added tax, ex works Tarnbridge, and include ordinary "
        "packing. Wooden cases for sea freight are charged at cost and not taken back."),
        ("If the price of titanium on the London exchange rises by more than fifteen per cent between order and "
        "delivery, the seller may pass on the difference for the weight of metal in the goods."))),
    ("Delivery", (
        ("Delivery dates are estimates. If the seller is more than six weeks late the buyer may set a last date "
        "of two weeks and then withdraw from the contract."),
        "The seller may deliver in parts if the parts can be used by themselves.",
        ("If the buyer does not take delivery, the seller may store the goods for half a per cent of their price "
        "a week."))),
    ("Risk and title", (
        "The risk passes to the buyer when the goods are handed to the first carrier.",
        ("The goods remain the property of the seller until they are paid for in full. Until then the buyer must "
        "keep them apart, insure them and not pledge them. The buyer may resell them in the ordinary course of "
        "trade and assigns the claim for the price to the seller in advance."))),
    ("Payment", (
        "Invoices are payable within thirty days. A discount of two per cent is granted for payment within eight days.",
        ("Late payments bear interest at four per cent above the base rate. The seller may suspend deliveries "
        "while an invoice is overdue by more than fourteen days."),
        "The buyer may set off only claims that are undisputed or that a court has confirmed.")),
    ("Inspection", (
        ("The buyer must inspect the goods on arrival. Visible defects and missing parts must be reported within "
        "ten working days, hidden defects within ten working days of their discovery."),
        "Damage in transit must be noted on the carrier's document and photographed before the crate is emptied.")),
    ("Warranty", (
        ("The seller warrants that the goods conform to the data sheet for three years from delivery, or five "
        "years if they are registered within ninety days."),
        ("The seller may choose to repair or to replace. If two attempts fail the buyer may reduce the price or "
        "return the goods."),
        ("The warranty does not cover damage by lightning, trawling, ice, anchors, gnawing animals, or by "
        "opening the sealed housing. It does not cover consumables such as anodes, desiccant and batteries."),
        "Calibration is warranted for twelve months only.")),
    ("Liability", (
        "The seller is liable without limit for death and injury, for fraud, and where the law forbids a limit.",
        ("Otherwise liability is limited to the price of the goods concerned or one hundred thousand pounds, "
        "whichever is greater. The seller is not liable for lost profit, for lost water, or for decisions that "
        "the buyer bases on a single reading."),
        ("Nobody may rely on an instrument of the seller as the only means to protect human life, unless the "
        "data sheet says that it is fit for this purpose."))),
    ("Firmware", (
        ("The buyer receives a licence, not exclusive and without limit in time, to use the firmware in the "
        "instrument with which it was delivered. It may be passed on with the instrument."),
        ("The seller supplies security updates for eight years from the end of production. The buyer decides "
        "when to install them."))),
    ("Telemetry data", (
        ("Readings belong to the buyer. The seller stores them for twenty-four months and may use them in "
        "anonymous form to improve its products, unless the buyer objects in writing."),
        ("The satellite service is provided by third parties and may be interrupted. A credit of one thirtieth "
        "of the monthly fee is given for every full day without service."))),
    ("Hire", (
        ("Instruments on hire must be returned clean. Barnacles are removed at the hirer's expense, at forty "
        "pounds an hour."),
        ("A hired instrument that is lost at sea is charged at its list price less one fiftieth for each "
        "completed month of its age."))),
    ("Take-back", (
        ("The seller takes back its own instruments at the end of their life free of charge, if they are sent "
        "carriage paid and free of radioactive contamination."),)),
    ("Export", (
        ("Hydrophones and depth sensors above 1,000 metres may need an export licence. The buyer must state the "
        "final destination truthfully, and the seller may withdraw if a licence is refused."),)),
    ("Force majeure", (
        ("Neither party is liable for a delay caused by war, epidemic, strike, flood, loss of power, or by the "
        "failure of the only foundry for ceramic membranes. After six months either party may withdraw."),)),
    ("Confidence", (
        ("Each party keeps the trade secrets of the other for five years after the last delivery. Prices are "
        "trade secrets. The fact of a delivery is not, unless the buyer is a navy."),)),
    ("Law and courts", (
        ("The law of England and Wales applies; the United Nations convention on the international sale of goods "
        "does not. The courts of Tarnbridge have jurisdiction, but the seller may also sue at the seat of the "
        "buyer."),
        "Before going to court the parties shall meet once with a mediator, whose fee they share equally.",
        "If one of these terms is void the others remain in force.")),
)  # fmt: skip


def make() -> bytes:
    book = Book("General terms of sale", author=NAME, date="20230101")
    sheet = book.sheet(A5)
    sheet.text(30, 44, "General terms of sale", size=13, font="sans-bold")
    sheet.text(390, 44, "Edition of 1 January 2023", size=6.5, align="right", colour=GREY)
    columns = [Column(sheet, 30 + 123 * place, 56, 114, 508) for place in range(3)]
    flow = Flow(columns, font="serif", size=5.8, leading=1.24)
    for rank, (head, clauses) in enumerate(CLAUSES, 1):
        flow.head(f"{rank}  {head}", size=6.2, before=3)
        for place, clause in enumerate(clauses, 1):
            flow.prose(f"{rank}.{place}  {clause}", after=0.25)
    for x, width, label in ((30, 114, "Order number"), (153, 114, "Date"), (276, 114, "Signature of the buyer")):
        sheet.line((x, 548), (x + width, 548), colour=GREY, width=0.4)
        sheet.text(x, 555, label, size=5, colour=GREY)
    sheet.text(30, 578, f"{NAME}, {STREET}", size=5, colour=GREY)
    sheet.text(390, 578, "T-2023-1", size=5, colour=GREY, align="right")
    return book.pdf()
