"""What pictures show: each concept is one more word of the model, and query words that name it look for it too."""

from __future__ import annotations

from collections.abc import Collection

MARK = "◆"
"""Begins the word that stands for a concept; no word of a text begins so."""
CHART = ("chart", "graph", "plot", "diagramm", "graphique", "gráfico", "grafico", "figure", "fig", "visualization")
PICTURE = ("picture", "image", "illustration", "figure", "bild", "abbildung", "imagen", "immagine")
DIAGRAM = ("diagram", "chart", "schema", "diagramm", "schéma", "diagrama", "figure", "fig")
NAMES: dict[str, tuple[str, ...]] = {
    "bar chart": ("histogram", "balkendiagramm", "säulendiagramm", *CHART),
    "line chart": ("liniendiagramm", *CHART),
    "pie chart": ("kreisdiagramm", "camembert", *CHART),
    "scatter plot": ("scatterplot", "streudiagramm", *CHART),
    "table": ("table", "tabelle", "tableau", "tabla", "tabella"),
    "photo": ("photo", "photograph", "foto", "photographie", "fotografia", *PICTURE),
    "map": ("map", "karte", "landkarte", "mapa", "mappa"),
    "diagram": ("flowchart", "organigram", *(name for name in DIAGRAM if name != "chart")),
    "screenshot": ("screenshot", "screen", "bildschirmfoto"),
    "logo": ("logo", "emblem"),
    "signature": ("signature", "signed", "unterschrift"),
    "stamp": ("stamp", "stempel", "tampon", "sello"),
    "equation": ("equation", "formula", "gleichung", "formel", "équation", "formule"),
    "code": ("listing", "quelltext"),
    "form": ("form", "formular", "formulaire", "formulario"),
    "handwriting": ("handwriting", "handwritten", "handschrift", "manuscript"),
    "drawing": ("drawing", "sketch", "blueprint", "zeichnung", "dessin", *PICTURE),
}
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bar chart": (("bar", "column", "stacked"), CHART),
    "line chart": (("line", "curve", "trend"), CHART),
    "pie chart": (("pie", "donut", "doughnut", "ring"), (*CHART, "diagram")),
    "scatter plot": (("scatter", "bubble"), CHART),
    "diagram": (("flow", "organization", "tree"), DIAGRAM),
}
"""Words that tell the kind beside a name only: "line chart" is one, "product line" is none."""
CONCEPTS = tuple(MARK + name for name in NAMES)
"""The words of all concepts."""


def is_concept(word: str) -> bool:
    """Whether a word of the model stands for a concept.

    >>> is_concept("◆bar chart"), is_concept("chart")
    (True, False)
    """
    return word.startswith(MARK)


def shown_by(word: str, query: Collection[str] = ()) -> tuple[str, ...]:
    """The concepts that a query word in normal form names, in a query of these words.

    >>> shown_by("table"), shown_by("pie"), shown_by("pie", ["pie", "chart"])
    (('◆table',), (), ('◆pie chart',))
    """
    kinds = (MARK + c for c, (own, names) in KINDS.items() if word in own and any(name in query for name in names))
    return (*(MARK + concept for concept, names in NAMES.items() if word in names), *kinds)
