"""What is said of an answer besides its hits: confidence, "no good match", and letters that the model does not read."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.confidence import Calibration
from docsearch.engine.hits import Hits
from docsearch.engine.models.pooled import pooled_spec
from docsearch.engine.records import Hit, PageRef, Query, QueryVectors
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder

CALIBRATED = replace(toy_words.SPEC, calibration=Calibration(-4.0, (6.0, 1.0, 1.0, 0.1, 0.5), 0.3))
QUESTIONS = ["w1 w2 w3", "w1 w290", "w5", "w290 w291 w292"]


class CalibratedEncoder(ToyEncoder):
    spec = CALIBRATED


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    pages = {f"{i}.pdf": [rng.choice(200, 20, replace=False).tolist() for _ in range(10)] for i in range(12)}
    index = tmp_path_factory.mktemp("answers") / "index"
    toy_words.write(index, pages | {"a.pdf": [[1, 2, 3], [5]]})
    return index


@pytest.fixture(scope="module")
def searcher(index: Path) -> Iterator[Searcher]:
    with open_searcher(index, encoder=CalibratedEncoder(pairs=True)) as opened:
        yield opened


def confidences(hits: Hits) -> tuple[float | None, bool]:
    return None if hits.confidence is None else round(hits.confidence, 5), hits.no_good_match


def test_the_more_of_a_question_is_found_the_higher_the_confidence(searcher: Searcher) -> None:
    all_of_it, half, none = (searcher.search(text) for text in ("w1 w2 w3", "w1 w290", "w290 w291 w292"))
    assert all_of_it.confidence is not None
    assert half.confidence is not None
    assert none.confidence is not None
    assert all_of_it.confidence > half.confidence > none.confidence
    assert (all_of_it.no_good_match, none.no_good_match) == (False, True)


@pytest.mark.parametrize("text", QUESTIONS)
def test_the_confidence_depends_on_the_question_and_the_collection_alone(searcher: Searcher, text: str) -> None:
    expected = confidences(searcher.search(text))
    assert confidences(searcher.search(text, k=1)) == expected
    assert confidences(searcher.search(text, exact=True)) == expected
    assert confidences(searcher.search(text, candidates=1000)) == expected
    batch = dict(searcher.search_many([Query("", each) for each in reversed(QUESTIONS)]))
    assert confidences(batch[Query("", text)]) == expected


def test_features_for_fitting_are_those_of_the_confidence(searcher: Searcher) -> None:
    hits = searcher.search("w1 w290")
    assert CALIBRATED.calibration is not None
    assert CALIBRATED.calibration.confidence(searcher.best_hit_features("w1 w290", hits[0])) == hits.confidence


def test_models_without_a_calibration_have_no_confidence(index: Path) -> None:
    with open_searcher(index, encoder=ToyEncoder()) as plain:
        assert confidences(plain.search("w290")) == (None, False)
        ((_, nothing),) = plain.search_many(iter([Query("", "")]))
        assert confidences(nothing) == (None, False)
    assert pooled_spec(CALIBRATED, 2).calibration is None  # it was measured without pooling
    assert pooled_spec(CALIBRATED, 1) is CALIBRATED


def test_a_page_as_the_query_has_no_confidence(searcher: Searcher) -> None:
    best = searcher.search("w1 w2 w3")[0]
    hits = searcher.more_like(best.ref)
    assert isinstance(hits, Hits)
    assert confidences(hits) == (None, False)


def test_an_answer_without_hits_is_no_good_match(searcher: Searcher) -> None:
    hits = searcher.search("w1", path="none.pdf")
    assert (list(hits), *confidences(hits)) == ([], 0.0, True)
    ((_, nothing),) = searcher.search_many(iter([Query("", "")]))
    assert (list(nothing), *confidences(nothing)) == ([], 0.0, True)


def test_a_question_in_letters_that_the_model_does_not_read_has_no_confidence_in_its_hits(index: Path) -> None:
    class LatinOnly(CalibratedEncoder):
        spec = replace(CALIBRATED, scripts=("LATIN",))

        def encode_query(self, text: str) -> QueryVectors:
            return super().encode_query(text.replace("数据", "w1"))

    with open_searcher(index, encoder=LatinOnly()) as opened:
        assert opened.search("w1 w2").unread_letters == ""
        some, all_of_it = opened.search("数据 w2"), opened.search("数据")
    assert (some.unread_letters, all_of_it.unread_letters) == ("数据", "数据")
    assert some.confidence
    assert (bool(all_of_it), *confidences(all_of_it)) == (True, 0.0, True)


def test_hits_keep_what_is_known_of_the_answer_when_cut_copied_or_sent_elsewhere() -> None:
    hits = Hits([Hit(PageRef("1", "a.pdf", 1), 0.1, 1)], "q", confidence=0.04, no_good_match=True, unread_letters="数")
    hits = hits.read_as("q", {"数据": "数"}, ["a b"])
    for each in (hits[:1], hits.drawn_by(lambda _: np.zeros((1, 1, 3), np.uint8)), pickle.loads(pickle.dumps(hits))):
        assert each == hits
        assert each.as_dict() == {
            "confidence": 0.04,
            "no_good_match": True,
            "unread_letters": "数",
            "mode": "visual",
            "corrections": {"数据": "数"},
            "missing_phrases": ["a b"],
        }
    heading = repr(hits.read_as("q", {}, [])).splitlines()[0]
    assert heading == "1 hit for 'q'; no good match, these are the closest pages"
    assert repr(Hits()) == "0 hits"
