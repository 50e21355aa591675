from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

import docsearch
from docsearch.engine.errors import UsageError
from docsearch.engine.models import registry
from docsearch.engine.models.pixel import spec
from docsearch.engine.models.pixel.encoder import Pixel
from docsearch.engine.models.pixel.heads import FIGURE_HEAD, PAGE_HEAD
from docsearch.engine.models.pixel.pages import PixelPages
from docsearch.engine.models.pixel.text import PixelText
from docsearch.engine.models.pixel.units import BUCKETS, unit_features
from docsearch.engine.records import PageImage, PageRef
from docsearch.training.pixel.concept_head import TrainedHead
from docsearch.training.pixel.export import restore
from docsearch.training.pixel.network import PixelNetwork
from docsearch.training.pixel.text_tower import UNIT_BAG_DIM, TextTower

WEIGHTS_BYTES_MAX = 32_000_000
WORDS = ["Revenue", "harbour", "Quarterly", "1,577.5", "Zürich", "Façade"]


def page(lines: list[str], *, size: float = 34, width: int = 1200, height: int = 700) -> PageImage:
    """A page at 165 dpi with lines of text of `size` px."""
    image = Image.new("RGB", (width, height), "white")
    font = ImageFont.load_default(size)
    for i, line in enumerate(lines):
        ImageDraw.Draw(image).text((60, 50 + i * size * 1.6), line, fill="black", font=font)
    return PageImage(PageRef("d", "d.pdf", 1), np.asarray(image), 165)


@pytest.fixture(scope="module")
def text() -> PixelText:
    return PixelText.load()


def test_weights_that_ship_are_small() -> None:
    assert sum(file.stat().st_size for file in spec.FOLDER.glob("*.safetensors")) <= WEIGHTS_BYTES_MAX


def test_description_counts_the_parameters_that_ship() -> None:
    vision = sum(p.numel() for p in PixelNetwork().parameters())
    tower = sum(p.numel() for p in TextTower().parameters())
    heads = sum(p.numel() for head in (TrainedHead(FIGURE_HEAD), TrainedHead(PAGE_HEAD)) for p in head.parameters())
    units = sum(p.numel() for p in TextTower(unit_features, BUCKETS, UNIT_BAG_DIM).parameters())
    assert spec.SPEC.parameters == pytest.approx(2 * vision + tower + units + heads, rel=0.005)


def test_query_is_encoded_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from docsearch.engine.models.registry import load_query_encoder\n"
        "print(load_query_encoder('pixel').encode_query('revenue chart').tokens)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "('revenue', 'chart')"


def test_query_vectors_have_unit_length_and_weights_that_sum_to_one(text: PixelText) -> None:
    query = text.encode_query("What was the revenue of 2023?")
    np.testing.assert_allclose(np.linalg.norm(query.vectors, axis=1), 1, atol=1e-5)
    assert query.weights.sum() == pytest.approx(1)
    assert query.single.shape == (spec.SINGLE_DIM,)


def test_a_query_without_its_dense_vector_is_the_same_otherwise(text: PixelText) -> None:
    whole, tokens = text.encode_query("revenue chart 2023"), text.encode_tokens("revenue chart 2023")
    assert tokens.single.shape == (0,)
    for name in ("vectors", "weights", "pairs"):
        np.testing.assert_array_equal(getattr(tokens, name), getattr(whole, name))
    assert (tokens.tokens, tokens.floor, tokens.ceiling) == (whole.tokens, whole.floor, whole.ceiling)
    assert tokens.expansion is not None
    assert whole.expansion is not None
    np.testing.assert_array_equal(tokens.expansion.vectors, whole.expansion.vectors)


def test_common_words_weigh_less_than_rare_ones(text: PixelText) -> None:
    query = text.encode_query("people harbours")
    assert query.weights[0] < query.weights[1]


def test_frequent_words_are_left_out_unless_there_are_no_others(text: PixelText) -> None:
    assert text.encode_query("the revenue").tokens == ("revenue",)
    assert text.encode_query("the").tokens == ("the",)


def test_a_query_is_expanded_by_figures_and_synonyms(text: PixelText) -> None:
    query = text.encode_query("revenue chart")
    assert query.expansion is not None
    assert set(query.expansion.tokens.tolist()) == {0, 1}
    assert query.expansion.weights.max() == 1, "a chart is as good as the word"
    assert 0 < query.expansion.weights.min() < 0.5, "a synonym is not"
    np.testing.assert_allclose(np.linalg.norm(query.expansion.vectors, axis=1), 1, atol=1e-5)
    assert text.encode_query("Norvale").expansion is None


def test_query_without_words_is_refused(text: PixelText) -> None:
    with pytest.raises(UsageError, match="no word"):
        text.encode_query("?!")


def test_a_page_has_the_same_vectors_alone_and_among_others(vision: PixelPages) -> None:
    first, second = page(["Harbour dues and revenue"]), page(["Another page of words"], width=900)
    together = vision.encode_pages([second, first]).vectors
    alone = vision.encode_pages([first]).vectors
    np.testing.assert_array_equal(together.vectors[1], alone.vectors[0])
    np.testing.assert_array_equal(together.single[1], alone.single[0])


def test_blank_page_has_few_patches(vision: PixelPages) -> None:
    assert vision.encode_pages([page([])]).vectors.vectors.lengths[0] <= 2


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3000, 2), (17, 640)])
def test_odd_page_sizes_are_read(vision: PixelPages, width: int, height: int) -> None:
    embedded = vision.encode_pages([page(["x"], width=width, height=height)]).vectors
    assert len(embedded.vectors) == 1


def test_boxes_lie_on_the_words(vision: PixelPages) -> None:
    found = vision.read(page(["Harbour"], size=40, width=1000, height=600))
    x0, y0, x1, y1 = found.boxes[found.saliency.argmax()]
    assert 0.03 < x0 < 0.12 < x1 < 0.30
    assert 0.05 < y0 < y1 < 0.2


@pytest.mark.parametrize("size", [18, 34, 60])
@pytest.mark.parametrize("word", WORDS)
def test_a_printed_word_is_found_among_others(vision: PixelPages, text: PixelText, word: str, size: int) -> None:
    assert word in found_among_others(vision, text, size, width=1700, height=900)


def test_most_words_in_giant_letters_are_found(vision: PixelPages, text: PixelText) -> None:
    """Above 80 px, about one in seven falls between the resolutions at which a page is read."""
    found = [
        len(found_among_others(vision, text, size, width=width, height=height)) / len(WORDS)
        for width, height in ((1700, 900), (1700, 1100), (1400, 900))
        for size in (80, 90, 100, 110, 120)
    ]
    assert np.mean(found) >= 0.8


def found_among_others(vision: PixelPages, text: PixelText, size: int, *, width: int, height: int) -> set[str]:
    """The words of a page whose most similar patch is nearer to them than to its other words."""
    shown = page(["Revenue harbour", "Quarterly 1,577.5", "Zürich façade"], size=size, width=width, height=height)
    similarity = vision.read(shown).vectors @ text.encode_query(" ".join(WORDS)).vectors.T
    nearest = similarity[similarity.argmax(axis=0)].argmax(axis=1)
    return {word for own, word in enumerate(WORDS) if nearest[own] == own}


@pytest.mark.parametrize(("word", "size"), [("Telescope", 250), ("Umbrella", 330)])
def test_a_huge_title_is_found_where_it_stands(vision: PixelPages, text: PixelText, word: str, size: int) -> None:
    image = Image.new("RGB", (2400, 1650), "white")
    ImageDraw.Draw(image).text((90, 400), word, fill="black", font=ImageFont.load_default(size))
    found = vision.read(PageImage(PageRef("d", "d.pdf", 1), np.asarray(image), 165))
    cosines = found.vectors @ text.embed([word.lower()])[0][0]
    assert cosines.max() > 0.55
    x0, y0, x1, y1 = found.boxes[cosines.argmax()] * np.array([2400, 1650] * 2)
    assert x0 < 300
    assert x1 > 800
    assert 300 < y0 < y1 < 500 + 1.3 * size


def test_ordinary_print_is_not_read_as_huge(vision: PixelPages) -> None:
    base = vision.base_pass(page(["The river and the valley of the north"] * 9).pixels)
    assert len(vision.huge_words(base.image).heights) == 0


def test_the_error_for_an_unknown_model_says_what_names_a_model() -> None:
    with pytest.raises(UsageError, match="a name that 'docsearch models' lists"):
        registry.load_page_encoder("nothing")


def test_the_text_side_in_numpy_equals_the_trained_network(text: PixelText) -> None:
    words = ["revenue", "1,577.5", "größe", "прибыль", "a"]
    vectors, rarity = text.embed(words)
    tower = TextTower()
    restore(PixelNetwork(), tower)
    with torch.inference_mode():
        expected, expected_rarity = tower.eval()(words)
    np.testing.assert_allclose(vectors, expected.numpy(), atol=2e-3)
    np.testing.assert_allclose(rarity, expected_rarity.numpy(), atol=1e-2)


def test_both_sides_open_as_one_encoder_for_programs() -> None:
    encoder = docsearch.load_encoder("pixel", device="cpu")
    first, second = encoder.encode_queries(["revenue chart", "ship"])
    np.testing.assert_array_equal(second.vectors, encoder.encode_query("ship").vectors)
    assert first.tokens == ("revenue", "chart")
    blank = PageImage(PageRef("d", "d.pdf", 1), np.full((64, 64, 3), 255, np.uint8), 100.0)
    assert encoder.encode_pages([blank]).vectors.refs == (blank.ref,)
    with pytest.raises(UsageError, match="images of pages only"):
        encoder.encode_texts(["a", "b"])
    with pytest.raises(UsageError, match="pixel computes on the CPU"):
        docsearch.load_encoder("pixel", device="cuda")


@pytest.mark.parametrize(
    ("question", "tokens", "pairs"),
    [
        ("vitamin D", ("vitamin", "d"), [[0, 1]]),
        ("Annex D", ("annex", "d"), [[0, 1]]),
        ("vitamin", ("vitamin",), []),
        ("the documents I need", ("document", "need"), [[0, 1]]),
        ("A dog", ("dog",), []),
    ],
)
def test_a_capital_letter_behind_a_word_names_it(
    text: PixelText, question: str, tokens: tuple[str, ...], pairs: list[list[int]]
) -> None:
    encoded = text.encode_tokens(question)
    assert encoded.tokens == tokens
    assert encoded.pairs.tolist() == pairs


def test_both_sides_together_search_as_the_text_side_alone() -> None:
    both, alone = Pixel.load(), PixelText.load()
    assert both.visual_words.codebook.centroids.shape == alone.visual_words.codebook.centroids.shape
    np.testing.assert_array_equal(both.encode_tokens("net margin").vectors, alone.encode_tokens("net margin").vectors)
