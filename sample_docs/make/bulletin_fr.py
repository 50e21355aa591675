"""A town's bulletin on its drinking water, in French: three pages."""

from __future__ import annotations

from .charts import bar_chart, line_chart
from .layout import Column, Flow, footer, page_column, table
from .sheet import GREY, WHITE, Book, Colour, Sheet, tint

BLEU: Colour = (0.10, 0.30, 0.60)
ROUGE: Colour = (0.75, 0.22, 0.22)
TOWN = "Commune de Saint-Évariste-sur-Lère"


def make() -> bytes:
    book = Book("Bulletin de l’eau 2023", author=TOWN, date="20240210", language="fr")
    _front(book)
    _quality(book)
    _price(book)
    return book.pdf()


def _page(book: Book, title: str, number: int) -> Sheet:
    column = page_column(book)
    column.sheet.text(57, 80, title, size=20, font="serif-bold", colour=BLEU)
    footer(column.sheet, f"{TOWN}, bulletin de l’eau", f"page {number}")
    return column.sheet


def _front(book: Book) -> None:
    sheet = book.sheet()
    sheet.rect((0, 0, 595, 150), fill=BLEU)
    sheet.text(57, 78, "Bulletin de l’eau", size=40, font="serif-bold", colour=WHITE)
    sheet.text(57, 112, TOWN, size=15, font="serif-italic", colour=WHITE)
    sheet.text(538, 112, "Année 2023, numéro 17", size=12, font="serif", colour=WHITE, align="right")
    columns = [Column(sheet, 57, 180, 230, 462), Column(sheet, 308, 180, 230, 590)]
    flow = Flow(columns, size=13, leading=1.42, align="left")
    flow.head("Le mot du maire", size=15, font="serif-bold", colour=BLEU)
    for text in (
        "Chères concitoyennes, chers concitoyens,",
        (
            "L’été dernier fut le plus sec depuis que le garde champêtre tient son registre. La source des "
            "Trois-Hêtres, qui nous abreuve depuis 1887, n’a donné que quarante mètres cubes par jour en août, soit "
            "la moitié de son débit habituel."
        ),
        (
            "Grâce à vos efforts, nous n’avons jamais dû couper l’eau. Les fontaines ont été arrêtées, le terrain "
            "de boules n’a plus été arrosé, et les maraîchers ont accepté de n’irriguer que la nuit. Je vous en "
            "remercie du fond du cœur."
        ),
        (
            "Le conseil municipal a tiré les leçons de cette sécheresse. Un second forage, profond de cent vingt "
            "mètres, sera creusé au lieu-dit la Gravière. Les travaux commenceront après les vendanges et coûteront "
            "184 000 euros, dont la région paie le tiers."
        ),
        (
            "Les vieilles conduites en plomb de la rue du Lavoir seront remplacées avant Noël. D’ici là, laissez "
            "couler l’eau une minute le matin avant de la boire."
        ),
    ):
        flow.prose(text)
    flow.prose("Aurélien Castagnède, maire")
    sheet.rect((57, 640, 481, 116), fill=tint(BLEU, 0.1))
    sheet.text(74, 666, "Urgences et fuites", size=13, font="serif-bold", colour=BLEU)
    sheet.paragraph(
        74,
        672,
        448,
        "Fontainier : Désiré Lacoursière\nTéléphone : 05 00 41 72 18, jour et nuit\nMairie : ouverte du "
        "mardi au samedi, de neuf heures à midi\nRelevé des compteurs : la première semaine d’octobre",
        size=10,
        font="serif",
        leading=1.5,
    )


def _quality(book: Book) -> None:
    sheet = _page(book, "Qualité de l’eau distribuée", 2)
    sheet.paragraph(
        57, 92, 481,
            "Le laboratoire départemental a prélevé vingt-quatre échantillons au robinet. Tous étaient "
            "conformes aux limites bactériologiques ; un seul dépassait la limite du plomb, au numéro 6 de la "
            "rue du Lavoir.", font="serif", size=10.6,
        align="justify",
    )  # fmt: skip
    y = table(
        sheet, 57, 150, (171, 80, 75, 75, 80),
        [
            ("Paramètre", "Unité", "Moyenne", "Maximum", "Limite"),
            ("Nitrates", "mg/l", "18", "31", "50"),
            ("Plomb", "µg/l", "2", "12", "10"),
            ("Dureté (calcaire)", "°f", "27", "29", "aucune"),
            ("Chlore libre", "mg/l", "0,12", "0,20", "aucune"),
            ("Turbidité", "NFU", "0,3", "0,9", "2"),
            ("Pesticides, total", "µg/l", "0,08", "0,21", "0,50"),
            ("Escherichia coli", "par 100 ml", "0", "0", "0"),
            ("Entérocoques", "par 100 ml", "0", "0", "0"),
            ("pH", "", "7,4", "7,6", "6,5 à 9"),
        ],
        align="llrrr", size=10, font="serif", pad=5, style="bands", accent=BLEU,
    )  # fmt: skip
    line_chart(
        sheet,
        (57, y + 34, 481, 270),
        "Débit de la source en 2023",
        ("janv.", "mars", "mai", "juil.", "sept.", "nov."),
        {
            "2023": (96, 99, 92, 88, 80, 66, 49, 40, 44, 58, 73),
            "moyenne": (98, 100, 99, 96, 92, 86, 80, 78, 80, 86, 92),
        },
        colours=[ROUGE, BLEU],
        top=120,
        step=20,
        unit="Mètres cubes par jour",
    )
    sheet.text(
        57,
        766,
        "Source : laboratoire départemental, rapport du 22 janvier 2024",
        size=9,
        font="serif-italic",
        colour=GREY,
    )


def _price(book: Book) -> None:
    sheet = _page(book, "Prix et consommation", 3)
    sheet.paragraph(
        57, 92, 481,
            "Un foyer de quatre personnes consomme cent vingt mètres cubes par an et paie 436 euros, "
            "assainissement compris. Le prix n’avait pas changé depuis cinq ans ; il augmente de six centimes "
            "par mètre cube pour financer le forage.",
        font="serif", size=10.6, align="justify",
    )  # fmt: skip
    bar_chart(
        sheet,
        (57, 160, 481, 230),
        "Consommation par usage",
        ("Ménages", "Maraîchage", "École et mairie", "Camping", "Fuites"),
        {"2022": (31, 14, 3, 6, 9), "2023": (28, 9, 2, 5, 7)},
        colours=[tint(BLEU, 0.4), BLEU],
        top=40,
        step=10,
        unit="Milliers de mètres cubes",
        form="{:.0f}",
    )
    y = table(
        sheet, 57, 420, (281, 100, 100),
        [
            ("Tarif par mètre cube, en euros", "2023", "2024"),
            ("Eau potable", "1,62", "1,68"),
            ("Assainissement", "1,54", "1,54"),
            ("Redevance de l’agence de bassin", "0,29", "0,31"),
            ("Abonnement annuel du compteur", "22,00", "22,00"),
        ],
        align="lrr", size=10, font="serif", pad=5, style="bands", accent=BLEU,
    )  # fmt: skip
    sheet.text(57, y + 36, "Dix gestes pour économiser", size=14, font="serif-bold", colour=BLEU)
    flow = Flow(
        [Column(sheet, 57, y + 44, 230, y + 132), Column(sheet, 308, y + 44, 230, 780)], size=10.2, align="left"
    )
    flow.bullets(
        (
            "Récupérer l’eau de pluie pour le potager.",
            "Réparer la chasse d’eau qui goutte.",
            "Préférer la douche au bain.",
            "Pailler les tomates et les courgettes.",
            "Arroser après le coucher du soleil.",
            "Laver la voiture au seau, une fois par mois.",
            "Remplir le lave-vaisselle avant de le lancer.",
            "Couvrir la piscine pendant la nuit.",
            "Fermer le robinet en se brossant les dents.",
            "Relever son compteur chaque dimanche.",
        ),
        mark="1",
    )
