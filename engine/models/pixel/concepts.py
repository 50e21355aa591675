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
PAGES: dict[str, tuple[str, ...]] = {
    "cover": ("cover", "titelseite", "titelblatt", "couverture", "portada", "copertina", "capa", "okładka", "обложка"),
    "slide": ("slide", "folie", "diapositive", "diapositiva", "slajd", "слайд"),
    "poster": ("poster", "flyer", "leaflet", "plakat", "affiche", "cartel", "manifesto", "cartaz", "плакат"),
    "letter": ("letter", "correspondence", "brief", "schreiben", "lettre", "carta", "lettera", "письмо"),
    "invoice": ("invoice", "rechnung", "facture", "factura", "fattura", "fatura", "faktura", "счёт"),
    "receipt": ("receipt", "quittung", "kassenbon", "recibo", "scontrino", "ricevuta", "paragon", "чек"),
    "certificate": ("certificate", "diploma", "zertifikat", "urkunde", "certificat", "certificado", "certificato"),
    "newsletter": ("newsletter", "newspaper", "magazine", "zeitung", "journal", "periódico", "giornale", "газета"),
    "references": ("bibliography", "literaturverzeichnis", "bibliographie", "bibliografía", "bibliografia"),
    "contents": ("inhaltsverzeichnis", "sommaire", "índice", "indice", "оглавление", "содержание"),
    "timetable": ("timetable", "schedule", "calendar", "fahrplan", "stundenplan", "horaire", "horario", "orario"),
    "menu": ("menu", "speisekarte", "speiseplan", "menú", "cardápio", "меню"),
    "plan": ("floorplan", "blueprint", "grundriss", "bauplan", "map", "karte", "mapa", "mappa"),
    "list": ("list", "checklist", "bullet", "liste", "lista", "список"),
    "scan": ("scan", "scanned", "photocopy", "fax", "gescannt", "scanné", "escaneado", "scansione", "скан"),
    "typewritten": ("typewritten", "typewriter", "typed", "maschinengeschrieben", "dactylographié"),
}
"""Words that name what a page is as a whole."""
COLOURS: dict[str, tuple[str, ...]] = {
    "red": ("red", "rot", "rote", "rouge", "rojo", "roja", "rosso", "vermelho", "czerwony", "красный"),
    "orange": ("orange", "naranja", "arancione", "laranja"),
    "yellow": ("yellow", "gelb", "gelbe", "gelber", "jaune", "amarillo", "giallo", "amarelo", "żółty", "жёлтый"),
    "green": ("green", "grün", "grüne", "grüner", "vert", "verte", "verde", "zielony", "зелёный"),
    "blue": ("blue", "blau", "blaue", "blauer", "bleu", "bleue", "azul", "blu", "niebieski", "синий"),
    "purple": ("purple", "violet", "lila", "violett", "morado", "viola", "roxo"),
    "pink": ("pink", "magenta", "rosa", "rose"),
}
"""Words that name a colour, which counts only beside something that has one: "green bond" asks for none."""
COLOURED = ("box", "background", "bar", "line", "stripe", "light", "sign", "triangle", "circle", "square", "arrow",
    "frame", "border", "heading", "page", "paper", "text", "dot", "button", "colour", "color")  # fmt: skip
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bar chart": (("bar", "column", "stacked"), CHART),
    "line chart": (("line", "curve", "trend"), CHART),
    "pie chart": (("pie", "donut", "doughnut", "ring"), (*CHART, "diagram")),
    "scatter plot": (("scatter", "bubble"), CHART),
    "diagram": (("flow", "organization", "tree"), DIAGRAM),
}
"""Words that tell the kind beside a name only: "line chart" is one, "product line" is none."""
PAGE_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cover": (("front", "title"), ("page", "slide")),
    "slide": (("title",), ("slide",)),
    "article": (("scientific", "research", "journal"), ("article", "paper", "publication")),
    "newsletter": (("newspaper", "magazine"), ("article", "page")),
    "contents": (("table", "list"), ("content",)),
    "references": (("list", "cited", "literature"), ("reference", "literature", "source", "cited")),
    "plan": (("floor", "site", "room", "building"), ("plan", "layout")),
    "receipt": (("till", "shop", "sale", "cash"), ("slip", "receipt")),
}
"""As KINDS, for pages."""
CONCEPTS = tuple(MARK + name for name in NAMES)
"""The words of all figures."""
WHOLE_PAGE = tuple(MARK + f"page {name}" for name in dict.fromkeys((*PAGES, *PAGE_KINDS)))
"""The words of all kinds of pages, in the order of the readout's outputs, ..."""
PAINTED = tuple(MARK + f"colour {name}" for name in COLOURS)
"""... and of all colours."""


def is_concept(word: str) -> bool:
    """Whether a word of the model stands for a concept.

    >>> is_concept("◆bar chart"), is_concept("chart")
    (True, False)
    """
    return word.startswith(MARK)


def shown_by(query: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The concepts that the words of a query, in normal form, name: for each word that names any.

    >>> shown_by(["table"]), shown_by(["pie"]), shown_by(["pie", "chart"])
    ({'table': ('◆table',)}, {}, {'pie': ('◆pie chart',), 'chart': ('◆pie chart',)})
    >>> shown_by(["yellow", "poster"]), shown_by(["yellow", "card"])
    ({'yellow': ('◆colour yellow',), 'poster': ('◆page poster',)}, {})
    """
    kinds, pages = _told(KINDS, query), _told(PAGE_KINDS, query)
    found: dict[str, tuple[str, ...]] = {}
    for word in query:
        # In "line chart" a chart is a line chart, no other.
        figures = [name for name in _FIGURES.get(word, ()) if not (kinds and name in KINDS)] + kinds.get(word, [])
        whole = [*_PAGES.get(word, ()), *pages.get(word, ())]
        named = [*(MARK + name for name in figures), *(MARK + f"page {name}" for name in whole)]
        if named:
            found[word] = tuple(dict.fromkeys(named))
    coloured = {word for word in query if word in found or word in COLOURED}
    for word in query:
        if word in _COLOURS and coloured - {word}:
            found[word] = (*found.get(word, ()), *(MARK + f"colour {name}" for name in _COLOURS[word]))
    return {word: found[word] for word in query if word in found}


def _told(kinds: dict[str, tuple[tuple[str, ...], tuple[str, ...]]], query: Collection[str]) -> dict[str, list[str]]:
    """The kinds that words of a query name together: one word of each half, and not the same one."""
    told: dict[str, list[str]] = {}
    for kind, halves in kinds.items():
        own, names = ([word for word in dict.fromkeys(query) if word in half] for half in halves)
        for ours, theirs in ((own, names), (names, own)):
            for word in ours:
                if any(other != word for other in theirs):
                    told.setdefault(word, []).append(kind)
    return told


def _by_word(names: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for name, named in names.items():
        for word in named:
            words.setdefault(word, []).append(name)
    return words


_FIGURES, _PAGES, _COLOURS = _by_word(NAMES), _by_word(PAGES), _by_word(COLOURS)
