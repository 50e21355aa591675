"""A pooling encoder embeds pages as the encoder in it does, with fewer vectors per page."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from docsearch.engine.compression import pooling
from docsearch.engine.models.pixel import spec
from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pooled import PoolingPageEncoder, pooled_encoder, pooled_spec
from docsearch.engine.records import PageImage, PageRef
from fake_encoder import SPEC, FakeEncoder

LINES = (
    ["revenue revenue chart", "revenue of the year", "chart of the revenue"] * 2,
    ["minutes of the meeting", "the members of the board", "the end of the meeting"],
)


def page(lines: list[str], number: int) -> PageImage:
    image = Image.new("RGB", (700, 500), "white")
    for i, line in enumerate(lines):
        ImageDraw.Draw(image).text((40, 30 + i * 55), line, fill="black", font=ImageFont.load_default(32))
    return PageImage(PageRef("d", "d.pdf", number), np.asarray(image), 165)


@pytest.fixture(scope="module")
def pages() -> list[PageImage]:
    """Two pages with repeated words, and a blank one between them."""
    return [page(LINES[0], 1), page([], 2), page(LINES[1], 3)]


def test_factor_1_is_the_encoder_itself() -> None:
    encoder = FakeEncoder()
    assert pooled_encoder(encoder, 1) is encoder
    assert pooled_spec(SPEC, 1).fingerprint == SPEC.fingerprint


def test_each_factor_has_a_fingerprint_of_its_own() -> None:
    recorded = [pooled_spec(SPEC, factor).fingerprint for factor in (1, 2, 3)]
    assert [pooling.factor_of(fingerprint) for fingerprint in recorded] == [1, 2, 3]
    assert recorded[1] == {**SPEC.fingerprint, "pool": "2"}


def test_pages_have_fewer_vectors_and_the_same_single_vectors(vision: PixelPages, pages: list[PageImage]) -> None:
    before, after = vision.encode_pages(pages), PoolingPageEncoder(vision, 3).encode_pages(pages)
    assert after.vectors.refs == before.vectors.refs
    np.testing.assert_array_equal(after.vectors.single, before.vectors.single)
    assert (after.vectors.vectors.lengths <= before.vectors.vectors.lengths).all()
    assert after.vectors.vectors.lengths[0] < before.vectors.vectors.lengths[0]
    assert after.vectors.vectors.lengths[1] == before.vectors.vectors.lengths[1] == 0
    assert len(after.vectors.boxes) == len(after.vectors.vectors.values)


def test_the_word_of_a_merged_vector_is_its_nearest_visual_word(vision: PixelPages, pages: list[PageImage]) -> None:
    after = PoolingPageEncoder(vision, 3).encode_pages(pages)
    assert after.words is not None
    values = after.vectors.vectors.values.astype(np.float32)
    cosines = values @ vision.visual_words.centroids.T
    assert len(after.words) == len(values)
    # The model assigns visual words in 8-bit integers or bfloat16 where the CPU computes in them.
    np.testing.assert_allclose(cosines[np.arange(len(values)), after.words], cosines.max(axis=1), atol=0.01)


def test_vectors_below_the_match_range_are_not_merged(vision: PixelPages, pages: list[PageImage]) -> None:
    before, after = vision.encode_pages(pages[:1]), PoolingPageEncoder(vision, 1000).encode_pages(pages[:1])
    own, fewer = (each.vectors.vectors.values.astype(np.float32) for each in (before, after))
    assert len(fewer) > 1
    assert ((own @ fewer.T).max(axis=1) >= spec.SPEC.match_range[0]).all()


def test_vectors_of_a_page_do_not_depend_on_its_batch(vision: PixelPages, pages: list[PageImage]) -> None:
    encoder = PoolingPageEncoder(vision, 2)
    together = encoder.encode_pages(pages)
    for row, each in enumerate(pages):
        alone = encoder.encode_pages([each])
        assert alone.vectors.vectors[0].tobytes() == together.vectors.vectors[row].tobytes()
        first, last = together.vectors.vectors.offsets[row : row + 2].tolist()
        assert alone.vectors.boxes.tobytes() == together.vectors.boxes[first:last].tobytes()
        assert alone.words is not None
        assert together.words is not None
        assert alone.words.tolist() == together.words[first:last].tolist()


def test_a_model_without_visual_words_has_none_after_pooling() -> None:
    embedded = PoolingPageEncoder(FakeEncoder(), 2).encode_pages([page(["a"], 1), page(["b"], 2)])
    assert embedded.words is None
    assert embedded.vectors.vectors.lengths.max() < 5
