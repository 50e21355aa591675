"""The text index: BM25 as a library computes it, in parts that grow with the index, whatever their order."""

from __future__ import annotations

import shutil
from pathlib import Path

import bm25s
import numpy as np
import pytest

import toy_words
from docsearch.engine.query.terms import terms_of
from docsearch.engine.retrieval import text_index
from docsearch.engine.retrieval.text_index import TextIndex
from docsearch.engine.store import open_snapshot, open_writer

VOCABULARY = [f"term{i}" for i in range(60)]
QUESTIONS = [["term0"], ["term1", "term59"], VOCABULARY[:12], ["unknown"], ["term3", "unknown"]]


def random_texts(pages: int, seed: int) -> list[str]:
    """Texts of 0 to 40 words; the first words are frequent, the last ones rare."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(VOCABULARY) + 1)
    return [" ".join(rng.choice(VOCABULARY, rng.integers(0, 40), p=share / share.sum())) for _ in range(pages)]


def add(directory: Path, name: str, texts: list[str]) -> None:
    """Commit a document, in a segment of its own."""
    toy_words.write(directory, {name: [[1]] * len(texts)}, texts={name: texts})


def scores(index: TextIndex, terms: list[str]) -> np.ndarray:
    return index.scores([index.look_up(term) for term in terms])


def parts(directory: Path) -> list[str]:
    return sorted(folder.name for folder in (directory / "cache").glob("texts-*"))


@pytest.mark.parametrize("terms", QUESTIONS)
def test_scores_are_bm25(tmp_path: Path, terms: list[str]) -> None:
    texts = random_texts(80, seed=1)
    add(tmp_path, "a.pdf", texts)
    held = [terms_of(text) for text in texts if text]  # a page without text is none of its pages
    reference = bm25s.BM25(method="lucene", k1=text_index.K1, b=text_index.B)
    reference.index(held, show_progress=False)
    expected = np.zeros(len(texts))
    known = [term for term in terms if any(term in each for each in held)]
    if known:
        expected[[bool(text) for text in texts]] = reference.get_scores(known)
    with open_snapshot(tmp_path) as snapshot:
        index = TextIndex(snapshot)
        most = sum(index.look_up(term).idf for term in terms)
        np.testing.assert_allclose(scores(index, terms) * most, expected, rtol=1e-5, atol=1e-6)
        assert scores(index, terms).max() <= 1


def test_the_history_of_an_index_does_not_matter(tmp_path: Path) -> None:
    documents = {"a.pdf": random_texts(300, 8)}
    documents |= {f"{name}.pdf": random_texts(9, seed) for seed, name in enumerate("bcdef")}
    for name, texts in documents.items():
        add(tmp_path / "slowly", name, texts)
        with open_snapshot(tmp_path / "slowly") as snapshot:
            TextIndex(snapshot)
    add(tmp_path / "slowly", "gone.pdf", random_texts(60, 99))
    with open_snapshot(tmp_path / "slowly") as snapshot:
        TextIndex(snapshot)
    with open_writer(tmp_path / "slowly", fingerprint=toy_words.SPEC.fingerprint) as writer:
        writer.remove(["gone.pdf"])
    pages = {name: [[1]] * len(texts) for name, texts in documents.items()}
    toy_words.write(tmp_path / "at-once", pages, texts=documents)
    with open_snapshot(tmp_path / "slowly") as one, open_snapshot(tmp_path / "at-once") as other:
        ours, theirs = TextIndex(one), TextIndex(other)
        assert len(parts(tmp_path / "slowly")) > 1
        for terms in QUESTIONS:
            a, b = (scores(index, terms)[np.argsort(index_of)] for index, index_of in
                    ((ours, one.page_order()), (theirs, other.page_order())))  # fmt: skip
            np.testing.assert_array_equal(a, b)


def test_parts_are_kept_and_read_again(tmp_path: Path) -> None:
    add(tmp_path, "a.pdf", random_texts(20, seed=3))
    with open_snapshot(tmp_path) as snapshot:
        first = scores(TextIndex(snapshot), VOCABULARY)
        assert len(parts(tmp_path)) == 1
        again = TextIndex(snapshot)
        assert again._parts[0].files
        np.testing.assert_array_equal(scores(again, VOCABULARY), first)


def test_damaged_parts_are_made_again(tmp_path: Path) -> None:
    add(tmp_path, "a.pdf", random_texts(20, seed=3))
    with open_snapshot(tmp_path) as snapshot:
        expected = scores(TextIndex(snapshot), VOCABULARY)
        for file in sorted((tmp_path / "cache" / parts(tmp_path)[0]).iterdir()):
            content = file.read_bytes()
            for at in (len(content) // 2, len(content) - 1):
                file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
                np.testing.assert_array_equal(scores(TextIndex(snapshot), VOCABULARY), expected)
                content = file.read_bytes()


def test_damage_found_while_answering(tmp_path: Path) -> None:
    add(tmp_path, "a.pdf", random_texts(20, seed=3))
    with open_snapshot(tmp_path) as snapshot:
        expected = scores(TextIndex(snapshot), VOCABULARY)
        index = TextIndex(snapshot)
        for file in index._parts[0].files:
            file._is_verified[:], file.is_whole = False, False
            file._checksums = file._checksums ^ 1
        np.testing.assert_array_equal(scores(index, VOCABULARY), expected)


def test_an_index_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, "a.pdf", random_texts(20, seed=3))
    with open_snapshot(tmp_path) as snapshot:
        expected = scores(TextIndex(snapshot), VOCABULARY)
        shutil.rmtree(tmp_path / "cache")
        (tmp_path / "cache").write_text("not a folder")
        np.testing.assert_array_equal(scores(TextIndex(snapshot), VOCABULARY), expected)


def test_pages_without_text(tmp_path: Path) -> None:
    add(tmp_path, "a.pdf", ["", "term1 term2", "", "   "])
    with open_snapshot(tmp_path) as snapshot:
        index = TextIndex(snapshot)
        assert index.lengths.tolist() == [0, 2, 0, 0]
        assert scores(index, ["term1"]).tolist()[::2] == [0, 0]


def test_terms_at_the_beginning_of_a_page(tmp_path: Path) -> None:
    long = ["first", *["filler"] * text_index.OPENING_TERMS, "last"]
    add(tmp_path, "a.pdf", [" ".join(long), "last"])
    with open_snapshot(tmp_path) as snapshot:
        index = TextIndex(snapshot)
        assert index.look_up("first").begins.tolist() == [True]
        last = index.look_up("last")
        assert dict(zip(last.rows.tolist(), last.begins.tolist(), strict=True)) == {0: False, 1: True}
        assert index.look_up("filler").counts.tolist() == [text_index.OPENING_TERMS]


def test_counts_above_the_most_that_is_stored(tmp_path: Path) -> None:
    add(tmp_path, "a.pdf", [" ".join(["often"] * 1000), "once often"])
    with open_snapshot(tmp_path) as snapshot:
        assert TextIndex(snapshot).look_up("often").counts.tolist() == [text_index.COUNT_MAX, 1]
