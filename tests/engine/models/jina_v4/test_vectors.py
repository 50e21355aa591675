"""jina-embeddings-v4 against a reference written from its published description, on tiny random checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from docsearch.engine.errors import UsageError
from docsearch.engine.models import registry
from docsearch.engine.models.jina_v4 import encoder as module
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.models.jina_v4.inputs import Item
from docsearch.engine.records import PageImage, PageRef
from tiny_jina import DIMS, TASKS

from . import oracle

ATOL = 2e-5
TEXTS = ("revenue of the year", "a", "the chart shows how 3,141 ships left the harbour in März", "größe 二〇二三")
SHAPES = ((300, 200), (56, 56), (90, 400), (30, 29))


@pytest.fixture(scope="session")
def encoder(folder: Path) -> JinaV4:
    return JinaV4.open(str(folder), device="cpu", dtype="float32")


def pixels(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def page(height: int, width: int) -> PageImage:
    return PageImage(PageRef("d", "d.pdf", height), pixels(height, width), 100.0)


def mixed(encoder: JinaV4) -> tuple[list[Item], list[str]]:
    """Texts and images of several sizes, alternating, and a task for each."""
    texts = [encoder.processor.text(text, "query", "retrieval") for text in TEXTS]
    pictures = [encoder.processor.picture(pixels(*shape)) for shape in SHAPES]
    items = [item for pair in zip(texts, pictures, strict=True) for item in pair]
    return items, [TASKS[i % 3] for i in range(len(items))]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("prompt", ["query", "passage"])
def test_texts_equal_the_oracle(folder: Path, encoder: JinaV4, task: str, prompt: str) -> None:
    got = encoder.encode_texts(TEXTS, prompt=prompt, task=task)
    prefix = "Query" if task == "text-matching" or prompt == "query" else "Passage"
    for i, text in enumerate(TEXTS):
        multi, single = oracle.text(folder, f"{prefix}: {text}", task, DIMS[-1])
        np.testing.assert_allclose(got.vectors[i], multi, atol=ATOL)
        np.testing.assert_allclose(got.single[i], single, atol=ATOL)
    assert got.vectors.values.dtype == got.single.dtype == np.float32


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_equal_the_oracle(folder: Path, encoder: JinaV4, task: str, shape: tuple[int, int]) -> None:
    (got,) = encoder.encode([encoder.processor.picture(pixels(*shape))], [task])
    multi, single = oracle.picture(folder, pixels(*shape), task, DIMS[-1], encoder.settings.max_pixels)
    np.testing.assert_allclose(got.multi, multi, atol=ATOL)
    np.testing.assert_allclose(got.single, single, atol=ATOL)


def test_tasks_have_different_vectors(encoder: JinaV4) -> None:
    got = [encoder.encode_queries(["revenue"], task=task)[0] for task in TASKS]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(got[one].vectors - got[other].vectors).max() > 0.01
        assert np.abs(got[one].single - got[other].single).max() > 0.01


def test_item_alone_equals_the_item_in_a_mixed_batch_of_tasks_texts_and_pictures(encoder: JinaV4) -> None:
    items, tasks = mixed(encoder)
    together = encoder.encode(items, tasks)
    for item, task, got in zip(items, tasks, together, strict=True):
        (alone,) = encoder.encode([item], [task])
        np.testing.assert_allclose(got.multi, alone.multi, atol=ATOL)
        np.testing.assert_allclose(got.single, alone.single, atol=ATOL)


def test_order_of_a_batch_does_not_matter(encoder: JinaV4) -> None:
    items, tasks = mixed(encoder)
    forwards, backwards = encoder.encode(items, tasks), encoder.encode(items[::-1], tasks[::-1])[::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_allclose(one.multi, other.multi, atol=ATOL)


def test_vectors_do_not_depend_on_the_batch_size(encoder: JinaV4, monkeypatch: pytest.MonkeyPatch) -> None:
    items, tasks = mixed(encoder)
    large = encoder.encode(items, tasks)
    monkeypatch.setitem(module.BATCH_TOKENS, "cpu", 60)
    for one, other in zip(large, encoder.encode(items, tasks), strict=True):
        np.testing.assert_allclose(one.multi, other.multi, atol=ATOL)


def test_a_task_per_item_equals_one_task_for_all(encoder: JinaV4) -> None:
    by_row = encoder.encode_queries(TEXTS[:3], task=TASKS)
    for text, task, got in zip(TEXTS, TASKS, by_row, strict=False):
        np.testing.assert_allclose(got.vectors, encoder.encode_queries([text], task=task)[0].vectors, atol=ATOL)


@pytest.mark.parametrize("dim", DIMS)
def test_single_vectors_are_truncated_and_normalised(folder: Path, dim: int) -> None:
    cut = JinaV4.open(f"{folder},single_dim={dim}", device="cpu", dtype="float32")
    query = cut.encode_query(TEXTS[0])
    multi, single = oracle.text(folder, f"Query: {TEXTS[0]}", "retrieval", dim)
    np.testing.assert_allclose(query.single, single, atol=ATOL)
    np.testing.assert_allclose(query.vectors, multi, atol=ATOL)
    assert cut.spec.single_dim == dim == query.single.shape[0]


@pytest.mark.parametrize(("shape", "tokens"), [((224, 224), 8 * 8), ((252, 308), 9 * 11), ((1204, 812), 43 * 29)])
def test_page_has_eleven_tokens_and_one_for_each_square_of_28_px(
    folder: Path, shape: tuple[int, int], tokens: int
) -> None:
    large = JinaV4.open(f"{folder},max_pixels=2000000", device="cpu")
    assert len(large.processor.picture(pixels(*shape))) == 11 + tokens


@pytest.mark.parametrize("shape", [(2000, 1000), (4000, 4000), (100, 3000)])
def test_page_is_read_with_at_most_max_pixels(folder: Path, shape: tuple[int, int]) -> None:
    small = JinaV4.open(f"{folder},max_pixels=50000", device="cpu")
    rows, columns = small.processor.picture(pixels(*shape)).grid
    assert rows * columns * 14 * 14 <= 50_000
    assert small.spec.fingerprint["max_pixels"] == small.spec.max_pixels == 50_000


def test_kept_tokens_are_all_or_those_of_the_image(folder: Path, encoder: JinaV4) -> None:
    vision = JinaV4.open(f"{folder},tokens=vision", device="cpu", dtype="float32")
    every, kept = encoder.encode_pages([page(300, 200)]).vectors, vision.encode_pages([page(300, 200)]).vectors
    assert (len(every.vectors.values), len(kept.vectors.values)) == (88, 77)
    np.testing.assert_array_equal(kept.vectors.values, every.vectors.values[4:81])
    np.testing.assert_array_equal(kept.boxes, every.boxes[4:81])
    np.testing.assert_array_equal(kept.single, every.single)


def test_boxes_tile_the_page_and_those_of_the_prompt_are_the_page(encoder: JinaV4) -> None:
    boxes = encoder.encode_pages([page(300, 200)]).vectors.boxes.astype(np.int64)
    prompt, tiles = np.delete(boxes, np.s_[4:81], axis=0), boxes[4:81]
    assert (prompt == [0, 0, 65535, 65535]).all()
    areas = (tiles[:, 2] - tiles[:, 0]) * (tiles[:, 3] - tiles[:, 1])
    assert areas.sum() == 65535**2
    assert len(np.unique(tiles, axis=0)) == 77


def test_the_box_of_a_token_is_where_its_pixels_are(encoder: JinaV4) -> None:
    white = np.full((280, 196, 3), 255, np.uint8)
    item = encoder.processor.picture(white)
    vision = encoder.encode_pages([PageImage(PageRef("d", "d.pdf", 1), white, 100.0)]).vectors
    for token in (0, 8, 69):
        x0, y0, x1, y1 = np.rint(vision.boxes[4 + token] / 65535 * (196, 280, 196, 280)).astype(int)
        spot = white.copy()
        spot[y0:y1, x0:x1] = 0
        patches = encoder.processor.patches(encoder.processor.picture(spot))
        changed = (patches != encoder.processor.patches(item)).any(axis=1)
        assert np.flatnonzero(changed).tolist() == list(range(4 * token, 4 * token + 4))


def test_pages_are_one_ragged_value_in_the_order_given(encoder: JinaV4) -> None:
    pages: Sequence[PageImage] = [page(*shape) for shape in SHAPES]
    got = encoder.encode_pages(pages).vectors
    assert got.refs == tuple(p.ref for p in pages)
    for i, each in enumerate(pages):
        alone = encoder.encode_pages([each]).vectors
        np.testing.assert_allclose(got.vectors[i].astype(float), alone.vectors.values.astype(float), atol=1e-3)
        np.testing.assert_allclose(got.single[i].astype(float), alone.single[0].astype(float), atol=1e-3)


def test_an_image_as_a_query_equals_the_same_image_as_a_page(encoder: JinaV4) -> None:
    (query,) = encoder.encode_image_queries([pixels(300, 200)])
    embedded = encoder.encode_pages([page(300, 200)]).vectors
    np.testing.assert_allclose(query.vectors, embedded.vectors.values[4:81].astype(float), atol=1e-3)
    np.testing.assert_allclose(query.single, embedded.single[0].astype(float), atol=1e-3)
    assert query.weights.sum() == pytest.approx(1, abs=1e-5)


def test_tokens_of_a_query_have_texts_and_equal_weights(encoder: JinaV4) -> None:
    query = encoder.encode_query("revenue of the year")
    assert query.tokens == ("Query", ":", " revenue", " of", " the", " year")
    assert set(query.weights.tolist()) == {np.float32(1 / 6)}


def test_long_texts_are_truncated_to_the_context_of_the_model(encoder: JinaV4, monkeypatch: pytest.MonkeyPatch) -> None:
    item = encoder.processor.text("a " * 40_000, "passage", "retrieval")
    assert len(item) == 32768


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_bfloat16_is_near_float32_and_is_returned_as_float32(folder: Path, encoder: JinaV4, device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    half = JinaV4.open(str(folder), device=device, dtype="bfloat16")
    items, tasks = mixed(encoder)
    for got, wanted in zip(half.encode(items, tasks), encoder.encode(items, tasks), strict=True):
        assert got.multi.dtype == got.single.dtype == np.float32
        assert (got.multi * wanted.multi).sum(axis=1).mean() > 0.99
        assert got.single @ wanted.single > 0.99
        np.testing.assert_allclose(np.linalg.norm(got.multi, axis=1), 1, atol=1e-5)


def test_threads_with_different_tasks_do_not_affect_each_other(encoder: JinaV4) -> None:
    tasks = [TASKS[i % 3] for i in range(24)]
    wanted = {task: encoder.encode_queries([TEXTS[0]], task=task)[0].vectors for task in TASKS}
    with ThreadPoolExecutor(4) as threads:
        for task, got in zip(
            tasks,
            threads.map(lambda task: encoder.encode_queries([TEXTS[0]], task=task)[0].vectors, tasks),
            strict=True,
        ):
            np.testing.assert_allclose(got, wanted[task], atol=ATOL)


def test_special_tokens_in_a_text_are_read_as_text(encoder: JinaV4) -> None:
    item = encoder.processor.text("what does <|image_pad|> mean", "query", "retrieval")
    assert encoder.processor.image_pad not in item.ids
    assert "".join(encoder.processor.words(item)) == "Query: what does <|image_pad|> mean"


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_queries_are_refused(encoder: JinaV4, text: str) -> None:
    with pytest.raises(UsageError, match="nothing to search for"):
        encoder.encode_query(text)


def test_unknown_tasks_and_wrong_counts_are_refused(encoder: JinaV4) -> None:
    with pytest.raises(ValueError, match="no task poetry"):
        encoder.encode_queries(["a"], task="poetry")
    with pytest.raises(ValueError, match="2 tasks for 1 items"):
        encoder.encode_queries(["a"], task=["code", "code"])


def test_a_page_of_an_extreme_aspect_ratio_is_refused(encoder: JinaV4) -> None:
    with pytest.raises(ValueError, match="aspect ratio"):
        encoder.encode_pages([page(5, 1500)])


@pytest.mark.parametrize("task", TASKS)
def test_text_layers_as_pages_equal_the_oracle_and_pages_without_one_are_pictures(folder: Path, task: str) -> None:
    encoder = JinaV4.open(f"{folder},pages=text,task={task}", device="cpu", dtype="float32")
    code = "def revenue(year: int) -> int:\n    return 3_141"
    pages = [replace(page(90, 400), text=code), page(56, 56)]
    got = encoder.encode_pages(pages).vectors
    prefix = "Query" if task == "text-matching" else "Passage"
    multi, single = oracle.text(folder, f"{prefix}: {code}", task, DIMS[-1])
    np.testing.assert_allclose(got.vectors[0], multi, atol=1e-3)
    np.testing.assert_allclose(got.single[0], single, atol=1e-3)
    multi, single = oracle.picture(folder, pages[1].pixels, task, DIMS[-1], encoder.settings.max_pixels)
    np.testing.assert_allclose(got.vectors[1], multi, atol=1e-3)
    boxes = np.split(got.boxes, got.vectors.offsets[1:-1])
    assert (boxes[0] == [0, 0, 65535, 65535]).all()
    assert (boxes[1] != [0, 0, 65535, 65535]).any()


def test_a_page_as_text_is_another_index_and_as_a_picture_the_one_that_it_was(folder: Path) -> None:
    plain, text = (registry.find_spec(f"{folder}{setting}").fingerprint for setting in ("", ",pages=text"))
    assert "pages" not in plain
    assert text["pages"] == "text"
    assert str(text["name"]).endswith(",pages=text")
    with pytest.raises(UsageError, match="pages=sound: either image or text"):
        registry.find_spec(f"{folder},pages=sound")
