"""What pictures show: each concept is one more word of the model, and query words that name it look for it too."""

from __future__ import annotations

from functools import lru_cache

MARK = "◆"
"""Begins the word that stands for a concept; no word of a text begins so."""
CHART = ("chart", "graph", "plot", "diagramm", "graphique", "gráfico", "grafico", "figure", "fig", "visualization")
PICTURE = ("picture", "image", "illustration", "figure", "bild", "abbildung", "imagen", "immagine")
NAMES: dict[str, tuple[str, ...]] = {
    "bar chart": ("bar", "column", "histogram", "balkendiagramm", "säulendiagramm", *CHART),
    "line chart": ("line", "curve", "trend", "liniendiagramm", "kurve", "courbe", *CHART),
    "pie chart": ("pie", "donut", "doughnut", "kreisdiagramm", "camembert", *CHART),
    "scatter plot": ("scatter", "scatterplot", "bubble", "streudiagramm", *CHART),
    "table": ("table", "tabelle", "tableau", "tabla", "tabella"),
    "photo": ("photo", "photograph", "foto", "photographie", "fotografia", *PICTURE),
    "map": ("map", "karte", "landkarte", "carte", "mapa", "mappa"),
    "diagram": ("diagram", "flowchart", "flow", "schema", "diagramm", "schéma", "diagrama", "figure", "fig"),
    "screenshot": ("screenshot", "screen", "window", "bildschirmfoto"),
    "logo": ("logo", "emblem", "brand"),
    "signature": ("signature", "signed", "unterschrift", "firma"),
    "stamp": ("stamp", "seal", "stempel", "tampon", "sello"),
    "equation": ("equation", "formula", "gleichung", "formel", "équation", "formule"),
    "code": ("code", "listing", "program", "quelltext"),
    "form": ("form", "formular", "formulaire", "formulario"),
    "handwriting": ("handwriting", "handwritten", "handschrift", "manuscript"),
    "drawing": ("drawing", "sketch", "blueprint", "zeichnung", "dessin", *PICTURE),
}
CONCEPTS = tuple(MARK + name for name in NAMES)
"""The words of all concepts."""


def is_concept(word: str) -> bool:
    """Whether a word of the model stands for a concept.

    >>> is_concept("◆bar chart"), is_concept("chart")
    (True, False)
    """
    return word.startswith(MARK)


def shown_by(word: str) -> tuple[str, ...]:
    """The concepts that a query word in normal form names.

    >>> shown_by("pie"), shown_by("revenue")
    (('◆pie chart',), ())
    """
    return _index().get(word, ())


@lru_cache(maxsize=1)
def _index() -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {}
    for concept, names in NAMES.items():
        for name in dict.fromkeys(names):
            out[name] = (*out.get(name, ()), MARK + concept)
    return out
