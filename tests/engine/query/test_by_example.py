"""Query by example: pages, regions and pictures find what shares their rare patches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toy_words
from docsearch.engine.errors import UsageError
from docsearch.engine.query import by_example
from docsearch.engine.records import U8, Hit, PageRef, Query, QueryVectors
from docsearch.engine.searcher import Searcher, open_searcher
from toy_words import ToyEncoder

COMMON = 0
"""A word on every page, like "the"."""
BLANK = 255
"""A pixel without a word."""


class SeeingToy(ToyEncoder):
    """An encoder of pictures, too: the pixels of a picture are the numbers of its words."""

    spec = replace(toy_words.SPEC, match_range=(0.5, 0.9))

    def encode_image_queries(self, images: list[U8]) -> list[QueryVectors]:
        words = [image[image != BLANK].reshape(-1, 3)[:, 0] for image in images]
        vectors = [toy_words.directions()[each] for each in words]
        return [
            by_example.of_patches(v, self.visual_words.query_vector(v, np.ones(len(v))), self.spec.match_range)
            for v in vectors
        ]


@pytest.fixture
def searcher(tmp_path: Path) -> Searcher:
    near = [COMMON, 20, 21, 22, 23]
    pages = {
        "a.pdf": [[COMMON, 20, 21, 22, 40], [COMMON, 50]],
        "b.pdf": [near, [COMMON, 40, 60]],
        "other.pdf": [[COMMON, 100 + n, 130 + n] for n in range(20)],
    }
    toy_words.write(tmp_path / "index", pages)
    return open_searcher(tmp_path / "index", encoder=SeeingToy())


def picture_of(*words: int) -> U8:
    return np.repeat(np.array(words, np.uint8)[None, :, None], 3, axis=2)


def places(hits: list[Hit]) -> list[tuple[str, int]]:
    return [(hit.ref.path, hit.ref.page) for hit in hits]


def ref(searcher: Searcher, path: str, page: int) -> PageRef:
    return PageRef(searcher.snapshot.documents()[path].id, path, page)


@pytest.mark.parametrize("options", [{}, {"exact": True}, {"candidates": 5}])
def test_the_page_that_shares_the_rare_words_comes_first_and_never_the_page_itself(
    searcher: Searcher, options: dict[str, int]
) -> None:
    hits = searcher.more_like(ref(searcher, "a.pdf", 1), **options)
    assert places(hits)[:2] == [("b.pdf", 1), ("b.pdf", 2)]
    assert ("a.pdf", 1) not in places(hits)
    assert 0.3 < hits[0].score <= 1


def test_only_patches_in_the_box_are_searched_for(searcher: Searcher) -> None:
    x0, y0, x1, y1 = toy_words.line_of_boxes(5)[4] / 65535
    hits = searcher.more_like(ref(searcher, "a.pdf", 1), (x0, y0, x1, y1))
    assert places(hits) == [("b.pdf", 2)]
    with pytest.raises(UsageError, match="nothing on this part"):
        searcher.more_like(ref(searcher, "a.pdf", 1), (0.9, 0.9, 1, 1))


def test_first_pages_do_not_count_for_other_pages(searcher: Searcher) -> None:
    x0, y0, x1, y1 = toy_words.line_of_boxes(5)[1] / 65535
    assert places(searcher.more_like(ref(searcher, "a.pdf", 1), (x0, y0, x1, y1))) == [("b.pdf", 1)]


def test_a_path_filters_similar_pages(searcher: Searcher) -> None:
    assert places(searcher.more_like(ref(searcher, "a.pdf", 1), path="other.pdf", k=1))[0][0] == "other.pdf"


def test_a_page_that_is_not_in_the_index_is_refused(searcher: Searcher) -> None:
    with pytest.raises(UsageError, match="not in this index"):
        searcher.more_like(ref(searcher, "a.pdf", 9))


def test_a_batch_answers_as_single_queries_do(searcher: Searcher) -> None:
    refs = [ref(searcher, "a.pdf", 1), ref(searcher, "b.pdf", 2), ref(searcher, "a.pdf", 1)]
    queries = [Query("", "", like=by_example.Region(each)) for each in refs]
    together = [hits for _, hits in searcher.search_many([*queries, Query("", "w40")])]
    assert together[:3] == [searcher.more_like(each) for each in refs]
    assert together[3] == searcher.search("w40")


def test_common_patches_weigh_less_and_duplicates_are_dropped(searcher: Searcher) -> None:
    vectors = toy_words.directions()[[COMMON, 20, 20, 250]]
    query = by_example.of_patches(vectors, np.zeros(toy_words.WIDTH, np.float32), (0.5, 0.9))
    distinctive = by_example.most_distinctive_patches(searcher.snapshot, query, ToyEncoder().visual_words)
    assert len(distinctive.weights) == 3
    assert distinctive.weights.sum() == pytest.approx(1)
    common, rare, unknown = distinctive.weights
    assert common < 0.2 * rare < 0.2 * unknown


def test_of_many_patches_the_rarest_are_kept(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_example, "KEPT_PATCHES", 2)
    vectors = toy_words.directions()[[COMMON, 20, 250]]
    query = by_example.of_patches(vectors, np.zeros(toy_words.WIDTH, np.float32), (0.5, 0.9))
    distinctive = by_example.most_distinctive_patches(searcher.snapshot, query, None)
    np.testing.assert_array_equal(distinctive.vectors, vectors[1:])


def test_whole_page_patches_lie_in_no_region() -> None:
    boxes = np.array([[0, 0, 65535, 65535], [0, 0, 20000, 20000], [40000, 0, 65535, 65535]], np.uint16)
    assert by_example.inside(boxes, None).tolist() == [1, 2]
    assert by_example.inside(boxes, (0, 0, 0.5, 0.5)).tolist() == [1]
    assert by_example.inside(boxes, (0, 0, 1, 1)).tolist() == [1, 2]
    assert by_example.inside(boxes[:1], None).tolist() == [0]


def test_a_picture_is_searched_for_by_its_patches(searcher: Searcher) -> None:
    hits = searcher.search("", image=picture_of(20, 21, 22, COMMON))
    assert set(places(hits)[:2]) == {("a.pdf", 1), ("b.pdf", 1)}
    with pytest.raises(UsageError, match="nothing on the picture"):
        searcher.search("", image=picture_of(BLANK))


@pytest.mark.parametrize(
    "picture",
    ["chart.png", np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32), np.zeros((0, 9, 3), np.uint8), 3],
)
def test_what_is_no_picture_is_refused(searcher: Searcher, picture: object) -> None:
    with pytest.raises(UsageError, match=r"array \(height, width, 3\) of uint8, not (a str|one of|a int)"):
        searcher.search("", image=picture)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"candidates": 5}])
def test_words_and_a_picture_have_half_of_the_weight_each(searcher: Searcher, options: dict[str, int]) -> None:
    """Words and patches keep a floor and ceiling of their own."""
    hits = searcher.search("w40", image=picture_of(20, 21, 22), **options)
    assert places(hits)[0] == ("a.pdf", 1)
    assert hits[0].score == pytest.approx(1, abs=0.1)
    assert {("b.pdf", 1), ("b.pdf", 2)} <= set(places(hits))
    only_picture = next(hit for hit in hits if (hit.ref.path, hit.ref.page) == ("b.pdf", 1))
    assert only_picture.score == pytest.approx(0.5, abs=0.1)
