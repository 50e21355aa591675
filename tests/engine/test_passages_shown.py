"""What hits that were found by meaning show: the nearest passage of the page, in snippets and in heat maps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_cross_language import PAGES, WordsEncoder, set_cross_language
from toy_sentences import ToySentences

import toy_words
from docsearch.engine.models import sentences
from docsearch.engine.records import Mode, PageRef, PageWords
from docsearch.engine.searcher import Searcher, open_searcher

ENGLISH = "what is the {} of this and that which they have"
AFTER = " ".join(ENGLISH.format(f"w{i}") for i in range(20, 60))
QUESTION = "w9 boat"


@pytest.fixture
def searcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Searcher]:
    """Page 1 has a word of the question at its start, and says the rest at its end in another; page 2 has only that."""
    monkeypatch.setattr(sentences, "load_sentence_encoder", lambda name: ToySentences())
    texts = [ENGLISH.format("w1")] * PAGES
    texts[0] = f"w9 {AFTER} schiff schiff schiff"
    texts[1] = f"{AFTER} schiff schiff schiff"
    shown = [[1, 2, 9]] * 2 + [[1, 2, 3]] * (PAGES - 2)
    toy_words.write(tmp_path / "index", {"a.pdf": shown}, texts={"a.pdf": texts})
    set_cross_language(tmp_path / "index", "toy-sentences")
    with open_searcher(tmp_path / "index", encoder=WordsEncoder()) as opened:
        yield opened


def snippet_of(searcher: Searcher, page: int, mode: Mode | None) -> tuple[str, list[str]]:
    """The snippet of a page, and what is marked in it."""
    hits = searcher.search(QUESTION, k=PAGES, mode=mode)
    found = next(hit for hit in hits if hit.ref.page == page).snippet
    assert found is not None
    return found.text, [found.text[start:end] for start, end in found.spans]


def words_of(searcher: Searcher, ref: PageRef) -> PageWords:
    """The words of a page from top to bottom, each on a line of its own."""
    words = tuple(searcher.text(ref).split())
    tops = np.arange(len(words)) / len(words)
    return PageWords(words, np.stack([0 * tops, tops, 0 * tops + 1, tops + 0.5 / len(words)], axis=1).astype("f4"))


def test_the_snippet_is_the_nearest_passage_in_the_mode_semantic(searcher: Searcher) -> None:
    assert snippet_of(searcher, 1, "hybrid")[1] == ["w9"]
    text, marked = snippet_of(searcher, 1, "semantic")
    assert text.startswith("… ")
    assert text.endswith(" schiff schiff schiff")
    assert marked == []


def test_a_page_with_none_of_the_words_shows_the_passage_in_the_mode_hybrid_too(searcher: Searcher) -> None:
    text, marked = snippet_of(searcher, 2, None)
    assert "schiff" in text
    assert marked == []


def test_hits_by_text_or_pictures_show_no_passage(searcher: Searcher) -> None:
    for mode in ("text", "visual"):
        assert "schiff" not in snippet_of(searcher, 1, mode)[0]  # type: ignore[arg-type]


def test_the_lines_of_the_passage_are_told_and_marked(searcher: Searcher) -> None:
    ref = next(hit.ref for hit in searcher.search(QUESTION, k=PAGES, mode="semantic") if hit.ref.page == 1)
    words = words_of(searcher, ref)
    lines = searcher.passage_lines(QUESTION, ref, "semantic", words)
    shown = snippet_of(searcher, 1, "semantic")[0].removeprefix("… ").split()
    assert len(lines) == len(shown)
    np.testing.assert_allclose(lines, words.boxes[-len(shown) :])
    for mode in ("hybrid", "visual", None):
        assert not len(searcher.passage_lines(QUESTION, ref, mode, words))
    assert not len(searcher.passage_lines(QUESTION, ref, "semantic", None))


def test_heat_maps_have_the_passage_in_its_mode_and_not_for_one_word(searcher: Searcher) -> None:
    ref = next(hit.ref for hit in searcher.search(QUESTION, k=PAGES, mode="semantic") if hit.ref.page == 1)
    words = words_of(searcher, ref)
    low = slice(150, 195)  # where the passage ends, of 200 rows

    def marked(mode: Mode, **options: int) -> bool:
        return bool(searcher.overlay(QUESTION, ref, (100, 200), words=words, mode=mode, **options)[low, :, 3].any())

    assert marked("semantic")
    assert not marked("hybrid")
    assert not marked("semantic", word=0)
    page = np.full((200, 100, 3), 255, np.uint8)
    by_meaning, by_words = (searcher.heatmap(QUESTION, ref, page, words=words, mode=m) for m in ("semantic", "hybrid"))
    assert (by_meaning[low] != by_words[low]).any()


def test_an_index_without_passages_shows_what_it_did(tmp_path: Path) -> None:
    toy_words.write(tmp_path / "plain", {"a.pdf": [[9, 2]] * 3}, texts={"a.pdf": [f"{AFTER} schiff"] * 3})
    with open_searcher(tmp_path / "plain", encoder=WordsEncoder()) as opened:
        hit = opened.search(QUESTION, k=1)[0]
        assert hit.snippet is not None
        assert hit.snippet.text.startswith("what is the w20")
        assert not len(opened.passage_lines(QUESTION, hit.ref, None, words_of(opened, hit.ref)))
