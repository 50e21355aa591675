"""A maintenance handbook for a data logger, in German: three pages."""

from __future__ import annotations

from .company import BRICK, SKY, TEAL, logo
from .layout import Column, Flow, footer, page_column, table
from .sheet import GREY, INK, PALE, WHITE, Book, Sheet, tint


def make() -> bytes:
    book = Book("Wartungshandbuch Datenlogger L7", author="Norvale Leutach GmbH", date="20230915", language="de")
    _overview(book)
    _battery(book)
    _faults(book)
    return book.pdf()


def _page(book: Book, title: str, number: int) -> tuple[Sheet, Flow]:
    column = page_column(book, top=110)
    sheet = column.sheet
    logo(sheet, 70, 50, 11)
    sheet.text(538, 55, "Wartungshandbuch L7", size=10, colour=GREY, align="right")
    sheet.text(57, 96, title, size=19, font="sans-bold", colour=TEAL)
    footer(sheet, "Norvale Leutach GmbH, Mühlgasse 12, Leutach", f"Seite {number}")
    return sheet, Flow([column], font="sans", size=11, align="left", leading=1.45)


def _overview(book: Book) -> None:
    sheet, flow = _page(book, "1  Überblick und Sicherheit", 1)
    flow.prose(
        "Der Datenlogger L7 zeichnet Messwerte von bis zu acht Fühlern auf und überträgt sie über Mobilfunk "
        "oder Satellit. Er ist für den ganzjährigen Betrieb im Freien gebaut. Dieses Handbuch richtet sich an "
        "geschultes Personal der Wasserversorger."
    )
    sheet.rect((57, flow.y + 4, 481, 78), fill=tint(BRICK, 0.1), line=BRICK, width=1.4)
    sheet.path([(92, flow.y + 18), (116, flow.y + 62), (68, flow.y + 62)], fill=(1.0, 0.85, 0.1), line=INK, width=2)
    sheet.text(92, flow.y + 57, "!", size=26, font="sans-bold", align="center")
    sheet.paragraph(
        130,
        flow.y + 14,
        396,
        "**Warnung: Lithiumbatterien können explodieren.** Nicht aufladen, nicht kurzschließen, nicht über "
        "85 °C erwärmen. Vor dem Öffnen des Gehäuses Schmuck ablegen und den Hauptschalter auf Null stellen.",
        size=10,
    )
    flow.space(94)
    flow.head("Wartungsplan", size=13)
    y = table(
        sheet, 57, flow.y + 6, (110, 271, 100),
        [
            ("Abstand", "Tätigkeit", "Dauer"),
            ("Vierteljährlich", "Solarmodul reinigen, Antenne auf Bewuchs prüfen", "10 Minuten"),
            ("Halbjährlich", "Trockenmittel tauschen, Dichtung mit Silikonfett einstreichen", "20 Minuten"),
            ("Jährlich", "Uhr stellen, Nullpunkt der Druckfühler abgleichen", "45 Minuten"),
            ("Alle sieben Jahre", "Batterie und Dichtungssatz erneuern", "90 Minuten"),
        ],
        align="lll", size=9.5, pad=5, style="grid", accent=TEAL,
    )  # fmt: skip
    flow.space(y - flow.y + 10)
    flow.head("Lieferumfang des Wartungssatzes", size=13)
    flow.bullets(
        (
            "Dichtungsring 118 × 3 mm aus Fluorkautschuk",
            "Zwei Beutel Trockenmittel mit Feuchteanzeiger",
            "Silikonfett, 5 g",
            "Innensechskantschlüssel 4 mm und Drehmomentschraubendreher",
            "Prüfprotokoll in dreifacher Ausfertigung",
        )
    )
    flow.prose("Verwenden Sie ausschließlich Originalersatzteile. Andernfalls erlischt die Gewährleistung.")


def _battery(book: Book) -> None:
    sheet, flow = _page(book, "2  Batteriewechsel", 2)
    flow.prose(
        "Der Wechsel dauert etwa anderthalb Stunden. Die gespeicherten Messwerte bleiben erhalten, weil ein "
        "Kondensator die Uhr für zwanzig Minuten versorgt."
    )
    x, y = 57.0, flow.y + 8
    sheet.rect((x, y, 481, 190), fill=PALE)
    sheet.rect((x + 120, y + 24, 240, 140), fill=WHITE, line=INK, width=2.4, round_=0.1)
    sheet.rect((x + 150, y + 56, 118, 34), fill=tint(SKY, 0.7), line=INK)
    sheet.rect((x + 268, y + 64, 8, 18), fill=INK)
    sheet.text(x + 209, y + 77, "3,6 V Lithium", size=10, align="center")
    sheet.rect((x + 150, y + 106, 84, 40), fill=tint(TEAL, 0.25), line=INK)
    sheet.circle(x + 320, y + 126, 16, fill=tint(BRICK, 0.6), line=INK)
    sheet.line((x + 320, y + 126), (x + 320, y + 112), width=3)
    for at, label, lx, ly, side in (
        ((x + 150, y + 73), "Batteriefach", x + 106, y + 60, "right"),
        ((x + 150, y + 126), "Funkmodul", x + 106, y + 130, "right"),
        ((x + 336, y + 126), "Hauptschalter", x + 374, y + 130, "left"),
        ((x + 360, y + 60), "Dichtung", x + 374, y + 56, "left"),
    ):
        sheet.line(at, (lx + (4 if side == "right" else -4), ly - 3), width=0.6)
        sheet.text(lx, ly, label, size=10, align=side)
    sheet.text(x + 240, y + 182, "Abbildung 1: Geöffnetes Gehäuse von oben", size=9, colour=GREY, align="center")
    flow.space(208)
    flow.bullets(
        (
            "Hauptschalter auf Null stellen und fünf Sekunden warten, bis die grüne Leuchte erlischt.",
            (
                "Die sechs Schrauben des Deckels über Kreuz lösen. Deckel gerade abheben, damit das Flachbandkabel "
                "nicht reißt."
            ),
            "Stecker der alten Batterie ziehen. Verbrauchte Zellen gehören in die Sammelstelle, nicht in den Hausmüll.",
            "Neue Batterie einlegen, Stecker aufstecken, Datum mit Filzstift auf die Zelle schreiben.",
            "Dichtung säubern, dünn einfetten und ohne Verdrehung in die Nut legen.",
            "Deckel aufsetzen und die Schrauben mit 2,5 Nm anziehen.",
            "Hauptschalter einschalten. Nach drei Minuten muss der Logger sich beim Server melden.",
        ),
        mark="1",
    )
    flow.prose(
        "**Hinweis:** Bei Frost unter −15 °C wird das Gehäuse spröde. Verschieben Sie den Wechsel auf einen "
        "milderen Tag."
    )


def _faults(book: Book) -> None:
    sheet, _ = _page(book, "3  Störungen beheben", 3)
    y = table(
        sheet, 57, 112, (50, 120, 145, 166),
        [
            ("Code", "Anzeige", "Mögliche Ursache", "Abhilfe"),
            ("E01", "Kein Netz", "Antenne abgebrochen oder vereist",
                "Antenne enteisen, Stecker prüfen, Standort wechseln"),
            ("E02", "Spannung niedrig", "Batterie erschöpft", "Batterie wechseln, siehe Abschnitt 2"),
            ("E04", "Feuchte im Gehäuse",
                "Dichtung gequetscht, Trockenmittel gesättigt", "Trocknen, Dichtung erneuern, Beutel tauschen"),
            ("E07", "Fühler fehlt", "Kabelbruch durch Nagetiere", "Kabel messen, Schutzschlauch nachrüsten"),
            ("E11", "Uhr verstellt", "Kondensator entladen", "Zeit über die Bedienoberfläche setzen"),
            ("E15", "Speicher voll", "Übertragung seit Wochen gestört", "Messwerte mit dem Kabel auslesen und löschen"),
            ("E23", "Prüfsumme falsch", "Blitzschlag in der Nähe", "Gerät einschicken"),
        ],
        align="llll", size=9.5, pad=6, style="grid", accent=TEAL,
    )  # fmt: skip
    after = Flow([Column(sheet, 57, y + 16, 481, 780)], font="sans", size=11, align="left", leading=1.45)
    after.head("Rücksendung", size=13)
    after.prose(
        "Fordern Sie vor der Rücksendung eine Vorgangsnummer an: Telefon 05214 900 77, werktags von 7 bis 16 "
        "Uhr. Legen Sie das ausgefüllte Prüfprotokoll bei und kleben Sie die Pole der Batterie ab. Geräte, die "
        "mit Abwasser in Berührung kamen, müssen vorher desinfiziert werden."
    )
    after.head("Entsorgung", size=13)
    after.prose(
        "Das Gerät enthält Elektronik und darf nicht in die graue Tonne. Wir nehmen Altgeräte kostenlos zurück."
    )
