"""Pages that are prepared ahead, and adapters that are part of the weights: the vectors are those of `encode_pages`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from docsearch.engine.models.encoder import PreparingEncoder
from docsearch.engine.models.jina_v4.encoder import JinaV4
from docsearch.engine.records import PageImage, PageRef
from tiny_jina import TASKS

HALF = 1e-3
"""Vectors of pages are float16."""
ATOL = 2e-5


def opened(folder: Path, *, merges: bool = True, task: str = "retrieval") -> JinaV4:
    encoder = JinaV4.open(f"{folder},task={task}", device="cpu", dtype="float32")
    encoder.merges_adapters = merges
    return encoder


def pages() -> list[PageImage]:
    shapes = ((300, 200), (56, 56), (90, 400), (30, 29))
    drawn = np.random.default_rng(0)
    return [
        PageImage(PageRef("d", "d.pdf", number), drawn.integers(0, 256, (*shape, 3), dtype=np.uint8), 100.0)
        for number, shape in enumerate(shapes)
    ]


def weights(encoder: JinaV4) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in encoder.network.state_dict().items()}


@pytest.mark.parametrize("merges", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_prepared_pages_have_the_vectors_of_pages_encoded_at_once(folder: Path, task: str, merges: bool) -> None:
    encoder = opened(folder, merges=merges, task=task)
    assert isinstance(encoder, PreparingEncoder)
    got = encoder.encode_prepared(encoder.prepare_pages(pages())).vectors
    wanted = opened(folder, merges=False, task=task).encode_pages(pages()).vectors
    assert got.refs == wanted.refs
    np.testing.assert_array_equal(got.boxes, wanted.boxes)
    np.testing.assert_allclose(got.vectors.values.astype(float), wanted.vectors.values.astype(float), atol=HALF)
    np.testing.assert_allclose(got.single.astype(float), wanted.single.astype(float), atol=HALF)


def test_prepared_pages_may_be_texts(folder: Path) -> None:
    encoder = opened(Path(f"{folder},pages=text"))
    shown = [replace(page, text="revenue of the year") if page.ref.page % 2 else page for page in pages()]
    got, wanted = encoder.encode_prepared(encoder.prepare_pages(shown)).vectors, encoder.encode_pages(shown).vectors
    np.testing.assert_allclose(got.vectors.values.astype(float), wanted.vectors.values.astype(float), atol=HALF)


def test_a_merged_adapter_gives_the_same_vectors_within_rounding(folder: Path) -> None:
    encoder = opened(folder)
    items = [encoder.processor.picture(page.pixels) for page in pages()]
    apart = encoder.encode(items, ["retrieval"] * len(items))
    encoder.encode_prepared(encoder.prepare_pages(pages()))
    merged = encoder.encode(items, ["retrieval"] * len(items))
    assert any(not np.array_equal(one.multi, other.multi) for one, other in zip(apart, merged, strict=True))
    for one, other in zip(apart, merged, strict=True):
        np.testing.assert_allclose(other.multi, one.multi, atol=ATOL)
        np.testing.assert_allclose(other.single, one.single, atol=ATOL)


def test_another_task_gets_the_weights_back_bit_for_bit(folder: Path) -> None:
    encoder = opened(folder)
    before = weights(encoder)
    wanted = opened(folder, merges=False).encode_queries(["revenue"] * 2, task=["code", "text-matching"])
    encoder.encode_prepared(encoder.prepare_pages(pages()))
    merged = weights(encoder)
    assert any(not torch.equal(merged[name], value) for name, value in before.items())
    got = [encoder.encode_queries(["revenue"], task=task)[0] for task in ("code", "text-matching")]
    after = weights(encoder)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one.vectors, other.vectors, atol=ATOL)


def test_a_task_for_each_row_is_possible_after_one_was_merged(folder: Path) -> None:
    encoder = opened(folder)
    encoder.encode_prepared(encoder.prepare_pages(pages()))
    got = encoder.encode_queries(["revenue"] * 3, task=TASKS)
    for task, query in zip(TASKS, got, strict=True):
        wanted = opened(folder, merges=False).encode_queries(["revenue"], task=task)[0]
        np.testing.assert_allclose(query.vectors, wanted.vectors, atol=ATOL)


def test_bfloat16_is_merged_on_request_only(folder: Path) -> None:
    half = JinaV4.open(str(folder), device="cpu", dtype="bfloat16")
    assert not half.merges_adapters
    assert JinaV4.open(str(folder), device="cpu", dtype="float32").merges_adapters
