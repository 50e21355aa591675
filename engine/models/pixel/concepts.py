"""Concepts: kinds of figures and pages, and colours, that the model detects and that query words name.

Each concept is a word of the model's vocabulary with a vector of its own; a query word that names it is expanded by it.
"""

from __future__ import annotations

from collections.abc import Collection

MARK = "◆"
"""First character of a concept; no word of a text begins with it."""
CHART = ("chart", "graph", "plot", "diagramm", "diagramme", "graphique", "gráfico", "grafico", "grafici", "figure",
    "fig", "visualization", "visualisation")  # fmt: skip
PICTURE = ("picture", "image", "illustration", "figure", "bild", "bilder", "abbildung", "abbildungen", "imagen",
    "imágene", "immagine", "immagini", "ilustración", "illustrazione")  # fmt: skip
DIAGRAM = ("diagram", "schema", "schaubild", "diagramm", "diagramme", "schéma", "diagrama", "diagramma", "esquema",
    "figure", "fig")  # fmt: skip
DRAWING = ("drawing", "sketch", "blueprint", "schematic", "zeichnung", "zeichnungen", "skizze", "dessin", "croquis",
    "dibujo", "disegno", "disegni")  # fmt: skip
FIGURE_NAMES: dict[str, tuple[str, ...]] = {
    "bar chart": ("histogram", "histogramm", "histogramme", "istogramma", "histograma", "balkendiagramm",
        "balkendiagramme", "säulendiagramm", "säulendiagramme"),
    "line chart": ("liniendiagramm", "liniendiagramme", "kurvendiagramm", "courbe", "sparkline", "curve"),
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
    "photo": ("photo", "photograph", "foto", "photographie", "fotografie", "fotografia", "fotografía", "portrait",
        "headshot", "snapshot", "micrograph", "microscopy", "porträt", "retrato", "ritratto"),
    "illustration": ("cartoon", "clipart", "infographic", "engraving", "woodcut", "mascot", "emoji", "comic",
        "caricature", "painting", "watercolour", "watercolor", "karikatur", "gravure", *DRAWING),
    "map": ("map", "karte", "karten", "landkarte", "stadtplan", "carte", "mapa", "mappa", "mappe"),
    "drawing": DRAWING,
    "screenshot": ("screenshot", "screen", "toolbar", "wireframe", "mockup",
        "bildschirmfoto", "bildschirm", "écran", "pantalla", "schermata"),
    "logo": ("logo", "logotype", "emblem", "emblema", "wappen", "crest", "insignia", "monogram"),
    "signature": ("signature", "signed", "unterschrift", "unterschriften", "unterzeichnet", "signé", "firma", "firmado",
        "firmato"),
    "stamp": ("stamp", "stamped", "stempel", "gestempelt", "tampon", "cachet", "sello", "timbro", "seal"),
    "sign": ("pictogram", "piktogramm", "pictogramme", "pictograma", "pittogramma", "warnschild", "warnzeichen",
        "warndreieck", "verkehrszeichen", "icon"),
    "barcode": ("barcode", "strichcode", "qr", "qrcode", "datamatrix"),
    "equation": ("equation", "formula", "gleichung", "gleichungen", "formel", "formeln", "équation", "formule",
        "ecuación", "fórmula", "equazione", "integral"),
    "code": ("listing", "quelltext", "quellcode"),
    "form": ("form", "formular", "formulare", "formulaire", "formulario", "modulo", "vordruck"),
    "handwriting": ("handwriting", "handwritten", "handschrift", "handschriftlich", "manuscript", "manuscrit",
        "manuscrito", "manoscritto", "scribble"),
}  # fmt: skip
"""Kinds of figures, and the words that name each by themselves."""
FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "chart": (CHART, ("bar chart", "line chart", "pie chart", "donut chart", "scatter plot", "bubble chart",
        "radar chart", "heat map", "gantt chart")),
    "diagram": (DIAGRAM, ("diagram", "flow chart", "organisation chart", "venn diagram", "timeline", "quadrant",
        "gantt chart")),
    "picture": (PICTURE, ("photo", "illustration", "drawing", "map", "screenshot")),
}  # fmt: skip
"""Families of figures: the words that name each, and its kinds. A figure that is surely one of these matches,
even if it is uncertain which.
"""
PAGE_NAMES: dict[str, tuple[str, ...]] = {
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
    "poster": (
        "poster",
        "flyer",
        "leaflet",
        "brochure",
        "advertisement",
        "plakat",
        "affiche",
        "cartel",
        "manifesto",
        "cartaz",
        "плакат",
    ),
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
"""Kinds of whole pages, and the words that name each by themselves."""
COLOUR_NAMES: dict[str, tuple[str, ...]] = {
    "red": ("red", "rot", "rote", "rouge", "rojo", "roja", "rosso", "vermelho", "czerwony", "красный"),
    "orange": ("orange", "naranja", "arancione", "laranja"),
    "yellow": ("yellow", "gelb", "gelbe", "gelber", "jaune", "amarillo", "giallo", "amarelo", "żółty", "жёлтый"),
    "green": ("green", "grün", "grüne", "grüner", "vert", "verte", "verde", "zielony", "зелёный"),
    "blue": ("blue", "blau", "blaue", "blauer", "bleu", "bleue", "azul", "blu", "niebieski", "синий"),
    "purple": ("purple", "violet", "lila", "violett", "morado", "viola", "roxo"),
    "pink": ("pink", "magenta", "rosa", "rose"),
}
"""Colours, and the words that name each, beside a word for something that has a colour: not in "green bond"."""
COLOURABLE = ("box", "boxe", "background", "header", "footer", "banner", "label", "lamp", "bar", "line", "stripe",
    "light", "sign", "triangle", "circle", "square", "arrow", "frame", "border", "heading", "page", "paper", "text",
    "dot", "button", "colour", "color", "ellipse", "sphere", "ball", "point", "row", "column", "shape", "ring",
    "curve", "marker", "panel", "tab", "sidebar")  # fmt: skip
"""Words for things that have a colour, besides those that name a concept."""
CONTAINERS = ("page", "seite", "seiten", "página", "pagina", "pagine")
"""Words for what contains a figure: "page with a map" is a query for maps, not for the word "page"."""
FIGURE_PAIRS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
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
        "tree", "mind"), ("diagram", "chart", "diagramm", "structure", "map")),
    "venn diagram": (("venn", "overlapping"), ("diagram", "diagramm", "circle")),
    "sign": (("warning", "safety", "hazard", "exclamation", "danger", "prohibition", "traffic", "warn"),
        ("sign", "triangle", "symbol", "pictogram", "icon", "mark", "stripe")),
    "barcode": (("bar", "qr"), ("code",)),
}  # fmt: skip
"""Kinds of figures, and pairs of words that name each together, one from either half: "line chart" is one,
"product line" is not.
"""
PAGE_PAIRS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cover": (("front", "title"), ("page", "slide")),
    "slide": (("title",), ("slide",)),
    "article": (("scientific", "research", "journal"), ("article", "paper", "publication")),
    "newsletter": (("newspaper", "magazine"), ("article", "page")),
    "contents": (("table", "list"), ("content",)),
    "references": (("list", "cited", "literature"), ("reference", "literature", "source", "cited")),
    "plan": (("floor", "site", "room", "building"), ("plan", "layout")),
    "receipt": (("till", "shop", "sale", "cash"), ("slip", "receipt")),
}
"""As FIGURE_PAIRS, for whole pages."""
FIGURE_CONCEPTS = tuple(MARK + name for name in FIGURE_NAMES)
"""Kinds of figures, which exclude each other."""
FAMILY_CONCEPTS = tuple(MARK + f"any {name}" for name in FAMILIES)
"""Families of figures; the probability of each is the sum of those of its kinds."""
PAGE_CONCEPTS = tuple(MARK + f"page {name}" for name in dict.fromkeys((*PAGE_NAMES, *PAGE_PAIRS)))
"""Kinds of whole pages, in the order of the outputs of the head for pages."""
COLOUR_CONCEPTS = tuple(MARK + f"colour {name}" for name in COLOUR_NAMES)
"""Colours."""


def is_concept(word: str) -> bool:
    """Whether a word of the model's vocabulary is a concept.

    >>> is_concept("◆bar chart"), is_concept("chart")
    (True, False)
    """
    return word.startswith(MARK)


def named_concepts(query: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The concepts that each word of a query, in normal form, names, for the words that name any.

    >>> named_concepts(["table"]), named_concepts(["pie"]), named_concepts(["chart"])
    ({'table': ('◆table',)}, {}, {'chart': ('◆any chart',)})
    >>> named_concepts(["pie", "chart"])
    {'pie': ('◆pie chart',), 'chart': ('◆pie chart',)}
    >>> named_concepts(["yellow", "poster"]), named_concepts(["yellow", "card"])
    ({'yellow': ('◆colour yellow',), 'poster': ('◆page poster',)}, {})
    """
    figure_pairs, page_pairs = _named_by_pairs(FIGURE_PAIRS, query), _named_by_pairs(PAGE_PAIRS, query)
    found: dict[str, tuple[str, ...]] = {}
    for word in query:
        # In "line chart", "chart" names line charts only, not the whole family.
        figures = figure_pairs.get(word, []) or [f"any {name}" for name in _FAMILIES.get(word, ())]
        figures = [*_FIGURES.get(word, ()), *figures]
        pages = [*_PAGES.get(word, ()), *page_pairs.get(word, ())]
        named = [*(MARK + name for name in figures), *(MARK + f"page {name}" for name in pages)]
        if named:
            found[word] = tuple(dict.fromkeys(named))
    colourable = {word for word in query if word in found or word in COLOURABLE}
    for word in query:
        if word in _COLOURS and colourable - {word}:
            found[word] = (*found.get(word, ()), *(MARK + f"colour {name}" for name in _COLOURS[word]))
    return {word: found[word] for word in query if word in found}


def is_colour(concept: str) -> bool:
    """Whether a concept is a colour.

    >>> is_colour("◆colour red"), is_colour("◆photo")
    (True, False)
    """
    return concept in COLOUR_CONCEPTS


def is_colour_word(word: str) -> bool:
    """Whether a word, in normal form, is the name of a colour.

    >>> is_colour_word("blue"), is_colour_word("sky")
    (True, False)
    """
    return word in _COLOURS


def described_concepts(query: Collection[str]) -> list[tuple[str, ...]]:
    """The kinds that the words of a query, in normal form, describe a picture by: for each term those that it names.

    Beside the name of a kind every colour counts, also of a thing that is no concept. Kinds come before colours.

    >>> described_concepts(["photo", "of", "a", "red", "car"])
    [('◆photo',), ('◆colour red',)]
    >>> described_concepts(["bar", "chart"]), described_concepts(["red", "car"])
    ([('◆bar chart',)], [])
    """
    named = named_concepts(query)
    kinds = [tuple(sorted(name for name in names if not is_colour(name))) for names in named.values()]
    colours = [(name,) for names in named.values() for name in names if is_colour(name)]
    if any(kinds):
        colours = [(MARK + f"colour {name}",) for word in query for name in _COLOURS.get(word, ())]
    return [names for names in dict.fromkeys((*kinds, *colours)) if names]


def _named_by_pairs(
    pairs: dict[str, tuple[tuple[str, ...], tuple[str, ...]]], query: Collection[str]
) -> dict[str, list[str]]:
    """The kinds that each word of a query names together with another word, which is from the other half."""
    named: dict[str, list[str]] = {}
    for kind, halves in pairs.items():
        left, right = ([word for word in dict.fromkeys(query) if word in half] for half in halves)
        for own, partners in ((left, right), (right, left)):
            for word in own:
                if any(partner != word for partner in partners):
                    named.setdefault(word, []).append(kind)
    return named


def _by_word(names: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """The inverse of a table of names: the kinds that each word names."""
    kinds: dict[str, list[str]] = {}
    for kind, words in names.items():
        for word in words:
            kinds.setdefault(word, []).append(kind)
    return kinds


_FIGURES, _PAGES, _COLOURS = _by_word(FIGURE_NAMES), _by_word(PAGE_NAMES), _by_word(COLOUR_NAMES)
_FAMILIES = _by_word({name: words for name, (words, _) in FAMILIES.items()})
