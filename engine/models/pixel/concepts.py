"""What pictures show: each concept is one more word of the model, and query words that name it look for it too."""

from __future__ import annotations

from collections.abc import Collection

MARK = "◆"
"""Begins the word that stands for a concept; no word of a text begins so."""
CHART = ("chart", "graph", "plot", "diagramm", "diagramme", "graphique", "gráfico", "grafico", "grafici", "figure",
    "fig", "visualization", "visualisation")  # fmt: skip
PICTURE = ("picture", "image", "illustration", "figure", "bild", "bilder", "abbildung", "abbildungen", "imagen",
    "imágene", "immagine", "immagini", "ilustración", "illustrazione")  # fmt: skip
DIAGRAM = ("diagram", "schema", "schaubild", "diagramm", "diagramme", "schéma", "diagrama", "diagramma", "esquema",
    "figure", "fig")  # fmt: skip
DRAWING = ("drawing", "sketch", "blueprint", "zeichnung", "zeichnungen", "skizze", "dessin", "croquis", "dibujo",
    "disegno", "disegni")  # fmt: skip
NAMES: dict[str, tuple[str, ...]] = {
    "bar chart": ("histogram", "histogramm", "histogramme", "istogramma", "histograma", "balkendiagramm",
        "balkendiagramme", "säulendiagramm", "säulendiagramme"),
    "line chart": ("liniendiagramm", "liniendiagramme", "kurvendiagramm", "courbe", "sparkline"),
    "pie chart": ("kreisdiagramm", "kreisdiagramme", "tortendiagramm", "camembert"),
    "donut chart": ("donut", "doughnut", "ringdiagramm", "ringdiagramme"),
    "scatter plot": ("scatterplot", "scattergram", "streudiagramm", "streudiagramme", "punktwolke"),
    "bubble chart": ("blasendiagramm", "blasendiagramme"),
    "radar chart": ("netzdiagramm", "netzdiagramme"),
    "heat map": ("heatmap",),
    "gantt chart": ("gantt", "projektplan", "roadmap"),
    "timeline": ("timeline", "zeitstrahl", "zeitachse", "roadmap", "chronologie", "cronología", "cronologia"),
    "quadrant": ("quadrant", "swot"),
    "flow chart": ("flowchart", "flussdiagramm", "flussdiagramme", "ablaufdiagramm", "ordinogramme", "flujograma"),
    "organisation chart": ("organigram", "organogram", "orgchart", "organigramm", "organigramme", "organigrama",
        "organigramma"),
    "venn diagram": ("venn", "mengendiagramm"),
    "diagram": (),
    "table": ("table", "tabelle", "tabellen", "tableau", "tableaux", "tabla", "tabella"),
    "photo": ("photo", "photograph", "foto", "photographie", "fotografie", "fotografia", "fotografía"),
    "illustration": ("cartoon", "clipart", "infographic", *DRAWING),
    "map": ("map", "karte", "karten", "landkarte", "stadtplan", "carte", "mapa", "mappa", "mappe"),
    "drawing": DRAWING,
    "screenshot": ("screenshot", "screen", "bildschirmfoto", "bildschirm", "écran", "pantalla", "schermata"),
    "logo": ("logo", "logotype", "emblem", "emblema", "wappen"),
    "signature": ("signature", "signed", "unterschrift", "unterschriften", "unterzeichnet", "signé", "firma", "firmado",
        "firmato"),
    "stamp": ("stamp", "stamped", "stempel", "gestempelt", "tampon", "cachet", "sello", "timbro", "seal"),
    "sign": ("pictogram", "piktogramm", "pictogramme", "pictograma", "pittogramma", "warnschild", "warnzeichen",
        "warndreieck", "verkehrszeichen", "icon"),
    "barcode": ("barcode", "strichcode", "qr", "datamatrix"),
    "equation": ("equation", "formula", "gleichung", "gleichungen", "formel", "formeln", "équation", "formule",
        "ecuación", "fórmula", "equazione", "integral"),
    "code": ("listing", "quelltext", "quellcode"),
    "form": ("form", "formular", "formulare", "formulaire", "formulario", "modulo", "vordruck"),
    "handwriting": ("handwriting", "handwritten", "handschrift", "handschriftlich", "manuscript", "manuscrit",
        "manuscrito", "manoscritto"),
}  # fmt: skip
"""Words that alone name what a figure is."""
FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "chart": (CHART, ("bar chart", "line chart", "pie chart", "donut chart", "scatter plot", "bubble chart",
        "radar chart", "heat map", "gantt chart")),
    "diagram": (DIAGRAM, ("diagram", "flow chart", "organisation chart", "venn diagram", "timeline", "quadrant",
        "gantt chart")),
    "picture": (PICTURE, ("photo", "illustration", "drawing", "map", "screenshot")),
}  # fmt: skip
"""Words that name a kind of many, and the kinds: what is surely one of them, though not which, is found too."""
PAGES: dict[str, tuple[str, ...]] = {
    "cover": (
        "cover",
        "titelseite",
        "titelblatt",
        "deckblatt",
        "umschlag",
        "couverture",
        "portada",
        "copertina",
        "capa",
        "okładka",
        "обложка",
    ),
    "slide": ("slide", "folie", "diapositive", "diapositiva", "slajd", "слайд"),
    "poster": ("poster", "flyer", "leaflet", "plakat", "affiche", "cartel", "manifesto", "cartaz", "плакат"),
    "letter": (
        "letter",
        "letterhead",
        "correspondence",
        "brief",
        "briefkopf",
        "schreiben",
        "lettre",
        "carta",
        "lettera",
        "письмо",
    ),
    "invoice": ("invoice", "rechnung", "facture", "factura", "fattura", "fatura", "faktura", "счёт"),
    "receipt": ("receipt", "quittung", "kassenbon", "recibo", "scontrino", "ricevuta", "paragon", "чек"),
    "certificate": ("certificate", "diploma", "zertifikat", "urkunde", "certificat", "certificado", "certificato"),
    "newsletter": (
        "newsletter",
        "bulletin",
        "newspaper",
        "magazine",
        "zeitung",
        "rundbrief",
        "journal",
        "periódico",
        "giornale",
        "газета",
    ),
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
COLOURED = ("box", "boxe", "background", "header", "footer", "banner", "label", "lamp", "bar", "line", "stripe",
    "light", "sign", "triangle", "circle", "square", "arrow", "frame", "border", "heading", "page", "paper", "text",
    "dot", "button", "colour", "color")  # fmt: skip
HOLDERS = ("page", "seite", "seiten", "página", "pagina", "pagine")
"""What holds a picture: "page with a map" asks for the map, and for no word "page"."""
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bar chart": (("bar", "column", "stacked", "barre", "barra", "waterfall"), CHART),
    "line chart": (("line", "curve", "trend", "ligne", "courbe", "línea", "linea"), CHART),
    "pie chart": (("pie", "circular", "torta"), CHART),
    "donut chart": (("donut", "doughnut", "ring", "anneau", "anillo"), (*CHART, "diagram")),
    "scatter plot": (("scatter", "dispersion", "dispersión", "nuage"), (*CHART, "diagram")),
    "bubble chart": (("bubble", "bulle", "burbuja"), (*CHART, "diagram")),
    "radar chart": (("radar", "spider", "web", "star"), (*CHART, "diagram")),
    "heat map": (("heat",), ("map", "matrix")),
    "gantt chart": (("gantt", "schedule", "project"), (*CHART, "schedule", "plan", "bar", "timeline")),
    "timeline": (("time", "history", "milestone", "event"), ("line", "milestone", "history", "timeline")),
    "quadrant": (("quadrant", "four", "2x2", "effort", "priority", "risk", "swot"),
        ("diagram", "quadrant", "matrix", "grid")),
    "flow chart": (("flow", "process", "workflow", "decision"), ("diagram", "chart", "diagramm", "tree")),
    "organisation chart": (("organization", "organisation", "organizational", "organisational", "org", "hierarchy",
        "tree"), ("diagram", "chart", "diagramm", "structure")),
    "venn diagram": (("venn", "overlapping"), ("diagram", "diagramm", "circle")),
    "sign": (("warning", "safety", "hazard", "exclamation", "danger", "prohibition", "traffic", "warn"),
        ("sign", "triangle", "symbol", "pictogram", "icon", "mark", "stripe")),
    "barcode": (("bar", "qr"), ("code",)),
}  # fmt: skip
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
"""The words of all figures, which exclude each other, ..."""
FAMILY = tuple(MARK + f"any {name}" for name in FAMILIES)
"""... and of their families, each of which is the sum of its kinds."""
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

    >>> shown_by(["table"]), shown_by(["pie"]), shown_by(["chart"])
    ({'table': ('◆table',)}, {}, {'chart': ('◆any chart',)})
    >>> shown_by(["pie", "chart"])
    {'pie': ('◆pie chart',), 'chart': ('◆pie chart',)}
    >>> shown_by(["yellow", "poster"]), shown_by(["yellow", "card"])
    ({'yellow': ('◆colour yellow',), 'poster': ('◆page poster',)}, {})
    """
    kinds, pages = _told(KINDS, query), _told(PAGE_KINDS, query)
    found: dict[str, tuple[str, ...]] = {}
    for word in query:
        # In "line chart" a chart is a line chart, no other.
        figures = kinds.get(word, []) or [f"any {name}" for name in _FAMILIES.get(word, ())]
        figures = [*_FIGURES.get(word, ()), *figures]
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
_FAMILIES = _by_word({name: words for name, (words, _) in FAMILIES.items()})
