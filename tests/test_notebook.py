"""Hits in a notebook: they display their pages with heat maps, or a table where the documents are missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import docsearch


def test_hits_display_their_pages_with_the_heat_map(sample_index: Path) -> None:
    with docsearch.open_index(sample_index) as index:
        hits = index.search("revenue chart 2023", k=3)
        assert isinstance(hits, docsearch.Hits)
        html = hits._repr_html_()
        other = index.search("revenue", path=hits[0].ref.path, k=1)
        assert html.count("<img") == 3
        assert html.count(hits[0].ref.path) >= 2
        assert other._repr_html_() != hits[:1]._repr_html_()
    assert "index was closed" in hits._repr_html_()
    assert "<img" not in hits._repr_html_()


def test_hits_of_missing_documents_display_as_a_table(sample_index: Path, tmp_path: Path) -> None:
    index = shutil.copytree(sample_index, tmp_path / "index")
    (index / "roots.json").write_text("[]", "ascii")
    with docsearch.open_index(index) as opened:
        html = opened.search("revenue chart 2023", k=3)._repr_html_()
    assert "<img" not in html
    assert html.count("<tr>") == 4
    assert "not where it was indexed" in html


def test_a_notebook_shows_small_pictures_and_a_hit_its_page_in_full(sample_index: Path) -> None:
    with docsearch.open_index(sample_index) as index:
        hits = index.search("revenue chart 2023", k=1)
        assert index.pictures is not None
        thumbnails = index.pictures.thumbnails
        assert hits._repr_html_().count("<img") == 1
        assert thumbnails.pixels(hits[0].ref).shape[1] * 2 < hits[0].image().width
        assert thumbnails.thumbnails is thumbnails
        similar = index.more_like(hits[0].ref, k=1)
        assert similar._repr_html_().count("<img") == 1
