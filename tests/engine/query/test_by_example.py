from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.query import by_example
from docsearch.engine.records import U8, Hit, PageRef, QueryVectors
from docsearch.engine.searcher import Query, Searcher, open_index
from toy_words import ToyEncoder

COMMON = 0
"""A word that every page has, as print has "the"."""


class SeeingToy(ToyEncoder):
    """Sees the words whose numbers are the pixels of a picture."""

    spec = replace(toy_words.SPEC, alike=(0.5, 0.9))

    def encode_image_queries(self, images: list[U8]) -> list[QueryVectors]:
        vectors = [toy_words.directions()[image.reshape(-1)] for image in images]
        return [by_example.of_patches(v, self.code.query_vector(v, np.ones(len(v))), self.spec.alike) for v in vectors]


@pytest.fixture
def searcher(tmp_path: Path) -> Searcher:
    near = [COMMON, 20, 21, 22, 23]
    pages = {
        "a.pdf": [[COMMON, 20, 21, 22, 40], [COMMON, 50]],
        "b.pdf": [near, [COMMON, 40, 60]],
        "other.pdf": [[COMMON, 100 + n, 130 + n] for n in range(20)],
    }
    toy_words.write(tmp_path / "index", pages)
    return open_index(tmp_path / "index", encoder=SeeingToy())


def places(hits: list[Hit]) -> list[tuple[str, int]]:
    return [(hit.ref.path, hit.ref.page) for hit in hits]


def ref(searcher: Searcher, path: str, page: int) -> PageRef:
    return PageRef(searcher.snapshot.documents()[path].id, path, page)


@pytest.mark.parametrize("how", [{}, {"exact": True}, {"candidates": 5}])
def test_the_page_that_shares_the_rare_words_comes_first_and_never_the_page_itself(
    searcher: Searcher, how: dict[str, int]
) -> None:
    hits = searcher.more_like(ref(searcher, "a.pdf", 1), **how)
    assert places(hits)[:2] == [("b.pdf", 1), ("b.pdf", 2)]
    assert ("a.pdf", 1) not in places(hits)
    assert 0.3 < hits[0].score <= 1


def test_only_what_lies_in_the_box_is_looked_for(searcher: Searcher) -> None:
    x0, y0, x1, y1 = toy_words.line_of_boxes(5)[4] / 65535
    hits = searcher.more_like(ref(searcher, "a.pdf", 1), (x0, y0, x1, y1))
    assert places(hits) == [("b.pdf", 2)]
    with pytest.raises(UsageError, match="nothing on this part"):
        searcher.more_like(ref(searcher, "a.pdf", 1), (0.9, 0.9, 1, 1))


def test_a_first_page_lends_its_words_to_no_other(searcher: Searcher) -> None:
    x0, y0, x1, y1 = toy_words.line_of_boxes(5)[1] / 65535
    assert places(searcher.more_like(ref(searcher, "a.pdf", 1), (x0, y0, x1, y1))) == [("b.pdf", 1)]


def test_a_path_filters_what_is_like_a_page(searcher: Searcher) -> None:
    assert places(searcher.more_like(ref(searcher, "a.pdf", 1), path="other.pdf", k=1))[0][0] == "other.pdf"


def test_a_page_that_is_not_there_is_refused(searcher: Searcher) -> None:
    with pytest.raises(UsageError, match="not in this index"):
        searcher.more_like(ref(searcher, "a.pdf", 9))


def test_pages_like_several_ones_are_found_in_one_batch_as_alone(searcher: Searcher) -> None:
    refs = [ref(searcher, "a.pdf", 1), ref(searcher, "b.pdf", 2), ref(searcher, "a.pdf", 1)]
    asked = [Query("", "", like=by_example.Region(each)) for each in refs]
    together = [hits for _, hits in searcher.search_many([*asked, Query("", "w40")])]
    assert together[:3] == [searcher.more_like(each) for each in refs]
    assert together[3] == searcher.search("w40")


def test_common_patches_weigh_less_and_each_is_asked_for_once(searcher: Searcher) -> None:
    vectors = toy_words.directions()[[COMMON, 20, 20, 250]]
    query = by_example.of_patches(vectors, np.zeros(toy_words.WIDTH, np.float32), (0.5, 0.9))
    telling = by_example.telling(searcher.snapshot, query, ToyEncoder().code)
    assert len(telling.weights) == 3
    assert telling.weights.sum() == pytest.approx(1)
    common, rare, unknown = telling.weights
    assert common < 0.2 * rare < 0.2 * unknown


def test_of_many_patches_the_rarest_are_kept(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "KEPT", 2)
    vectors = toy_words.directions()[[COMMON, 20, 250]]
    query = by_example.of_patches(vectors, np.zeros(toy_words.WIDTH, np.float32), (0.5, 0.9))
    telling = by_example.telling(searcher.snapshot, query, None)
    np.testing.assert_array_equal(telling.vectors, vectors[1:])


def test_patches_that_stand_for_the_whole_page_lie_nowhere() -> None:
    boxes = np.array([[0, 0, 65535, 65535], [0, 0, 20000, 20000], [40000, 0, 65535, 65535]], np.uint16)
    assert by_example.inside(boxes, None).tolist() == [1, 2]
    assert by_example.inside(boxes, (0, 0, 0.5, 0.5)).tolist() == [1]
    assert by_example.inside(boxes, (0, 0, 1, 1)).tolist() == [1, 2]
    assert by_example.inside(boxes[:1], None).tolist() == [0]


def test_a_picture_is_looked_for_by_its_patches(searcher: Searcher) -> None:
    hits = searcher.search("", image=np.array([[20, 21, 22, COMMON]], np.uint8))
    assert set(places(hits)[:2]) == {("a.pdf", 1), ("b.pdf", 1)}
    with pytest.raises(UsageError, match="nothing on the picture"):
        searcher.search("", image=np.zeros((0, 0), np.uint8))


@pytest.mark.parametrize("how", [{}, {"candidates": 5}])
def test_words_and_a_picture_count_alike_together(searcher: Searcher, how: dict[str, int]) -> None:
    """Words keep their floor and ceiling, patches have their own."""
    picture = np.array([[20, 21, 22]], np.uint8)
    hits = searcher.search("w40", image=picture, **how)
    assert places(hits)[0] == ("a.pdf", 1)
    assert hits[0].score == pytest.approx(1, abs=0.05)
    assert {("b.pdf", 1), ("b.pdf", 2)} <= set(places(hits))
    only_picture = next(hit for hit in hits if (hit.ref.path, hit.ref.page) == ("b.pdf", 1))
    assert only_picture.score == pytest.approx(0.5, abs=0.05)
