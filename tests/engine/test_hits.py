"""The list of hits: a list, its repr, its notebook view, and pickling."""

from __future__ import annotations

import base64
import io
import pickle
import re

import numpy as np
from PIL import Image

from docsearch.engine.errors import UsageError
from docsearch.engine.hits import PICTURES_MAX, Hits
from docsearch.engine.printable import also_at
from docsearch.engine.records import U8, Hit, PageRef

TWO = [Hit(PageRef("1", "a & <b>.pdf", 3), 0.5, 1), Hit(PageRef("2", "c.pdf", 1), 0.25, 2)]


def page(hit: Hit) -> U8:
    return np.full((1200, 900, 3), 255 - hit.rank, np.uint8)


def nowhere(hit: Hit) -> U8:
    raise UsageError(f"{hit.ref.path} has <gone>")


def test_hits_are_the_list_they_were_made_of() -> None:
    hits = Hits(TWO, "q", page)
    assert hits == TWO
    assert isinstance(hits, list)
    assert hits[0] is TWO[0]
    assert hits[:1] == TWO[:1]
    assert isinstance(hits[:1], Hits)
    assert "<figure" in hits[:1]._repr_html_()


def test_pickled_hits_leave_their_index_behind() -> None:
    again = pickle.loads(pickle.dumps(Hits(TWO, "q", page)))
    assert (type(again), again, again.text) == (Hits, TWO, "q")
    assert "<figure" not in again._repr_html_()


def test_repr_names_the_query_and_the_pages() -> None:
    assert repr(Hits(TWO, "a question")).splitlines() == [
        "2 hits for 'a question'",
        "   1  0.500  a & <b>.pdf  page 3",
        "   2  0.250  c.pdf        page 1",
    ]
    assert repr(Hits()) == "0 hits"


ALSO = Hit(PageRef("1", "a.pdf", 3), 0.5, 1, tuple(f"<{i}>/a\x07.pdf" for i in range(1005)))


def test_repr_and_html_say_where_else_a_hit_is() -> None:
    assert also_at(()) == ""
    assert also_at(("b.pdf",)) == "also at b.pdf"
    assert repr(Hits([ALSO, TWO[1]])).splitlines()[1:] == [
        r"   1  0.500  a.pdf  page 3  (also at <0>/a\x07.pdf, <1>/a\x07.pdf, <2>/a\x07.pdf and 1,002 more)",
        "   2  0.250  c.pdf  page 1",
    ]
    for html in (Hits([ALSO], "q", page)._repr_html_(), Hits([ALSO])._repr_html_()):
        assert r"also at &lt;0&gt;/a\x07.pdf" in html
    assert "also at" not in Hits(TWO, "q", page)._repr_html_()


def test_html_embeds_a_small_picture_of_each_page_and_loads_nothing() -> None:
    html = Hits(TWO, "<script>", page)._repr_html_()
    sources = re.findall(r'src="([^"]*)"', html)
    assert len(sources) == 2
    for source, hit in zip(sources, TWO, strict=True):
        head, data = source.split(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            assert picture.size == (400, 533)
            assert abs(picture.convert("L").getpixel((9, 9)) - (255 - hit.rank)) <= 1
    assert not re.search(r"https?:|<script", html)
    assert "a &amp; &lt;b&gt;.pdf" in html


def test_html_is_a_table_where_pages_cannot_be_drawn() -> None:
    html = Hits(TWO, "q", nowhere)._repr_html_()
    assert "<img" not in html
    assert html.count("<tr>") == 3
    assert "has &lt;gone&gt;" in html
    assert "<table" in Hits(TWO)._repr_html_()
    assert "0 hits" in Hits([], "q")._repr_html_()


def test_only_the_first_hits_are_drawn() -> None:
    drawn = []
    many = [Hit(PageRef(str(i), "a.pdf", i), 0.5, i) for i in range(1, 41)]
    html = Hits(many, "q", lambda hit: drawn.append(hit.rank) or page(hit))._repr_html_()
    assert drawn == list(range(1, PICTURES_MAX + 1))
    assert html.count("<tr>") == 1 + 40 - PICTURES_MAX
